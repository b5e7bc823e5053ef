#include "job/job.h"
#include "base/clock.h"
#include "json/json.h"
#include <string.h>

const char job_table[] =
    "CREATE TABLE job ("
    " id TEXT PRIMARY KEY, kind TEXT NOT NULL, org TEXT, user_id TEXT, input TEXT NOT NULL, lane TEXT NOT NULL DEFAULT 'quick',"
    " status TEXT NOT NULL CHECK (status IN ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'KILLED')),"
    " progress REAL NOT NULL DEFAULT 0, furthest REAL NOT NULL DEFAULT 0, doing TEXT, result TEXT, error TEXT,"
    " tries INTEGER NOT NULL DEFAULT 0, cancel INTEGER NOT NULL DEFAULT 0, worker TEXT, lease_until INTEGER NOT NULL DEFAULT 0,"
    " created_at INTEGER NOT NULL, started_at INTEGER, ended_at INTEGER, about_id TEXT, about TEXT, reads_id TEXT) STRICT;"
    "CREATE INDEX job_waiting ON job (lane, created_at) WHERE status IN ('PENDING', 'RUNNING');"
    "CREATE INDEX job_to_clear ON job (lane) WHERE cancel = 2;" /* 2: cancelled before it ran, and not cleared up after yet */
    "CREATE INDEX job_of_org ON job (org, created_at)";

static const struct job_kind *const *kinds = job_kinds;
static job_listener *const no_listeners[] = { NULL };
static job_listener *const *listeners = job_listeners;

void job_use_kinds(const struct job_kind *const *k)
{
    kinds = k;
    listeners = no_listeners;
}

const struct job_kind *job_kind_called(const char *name)
{
    for (const struct job_kind *const *k = kinds; *k; k++)
        if (strcmp((*k)->name, name) == 0)
            return *k;
    return NULL;
}

static enum err write_told(struct sql *db, struct arena *a, const char *id, const char **ret_org, const char **ret_json)
{
    static const char *const texts[] = { "id", "kind", "status", "doing", "error", "org" };
    AUTO(out) struct out o;
    AUTO(rows) struct rows *r = NULL;
    out_init(&o, 1 << 16);
    TRY(sql_rows(db, &r, "SELECT id, kind, status, doing, error, org, progress FROM job WHERE id = ?1", V(id)));
    *ret_json = NULL;
    if (!rows_next(r))
        return rows_error(r);
    out_object(&o, NULL);
    for (int i = 0; i < 6; i++)
        out_text(&o, texts[i], rows_text(r, i));
    out_number(&o, "progress", rows_real(r, 6));
    out_end_object(&o);
    *ret_org = arena_str(a, rows_text(r, 5));
    *ret_json = arena_str(a, o.text.bytes);
    return OK;
}

/* Pages watch the topic "job"; the row is told through the same table that api/event.c streams from. */
static enum err tell(struct sql *db, struct arena *a, const char *id, job_listener *const *l)
{
    const char *org, *json;
    TRY(write_told(db, a, id, &org, &json));
    if (!json)
        return OK;
    for (; org && *l; l++)
        TRY((*l)(db, a, org, json));
    return sql_run(db, "INSERT INTO event (org, topic, json, at) VALUES (coalesce(?1, ''), 'job', ?2, ?3)", V(org), V(json),
                   V(clock_now_ms()));
}

enum err job_tell(struct sql *db, const char *id)
{
    AUTO(arena) struct arena *a = arena_new();
    return tell(db, a, id, no_listeners);
}

enum err job_tell_status(struct sql *db, const char *id)
{
    AUTO(arena) struct arena *a = arena_new();
    return tell(db, a, id, listeners);
}

enum err job_add_as(struct sql *db, const char *id, const char *kind, const char *org, const char *user_id, const char *input)
{
    const struct job_kind *k = job_kind_called(kind);
    if (!k)
        return fail(E_BROKEN, "there is no kind of job called %s", kind);
    TRY(sql_run(db,
                "INSERT INTO job (id, kind, org, user_id, input, lane, status, created_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'PENDING', ?7)",
                V(id), V(kind), V(org), V(user_id), V(input), V(k->lane), V(clock_now_ms())));
    return job_tell_status(db, id);
}

enum err job_add(struct sql *db, struct arena *a, const char *kind, const char *org, const char *user_id, const char *input,
                 const char **ret_id)
{
    *ret_id = id_new(a);
    return job_add_as(db, *ret_id, kind, org, user_id, input);
}

enum err job_add_done(struct sql *db, struct arena *a, const char *kind, const char *org, const char *user_id, const char *result,
                      const char **ret_id)
{
    const char *id = id_new(a);
    TRY(sql_run(db,
                "INSERT INTO job (id, kind, org, user_id, input, status, progress, result, created_at, ended_at)"
                " VALUES (?1, ?2, ?3, ?4, '{}', 'SUCCEEDED', 1.0, ?5, ?6, ?6)",
                V(id), V(kind), V(org), V(user_id), V(result), V(clock_now_ms())));
    TRY(job_tell_status(db, id));
    *ret_id = id;
    return OK;
}

