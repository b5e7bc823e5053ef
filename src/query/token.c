#include "query/query.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool starts_name(char c)
{
    return isalpha((unsigned char)c) || c == '_';
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.' || c == '-';
}

static struct token text_token(struct arena *a, const char *q, size_t at)
{
    char quote = q[at];
    size_t i = at + 1, n = 0;
    char *s = arena_take(a, strlen(q + at) + 1);
    for (; q[i] && q[i] != quote; i++) {
        if (q[i] == '\\' && (q[i + 1] == quote || q[i + 1] == '\\'))
            i++;
        s[n++] = q[i];
    }
    return (struct token){ .kind = TOKEN_TEXT, .at = at, .end = q[i] ? i + 1 : i, .text = s, .open = !q[i] };
}

struct token query_token(struct arena *a, const char *q, size_t i)
{
    static const char *const signs[] = { "!=", "<=", ">=", "!~", "=", "<", ">", "~", "(", ")", "," };
    static const char *const words[] = { "and", "or", "not", "in", "startswith", "endswith", "True", "False", "None" };
    while (isspace((unsigned char)q[i]))
        i++;
    if (!q[i])
        return (struct token){ .kind = TOKEN_END, .at = i, .end = i, .text = "the end" };
    if (q[i] == '"' || q[i] == '\'')
        return text_token(a, q, i);
    if (isdigit((unsigned char)q[i]) || ((q[i] == '-' || q[i] == '+' || q[i] == '.') && isdigit((unsigned char)q[i + 1]))) {
        char *end;
        double d = strtod(q + i, &end);
        size_t at = (size_t)(end - q);
        bool bad = in_name(*end) || strpbrk(arena_copy(a, q + i, at - i), "xX"); /* decimal ones only */
        return (struct token){ bad ? TOKEN_BAD : TOKEN_NUMBER, i, at, arena_copy(a, q + i, at - i), d, false };
    }
    if (starts_name(q[i])) {
        size_t end = i;
        while (in_name(q[end]))
            end++;
        struct token t = { .kind = TOKEN_PATH, .at = i, .end = end, .text = arena_copy(a, q + i, end - i) };
        for (size_t k = 0; k < COUNT_OF(words); k++)
            if (strcmp(t.text, words[k]) == 0)
                t.kind = TOKEN_WORD;
        return t;
    }
    for (size_t k = 0; k < COUNT_OF(signs); k++)
        if (strncmp(q + i, signs[k], strlen(signs[k])) == 0)
            return (struct token){ .kind = TOKEN_SIGN, .at = i, .end = i + strlen(signs[k]), .text = signs[k] };
    return (struct token){ .kind = TOKEN_BAD, .at = i, .end = i + 1, .text = arena_copy(a, q + i, 1) };
}

const struct field *query_field(const struct resource *r, const char *path, const char **ret_key)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        size_t n = strlen(f->name);
        if (!(f->flags & F_FILTER) || strncmp(path, f->name, n) != 0)
            continue;
        if (!path[n] && f->type != T_OBJECT) {
            *ret_key = NULL;
            return f;
        }
        if (path[n] == '.' && path[n + 1] && f->type == T_OBJECT) {
            *ret_key = path + n + 1;
            return f;
        }
    }
    return NULL;
}

const char *query_expression(const struct field *f)
{
    return f->sql ? f->sql : f->name;
}
