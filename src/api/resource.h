/* resource.h - a kind of thing that has rows in the database and a place in the API: one const struct, in one file of app/.
 *
 * Its fields say at once what the SELECT reads, what the JSON holds, what may be sorted by and what the query language may name.
 * At start every resource is tried: a field without a column, a route without a right, two routes on one path stop the server. */
#pragma once
#include "api/op.h"

struct resource {
    const char *name;  /* "dataset version", as errors say it: "there is no dataset version …" */
    const char *table; /* CREATE TABLE …; may be several statements. The truth of today's schema */
    const struct field *fields;
    size_t n_fields;
    const char *from; /* "dataset_version v JOIN dataset d ON d.id = v.dataset_id" */
    const char *key;  /* the expression of the id: "v.id" */
    const char
        *org; /* the expression of the owning organization: "d.org"; NULL: belongs to none. A row where it is NULL is public */
    const char *order; /* the order of lists when the request names none: "v.created_at DESC, v.id DESC" */
    const struct route *routes;
    size_t n_routes;
    const char *root;   /* the expression of the id of what access is given on, and reaches this: the dataset of a version, the
                         * deployment of a prediction; NULL: by the organization only */
    const char *owner;  /* the expression of the id of the user that a private row is of: nobody else sees it */
    const char *shown;  /* "FROM … WHERE … x": x being something that access was given on, a row may be looked at */
    const char *called; /* in the API's description; NULL: name. For two forms of one thing */
    enum err (*first)(struct sql *); /* rows that must be there from the first start on; may be NULL; called in a transaction */
    /* Some fields are sorted by and searched for as they are kept elsewhere; where this statement counts something, of the ?1 that
     * a list is restricted to, that is not true yet, and the list is answered by another form of the resource. */
    const char *behind;
    const struct resource *meanwhile;
    const struct removal *removal; /* it is deleted by thing_remove(): hidden at once, emptied later */
};

