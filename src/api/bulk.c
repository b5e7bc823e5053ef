#include "api/bulk.h"
#include "api/remove.h"
#include "api/resource.h"
#include "base/clock.h"
#include "base/log.h"
#include "sql/slice.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLICE_IDS = 500 };        /* ids in a row of bulk_slice */
enum { ROWS_AT_ONCE = 10 };      /* rows written in a transaction */
enum { ABANDONED_MS = 3600000 }; /* a change that was not begun an hour after it was written down never will be */
enum { BUSY_S = 60 };            /* for somebody's short work that is in the way */
enum { LOOK_MS = 20, WAIT_S = 10, WAIT_MOST_S = 900 };
static const double slice_seconds = 0.02;

/* slice, item: the next thing to do; or, undoing, the one after the next to undo. */
static const char table[] =
    "CREATE TABLE bulk (job_id TEXT PRIMARY KEY, slices INTEGER NOT NULL, slice INTEGER NOT NULL, item INTEGER NOT NULL,"
    " counted INTEGER NOT NULL, undoing INTEGER NOT NULL, tells TEXT, why TEXT, created_at INTEGER NOT NULL) STRICT;"
    "CREATE TABLE bulk_slice (job_id TEXT NOT NULL REFERENCES bulk(job_id) ON DELETE CASCADE, n INTEGER NOT NULL, ids TEXT NOT "
    "NULL,"
    " PRIMARY KEY (job_id, n)) STRICT, WITHOUT ROWID";
const struct resource bulk_resource = { .name = "bulk change", .table = table };

/* ---- writing it down */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void bulk_ids(struct op *op, const char *name, struct bulk_list *ret)
{
    const struct json *list = in_json(op, name);
    size_t n = json_count(list), kept = 0;
    const char **ids = arena_new_array(op->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        char *id = arena_take(op->arena, ID_SIZE);
        const char *s = json_text(json_at(list, i));
        if (s && id_parse(s, id))
            ids[kept++] = id;
    }
    qsort(ids, kept, sizeof *ids, by_text);
    *ret = (struct bulk_list){ ids, 0 };
    for (size_t i = 0; i < kept; i++)
        if (i == 0 || strcmp(ids[i], ids[ret->n - 1]) != 0)
            ids[ret->n++] = ids[i];
}

char *bulk_ids_text(struct op *op, const char *name)
{
    struct bulk_list l;
    AUTO(out) struct out o;
    bulk_ids(op, name, &l);
    out_init(&o, 16 << 20);
    out_array(&o, NULL);
    for (size_t i = 0; i < l.n; i++)
        out_text(&o, NULL, l.ids[i]);
    out_end_array(&o);
    return arena_str(op->arena, o.text.bytes);
}

enum err bulk_rows(struct op *op, const char *text, const struct value *values, size_t n, struct bulk_list *ret)
{
    AUTO(rows) struct rows *r = NULL;
    size_t room = 256, got = 0;
    const char **ids = arena_new_array(op->arena, const char *, room);
    TRY(sql_rows_text(op->db, &r, text, values, n));
    while (rows_next(r)) {
        if (got == room) {
            const char **more = arena_new_array(op->arena, const char *, room * 2);
            memcpy(more, ids, room * sizeof *ids);
            ids = more;
            room *= 2;
        }
        ids[got++] = arena_str(op->arena, rows_text(r, 0));
    }
    *ret = (struct bulk_list){ ids, got };
    return rows_error(r);
}

enum err bulk_keep(struct op *op, struct bulk_list *l, const char *text, const struct value *more, size_t n_more)
{
    struct value values[8];
    size_t kept = 0;
    memcpy(values + 1, more, n_more * sizeof *more);
    for (size_t i = 0; i < l->n; i++) {
        AUTO(rows) struct rows *r = NULL;
        values[0] = V(l->ids[i]);
        TRY(sql_rows_text(op->db, &r, text, values, n_more + 1));
        if (rows_next(r))
            l->ids[kept++] = l->ids[i];
        TRY(rows_error(r));
    }
    l->n = kept;
    return OK;
}

