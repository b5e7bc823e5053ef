#include "api/remove.h"
#include "api/resource.h"
#include "base/clock.h"
#include "sql/slice.h"
#include <string.h>

enum { FEW = 300 };               /* rows that go at once, within the request */
enum { FIRST = 50, MOST = 2000 }; /* rows of a slice */
static const double slice_seconds = 0.015;

static const char table[] = "CREATE TABLE gone (id TEXT PRIMARY KEY, within TEXT NOT NULL) STRICT, WITHOUT ROWID";
const struct resource gone_resource = { .name = "removed thing", .table = table };

enum err thing_gone(struct sql *db, const char *id, bool *ret)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT count(*) FROM gone WHERE id = ?1", V(id)));
    *ret = n != 0;
    return OK;
}

/* `within` of a thing that is being made: the job. */
#define MADE_BY "job "

enum err thing_hide(struct sql *db, const char *id, const char *job_id)
{
    return sql_run(db, "INSERT INTO gone (id, within) VALUES (?1, '" MADE_BY "' || ?2)", V(id), V(job_id));
}

enum err thing_show(struct sql *db, const char *id)
{
    return sql_run(db, "DELETE FROM gone WHERE id = ?1 AND substr(within, 1, length('" MADE_BY "')) = '" MADE_BY "'", V(id));
}

enum err thing_check_made(struct sql *db, const char *id, const char *called)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT within FROM gone WHERE id = ?1 AND substr(within, 1, length('" MADE_BY "')) = '" MADE_BY "'",
                 V(id)));
    if (!rows_next(r))
        return rows_error(r);
    return fail(E_CONFLICT, "the %s is being made by the job %s: wait until that has ended", called,
                rows_text(r, 0) + strlen(MADE_BY));
}

struct cutting {
    struct sql *db;
    struct arena *arena;
    const struct removal *r;
    const char *id;
    int64_t n; /* rows that there are to change, counted up to FEW */
};

static bool is_large(const struct removal *r, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(r->large) && r->large[i].from; i++)
        if (strcmp(r->large[i].from, name) == 0)
            return true;
    return false;
}

static enum err count_rows(struct cutting *c, const char *rows, int64_t *ret)
{
    return sql_int_text(c->db, ret, arena_fmt(c->arena, "SELECT count(*) FROM (%s LIMIT %d) q", rows, FEW + 1), VALUES(V(c->id)));
}

static enum err count_child(void *with, const char *child, const char *column, enum child kind)
{
    struct cutting *c = with;
    int64_t n = 0;
    if (kind == CHILD_GOES && is_large(c->r, child))
        return OK;
    TRY(count_rows(c, arena_fmt(c->arena, "SELECT 1 FROM %s WHERE %s = ?1", child, column), &n));
    c->n += n;
    return kind == CHILD_FORBIDS && n ? fail(E_IN_USE, "something else uses it") : OK;
}

static enum err holds_few(struct cutting *c, bool *ret)
{
    TRY(sql_children(c->db, c->r->table, count_child, c));
    for (size_t i = 0; i < COUNT_OF(c->r->large) && c->r->large[i].from; i++) {
        int64_t n = 0;
        TRY(count_rows(c, c->r->large[i].rows, &n));
        c->n += n;
    }
    *ret = c->n <= FEW;
    return OK;
}

/* What names it elsewhere does so no more, as its deletion will say: an experiment's list of its datasets, say. Where very many
 * name it, the job does that. */
static enum err cut(void *with, const char *child, const char *column, enum child kind)
{
    struct cutting *c = with;
    int64_t n = 0;
    if (kind == CHILD_FORBIDS || is_large(c->r, child))
        return OK;
    TRY(count_rows(c, arena_fmt(c->arena, "SELECT 1 FROM %s WHERE %s = ?1", child, column), &n));
    if (kind == CHILD_NAMES_NOTHING && n > FEW)
        return OK;
    const char *text =
        arena_fmt(c->arena, kind == CHILD_GOES ? "DELETE FROM %s WHERE %s = ?1" : "UPDATE %s SET %s = NULL WHERE %s = ?1", child,
                  column, column);
    return sql_run_text(c->db, text, VALUES(V(c->id)));
}

