/* PostgreSQL, through libpq.
 *
 * What can be done again writes beside others: SERIALIZABLE, and the server says when one got in another's way. What cannot is
 * alone, as in SQLite: it holds a lock from its beginning, which keeps out all others that write, and each of its statements sees
 * all that was committed before it had the lock. A result is fetched whole, or by portions from a cursor: rows may stay open while
 * other statements run. */
#define ASKS_FOR_OTHERS
#include "sql/postgres_inside.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPT_CAP = 1 << 22, STATEMENT_CAP = 1 << 20 };
enum { PORTION = 500 }; /* rows of a result of any size that are here at a time */
enum {
    TEXT_KIND = 25,
    BOOL_KIND = 16,
    BYTES_KIND = 17,
    INT8_KIND = 20,
    INT2_KIND = 21,
    INT4_KIND = 23,
    REAL4_KIND = 700,
    REAL8_KIND = 701,
    NUMERIC_KIND = 1700
};

/* A statement, prepared once for each row of kinds that its values had: the server takes a number for no other kind of number. */
struct variant {
    char name[32];
    int session;
    Oid *kinds; /* of its parameters; 0: as they come */
    struct variant *next;
};

struct statement {
    char *text; /* as PostgreSQL says it */
    bool *named;
    int n; /* parameters */
    bool changes, deletes;
    struct variant *variants;
};

/* ---- failures */

static const struct {
    const char *state; /* SQLSTATE, or the class that it begins with */
    enum err kind;
    const char *says; /* NULL: what the server says */
} kinds[] = {
    { "23505", E_CONFLICT, NULL }, /* unique_violation */
    { "23503", E_IN_USE, "something else still uses it, or something that it names is no longer there" },
    { "23", E_INVALID, NULL },    /* not_null_violation, check_violation */
    { "22021", E_INVALID, NULL }, /* not in the encoding */
    { "55P03", E_BUSY, "the database is busy" },
    { "57014", E_BUSY, "the database is busy" },
    { "40", E_BUSY, "others changed the same at the same time" }, /* serialization_failure, deadlock_detected */
    { "53100", E_FULL, "the disk is full" },
    { "53300", E_BUSY, "the database is busy: it takes no more connections" },
    { "57P", E_BUSY, "the database is being stopped" },
    { "08", E_BUSY, "the database cannot be reached" },
};

enum err postgres_failure(struct postgres *p, PGresult *r, const char *doing)
{
    const char *state = pq.resultErrorField(r, PG_DIAG_SQLSTATE), *says = pq.resultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
    p->again = state && strncmp(state, "40", 2) == 0;
    p->lost = p->lost || !state; /* said by the library, which takes a connection that can only not be written to for a good one */
    if (p->lost)
        return fail(E_BUSY, "the database cannot be reached");
    for (size_t i = 0; state && i < COUNT_OF(kinds); i++)
        if (strncmp(state, kinds[i].state, strlen(kinds[i].state)) == 0)
            return fail(kinds[i].kind, "%s", kinds[i].says ? kinds[i].says : says);
    return fail(E_BROKEN, "database: %s while %.200s", says ? says : pq.errorMessage(p->db), doing);
}

/* Of a result that is not kept. */
static enum err ended(struct postgres *p, PGresult *r, const char *doing)
{
    int status = pq.resultStatus(r);
    enum err e = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? OK : postgres_failure(p, r, doing);
    pq.clear(r);
    return e;
}

enum err postgres_command(struct postgres *p, const char *text)
{
    return ended(p, pq.exec(p->db, text), text);
}

/* ---- opening */

static const struct back postgres;

static void no_notices(void *with, const char *message)
{
    (void)with;
    (void)message;
}

/* The isolation is the server's usual one: with the lock, a later statement must see what was committed while we waited for it. */
static enum err set_up(struct postgres *p)
{
    if (pq.status(p->db) != CONNECTION_OK) {
        char *why = pq.errorMessage(p->db);
        return fail(E_BUSY, "cannot open the database: %.*s", (int)strcspn(why, "\n"), why);
    }
    if (pq.serverVersion(p->db) < 140000)
        return fail(E_INVALID, "the database server is of version %d, and at least 14 is needed", pq.serverVersion(p->db) / 10000);
    pq.setNoticeProcessor(p->db, no_notices, NULL);
    return postgres_command(
        p, "SET client_encoding = 'UTF8'; SET standard_conforming_strings = on; SET lock_timeout = '10s';"
           "SET default_transaction_isolation = 'read committed'; SET extra_float_digits = 1; SET synchronous_commit = on;"
           "CREATE TEMP TABLE listed (list BIGINT NOT NULL, place BIGINT NOT NULL, value TEXT NOT NULL,"
           " PRIMARY KEY (list, place))");
}