/* ["id", "id of what is made", …] */
static enum err write_slice(struct sql *db, const char *job, size_t n, const char *const *ids, size_t count)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 17);
    out_array(&o, NULL);
    for (size_t i = 0; i < count; i++) {
        char made[ID_SIZE];
        id_make(made);
        out_text(&o, NULL, ids[i]);
        out_text(&o, NULL, made);
    }
    out_end_array(&o);
    return sql_run(db, "INSERT INTO bulk_slice (job_id, n, ids) VALUES (?1, ?2, ?3)", V(job), V((int64_t)n), V(o.text.bytes));
}

static enum err write_some(struct sql *db, const char *job, size_t from, const char *const *ids, size_t n)
{
    TRY(sql_begin(db));
    enum err e = OK;
    for (size_t k = from; k < from + ROWS_AT_ONCE && k * SLICE_IDS < n && e == OK; k++) {
        size_t left = n - k * SLICE_IDS;
        e = write_slice(db, job, k, ids + k * SLICE_IDS, left < SLICE_IDS ? left : SLICE_IDS);
    }
    return sql_end(db, e);
}

/* What it is about is free for it. In the transaction in which it is put up, or done. */
static enum err first(struct op *op, const struct bulk_kind *k, const struct json *input)
{
    const struct job_kind *job = job_kind_called(k->name);
    const char *reads = k->reads ? json_text(json_get(input, k->reads)) : NULL;
    TRY(job_check_alone(op->db, json_text(json_get(input, k->subject)), job ? job->does : JOB_READS));
    if (reads)
        TRY(job_check_alone(op->db, reads, JOB_READS));
    return k->first ? k->first(op, input) : OK;
}

static enum err say_subject(struct op *op, const struct bulk_kind *k, const struct json *input, const char *job)
{
    const char *id = json_text(json_get(input, k->subject));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows_text(op->db, &r, k->called, VALUES(V(id))));
    bool there = rows_next(r);
    TRY(rows_error(r));
    TRY(job_about(op->db, job, id, there ? rows_text(r, 0) : NULL));
    return k->reads ? job_reads(op->db, job, json_text(json_get(input, k->reads))) : OK;
}

static enum err put_up(struct op *op, const struct bulk_kind *k, const char *input, const char *id)
{
    const struct json *v;
    TRY(json_parse(op->arena, input, strlen(input), &v));
    TRY(first(op, k, v));
    TRY(job_add_as(op->db, id, k->name, op->org, op->user_id, input));
    TRY(say_subject(op, k, v, id));
    if (!k->makes)
        return OK;
    op->made = json_text(json_get(v, k->subject));
    return thing_hide(op->db, op->made, id);
}

static enum err start(struct op *op, const struct bulk_kind *k, const char *input, const struct bulk_list *l, const char **ret_job)
{
    const char *id = id_new(op->arena);
    size_t slices = (l->n + SLICE_IDS - 1) / SLICE_IDS;
    TRY(sql_run(
        op->db,
        "INSERT INTO bulk (job_id, slices, slice, item, counted, undoing, tells, created_at) VALUES (?1, ?2, 0, 0, 0, 0, ?4, ?3)",
        V(id), V((int64_t)slices), V(clock_now_ms()), V(l->tells)));
    for (size_t at = 0; at < slices; at += ROWS_AT_ONCE)
        TRY(write_some(op->db, id, at, l->ids, l->n));
    *ret_job = id;
    TRY(sql_begin(op->db));
    return sql_end(op->db, put_up(op, k, input, id));
}

/* ---- waiting for it */

static enum err look(struct op *op, const struct bulk_kind *k, const char *job, bool *ret_done, int64_t *ret_count)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT j.status, j.error, b.counted FROM job j LEFT JOIN bulk b ON b.job_id = j.id WHERE j.id = ?1",
                  V(job)));
    const char *v1 = job_v1_status(rows_text(r, 0));
    *ret_done = strcmp(v1, "SUCCESS") == 0;
    *ret_count = rows_int(r, 2);
    if (strcmp(v1, "FAILED") == 0 || strcmp(v1, "TERMINATED") == 0)
        return fail(E_CONFLICT, "%s: %s", k->undo ? "nothing was changed" : "not all of it was done",
                    rows_null(r, 1) ? "it was cancelled" : rows_text(r, 1));
    return OK;
}

