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

/* ---- members of JSON documents: what is kept of them, for fields of type T_OBJECT with .owner, .keys and .drive */

/* Which document of a thing: the last word is the field's name. */
#define KEPT_METADATA "metadata"
#define KEPT_CUSTOM "custom_metadata"
#define KEPT_PREDICTION_METADATA "prediction metadata"
#define KEPT_PREDICTION_CUSTOM "prediction custom_metadata"
#define KEPT_ATTRIBUTES "attributes"
#define KEPT_KEYS(document) "k.document = '" document "'"
/* The values of a thing go with it: for its table's trigger. */
#define KEPT_GOES "DELETE FROM metadata_value WHERE owner_id = old.id;"
/* The values under a key that an organization knows, m; the thing ?1 is in the table: " WHERE " KEPT_WITHIN must follow. */
#define KEPT_FROM(table) " FROM " table " s CROSS JOIN metadata_key k CROSS JOIN metadata_value m"
#define KEPT_WITHIN "s.id = ?1 AND k.org = s.org AND m.key_id = k.id"

/* Bytes of a key's path; values of a document, more are refused; items of a list, whose longer ones are not searched inside; bytes
 * of a text, of which the first so many are searched (a query is shorter, so that = and startswith are exact). */
enum { KEPT_PATH = 200, KEPT_VALUES = 1000, KEPT_ITEMS = 64, KEPT_WORDS = 4000 };

extern const struct resource metadata_key_resource; /* the tables */

/* Within the transaction that writes the document, JSON text or NULL. E_UNMEANT names what is over a limit. */
MUST_USE enum err kept_put(struct sql *, const char *org, const char *document, const char *owner_id, const char *json);
MUST_USE enum err kept_replace(struct sql *, const char *org, const char *document, const char *owner_id, const char *json);
MUST_USE enum err kept_copy(struct sql *, const char *from_owner, const char *to_owner); /* of the same organization */
/* Whether what is kept of the document is what it says. */
MUST_USE enum err kept_is(struct sql *, const char *document, const char *owner_id, const char *json, bool *ret_same);
MUST_USE enum err kept_migrate(struct sql *, struct arena *); /* the step that made the tables */

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