/* A connection that broke is made anew where no transaction is lost by it. */
static enum err connect_again(struct postgres *p)
{
    pq.reset(p->db);
    p->lost = false;
    p->session++;
    p->listens = false;
    p->leads = NULL;
    p->told++; /* who knows what was committed meanwhile */
    return set_up(p);
}

static bool broken(const struct postgres *p)
{
    return p->lost || pq.status(p->db) != CONNECTION_OK;
}

enum err postgres_open(const char *url, struct sql **ret)
{
    TRY(libpq_load());
    struct postgres *p = heap_take(sizeof *p);
    *p = (struct postgres){ .sql.back = &postgres };
    text_init(&p->later, SCRIPT_CAP);
    p->db = pq.connectdb(url);
    enum err e = set_up(p);
    if (e != OK) {
        sql_close(&p->sql);
        return e;
    }
    *ret = &p->sql;
    return OK;
}

static void postgres_close(struct sql *s)
{
    pq.finish(postgres_of(s)->db);
    text_done(&postgres_of(s)->later);
    text_done(&postgres_of(s)->fill);
    free(s);
}

/* ---- statements */

static bool begins_with(const char *text, const char *words)
{
    return strncmp(text, words, strlen(words)) == 0;
}

/* Lists are this connection's own, and reading takes no lock. */
static bool changes_something(const char *text)
{
    static const char *const not [] = { "SELECT", "SAVEPOINT", "RELEASE", "ROLLBACK", "INSERT INTO listed", "DELETE FROM listed" };
    for (size_t i = 0; i < COUNT_OF(not ); i++)
        if (begins_with(text, not [i]))
            return false;
    return !begins_with(text, "WITH") || strstr(text, "INSERT INTO") || strstr(text, "UPDATE ") || strstr(text, "DELETE FROM");
}

static void postgres_unprepare(struct sql *s, void *with)
{
    struct statement *st = with;
    char text[64];
    for (struct variant *v = st ? st->variants : NULL, *next; v; v = next) {
        next = v->next;
        snprintf(text, sizeof text, "DEALLOCATE %s", v->name);
        if (v->session == postgres_of(s)->session &&
            pq.transactionStatus(postgres_of(s)->db) <= PQTRANS_INTRANS) /* else the end of the connection is its end, too */
            pq.clear(pq.exec(postgres_of(s)->db, text));
        free(v->kinds);
        free(v);
    }
    if (st) {
        free(st->text);
        free(st->named);
    }
    free(st);
}

static enum err postgres_prepare(struct sql *s, const char *ours, void **ret)
{
    AUTO(text) struct text t;
    bool named[POSTGRES_PARAMETERS] = { 0 };
    (void)s;
    text_init(&t, STATEMENT_CAP);
    int n = postgres_statement(&t, ours, named);
    if (text_full(&t))
        return fail(E_TOO_BIG, "a statement is too long");
    struct statement *st = heap_take(sizeof *st);
    *st = (struct statement){ heap_str(t.bytes),       heap_take((size_t)n + 1),    n,
                              changes_something(ours), strstr(ours, "DELETE FROM"), NULL };
    memcpy(st->named, named, (size_t)n);
    *ret = st;
    return OK;
}

static Oid kind_of(const struct statement *st, int i, const struct value *v)
{
    if (!st->named[i]) /* nothing says of what kind it is */
        return TEXT_KIND;
    static const Oid kinds_of[] = { [VALUE_INT] = INT8_KIND, [VALUE_REAL] = REAL8_KIND, [VALUE_BYTES] = BYTES_KIND };
    return v && v->kind < COUNT_OF(kinds_of) ? kinds_of[v->kind] : 0;
}