static enum err wait(struct op *op, const struct bulk_kind *k, double most_s, struct bulk_done *d)
{
    const struct timespec pause = { 0, LOOK_MS * 1000000L };
    for (double began = clock_seconds(); !d->done && clock_seconds() - began < most_s; nanosleep(&pause, NULL))
        TRY(look(op, k, d->job, &d->done, &d->count));
    return OK;
}

/* ---- at once */

static const char *result_of(struct arena *a, const struct bulk_kind *k, int64_t count, const char *tells)
{
    return arena_fmt(a, "{\"%s\":%lld%s%s}", k->counts, (long long)count, tells ? "," : "", tells ? tells : "");
}

/* *ret_long: each of them is so much that others would wait too long. */
static enum err apply_all(struct bulk *b, const struct bulk_kind *k, const struct bulk_list *l, bool *ret_long)
{
    double began = clock_seconds();
    for (size_t i = 0; i < l->n; i++) {
        const char *made = id_new(b->arena);
        do {
            *ret_long = clock_seconds() - began > slice_seconds;
            if (*ret_long)
                return fail(E_UNMEANT, "this takes longer than others may wait");
            b->more = false;
            TRY(k->apply(b, l->ids[i], made));
        } while (b->more);
    }
    return OK;
}

static enum err change_now(struct op *op, const struct bulk_kind *k, bulk_find *find, const char *input, struct bulk_done *ret,
                           bool *ret_long)
{
    struct bulk b = { .db = op->db, .org = op->org, .user_id = op->user_id, .arena = op->arena };
    struct bulk_list l = { 0 };
    TRY(find(op, &l));
    TRY(json_parse(op->arena, input, strlen(input), &b.input));
    TRY(first(op, k, b.input));
    if (k->ready)
        TRY(k->ready(&b));
    TRY(apply_all(&b, k, &l, ret_long));
    if (k->last)
        TRY(k->last(&b, true));
    *ret = (struct bulk_done){ .done = true, .count = b.counted };
    if (!k->tells_job)
        return OK;
    TRY(job_add_done(op->db, op->arena, k->name, op->org, op->user_id, result_of(op->arena, k, b.counted, l.tells), &ret->job));
    return say_subject(op, k, b.input, ret->job);
}

static enum err change(struct op *op, const struct bulk_kind *k, bulk_find *find, const char *input, struct bulk_done *ret)
{
    const struct timespec pause = { 0, LOOK_MS * 1000000L };
    struct bulk_list l = { 0 };
    *ret = (struct bulk_done){ 0 };
    TRY(sql_begin_read(op->db));
    TRY(sql_end(op->db, find(op, &l)));
    bool is_long = l.n > BULK_FEW;
    for (double began = clock_seconds(); !is_long; nanosleep(&pause, NULL)) {
        TRY(sql_begin(op->db));
        enum err e = sql_end(op->db, change_now(op, k, find, input, ret, &is_long));
        if (!is_long && (e != E_BUSY || clock_seconds() - began > WAIT_S))
            return e;
    }
    return start(op, k, input, &l, &ret->job);
}

enum err bulk_change(struct op *op, const struct bulk_kind *k, bulk_find *find, const char *input, struct bulk_done *ret)
{
    TRY(change(op, k, find, input, ret));
    return in_bool(op, "wait", true) ? wait(op, k, WAIT_S, ret) : OK;
}

enum err bulk_change_wait(struct op *op, const struct bulk_kind *k, bulk_find *find, const char *input, int64_t *ret_count)
{
    struct bulk_done d;
    TRY(change(op, k, find, input, &d));
    TRY(wait(op, k, WAIT_MOST_S, &d));
    *ret_count = d.count;
    return d.done ? OK : fail(E_BUSY, "the change is not done yet; the job %s tells when it is", d.job);
}

