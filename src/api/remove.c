#include "api/remove.h"
#include "api/resource.h"
#include "base/clock.h"
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

static enum err holds_few(struct op *op, const struct removal *r, const char *id, bool *ret)
{
    int64_t n = 0, some = 0;
    for (size_t i = 0; i < COUNT_OF(r->large) && r->large[i].from; i++) {
        const char *text = arena_fmt(op->arena, "SELECT count(*) FROM (%s LIMIT %d) q", r->large[i].rows, FEW + 1);
        TRY(sql_int_text(op->db, &some, text, VALUES(V(id))));
        n += some;
    }
    *ret = n <= FEW;
    return OK;
}

static bool is_large(const struct removal *r, const char *name)
{
    for (size_t i = 0; i < COUNT_OF(r->large) && r->large[i].from; i++)
        if (strcmp(r->large[i].from, name) == 0)
            return true;
    return false;
}

struct cutting {
    struct op *op;
    const struct removal *r;
    const char *id;
};

/* What names it elsewhere does so no more, as its deletion will say: an experiment's list of its datasets, say. */
static enum err cut(void *with, const char *child, const char *column, bool goes_with_it)
{
    struct cutting *c = with;
    if (is_large(c->r, child))
        return OK;
    const char *text =
        arena_fmt(c->op->arena, goes_with_it ? "DELETE FROM %s WHERE %s = ?1" : "UPDATE %s SET %s = NULL WHERE %s = ?1", child,
                  column, column);
    return sql_run_text(c->op->db, text, VALUES(V(c->id)));
}

static enum err hide(struct op *op, const struct removal *r, const char *kind, const char *id, const char *within)
{
    struct cutting c = { op, r, id };
    TRY(sql_children(op->db, kind, cut, &c));
    return sql_run(op->db, "INSERT INTO gone (id, within) VALUES (?1, ?2) ON CONFLICT DO NOTHING", V(id), V(within));
}

static enum err hide_within(struct op *op, const struct removal *r, const char *id)
{
    if (!r->hides.table)
        return OK;
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, r->hides.rows, VALUES(V(id))));
    while (rows_next(row))
        TRY(hide(op, r, r->hides.table, rows_text(row, 0), id));
    return rows_error(row);
}

enum err thing_remove(struct op *op, const struct removal *r, const char *id)
{
    bool few = false;
    const char *job;
    TRY(holds_few(op, r, id, &few));
    if (few)
        return sql_run_text(op->db, arena_fmt(op->arena, "DELETE FROM %s WHERE id = ?1", r->table), VALUES(V(id)));
    TRY(hide(op, r, r->table, id, id));
    TRY(hide_within(op, r, id));
    TRY(sql_run_text(op->db, arena_fmt(op->arena, "UPDATE %s SET %s = ?2 WHERE id = ?1", r->table, r->named),
                     VALUES(V(id), V(arena_fmt(op->arena, "removed %s", id)))));
    return job_add(op->db, op->arena, remove_job.name, op->org, op->user_id,
                   arena_fmt(op->arena, "{\"table\":\"%s\",\"id\":\"%s\"}", r->table, id), &job);
}

/* ---- the job */

static enum err slice(struct job *j, const char *from, const char *rows, const char *id, int64_t most, int64_t *ret_n)
{
    TRY(sql_begin(j->db));
    enum err e =
        sql_run_text(j->db, arena_fmt(j->arena, "DELETE FROM %s WHERE id IN (%s LIMIT ?2)", from, rows), VALUES(V(id), V(most)));
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

static enum err empty(struct job *j, const char *from, const char *rows, const char *id)
{
    int64_t most = FIRST, n = 1;
    while (n) {
        if (interrupted(j))
            return fail(E_CANCELLED, "stopped half-way");
        double began = clock_seconds();
        TRY(slice(j, from, rows, id, most, &n));
        double took = clock_seconds() - began;
        if (took > slice_seconds)
            most = most > 2 ? most / 2 : 1;
        else if (took < slice_seconds / 3 && most < MOST)
            most *= 2;
    }
    return OK;
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
        TRY(empty(j, r->large[i].from, r->large[i].rows, id));
    TRY(sql_begin(j->db));
    return sql_end(j->db, last(j, r, id));
}
const struct job_kind remove_job = { .name = "remove", .run = run, .tries = 100, .lease_s = 60, .lane = "quick" };