static enum err hide(struct op *op, const struct removal *r, const char *kind, const char *id, const char *within)
{
    struct cutting c = { op->db, op->arena, r, id, 0 };
    TRY(sql_children(op->db, kind, cut, &c));
    return sql_run(op->db, "INSERT INTO gone (id, within) VALUES (?1, ?2) ON CONFLICT DO NOTHING", V(id), V(within));
}

/* Calls for each thing in it that is hidden with it. */
struct inner {
    const char *id;
    struct inner *next;
};

static enum err read_inner(struct sql *db, struct arena *a, const char *rows, const char *id, struct inner **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows_text(db, &r, rows, VALUES(V(id))));
    for (struct inner **last = ret; rows_next(r); last = &(*last)->next) {
        *last = arena_take(a, sizeof **last);
        (*last)->id = arena_str(a, rows_text(r, 0));
    }
    return rows_error(r);
}

/* All are read before the first is called for, since that may write in transactions of its own. */
static enum err within(struct sql *db, const struct removal *r, const char *id, enum err (*call)(void *with, const char *id),
                       void *with)
{
    AUTO(arena) struct arena *a = arena_new();
    struct inner *first = NULL;
    if (r->hides.table)
        TRY(read_inner(db, a, r->hides.rows, id, &first));
    for (struct inner *i = first; i; i = i->next)
        TRY(call(with, i->id));
    return OK;
}

struct hiding {
    struct op *op;
    const struct removal *r;
    const char *id;
};

static enum err hide_one(void *with, const char *id)
{
    struct hiding *h = with;
    return hide(h->op, h->r, h->r->hides.table, id, h->id);
}

static enum err count_one(void *with, const char *id)
{
    struct cutting *c = with, inner = *c;
    inner.id = id;
    TRY(sql_children(c->db, c->r->hides.table, count_child, &inner));
    c->n = inner.n;
    return OK;
}

/* Jobs that are about it end, and say why. */
static enum err end_jobs(struct op *op, const char *table_, const char *id)
{
    char *thing = arena_str(op->arena, table_);
    for (char *c = thing; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return job_subject_gone(op->db, id, arena_fmt(op->arena, "the %s was deleted", thing));
}

static enum err end_jobs_of_one(void *with, const char *id)
{
    struct hiding *h = with;
    return end_jobs(h->op, h->r->hides.table, arena_str(h->op->arena, id));
}

static enum err read_name(struct op *op, const struct removal *r, const char *id, const char **ret)
{
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, r->called, VALUES(V(id))));
    *ret = rows_next(row) ? arena_str(op->arena, rows_text(row, 0)) : NULL;
    return rows_error(row);
}

static enum err add_job(struct op *op, const struct removal *r, const char *id, const char *name)
{
    const char *job;
    TRY(job_add(op->db, op->arena, remove_job.name, op->org, op->user_id,
                arena_fmt(op->arena, "{\"table\":\"%s\",\"id\":\"%s\"}", r->table, id), &job));
    return job_about(op->db, job, id, name);
}

enum err thing_remove(struct op *op, const struct removal *r, const char *id)
{
    struct hiding h = { op, r, id };
    struct cutting c = { op->db, op->arena, r, id, 0 };
    bool few = false;
    const char *name;
    TRY(within(op->db, r, id, end_jobs_of_one, &h));
    TRY(end_jobs(op, r->table, id));
    TRY(within(op->db, r, id, count_one, &c));
    TRY(holds_few(&c, &few));
    if (few)
        return sql_run_text(op->db, arena_fmt(op->arena, "DELETE FROM %s WHERE id = ?1", r->table), VALUES(V(id)));
    TRY(read_name(op, r, id, &name));
    TRY(hide(op, r, r->table, id, id));
    TRY(within(op->db, r, id, hide_one, &h));
    if (r->named)
        TRY(sql_run_text(op->db, arena_fmt(op->arena, "UPDATE %s SET %s = ?2 WHERE id = ?1", r->table, r->named),
                         VALUES(V(id), V(arena_fmt(op->arena, "removed %s", id)))));
    return add_job(op, r, id, name);
}