void bulk_out_job(struct op *op, const struct bulk_done *d)
{
    out_text(&op->out, "id", d->job);
    out_text(&op->out, "status", job_v1_status(d->done ? "SUCCEEDED" : "PENDING"));
}

/* ---- doing it */

struct progress {
    int64_t slices, slice, item;
    bool undoing;
    const char *why, *tells;
    struct arena *memory; /* of the slice at hand: its ids, and which it is */
    const struct json *ids;
    int64_t loaded;
};

static void auto_progress(struct progress *p)
{
    arena_free(p->memory);
}

static const struct bulk_kind *kind_called(const char *name)
{
    for (const struct bulk_kind *const *k = bulk_kinds; *k; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

static enum err read_progress(struct bulk *b, const char *id, struct progress *p)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(b->db, &r, "SELECT slices, slice, item, undoing, why, counted, tells FROM bulk WHERE job_id = ?1", V(id)));
    *p = (struct progress){ rows_int(r, 0),
                            rows_int(r, 1),
                            rows_int(r, 2),
                            rows_int(r, 3) != 0,
                            arena_str(b->job->arena, rows_text(r, 4)),
                            arena_str(b->job->arena, rows_text(r, 6)) };
    b->counted = rows_int(r, 5);
    return OK;
}

static enum err note_progress(struct bulk *b, const char *id, const struct progress *p)
{
    return sql_run(b->db, "UPDATE bulk SET slice = ?2, item = ?3, counted = ?4, undoing = ?5, why = ?6 WHERE job_id = ?1", V(id),
                   V(p->slice), V(p->item), V(b->counted), V(p->undoing), V(p->why));
}

static enum err read_slice(struct bulk *b, struct arena *a, const char *id, int64_t n, const struct json **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(b->db, &r, "SELECT ids FROM bulk_slice WHERE job_id = ?1 AND n = ?2", V(id), V(n)));
    const char *text = rows_text(r, 0);
    return json_parse(a, text, strlen(text), ret);
}

/* The slice that is next, if it is not the one at hand. */
static enum err load(struct bulk *b, const char *id, struct progress *p)
{
    int64_t at = p->undoing && p->item == 0 ? p->slice - 1 : p->slice;
    if (!p->ids || p->loaded != at) {
        arena_free(p->memory);
        p->memory = arena_new();
        p->ids = NULL;
        TRY(read_slice(b, p->memory, id, at, &p->ids));
        p->loaded = at;
    }
    if (at != p->slice)
        p->item = (int64_t)json_count(p->ids) / 2;
    p->slice = at;
    return OK;
}

/* In a transaction: things of the slice at hand until the time is over. */
static enum err do_some(struct bulk *b, const struct bulk_kind *k, struct progress *p)
{
    int64_t n = (int64_t)json_count(p->ids) / 2;
    double began = clock_seconds();
    while ((p->undoing ? p->item > 0 : p->item < n) && clock_seconds() - began < slice_seconds) {
        AUTO(arena) struct arena *a = arena_new();
        int64_t i = p->undoing ? p->item - 1 : p->item;
        b->arena = a;
        b->more = false;
        TRY((p->undoing ? k->undo : k->apply)(b, json_text(json_at(p->ids, (size_t)i * 2)),
                                              json_text(json_at(p->ids, (size_t)i * 2 + 1))));
        p->item += p->undoing ? -1 : b->more ? 0 : 1;
    }
    if (!p->undoing && p->item == n) {
        p->slice++;
        p->item = 0;
    }
    return OK;
}

/* One transaction. */
static enum err do_part(struct bulk *b, const struct bulk_kind *k, const char *id, struct progress *p)
{
    TRY(load(b, id, p));
    int64_t slice = p->slice, item = p->item, counted = b->counted;
    double began = clock_seconds();
    TRY(sql_begin(b->db));
    enum err e = do_some(b, k, p);
    if (e == OK)
        e = note_progress(b, id, p);
    e = sql_end(b->db, e);
    slice_rest(began);
    if (e != OK) {
        p->slice = slice;
        p->item = item;
        b->counted = counted;
    }
    return e;
}

