/* postgres_inside.h - between the files of this back end: a connection, and what each of them asks of it. */
#pragma once
#include "sql/back.h"
#include "sql/libpq.h"
#include "sql/postgres.h"

struct postgres {
    struct sql sql;
    PGconn *db;
    struct text later;  /* references between tables of this transaction */
    struct text fill;   /* rows of a table that is being filled, not sent yet */
    int64_t n_prepared; /* for their names */
    int64_t changes;    /* of the last statement */
    int64_t told;       /* commits of others that we heard of */
    bool listens, has_tables;
    bool lost;         /* the connection, whatever the library says of it */
    bool again;        /* the last failure was that others changed the same */
    const char *leads; /* sql_lead(): the name */
    int session;       /* counts connections made: what was prepared in an earlier one is gone */
};

static inline struct postgres *postgres_of(struct sql *s)
{
    return (struct postgres *)s;
}
enum err postgres_failure(struct postgres *, PGresult *, const char *doing); /* of a result that tells one */
MUST_USE enum err postgres_command(struct postgres *, const char *text);

/* postgres_fill.c */
MUST_USE enum err postgres_list_tables(struct sql *, struct rows **ret);
MUST_USE enum err postgres_filling(struct sql *, bool on);
MUST_USE enum err postgres_fill_begin(struct sql *, const char *table, const char *columns);
MUST_USE enum err postgres_fill_row(struct sql *, const struct value *, size_t n);
MUST_USE enum err postgres_fill_end(struct sql *, enum err);