static bool fits(const struct variant *v, const struct statement *st, const struct value *values, size_t n)
{
    for (int i = 0; i < st->n; i++)
        if (v->kinds[i] != kind_of(st, i, (size_t)i < n ? &values[i] : NULL))
            return false;
    return true;
}

static struct variant *new_variant(struct postgres *p, struct statement *st, const struct value *values, size_t n)
{
    struct variant *v = heap_take(sizeof *v);
    *v = (struct variant){ .session = -1, .kinds = heap_take(((size_t)st->n + 1) * sizeof(Oid)), .next = st->variants };
    for (int i = 0; i < st->n; i++)
        v->kinds[i] = kind_of(st, i, (size_t)i < n ? &values[i] : NULL);
    snprintf(v->name, sizeof v->name, "s%lld", (long long)++p->n_prepared);
    return st->variants = v;
}

static enum err variant_of(struct postgres *p, struct statement *st, const struct value *values, size_t n, struct variant **ret)
{
    struct variant *v = st->variants;
    while (v && !fits(v, st, values, n))
        v = v->next;
    if (!v)
        v = new_variant(p, st, values, n);
    if (v->session != p->session)
        TRY(ended(p, pq.prepare(p->db, v->name, st->text, st->n, v->kinds), st->text));
    v->session = p->session;
    *ret = v;
    return OK;
}

static char *hex_of(struct arena *a, const void *bytes, size_t n)
{
    AUTO(text) struct text t;
    text_init(&t, 2 * n + 3);
    text_add(&t, "\\x");
    text_hex(&t, bytes, n);
    return arena_str(a, t.bytes);
}

/* Numbers and bytes as text. */
static const char *const *bind(struct arena *a, const struct value *values, size_t n, int asked)
{
    const char **ret = arena_take(a, sizeof *ret * (n + (size_t)asked + 1));
    memset(ret, 0, sizeof *ret * (n + (size_t)asked + 1));
    for (size_t i = 0; i < n; i++)
        switch (values[i].kind) {
        case VALUE_INT: ret[i] = arena_fmt(a, "%lld", (long long)values[i].i); break;
        case VALUE_REAL: ret[i] = arena_fmt(a, "%.17g", values[i].r); break;
        case VALUE_BYTES: ret[i] = hex_of(a, values[i].t, (size_t)values[i].i); break;
        default: ret[i] = values[i].kind == VALUE_TEXT ? values[i].t : NULL;
        }
    return ret;
}

/* A statement that fails ends a transaction of this server, and none of SQLite's: what changes something runs within a savepoint.
 * Outside of a transaction it has one of its own, with the lock. What goes with a deleted row goes one table after another, so that
 * whether anything is left that names it is looked at in the end. */
static enum err before(struct postgres *p, const struct statement *st, bool within)
{
    if (!within)
        TRY(p->sql.back->begin(&p->sql, TURN_BESIDE));
    if (within || st->deletes)
        return postgres_command(p, st->deletes ? "SAVEPOINT statement; SET CONSTRAINTS ALL DEFERRED" : "SAVEPOINT statement");
    return OK;
}

static enum err after(struct postgres *p, const struct statement *st, bool within, enum err e)
{
    if (e == OK && st->deletes)
        e = postgres_command(p, "SET CONSTRAINTS ALL IMMEDIATE");
    if (!within && e == OK)
        return p->sql.back->commit(&p->sql);
    if (!within)
        p->sql.back->undo(&p->sql);
    else
        pq.clear(pq.exec(p->db, e == OK ? "RELEASE statement" : "ROLLBACK TO statement; RELEASE statement"));
    return e;
}

static enum err run(struct postgres *p, const struct statement *st, const char *name, const char *const *values, PGresult **ret)
{
    bool within = sql_within(&p->sql);
    if (st->changes)
        TRY(before(p, st, within));
    PGresult *r = pq.execPrepared(p->db, name, st->n, values, NULL, NULL, 0);
    int status = pq.resultStatus(r);
    enum err e = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? OK : postgres_failure(p, r, st->text);
    if (st->changes)
        e = after(p, st, within, e);
    if (e != OK)
        pq.clear(r);
    else
        *ret = r;
    return e;
}

