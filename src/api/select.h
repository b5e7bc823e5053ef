/* select.h - inside api/: the pieces that reply.c and list.c put their statements together from. */
#pragma once
#include "api/dispatch.h"

enum { SELECT_CAP = 1 << 16, VALUES_MOST = 256 };

/* Values of a statement under construction: the condition's own first, numbered as its text says. */
struct bound {
    struct value v[VALUES_MOST];
    size_t n;
};

/* E_TOO_BIG above VALUES_MOST. */
MUST_USE enum err bound_add(struct bound *, const struct value *, size_t n);

/* "SELECT … FROM …" of the shown fields; `single`: those of one thing alone too. */
void select_fields(struct text *, const struct resource *, bool single);
/* " WHERE (condition)" within the caller's organization. */
MUST_USE enum err select_within(struct op *, struct text *, struct bound *, const struct resource *, const char *condition,
                                const struct value *, size_t n);
/* The current row of such a SELECT as a JSON object. */
void select_row(struct op *, const char *key, const struct resource *, struct rows *, bool single);