static enum err cancelled(struct bulk *b, bool *ret)
{
    int64_t n = 0;
    TRY(sql_int(b->db, &n, "SELECT cancel FROM job WHERE id = ?1", V(b->job->id)));
    *ret = n != 0;
    return OK;
}

/* False: it is to stop here and be taken up again, or (*ret_undo) to be undone. */
static bool go_on(struct bulk *b, const struct bulk_kind *k, const struct progress *p, bool *ret_undo)
{
    double part = p->slices ? (double)p->slice / (double)p->slices : 1;
    bool asked = false;
    if (job_go_on(b->job, part, k->doing))
        return true;
    if (cancelled(b, &asked) != OK)
        log_failure("asking whether a change was cancelled");
    *ret_undo = asked && k->undo;
    return asked && (p->undoing || !k->undo); /* too late to cancel */
}

/* Trying it again would fail again; a job that another worker has taken is not this one's to undo. */
static bool is_final(enum err e)
{
    return e != OK && e != E_BUSY && e != E_BROKEN && e != E_FULL && e != E_CANCELLED;
}

static enum err forward(struct bulk *b, const struct bulk_kind *k, const char *id, struct progress *p, bool *ret_undo)
{
    const struct timespec pause = { 0, 50000000 };
    while (p->slice < p->slices) {
        if (!go_on(b, k, p, ret_undo))
            return fail(E_CANCELLED, *ret_undo ? "it was cancelled" : "stopped half-way");
        enum err e = do_part(b, k, id, p);
        for (double began = clock_seconds(); e == E_BUSY && clock_seconds() - began < BUSY_S; nanosleep(&pause, NULL))
            e = do_part(b, k, id, p);
        *ret_undo = is_final(e) && k->undo;
        TRY(e);
    }
    return OK;
}

static enum err back(struct bulk *b, const struct bulk_kind *k, const char *id, struct progress *p)
{
    bool ignored = false;
    while (p->slice > 0 || p->item > 0) {
        if (!go_on(b, k, p, &ignored))
            return fail(E_CANCELLED, "stopped half-way");
        TRY(do_part(b, k, id, p));
    }
    return OK;
}

/* In the transaction that ends it: what it made is seen, or is no more. */
static enum err last(struct bulk *b, const struct bulk_kind *k, bool done)
{
    if (k->makes)
        TRY(thing_show(b->db, json_text(json_get(b->input, k->subject))));
    return k->last ? k->last(b, done) : OK;
}

static enum err end_within(struct bulk *b, const struct bulk_kind *k, const struct progress *p, bool done)
{
    TRY(last(b, k, done));
    return done ? job_done_within(b->job, result_of(b->job->arena, k, b->counted, p->tells)) : OK;
}

static enum err end(struct bulk *b, const struct bulk_kind *k, const struct progress *p, bool done)
{
    b->arena = b->job->arena;
    TRY(sql_begin(b->db));
    return sql_end(b->db, end_within(b, k, p, done));
}

static enum err undo(struct bulk *b, const struct bulk_kind *k, const char *id, struct progress *p)
{
    bool was_cancelled = false;
    TRY(back(b, k, id, p));
    TRY(end(b, k, p, false));
    TRY(cancelled(b, &was_cancelled));
    return fail(was_cancelled ? E_CANCELLED : E_UNMEANT, "%s", p->why);
}

static enum err run(struct bulk *b, const struct bulk_kind *k, const char *id)
{
    AUTO(progress) struct progress p = { 0 };
    bool undoing = false;
    TRY(read_progress(b, id, &p));
    if (k->ready)
        TRY(k->ready(b));
    if (p.undoing)
        return undo(b, k, id, &p);
    enum err e = forward(b, k, id, &p, &undoing);
    if (e == OK) {
        e = end(b, k, &p, true);
        undoing = is_final(e) && k->undo;
    }
    if (!undoing)
        return e;
    p.why = arena_str(b->job->arena, fail_text());
    p.undoing = true;
    return undo(b, k, id, &p);
}