static enum err ask(struct postgres *p, struct statement *st, const struct value *values, size_t n, const char *const *bound,
                    PGresult **ret)
{
    struct variant *v;
    enum err e = OK;
    bool alone = st->changes && !sql_within(&p->sql); /* its own transaction, which can be done again */
    TRY(variant_of(p, st, values, n, &v));
    for (int tries = 0; tries < (alone ? WRITE_TRIES : 1); tries++) {
        p->again = false;
        e = run(p, st, v->name, bound, ret);
        if (e == OK || !p->again)
            return e;
        sql_pause(tries);
    }
    return e;
}

static enum err ask_whole(struct rows *r, const struct value *values, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct postgres *p = postgres_of(r->db);
    struct statement *st = r->statement;
    PGresult *got = NULL;
    const char *const *bound = bind(a, values, n, st->n);
    bool within = sql_within(&p->sql);
    enum err e = ask(p, st, values, n, bound, &got);
    if (e != OK && !within && !st->changes && broken(p) && connect_again(p) == OK)
        e = ask(p, st, values, n, bound, &got);
    TRY(e);
    r->result = got;
    r->row = -1;
    p->changes = strtoll(pq.cmdTuples(got), NULL, 10);
    return OK;
}

/* ---- results by portions */

static enum err fetch(struct rows *r)
{
    char text[64];
    struct postgres *p = postgres_of(r->db);
    snprintf(text, sizeof text, "FETCH %d FROM c%lld", PORTION, (long long)r->portions);
    pq.clear(r->result);
    r->row = -1;
    r->result = pq.exec(p->db, text);
    return pq.resultStatus(r->result) == PGRES_TUPLES_OK ? OK : postgres_failure(p, r->result, text);
}

/* WITH HOLD: it outlives the transaction, as an open statement of SQLite does, and needs none. */
static enum err open_cursor(struct postgres *p, const struct statement *st, const struct value *values, size_t n, int64_t number)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    text_init(&t, STATEMENT_CAP + 100);
    text_fmt(&t, "DECLARE c%lld NO SCROLL CURSOR WITH HOLD FOR %s", (long long)number, st->text);
    Oid *types = arena_take(a, ((size_t)st->n + 1) * sizeof *types);
    for (int i = 0; i < st->n; i++)
        types[i] = kind_of(st, i, (size_t)i < n ? &values[i] : NULL);
    return ended(p, pq.execParams(p->db, t.bytes, st->n, types, bind(a, values, n, st->n), NULL, NULL, 0), st->text);
}

static enum err ask_for_portions(struct rows *r, const struct value *values, size_t n)
{
    struct postgres *p = postgres_of(r->db);
    int64_t number = ++p->n_prepared;
    enum err e = open_cursor(p, r->statement, values, n, number);
    if (e != OK && !sql_within(r->db) && broken(p) && connect_again(p) == OK)
        e = open_cursor(p, r->statement, values, n, number);
    TRY(e);
    r->portions = number;
    return fetch(r);
}

static enum err postgres_ask(struct rows *r, const struct value *values, size_t n, bool any_size)
{
    struct statement *st = r->statement;
    return any_size && !st->changes ? ask_for_portions(r, values, n) : ask_whole(r, values, n);
}

static bool postgres_next(struct rows *r)
{
    if (++r->row < pq.ntuples(r->result))
        return true;
    if (!r->portions || pq.ntuples(r->result) < PORTION)
        return false;
    r->error = fetch(r);
    return r->error == OK && ++r->row < pq.ntuples(r->result);
}

static void close_cursor(struct postgres *p, int64_t number)
{
    char text[64];
    snprintf(text, sizeof text, "CLOSE c%lld", (long long)number);
    if (pq.transactionStatus(p->db) <= PQTRANS_INTRANS) /* else it has gone with its transaction, or goes with the connection */
        pq.clear(pq.exec(p->db, text));
}

static void postgres_done(struct rows *r)
{
    if (r->portions)
        close_cursor(postgres_of(r->db), r->portions);
    pq.clear(r->result);
    free(r->bytes);
}

/* ---- what a row says */

static int postgres_columns(struct rows *r)
{
    return pq.nfields(r->result);
}

static const char *postgres_string(struct rows *r, int column)
{
    if (pq.getisnull(r->result, r->row, column))
        return NULL;
    const char *text = pq.getvalue(r->result, r->row, column);
    return pq.ftype(r->result, column) == BOOL_KIND ? (*text == 't' ? "1" : "0") : text;
}

