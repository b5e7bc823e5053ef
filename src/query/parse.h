/* parse.h - inside query/: a query on its way to SQL. Every value is bound, every name comes from the resource's table. */
#pragma once
#include "query/query.h"

enum { DRIVERS = 8 };

struct parse {
    struct arena *arena;
    const struct resource *resource;
    const char *q;
    struct token now;
    struct text sql;
    struct value values[2 * QUERY_VALUES];
    size_t n, first, again; /* again: of the n, those that say one before in the other form */
    int depth;
    const char *drivers[DRIVERS]; /* of conditions that all must hold */
    size_t n_drivers;
};

void parse_advance(struct parse *);
bool parse_is(const struct parse *, const char *text); /* a sign or a word of the language */
bool parse_take(struct parse *, const char *text);
MUST_USE enum err parse_wrong(struct parse *, const char *expected);
MUST_USE enum err parse_room(struct parse *); /* E_INVALID: more than QUERY_VALUES */
MUST_USE enum err parse_bind(struct parse *, struct value);
/* A SELECT of ids, among which are all that fulfil a condition that must hold. */
void parse_drive(struct parse *, const char *driver);

/* compare.c */
struct operator
{
    const char *word;
    bool negated;
    enum { COMPARES, CONTAINS, BEGINS, ENDS, IS_IN } how;
    const char *sign;
};
MUST_USE enum err compare_operator(struct parse *, struct operator* ret);
/* "left op value", without the operator's negation. key: NULL, or what is compared is the value of that member (key.c). */
MUST_USE enum err compare_with(struct parse *, const struct field *, const char *key, const char *left, const struct operator*);

MUST_USE enum err compare_value(struct parse *, const struct field *, const char *key, struct value *ret);

/* key.c: members of an object field. */
MUST_USE enum err key_condition(struct parse *, const struct field *, const char *key, const struct operator*);
MUST_USE enum err key_none(struct parse *, const struct field *, const char *key, bool negated);
MUST_USE enum err key_equals(struct parse *, const struct field *, const char *key, struct value);
