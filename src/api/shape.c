/* The shape of a database as text: what two of them must have in common to be of one version. */
#include "api/schema.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool joins(char c)
{
    return strchr(" (),;=<>|", c) != NULL; /* spaces beside these mean nothing; a text's end does not either */
}

/* One space where there were some, none where it means nothing, no quotes round names; what stands in '…' as it is. */
static char *plain(struct arena *a, const char *sql)
{
    char *out = arena_take(a, strlen(sql) + 1), *o = out;
    bool quoted = false;
    for (const char *s = sql; *s; s++) {
        quoted ^= *s == '\'';
        bool space = isspace((unsigned char)*s) && !quoted;
        if (!quoted && (*s == '"' || (space && (o == out || joins(o[-1]) || joins(s[1]) || isspace((unsigned char)s[1])))))
            continue;
        *o++ = space ? ' ' : *s;
    }
    return out;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The end of a column or rule of a table: the comma, or the parenthesis that closes the table. */
static char *item_end(char *s)
{
    bool quoted = false;
    for (int depth = 0; *s; s++) {
        quoted ^= *s == '\'';
        if (quoted)
            continue;
        if (depth == 0 && (*s == ',' || *s == ')'))
            return s;
        depth += *s == '(' ? 1 : *s == ')' ? -1 : 0;
    }
    return s;
}

enum { ITEMS_MOST = 200 };

/* A column that a step added stands last, one of a fresh table where it reads best. */
static void add_table(struct text *t, char *sql)
{
    char *items[ITEMS_MOST], *body = strchr(sql, '('), *end = body;
    size_t n = 0;
    while (end && *end && *end != ')' && n < ITEMS_MOST) {
        *end = 0;
        items[n++] = end + 1;
        end = item_end(end + 1);
    }
    const char *rest = end && *end ? end + 1 : "";
    if (end)
        *end = 0;
    qsort(items, n, sizeof *items, by_text);
    text_fmt(t, "%s\n", sql);
    for (size_t i = 0; i < n; i++)
        text_fmt(t, "    %s\n", items[i]);
    text_fmt(t, "%s\n", rest);
}

enum err schema_shape(struct sql *db, struct text *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT type, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"));
    while (rows_next(r)) {
        char *sql = plain(a, rows_text(r, 1));
        if (strcmp(rows_text(r, 0), "table") == 0)
            add_table(ret, sql);
        else
            text_fmt(ret, "%s\n", sql);
    }
    return rows_error(r);
}
