/* select.h - inside api/: the pieces that reply.c and list.c put their statements together from. */
#pragma once
#include "api/dispatch.h"

enum { SELECT_CAP = 1 << 16, VALUES_MOST = 512 };

/* Values of a statement under construction: the condition's own first, numbered as its text says. */
struct bound {
    struct value v[VALUES_MOST];
    size_t n;
};

/* E_TOO_BIG above VALUES_MOST. */
MUST_USE enum err bound_add(struct bound *, const struct value *, size_t n);

static inline bool field_shown(const struct field *f, bool single)
{
    return !f->many && !(f->flags & F_HIDE) && (single || !(f->flags & F_ONE));
}
static inline bool field_inlined(const struct field *f) /* its members are columns of the same row */
{
    return f->type == T_PART || f->type == T_TUPLE;
}
static inline bool field_nested(const struct field *f) /* its members are rows of another thing */
{
    return f->type == T_ONE || f->type == T_MANY || f->type == T_COLUMNS;
}

/* The table that rows of the resource are written into: the first of its `from`. And the column that a member is kept in: its
 * sql, or (of an expression) the one called like it. */
const char *resource_table(struct arena *, const struct resource *);
const char *field_column(const struct field *);
bool column_is_first(const struct resource *, const char *sql); /* "l.name", l being that table */

/* "SELECT … FROM …" of the shown fields; `single`: those of one thing alone too. Returns how many columns those are. */
size_t select_fields(struct text *, const struct resource *, bool single);
size_t select_columns(struct text *, const struct resource *, bool single); /* "SELECT …" alone */
/* " WHERE (condition)" within the caller's organization. */
MUST_USE enum err select_within(struct op *, struct text *, struct bound *, const struct resource *, const char *condition,
                                const struct value *, size_t n);

/* Rows whose first columns are those (more may follow), as objects under the key (NULL: items of a list). What is nested in them is
 * fetched for many rows at once, so they are written a batch at a time; row_batch_end() writes the last ones. */
struct row_batch *row_batch_new(struct op *, const char *key, const struct resource *, bool single);
MUST_USE enum err row_batch_add(struct row_batch *, struct rows *);
MUST_USE enum err row_batch_end(struct row_batch *);
void row_batch_free(struct row_batch *);
static inline void auto_row_batch(struct row_batch **b)
{
    row_batch_free(*b);
}
/* The current row alone. */
MUST_USE enum err row_write(struct op *, const char *key, const struct resource *, struct rows *, bool single);