static const void *postgres_bytes(struct rows *r, int column, size_t *ret_n)
{
    const char *hex = postgres_string(r, column);
    *ret_n = hex && *hex ? strlen(hex) / 2 - 1 : 0;
    free(r->bytes);
    uint8_t *bytes = r->bytes = heap_take(*ret_n + 1);
    for (size_t i = 0; i < *ret_n; i++) {
        unsigned byte = 0;
        sscanf(hex + 2 + 2 * i, "%2x", &byte);
        bytes[i] = (uint8_t)byte;
    }
    return hex ? bytes : NULL;
}

static int postgres_kind(struct rows *r, int column)
{
    const char *text = postgres_string(r, column);
    if (!text)
        return VALUE_NULL;
    switch (pq.ftype(r->result, column)) {
    case BOOL_KIND:
    case INT2_KIND:
    case INT4_KIND:
    case INT8_KIND: return VALUE_INT;
    case REAL4_KIND:
    case REAL8_KIND: return VALUE_REAL;
    case NUMERIC_KIND: return strpbrk(text, ".eEN") ? VALUE_REAL : VALUE_INT; /* a sum of whole numbers, or a mean */
    case BYTES_KIND: return VALUE_BYTES;
    default: return VALUE_TEXT;
    }
}

static double postgres_real(struct rows *r, int column)
{
    const char *text = postgres_string(r, column);
    return text ? strtod(text, NULL) : 0;
}

static int64_t postgres_integer(struct rows *r, int column)
{
    const char *text = postgres_string(r, column);
    return !text ? 0 : postgres_kind(r, column) == VALUE_REAL ? (int64_t)strtod(text, NULL) : strtoll(text, NULL, 10);
}

/* Of a view's column, that of the table which the view shows under the same name. */
#define ORIGIN                                                                                                                     \
    "SELECT t.relname, a.attname, CASE a.atttypid WHEN 20 THEN 'INTEGER' WHEN 701 THEN 'REAL' ELSE 'TEXT' END, a.attnotnull"       \
    " FROM pg_attribute c JOIN pg_class v ON v.oid = c.attrelid LEFT JOIN pg_rewrite w ON w.ev_class = v.oid AND v.relkind = 'v'"  \
    " LEFT JOIN pg_depend d ON d.objid = w.oid AND d.classid = 'pg_rewrite'::regclass AND d.refobjid <> v.oid"                     \
    " JOIN pg_attribute a ON a.attrelid = coalesce(d.refobjid, v.oid) AND a.attname = c.attname"                                   \
    " AND (a.attnum = d.refobjsubid OR d.refobjsubid IS NULL) JOIN pg_class t ON t.oid = a.attrelid"                               \
    " WHERE c.attrelid = ?1 AND c.attnum = ?2 AND t.relkind = 'r' ORDER BY t.relname"

static bool postgres_origin(struct rows *r, int column, struct column_origin *ret)
{
    static _Thread_local char table[64], name[64];
    AUTO(rows) struct rows *o = NULL;
    int64_t of_table = pq.ftable(r->result, column), number = pq.ftablecol(r->result, column);
    if (sql_first(r->db, &o, ORIGIN, V(of_table), V(number)) != OK)
        return false;
    snprintf(table, sizeof table, "%s", rows_text(o, 0));
    snprintf(name, sizeof name, "%s", rows_text(o, 1));
    const char *type = rows_text(o, 2);
    *ret = (struct column_origin){ table, name, *type == 'I' ? "INTEGER" : *type == 'R' ? "REAL" : "TEXT", !rows_int(o, 3) };
    return true;
}

static int64_t postgres_changes(struct sql *s)
{
    return postgres_of(s)->changes;
}

/* ---- transactions */

/* The number of a transaction is given at its beginning, before it can have taken numbers for its rows (api/hub.c). */
#define NUMBERED "; SELECT pg_current_xact_id()"

static const char *const begins[] = {
    [TURN_READS] = "BEGIN ISOLATION LEVEL REPEATABLE READ",
    /* A table's lock is had before the first look at the data, which then is not older than what those who were alone have done. */
    [TURN_BESIDE] = "BEGIN ISOLATION LEVEL SERIALIZABLE; LOCK TABLE schema_of IN ROW SHARE MODE" NUMBERED,
    [TURN_ALONE] = "BEGIN; LOCK TABLE schema_of IN EXCLUSIVE MODE" NUMBERED,
};