enum err job_about(struct sql *db, const char *id, const char *about_id, const char *about)
{
    return sql_run(db, "UPDATE job SET about_id = ?2, about = ?3 WHERE id = ?1", V(id), V(about_id), V(about));
}

enum err job_about_the_same(struct sql *db, const char *id, const char *as_job)
{
    return sql_run(
        db,
        "UPDATE job SET about_id = (SELECT about_id FROM job WHERE id = ?2), about = (SELECT about FROM job WHERE id = ?2),"
        " reads_id = (SELECT reads_id FROM job WHERE id = ?2) WHERE id = ?1",
        V(id), V(as_job));
}

enum err job_reads(struct sql *db, const char *id, const char *reads_id)
{
    return sql_run(db, "UPDATE job SET reads_id = ?2 WHERE id = ?1", V(id), V(reads_id));
}

struct live {
    const char *id, *kind;
    bool reads; /* the thing is what it reads, not what it is about */
    struct live *next;
};

/* Calls for each job that waits or runs and is about the thing, or reads it. */
static enum err each_about(struct sql *db, const char *about_id, enum err (*call)(void *with, const struct live *), void *with)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    struct live *first = NULL, **last = &first;
    TRY(sql_rows(db, &r,
                 "SELECT id, kind, CASE WHEN reads_id = ?1 THEN 1 ELSE 0 END FROM job WHERE status IN ('PENDING', 'RUNNING')"
                 " AND (about_id = ?1 OR reads_id = ?1) ORDER BY created_at",
                 V(about_id)));
    while (rows_next(r)) {
        *last = arena_take(a, sizeof **last);
        **last = (struct live){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), rows_int(r, 2) != 0, NULL };
        last = &(*last)->next;
    }
    TRY(rows_error(r));
    for (const struct live *l = first; l; l = l->next)
        TRY(call(with, l));
    return OK;
}

struct deletion {
    struct sql *db;
    const char *why;
};

static enum err end_without_subject(void *with, const struct live *l)
{
    const struct deletion *d = with;
    const struct job_kind *k = job_kind_called(l->kind);
    if (k && k->does == JOB_DELETES)
        return OK;
    TRY(sql_run(d->db, "UPDATE job SET cancel = 3, error = ?2 WHERE id = ?1 AND status = 'RUNNING'", V(l->id), V(d->why)));
    TRY(sql_run(d->db,
                "UPDATE job SET status = 'KILLED', cancel = 2, error = ?2, ended_at = ?3 WHERE id = ?1 AND status = 'PENDING'",
                V(l->id), V(d->why), V(clock_now_ms())));
    return job_tell_status(d->db, l->id);
}

enum err job_subject_gone(struct sql *db, const char *about_id, const char *why)
{
    return each_about(db, about_id, end_without_subject, &(struct deletion){ db, why });
}

static enum err refuse_beside(void *with, const struct live *l)
{
    const enum job_does *wanted = with;
    const struct job_kind *k = job_kind_called(l->kind);
    enum job_does does = !k || l->reads ? JOB_READS : k->does;
    if (l->reads ? *wanted != JOB_CHANGES : does == JOB_READS || (does == JOB_ADDS && *wanted == JOB_ADDS))
        return OK;
    return fail(E_CONFLICT, "the job %s (%s) is %s it: wait until it has ended, or cancel it", l->id, l->kind,
                l->reads ? "reading" : "changing");
}

enum err job_check_alone(struct sql *db, const char *about_id, enum job_does does)
{
    return each_about(db, about_id, refuse_beside, &does);
}

enum err job_cancel(struct sql *db, const char *id)
{
    TRY(sql_run(db, "UPDATE job SET cancel = 1 WHERE id = ?1 AND status = 'RUNNING' AND cancel = 0", V(id)));
    TRY(sql_run(db, "UPDATE job SET status = 'KILLED', cancel = 2, ended_at = ?2 WHERE id = ?1 AND status = 'PENDING'", V(id),
                V(clock_now_ms())));
    return job_tell_status(db, id);
}

const char *job_v1_status(const char *status)
{
    return strcmp(status, "SUCCEEDED") == 0 ? "SUCCESS"
           : strcmp(status, "FAILED") == 0  ? "FAILED"
           : strcmp(status, "KILLED") == 0  ? "TERMINATED"
                                            : "RUNNING";
}

bool job_lane_fits(const struct job_lane *l, const char *has)
{
    size_t n = l->needs ? strlen(l->needs) : 0;
    for (const char *p = n ? has : NULL; p && *p; p = strchrnul(p, ','), p += *p == ',')
        if (strcspn(p, ",") == n && strncmp(p, l->needs, n) == 0)
            return true;
    return n == 0;
}
