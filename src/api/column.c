/* The rows of a resource against its table, at start: what a member says of itself must be so in the column that it is read from
 * and written to. So neither can be changed alone. */
#include "api/select.h"
#include <string.h>

/* ---- type */

static bool type_fits(enum type type, const char *declared)
{
    switch (type) {
    case T_INT:
    case T_BOOL:
    case T_TIME: return strcmp(declared, "INTEGER") == 0;
    case T_NUMBER: return strcmp(declared, "REAL") == 0;
    case T_JSON:
    case T_PART: /* whether it is NULL is all that is asked */
    case T_TUPLE: return true;
    default: return strcmp(declared, "TEXT") == 0;
    }
}

/* ---- words */

static bool among(const char *const *words, const char *word, size_t n)
{
    for (; words && *words; words++)
        if (strlen(*words) == n && strncmp(*words, word, n) == 0)
            return true;
    return false;
}

/* "'A', 'B')": are they the field's words, all of them and no other? */
static bool same_words(const char *const *words, const char *list)
{
    size_t n = 0, known = 0;
    for (const char *end; (list = strchr(list, '\'')) && (end = strchr(list + 1, '\'')); n++) {
        if (!among(words, list + 1, (size_t)(end - list - 1)))
            return false;
        list = end + 1;
        if (*list == ')')
            break;
    }
    while (words && words[known])
        known++;
    return n + 1 == known;
}

static enum err words_fit(struct sql *db, const struct column_origin *o, const struct field *f, const char **ret)
{
    AUTO(arena) struct arena *a = arena_new();
    char *made;
    *ret = NULL;
    TRY(sql_made_as(db, a, o->table, &made));
    const char *start = arena_fmt(a, "CHECK (%s IN (", o->column), *check = made ? strstr(made, start) : NULL;
    if (check && !same_words(f->words, check + strlen(start)))
        *ret = f->words ? "its words are not those of the column's CHECK" : "its column's CHECK has words, and it has none";
    return OK;
}

/* ---- a member */

static enum err differs(const struct resource *r, const struct field *f, const struct column_origin *o, const char *how)
{
    return fail(E_BROKEN, "%s: field %s (%s %s of table %s): %s", r->name, f->name, o->column, o->type, o->table, how);
}

enum err column_check(struct sql *db, const struct resource *r, const struct field *f)
{
    AUTO(text) struct text t;
    AUTO(rows) struct rows *row = NULL;
    struct column_origin o;
    const char *sql = f->sql ? f->sql : f->name, *how;
    text_init(&t, SELECT_CAP);
    text_fmt(&t, "SELECT %s FROM %s LIMIT 0", sql, r->from);
    TRY(fail_within(sql_rows_text(db, &row, t.bytes, NULL, 0), "%s: field %s: ", r->name, f->name));
    if (!rows_origin(row, 0, &o))
        return OK;
    if (o.may_be_null && !(f->flags & (F_NULL | F_WHEN | F_HIDE)) && f->type != T_MANY)
        return differs(r, f, &o, "it may be NULL and does not say F_NULL");
    if (field_nested(f))
        return OK;
    if (!o.may_be_null && f->flags & F_NULL && column_is_first(r, f->sql))
        return differs(r, f, &o, "it says F_NULL and is never NULL");
    if (!type_fits(f->type, o.type))
        return differs(r, f, &o, "it is of another type");
    TRY(words_fit(db, &o, f, &how));
    return how ? differs(r, f, &o, how) : OK;
}

/* ---- what is written */

static bool is_made(const struct resource *r, bool new)
{
    for (const struct resource *const *of = resources; *of; of++)
        for (size_t i = 0; i < (*of)->n_routes; i++)
            if ((new ? (*of)->routes[i].makes : (*of)->routes[i].changes) == r)
                return true;
    return false;
}

static enum err written(struct sql *db, const char *table, const struct resource *r, const struct field *f)
{
    AUTO(text) struct text t;
    AUTO(rows) struct rows *row = NULL;
    struct column_origin o;
    text_init(&t, SELECT_CAP);
    text_fmt(&t, "SELECT %s FROM %s LIMIT 0", field_column(f), table);
    TRY(fail_within(sql_rows_text(db, &row, t.bytes, NULL, 0), "%s: field %s says F_NEW or F_EDIT: ", r->name, f->name));
    if (!rows_origin(row, 0, &o))
        return fail(E_BROKEN, "%s: field %s says F_NEW or F_EDIT, and is no column of %s", r->name, f->name, table);
    if (field_column(f) != f->name && !column_is_first(r, f->sql))
        return differs(r, f, &o, "it is read from another table than it would be written to");
    if (!type_fits(f->type, o.type))
        return differs(r, f, &o, "it would be written as another type");
    if (f->flags & F_NULL && !o.may_be_null)
        return differs(r, f, &o, "it may be sent as null, and is never NULL");
    return OK;
}

enum err written_check(struct sql *db, const struct resource *r)
{
    AUTO(arena) struct arena *a = arena_new();
    unsigned all = 0;
    for (size_t i = 0; i < r->n_fields; i++) {
        all |= r->fields[i].flags;
        if (r->fields[i].flags & (F_NEW | F_EDIT) && r->from[0] != '(') /* of a part of a table the handler writes */
            TRY(written(db, resource_table(a, r), r, &r->fields[i]));
    }
    if (all & F_NEW && !is_made(r, true))
        return fail(E_BROKEN, "%s has members with F_NEW, and no route MAKES() it", r->name);
    if (all & F_EDIT && !is_made(r, false))
        return fail(E_BROKEN, "%s has members with F_EDIT, and no route CHANGES() it", r->name);
    return OK;
}