/* Before there are tables, whoever makes them is alone by a lock of the database's; the number is ours. */
static enum err begin_with_or_without(struct postgres *p)
{
    TRY(postgres_command(p, "BEGIN"));
    TRY(postgres_command(p, "SELECT pg_advisory_xact_lock(5319741)"));
    TRY(sql_has(&p->sql, &p->has_tables, "schema_of", NULL));
    return p->has_tables ? postgres_command(p, "LOCK TABLE schema_of IN EXCLUSIVE MODE" NUMBERED) : OK;
}

static enum err begin(struct postgres *p, enum turn turn)
{
    return turn == TURN_READS || p->has_tables ? postgres_command(p, begins[turn]) : begin_with_or_without(p);
}

static enum err postgres_begin(struct sql *s, enum turn turn)
{
    struct postgres *p = postgres_of(s);
    enum err e = begin(p, turn);
    if (e != OK && broken(p) && connect_again(p) == OK)
        e = begin(p, turn);
    if (e != OK && sql_within(s))
        s->back->undo(s);
    return e;
}

/* Who listens hears of each commit once, whatever it changed. */
static enum err postgres_commit(struct sql *s)
{
    struct postgres *p = postgres_of(s);
    if (p->later.n)
        TRY(postgres_command(p, p->later.bytes));
    text_clear(&p->later);
    TRY(postgres_command(p, "NOTIFY saccade"));
    PGresult *r = pq.exec(p->db, "COMMIT");
    bool undone = strcmp(pq.cmdStatus(r), "ROLLBACK") == 0;
    TRY(ended(p, r, "COMMIT"));
    return undone ? fail(E_BROKEN, "database: a statement of the transaction had failed") : OK;
}

static void postgres_undo(struct sql *s)
{
    text_clear(&postgres_of(s)->later);
    pq.clear(pq.exec(postgres_of(s)->db, "ROLLBACK"));
}

static bool postgres_within(struct sql *s)
{
    return pq.transactionStatus(postgres_of(s)->db) != PQTRANS_IDLE && !broken(postgres_of(s));
}

/* In parts, so that no text becomes a hundred megabytes. */
static enum err postgres_list(struct sql *s, const char *const *texts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        TRY(sql_run(s, "INSERT INTO listed (list, place, value) VALUES (?1, ?2, ?3)", V(s->lists), V((int64_t)i), V(texts[i])));
    return OK;
}

/* ---- tables */

static enum err postgres_script(struct sql *s, const char *ours)
{
    struct postgres *p = postgres_of(s);
    AUTO(text) struct text t;
    text_init(&t, SCRIPT_CAP);
    postgres_tables(&t, &p->later, ours);
    if (text_full(&t) || text_full(&p->later))
        return fail(E_TOO_BIG, "a script is too long");
    TRY(postgres_command(p, t.bytes));
    if (sql_within(s) || !p->later.n)
        return OK;
    enum err e = postgres_command(p, p->later.bytes);
    text_clear(&p->later);
    return e;
}

static enum err postgres_references(struct sql *s, struct rows **ret, const char *table)
{
    return sql_rows(
        s, ret,
        "SELECT t.relname, a.attname, CASE c.confdeltype WHEN 'c' THEN 0 WHEN 'n' THEN 1 ELSE 2 END FROM pg_constraint c"
        " JOIN pg_class t ON t.oid = c.conrelid JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = c.conkey[1]"
        " WHERE c.contype = 'f' AND c.confrelid = to_regclass(?1) ORDER BY t.relname, a.attname",
        V(table));
}

static enum err postgres_make_ready(struct sql *s)
{
    return postgres_command(postgres_of(s), postgres_first);
}

static enum err postgres_has(struct sql *s, bool *ret, const char *table, const char *column)
{
    int64_t n = 0;
    TRY(sql_int(s, &n,
                "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(?1) AND attnum > 0 AND NOT attisdropped"
                " AND (attname = ?2 OR ?2 IS NULL)",
                V(table), V(column)));
    *ret = n > 0;
    return OK;
}