static struct bulk bulk_of(struct job *j)
{
    return (struct bulk){ .db = j->db, .org = j->org, .user_id = j->user_id, .input = j->input, .arena = j->arena, .job = j };
}

enum err bulk_run(struct job *j)
{
    struct bulk b = bulk_of(j);
    const struct bulk_kind *k = kind_called(j->kind);
    return k ? run(&b, k, j->id) : fail(E_BROKEN, "there is no change of the kind %s", j->kind);
}

/* It died each time at one thing, or its disk failed: what it did is undone by a job of its own. */
enum err bulk_gave_up(struct job *j, const char *why)
{
    const struct bulk_kind *k = kind_called(j->kind);
    int64_t begun = 0;
    const char *job;
    struct bulk b = bulk_of(j);
    TRY(sql_int(j->db, &begun, "SELECT count(*) FROM bulk WHERE job_id = ?1 AND (slice > 0 OR item > 0)", V(j->id)));
    if (!k || !k->undo)
        return OK;
    if (!begun)
        return last(&b, k, false);
    TRY(sql_run(j->db, "UPDATE bulk SET undoing = 1, why = ?2 WHERE job_id = ?1", V(j->id), V(why)));
    AUTO(out) struct out o;
    out_init(&o, 64 << 20);
    out_object(&o, NULL);
    out_text(&o, "job_id", j->id);
    out_text(&o, "kind", j->kind);
    out_json(&o, "input", j->input);
    out_end_object(&o);
    TRY(job_add(j->db, j->arena, bulk_undo_job.name, j->org, j->user_id, o.text.bytes, &job));
    return job_about_the_same(j->db, job, j->id);
}

static enum err run_undo(struct job *j)
{
    const char *id = json_text(json_get(j->input, "job_id")), *kind = json_text(json_get(j->input, "kind"));
    const struct bulk_kind *k = kind ? kind_called(kind) : NULL;
    struct bulk b = bulk_of(j);
    AUTO(progress) struct progress p = { 0 };
    if (!k || !k->undo)
        return fail(E_BROKEN, "there is no such change to undo");
    TRY(read_progress(&b, id, &p));
    b.input = json_get(j->input, "input");
    if (k->ready)
        TRY(k->ready(&b));
    TRY(back(&b, k, id, &p));
    return end(&b, k, &p, false);
}
const struct job_kind bulk_undo_job = {
    .name = "undo", .run = run_undo, .tries = 20, .lease_s = 60, .lane = "quick", .does = JOB_CHANGES
};

/* ---- what is left */

static enum err drop_one(struct sql *db, const char *id, bool *ret_more)
{
    TRY(sql_begin(db));
    enum err e =
        sql_run(db, "DELETE FROM bulk_slice WHERE job_id = ?1 AND n IN (SELECT n FROM bulk_slice WHERE job_id = ?1 LIMIT ?2)",
                V(id), V(ROWS_AT_ONCE));
    *ret_more = sql_changes(db) == ROWS_AT_ONCE;
    if (e == OK && !*ret_more)
        e = sql_run(db, "DELETE FROM bulk WHERE job_id = ?1", V(id));
    return sql_end(db, e);
}

enum err bulk_sweep(struct sql *db)
{
    for (;;) {
        char id[ID_SIZE] = "";
        {
            AUTO(rows) struct rows *r = NULL;
            TRY(sql_rows(
                db, &r,
                "SELECT b.job_id FROM bulk b LEFT JOIN job j ON j.id = b.job_id WHERE b.created_at < ?1"
                " AND (j.id IS NULL OR j.status NOT IN ('PENDING', 'RUNNING'))"
                " AND NOT EXISTS (SELECT 1 FROM job u WHERE u.kind = 'undo' AND u.status IN ('PENDING', 'RUNNING')) LIMIT 1",
                V(clock_now_ms() - ABANDONED_MS)));
            if (!rows_next(r))
                return rows_error(r);
            id_parse(rows_text(r, 0), id);
        }
        for (bool more = true; more;)
            TRY(drop_one(db, id, &more));
    }
}
