/* query.h - the query language of every list.
 *
 *     query  := or          or   := and { "or" and }        and := not { "and" not }       not := ["not"] prim
 *     prim   := "(" query ")" | path op value | path ["not"] "in" "(" value { "," value } ")"
 *             | "count" "(" path [op value] ")" op number
 *     path   := name { "." name }                           op := = != < <= > >= ~ !~ ["not"] startswith ["not"] endswith
 *     value  := "text" | 'text' | number | True | False | None
 *
 * Paths are the fields of the resource that are marked F_FILTER, and nothing else can be reached. docs/query.md says what each
 * condition means. Keys of an object field are further names: metadata.camera = "left". */
#pragma once
#include "api/resource.h"

enum { QUERY_LENGTH = 4000, QUERY_DEPTH = 50, QUERY_VALUES = 200 };

/* The WHERE clause; its values are numbered from ?first_value + 1. E_INVALID says at which character and what was expected. */
MUST_USE enum err query_where(struct arena *, const struct resource *, const char *q, size_t first_value, struct where *ret);

/* Each member of the object (JSON text) has that value under its key in the resource's object field (null: there is none): the
 * filter `custom_metadata` of lists. E_INVALID: no object, or a value that is a list or an object. */
MUST_USE enum err query_members(struct arena *, const struct resource *, const char *field, const char *json, size_t first_value,
                                struct where *ret);

/* Makes the language known to api/'s pages. */
void query_install(void);

extern const struct resource query_resource; /* GET /api/query/complete */

/* Inside query/: the words of the language. */
enum token_kind { TOKEN_END, TOKEN_PATH, TOKEN_TEXT, TOKEN_NUMBER, TOKEN_SIGN, TOKEN_WORD, TOKEN_BAD };
struct token {
    enum token_kind kind;
    size_t at, end;   /* bytes of the query, from 0 */
    const char *text; /* path, text without quotes, sign or word */
    double number;
    bool open; /* a text whose closing quote is missing */
};
struct token query_token(struct arena *, const char *q, size_t from);
const struct field *query_field(const struct resource *, const char *path, const char **ret_key); /* key: inside an object field */
/* The expression that a path stands for. */
const char *query_expression(const struct field *);
