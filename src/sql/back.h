/* back.h - inside sql/: what a database is to sql.c. One file a database: lite.c (SQLite), postgres.c (PostgreSQL). */
#pragma once
#include "sql/held.h"
#include "sql/sql.h"

enum { KEPT_STATEMENTS = 256, KEPT_WAYS = 4, BUSY_MS = 10000 };
enum { WRITE_TRIES = 8 }; /* of a transaction that others got in the way of */

/* A statement of a connection, prepared: kept with its text, or the only one of its kind while the kept one is in use. */
struct kept {
    char *text;
    void *statement;
    uint64_t asked; /* the higher the later */
    bool in_use;
};

/* A connection. Each database puts it first in a struct of its own. */
struct sql {
    const struct back *back;
    struct kept kept[KEPT_STATEMENTS]; /* those of a hash side by side */
    uint64_t asked;
    int64_t lists;    /* made since it was taken */
    struct sql *next; /* in the pool */
    bool writing;     /* has the write lock, since */
    struct held_since began;
};

struct rows {
    struct sql *db;
    void *statement, *result; /* the result is the database's own */
    void *bytes;              /* of the column last asked for, where the result has them in another form */
    int row;                  /* that it shows of them */
    int64_t portions;         /* not 0: the result is one portion of the rows, from the cursor of that number */
    enum err error;
    bool kept; /* the statement belongs to the cache */
    bool ended;
};

enum turn {
    TURN_READS,  /* all that is read is of one moment */
    TURN_BESIDE, /* writes beside others of this kind, and is told E_BUSY if it got in the way of one */
    TURN_ALONE,  /* writes, and nobody else does meanwhile */
};

struct back {
    void (*close)(struct sql *);
    enum err (*prepare)(struct sql *, const char *text, void **ret);
    void (*unprepare)(struct sql *, void *statement); /* NULL is fine */
    enum err (*ask)(struct rows *, const struct value *, size_t n, bool any_size);
    bool (*next)(struct rows *); /* false: the last row was shown, or r->error says why there is none */
    void (*done)(struct rows *);
    int (*columns)(struct rows *);
    int (*kind)(struct rows *, int column);
    int64_t (*integer)(struct rows *, int column);
    double (*real)(struct rows *, int column);
    const char *(*string)(struct rows *, int column);
    const void *(*bytes)(struct rows *, int column, size_t *ret_n);
    bool (*origin)(struct rows *, int column, struct column_origin *);
    int64_t (*changes)(struct sql *);
    enum err (*script)(struct sql *, const char *text);
    enum err (*begin)(struct sql *, enum turn);
    enum err (*commit)(struct sql *);
    void (*undo)(struct sql *);
    bool (*within)(struct sql *);
    enum err (*list)(struct sql *, const char *const *texts, size_t n);
    enum err (*references)(struct sql *, struct rows **ret, const char *table); /* table, column, enum child */
    enum err (*make_ready)(struct sql *);
    enum err (*has)(struct sql *, bool *ret, const char *table, const char *column);
    enum err (*made_as)(struct sql *, struct arena *, const char *table, char **ret);
    enum err (*data_version)(struct sql *, int64_t *ret);
    enum err (*next_writer)(struct sql *, int64_t *ret);
    enum err (*oldest_writer)(struct sql *, int64_t *ret);
    enum err (*join)(struct sql *, const char *those, bool *ret_first);
    enum err (*lead)(struct sql *, const char *those, bool *ret_leads);
    enum err (*check)(struct sql *, struct arena *, char **ret_faults);
    enum err (*backup)(struct sql *, const char *path);
    enum err (*rebuilding)(struct sql *, bool);
    enum err (*tables)(struct sql *, struct rows **ret); /* table, column */
    enum err (*filling)(struct sql *, bool);
    enum err (*fill_begin)(struct sql *, const char *table, const char *columns);
    enum err (*fill_row)(struct sql *, const struct value *, size_t n);
    enum err (*fill_end)(struct sql *, enum err);
};

MUST_USE enum err lite_open(const char *path, struct sql **ret);
MUST_USE enum err postgres_open(const char *url, struct sql **ret);
void sql_let_go(struct sql *); /* the write lock is free */
MUST_USE enum err sql_forget_lists(struct sql *);