/* ---- the job */

static enum err slice(struct job *j, const char *text, const char *id, int64_t most, int64_t *ret_n)
{
    TRY(sql_begin(j->db));
    enum err e = sql_run_text(j->db, text, VALUES(V(id), V(most)));
    *ret_n = sql_changes(j->db);
    return sql_end(j->db, e);
}

/* Cancelling is too late: it is gone for everybody. */
static bool interrupted(struct job *j)
{
    int64_t asked = 0;
    if (job_go_on(j, 0, "removing what it held"))
        return false;
    return sql_int(j->db, &asked, "SELECT cancel FROM job WHERE id = ?1", V(j->id)) != OK || !asked;
}

/* The statement changes so many rows as its ?2 says, until there are none. */
static enum err in_slices(struct job *j, const char *text, const char *id)
{
    int64_t most = FIRST, n = 1;
    while (n) {
        if (interrupted(j))
            return fail(E_CANCELLED, "stopped half-way");
        double began = clock_seconds();
        TRY(slice(j, text, id, most, &n));
        double took = clock_seconds() - began;
        slice_rest(began);
        if (took > slice_seconds)
            most = most > 2 ? most / 2 : 1;
        else if (took < slice_seconds / 3 && most < MOST)
            most *= 2;
    }
    return OK;
}

struct clearing {
    struct job *job;
    const struct removal *r;
    const char *id;
};

static enum err clear_child(void *with, const char *child, const char *column, enum child kind)
{
    struct clearing *c = with;
    if (kind != CHILD_NAMES_NOTHING)
        return OK;
    int64_t n = 0;
    TRY(sql_int_text(
        c->job->db, &n,
        arena_fmt(c->job->arena, "SELECT count(*) FROM (SELECT 1 FROM %s WHERE %s = ?1 LIMIT %d) q", child, column, FEW + 1),
        VALUES(V(c->id))));
    return n <= FEW ? OK
                    : in_slices(c->job,
                                arena_fmt(c->job->arena,
                                          "UPDATE %s SET %s = NULL WHERE id IN (SELECT id FROM %s WHERE %s = ?1 LIMIT ?2)", child,
                                          column, child, column),
                                c->id);
}

static enum err clear_one(void *with, const char *id)
{
    struct clearing *c = with, inner = { c->job, c->r, arena_str(c->job->arena, id) };
    return sql_children(c->job->db, c->r->hides.table, clear_child, &inner);
}

static enum err clear(struct job *j, const struct removal *r, const char *id)
{
    struct clearing c = { j, r, id };
    TRY(within(j->db, r, id, clear_one, &c));
    return sql_children(j->db, r->table, clear_child, &c);
}

static enum err last(struct job *j, const struct removal *r, const char *id)
{
    TRY(sql_run_text(j->db, arena_fmt(j->arena, "DELETE FROM %s WHERE id = ?1", r->table), VALUES(V(id))));
    TRY(sql_run(j->db, "DELETE FROM gone WHERE within = ?1", V(id)));
    return job_done_within(j, "{}");
}

static enum err run(struct job *j)
{
    const char *name = json_text(json_get(j->input, "table")), *id = json_text(json_get(j->input, "id"));
    const struct removal *r = NULL;
    for (const struct removal *const *k = removals; *k && name; k++)
        if (strcmp((*k)->table, name) == 0)
            r = *k;
    if (!r || !id)
        return fail(E_BROKEN, "the job does not say what to remove");
    for (size_t i = 0; i < COUNT_OF(r->large) && r->large[i].from; i++)
        TRY(in_slices(j, arena_fmt(j->arena, "DELETE FROM %s WHERE id IN (%s LIMIT ?2)", r->large[i].from, r->large[i].rows), id));
    TRY(clear(j, r, id));
    TRY(sql_begin(j->db));
    return sql_end(j->db, last(j, r, id));
}
const struct job_kind remove_job = {
    .name = "remove", .run = run, .tries = 100, .lease_s = 60, .lane = "quick", .does = JOB_DELETES
};