/* A server keeps rules, and not the words in which they were told. */
static enum err postgres_made_as(struct sql *s, struct arena *a, const char *table, char **ret)
{
    (void)s;
    (void)a;
    (void)table;
    *ret = NULL;
    return OK;
}

static enum err postgres_data_version(struct sql *s, int64_t *ret)
{
    struct postgres *p = postgres_of(s);
    if (!pq.consumeInput(p->db) || broken(p))
        TRY(connect_again(p));
    if (!p->listens)
        TRY(postgres_command(p, "LISTEN saccade"));
    p->listens = true;
    for (PGnotify *n; (n = pq.notifies(p->db)); pq.freemem(n))
        p->told++;
    *ret = p->told;
    return OK;
}

/* ---- among all connections */

static enum err postgres_next_writer(struct sql *s, int64_t *ret)
{
    return sql_int(s, ret, "SELECT CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT)");
}

static enum err postgres_oldest_writer(struct sql *s, int64_t *ret)
{
    return sql_int(s, ret, "SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT) AS BIGINT)");
}

/* Whoever can shut all others out is the first; then it is one of them. */
static enum err postgres_join(struct sql *s, const char *those, bool *ret_first)
{
    int64_t first = 0;
    TRY(sql_int(s, &first, "SELECT CASE WHEN pg_try_advisory_lock(5319742, hashtext(?1)) THEN 1 ELSE 0 END", V(those)));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(s, &r, "SELECT pg_advisory_lock_shared(5319742, hashtext(?1))", V(those)));
    if (first)
        TRY(sql_first(s, &r, "SELECT pg_advisory_unlock(5319742, hashtext(?1))", V(those)));
    *ret_first = first != 0;
    return OK;
}

static enum err postgres_lead(struct sql *s, const char *those, bool *ret_leads)
{
    struct postgres *p = postgres_of(s);
    int64_t leads = 0;
    if (p->leads == those && pq.consumeInput(p->db) && !broken(p)) {
        *ret_leads = true;
        return OK;
    }
    TRY(sql_int(s, &leads, "SELECT CASE WHEN pg_try_advisory_lock(5319743, hashtext(?1)) THEN 1 ELSE 0 END", V(those)));
    p->leads = leads ? those : NULL;
    *ret_leads = leads != 0;
    return OK;
}

static enum err postgres_check(struct sql *s, struct arena *a, char **ret_faults)
{
    (void)s;
    (void)a;
    *ret_faults = NULL; /* the server keeps references true and its pages' sums (pg_amcheck, data_checksums) */
    return OK;
}

static enum err postgres_backup(struct sql *s, const char *path)
{
    (void)s;
    return fail(E_INVALID, "%s: a copy of a database on a PostgreSQL server is made by its own tools (pg_dump)", path);
}

static enum err postgres_rebuilding(struct sql *s, bool on)
{
    (void)s;
    return on ? fail(E_INVALID, "a table of a PostgreSQL database is not made anew") : OK;
}

static const struct back postgres = {
    .close = postgres_close,
    .prepare = postgres_prepare,
    .unprepare = postgres_unprepare,
    .ask = postgres_ask,
    .next = postgres_next,
    .done = postgres_done,
    .columns = postgres_columns,
    .kind = postgres_kind,
    .integer = postgres_integer,
    .real = postgres_real,
    .string = postgres_string,
    .bytes = postgres_bytes,
    .origin = postgres_origin,
    .changes = postgres_changes,
    .script = postgres_script,
    .begin = postgres_begin,
    .commit = postgres_commit,
    .undo = postgres_undo,
    .within = postgres_within,
    .list = postgres_list,
    .references = postgres_references,
    .make_ready = postgres_make_ready,
    .has = postgres_has,
    .made_as = postgres_made_as,
    .data_version = postgres_data_version,
    .next_writer = postgres_next_writer,
    .oldest_writer = postgres_oldest_writer,
    .join = postgres_join,
    .lead = postgres_lead,
    .check = postgres_check,
    .backup = postgres_backup,
    .rebuilding = postgres_rebuilding,
    .tables = postgres_list_tables,
    .filling = postgres_filling,
    .fill_begin = postgres_fill_begin,
    .fill_row = postgres_fill_row,
    .fill_end = postgres_fill_end,
};