/* An answer that a handler writes by hand: what it holds, for the description. Members that are sometimes left out are F_WHEN. */
#define DESCRIBED(name_, says_, ...)                                                                                               \
    static const struct field name_##_fields[] = { __VA_ARGS__ };                                                                  \
    static const struct resource name_ = { .name = says_, .fields = name_##_fields, .n_fields = COUNT_OF(name_##_fields) }
/* An answer that is a part of a row, for reply_one() with the id of what the route is on: whose that is was looked at. */
#define PART_OF_ROW(name_, says_, from_, key_, ...)                                                                                \
    static const struct field name_##_fields[] = { __VA_ARGS__ };                                                                  \
    static const struct resource name_ = {                                                                                         \
        .name = says_, .fields = name_##_fields, .n_fields = COUNT_OF(name_##_fields), .from = from_, .key = key_                  \
    }
/* Those of several areas: {"count"}, an id, {"presigned_url"}, {"id", "status"} of a job, {"job": that}, any object. */
extern const struct resource count_answer, id_answer, link_answer, job_short, job_answer, free_answer;
/* What is inside of JSON: a text, a number, a point [x, y]. */
extern const struct resource text_value, number_value, point_value;

extern const struct resource *const resources[]; /* app/resources.c; NULL-terminated */

/* A WHERE clause with its values, from the query language (query/) or from a handler's constant text. */
struct where {
    const char *sql; /* NULL: all. Its values are numbered from ?1 on */
    const struct value *values;
    size_t n;
    const char *const *drivers; /* SELECTs of `id`, with the same values: the rows that fulfil it are among those of each */
    size_t n_drivers;
};

/* Is there such a row in the caller's organization? E_NOT_FOUND says "there is no dataset '…'". */
MUST_USE enum err resource_need(struct op *, const struct resource *, const char *id);
/* The same for one that is named in the body and that the route changes besides the thing that it is on: E_FORBIDDEN where the
 * caller is no member (or more), neither of the organization nor by access to it. */
MUST_USE enum err resource_need_to_change(struct op *, const struct resource *, const char *id);
/* Writes one as a JSON object: the whole answer with key NULL, or a member of an object being written. Checks the organization. */
MUST_USE enum err reply_one(struct op *, const struct resource *, const char *id);
MUST_USE enum err reply_member(struct op *, const char *key, const struct resource *, const char *id);
/* The one row that the condition gives, E_NOT_FOUND with what `missing` says: find routes. Texts are looked for as they are, then
 * in composed, then in decomposed form: a name is kept as it was typed. */
#define reply_find(op, resource, missing, condition, ...)                                                                          \
    reply_find_where(op, resource, missing, "" condition "", VALUES(__VA_ARGS__))
MUST_USE enum err reply_find_where(struct op *, const struct resource *, const char *missing, const char *condition,
                                   const struct value *, size_t n);
/* {"items":[…],"next_cursor":…,"count":n,"count_exact":…} of the rows that fulfil the condition, with the request's limit (at most
 * 1000, default 100), offset, cursor, order_by, q and count ("exact" or "short"). An exact count is given where it costs no more
 * than the page, and to those who ask for it or page by offset; else there are at least so many. The condition is constant text. */
#define reply_page(op, resource, condition, ...) reply_page_where(op, resource, "" condition "", VALUES(__VA_ARGS__))
MUST_USE enum err reply_page_where(struct op *, const struct resource *, const char *condition, const struct value *, size_t n);
/* All of them at once (at most 100 000) in the same envelope: the contract's lists without pages. */
#define reply_list(op, resource, condition, ...) reply_list_where(op, resource, "" condition "", VALUES(__VA_ARGS__))
MUST_USE enum err reply_list_where(struct op *, const struct resource *, const char *condition, const struct value *, size_t n);
/* Those that fulfil the condition as a bare list under the key (NULL: the whole answer), in the order of the resource. */
#define reply_rows(op, key, resource, condition, ...) reply_rows_where(op, key, resource, "" condition "", VALUES(__VA_ARGS__))
MUST_USE enum err reply_rows_where(struct op *, const char *key, const struct resource *, const char *condition,
                                   const struct value *, size_t n);
/* The ids that the caller's `q` (or any query text) selects within the condition: for actions on all of a query. */
MUST_USE enum err resource_ids(struct op *, const struct resource *, const char *q, const char *condition, const struct value *,
                               size_t n, const char ***ret, size_t *ret_n);
/* The same, at most so many of them: the first ones in that order ("a.score DESC"), or with NULL in the resource's own. */
MUST_USE enum err resource_first(struct op *, const struct resource *, const char *q, const char *order, int64_t most,
                                 const char *condition, const struct value *, size_t n, const char ***ret, size_t *ret_n);

/* A row of the resource's table, whose route MAKES() it: a new id, the organization, created_at and updated_at where there are such
 * members, what was sent with F_NEW, and the columns that the handler gives as { "name", V(value) }, which stand for what was not
 * sent as well. A text that is neither sent nor given is empty, or NULL where it may be. E_CONFLICT and E_IN_USE as of sql_run().
 */
struct column {
    const char *name;
    struct value is;
};
#define COLUMNS_(...)                                                                                                              \
    (const struct column[])                                                                                                        \
    {                                                                                                                              \
        { 0 }, ##__VA_ARGS__                                                                                                       \
    }
#define resource_add(op, resource, ret_id, ...)                                                                                    \
    resource_add_with(op, resource, COLUMNS_(__VA_ARGS__) + 1, sizeof(COLUMNS_(__VA_ARGS__)) / sizeof(struct column) - 1, ret_id)
MUST_USE enum err resource_add_with(struct op *, const struct resource *, const struct column *, size_t n, const char **ret_id);
/* Writes what was sent with F_EDIT into the row of that id, and updated_at where there is such a member; the route CHANGES() it.
 * E_INVALID if nothing was sent. */
MUST_USE enum err resource_update(struct op *, const struct resource *, const char *id);

/* Turns a query of the language into a WHERE clause over the resource's fields; query/ fills it in at start, so that api/ need not
 * know it. E_INVALID says at which character. */
typedef enum err query_function(struct arena *, const struct resource *, const char *q, size_t first_value, struct where *ret);
extern query_function *resource_query;
