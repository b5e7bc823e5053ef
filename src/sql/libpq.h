/* libpq.h - PostgreSQL's client library, loaded when a database of it is first opened: who uses SQLite needs it not. The calls are
 * those of the manual's chapter "libpq", from version 14 on. */
#pragma once
#include "base/fail.h"
#include <stdbool.h>
#include <stddef.h>

typedef struct pg_conn PGconn;
typedef struct pg_result PGresult;
typedef struct pg_notify {
    char *channel;
    int process;
    char *payload;
    struct pg_notify *next;
} PGnotify;
typedef unsigned int Oid;

enum { CONNECTION_OK = 0 };                                            /* of PQstatus */
enum { PQTRANS_IDLE = 0, PQTRANS_INTRANS = 2 };                        /* of PQtransactionStatus */
enum { PGRES_COMMAND_OK = 1, PGRES_TUPLES_OK = 2, PGRES_COPY_IN = 4 }; /* of PQresultStatus */
enum { PG_DIAG_SQLSTATE = 'C', PG_DIAG_MESSAGE_PRIMARY = 'M' };        /* of PQresultErrorField */

#define LIBPQ_CALLS(X)                                                                                                             \
    X(PGconn *, connectdb, (const char *url))                                                                                      \
    X(void, reset, (PGconn *))                                                                                                     \
    X(void, finish, (PGconn *))                                                                                                    \
    X(int, status, (const PGconn *))                                                                                               \
    X(int, transactionStatus, (const PGconn *))                                                                                    \
    X(int, serverVersion, (const PGconn *))                                                                                        \
    X(char *, errorMessage, (const PGconn *))                                                                                      \
    X(void *, setNoticeProcessor, (PGconn *, void (*)(void *, const char *), void *))                                              \
    X(PGresult *, exec, (PGconn *, const char *text))                                                                              \
    X(PGresult *, execParams,                                                                                                      \
      (PGconn *, const char *text, int n, const Oid *kinds, const char *const *values, const int *sizes, const int *formats,       \
       int binary))                                                                                                                \
    X(PGresult *, prepare, (PGconn *, const char *name, const char *text, int n, const Oid *kinds))                                \
    X(PGresult *, execPrepared,                                                                                                    \
      (PGconn *, const char *name, int n, const char *const *values, const int *sizes, const int *formats, int binary))            \
    X(void, clear, (PGresult *))                                                                                                   \
    X(int, resultStatus, (const PGresult *))                                                                                       \
    X(char *, resultErrorField, (const PGresult *, int field))                                                                     \
    X(char *, cmdStatus, (PGresult *))                                                                                             \
    X(char *, cmdTuples, (PGresult *))                                                                                             \
    X(int, ntuples, (const PGresult *))                                                                                            \
    X(int, nfields, (const PGresult *))                                                                                            \
    X(Oid, ftable, (const PGresult *, int column))                                                                                 \
    X(int, ftablecol, (const PGresult *, int column))                                                                              \
    X(Oid, ftype, (const PGresult *, int column))                                                                                  \
    X(int, getisnull, (const PGresult *, int row, int column))                                                                     \
    X(char *, getvalue, (const PGresult *, int row, int column))                                                                   \
    X(int, putCopyData, (PGconn *, const char *bytes, int n))                                                                      \
    X(int, putCopyEnd, (PGconn *, const char *why_not))                                                                            \
    X(PGresult *, getResult, (PGconn *))                                                                                           \
    X(int, consumeInput, (PGconn *))                                                                                               \
    X(PGnotify *, notifies, (PGconn *))                                                                                            \
    X(void, freemem, (void *))

struct libpq {
#define X(type, name, parameters) type(*name) parameters;
    LIBPQ_CALLS(X)
#undef X
};
extern struct libpq pq;

/* E_INVALID: it is not on this machine, and how to get it. */
MUST_USE enum err libpq_load(void);
