/* What is kept in step with a bucket: a prefix that a datalake imports from again and again. Each run is a job like one that is
 * asked for by hand (bucket_import.c), and its result is the report. */
#include "api/resource.h"
#include "app/account/account.h"
#include "app/datalake/bucket.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "job/job.h"
#include <string.h>

enum { SYNCS_MOST = 100, DUE_AT_ONCE = 10, TAGS_MOST = 100 };

static const char table[] =
    "CREATE TABLE bucket_sync (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), datalake_id TEXT NOT NULL "
    "REFERENCES "
    "datalake(id), bucket_id TEXT NOT NULL REFERENCES bucket(id) ON DELETE CASCADE, prefix TEXT NOT NULL, tag_ids TEXT NOT NULL, "
    "every_minutes INTEGER NOT NULL, active INTEGER NOT NULL, due_at INTEGER NOT NULL, job_id TEXT, created_at INTEGER NOT NULL, "
    "person_id TEXT, UNIQUE (datalake_id, bucket_id, prefix)) STRICT;"
    "CREATE INDEX bucket_sync_due ON bucket_sync (due_at) WHERE active = 1;"
    "CREATE INDEX bucket_sync_bucket ON bucket_sync (bucket_id)";

static const char *const job_words[] = { "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "KILLED", NULL };
static const struct field job_fields[] = {
    { "id", T_ID, 0, "j.id" },
    { "status", T_TEXT, 0, "j.status", .words = job_words },
    { "error", T_TEXT, F_NULL, "j.error" },
    { "result", T_JSON, F_NULL, "j.result" },
    { "ended_at", T_TIME, F_NULL, "j.ended_at" },
};
static const struct resource last_job = {
    .name = "last run of a sync", .fields = job_fields, .n_fields = COUNT_OF(job_fields), .from = "job j", .key = "j.id"
};

static const struct field fields[] = {
    { "id", T_ID, 0, "y.id" },
    { "datalake_id", T_ID, 0, "y.datalake_id" },
    { "connector_id", T_ID, 0, "y.bucket_id" },
    { "prefix", T_TEXT, 0, "y.prefix" },
    { "tag_ids", T_ARRAY, 0, "y.tag_ids", .of = &text_value },
    { "every_minutes", T_INT, F_EDIT, "y.every_minutes", .min = 5, .max = 60 * 24 * 31 },
    { "active", T_BOOL, F_EDIT, "y.active" },
    { "due_at", T_TIME, F_SORT, "y.due_at" },
    { "last", T_ONE, F_NULL, "y.job_id", .of = &last_job },
    { "created_at", T_TIME, F_SORT, "y.created_at" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("y.person_id") },
};

/* ---- running one */

struct due {
    const char *id, *org, *lake, *bucket, *prefix, *tags, *person, *lake_name;
    int64_t every_ms;
};

static const char *input_of(struct arena *a, const struct due *d)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_text(&o, "datalake_id", d->lake);
    out_text(&o, "connector_id", d->bucket);
    out_array(&o, "prefixes");
    out_text(&o, NULL, d->prefix);
    out_end_array(&o);
    out_raw(&o, "tag_ids", d->tags);
    out_bool(&o, "sync", true);
    out_end_object(&o);
    return arena_str(a, o.text.bytes);
}

#define DUE                                                                                                                        \
    "SELECT y.id, y.org, y.datalake_id, y.bucket_id, y.prefix, y.tag_ids, y.person_id, l.name, y.every_minutes FROM bucket_sync y" \
    " JOIN datalake l ON l.id = y.datalake_id WHERE "
/* The run before has not ended: this one is not begun beside it. */
#define AT_WORK "EXISTS (SELECT 1 FROM job j WHERE j.id = y.job_id AND j.status IN ('PENDING', 'RUNNING'))"

static void read_due(struct arena *a, struct rows *r, struct due *ret)
{
    const char *texts[8];
    for (int i = 0; i < 8; i++)
        texts[i] = arena_str(a, rows_text(r, i));
    *ret = (struct due){ texts[0], texts[1], texts[2], texts[3], texts[4], texts[5], texts[6], texts[7], 60000 * rows_int(r, 8) };
}

static enum err begin(struct sql *db, struct arena *a, const struct due *d, int64_t now_ms)
{
    const char *job;
    TRY(job_add(db, a, import_objects_job.name, d->org, d->person, input_of(a, d), &job));
    TRY(job_about(db, job, d->lake, d->lake_name));
    return sql_run(db, "UPDATE bucket_sync SET job_id = ?2, due_at = ?3 WHERE id = ?1", V(d->id), V(job), V(now_ms + d->every_ms));
}

static enum err begin_all(struct sql *db, struct arena *a, int64_t now_ms)
{
    struct due all[DUE_AT_ONCE];
    size_t n = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r, DUE "y.active = 1 AND y.due_at <= ?1 AND NOT " AT_WORK " ORDER BY y.due_at LIMIT ?2", V(now_ms),
                     V(DUE_AT_ONCE)));
        while (n < DUE_AT_ONCE && rows_next(r))
            read_due(a, r, &all[n++]);
        TRY(rows_error(r));
    }
    for (size_t i = 0; i < n; i++)
        TRY(begin(db, a, &all[i], now_ms));
    return OK;
}

enum err syncs_look(struct sql *db, int64_t now_ms)
{
    AUTO(arena) struct arena *a = arena_new();
    int64_t any = 0;
    TRY(sql_int(db, &any, "SELECT EXISTS (SELECT 1 FROM bucket_sync y WHERE y.active = 1 AND y.due_at <= ?1 AND NOT " AT_WORK ")",
                V(now_ms)));
    if (!any)
        return OK;
    TRY(sql_begin(db));
    return sql_end(db, begin_all(db, a, now_ms));
}

/* ---- routes */

static enum err list(struct op *op)
{
    return reply_list(op, &bucket_sync_resource, "y.datalake_id = ?1", V(op->id));
}

static enum err get(struct op *op)
{
    return reply_one(op, &bucket_sync_resource, op->id);
}

/* Reading a bucket is more than changing one datalake: who was given only that may not. The first run begins at once. */
static enum err create(struct op *op)
{
    const char *id = id_new(op->arena), *bucket = in_text(op, "connector_id"), *prefix = in_text(op, "prefix");
    int64_t n = 0, now = clock_now_ms();
    struct value tags;
    TRY(organization_need_to_change(op));
    TRY(resource_need(op, &bucket_resource, bucket));
    TRY(tags_check(op, "tag_ids", op->id, &tags));
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM bucket_sync WHERE datalake_id = ?1", V(op->id)));
    if (n >= SYNCS_MOST)
        return fail(E_TOO_BIG, "a datalake is kept in step with at most %d prefixes", SYNCS_MOST);
    enum err e = sql_run(op->db,
                         "INSERT INTO bucket_sync (id, org, datalake_id, bucket_id, prefix, tag_ids, every_minutes, active, due_at,"
                         " created_at, person_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 1, ?8, ?8, ?9)",
                         V(id), V(op->org), V(op->id), V(bucket), V(prefix ? prefix : ""),
                         V(in_has(op, "tag_ids") ? in_print(op, "tag_ids") : "[]"), V(in_int(op, "every_minutes", 60)), V(now),
                         V(op->user_id));
    if (e == E_CONFLICT)
        return fail(e, "the datalake is kept in step with that prefix already");
    TRY(e);
    op->status = 201;
    return reply_one(op, &bucket_sync_resource, id);
}

static enum err update(struct op *op)
{
    TRY(resource_update(op, &bucket_sync_resource, op->id));
    return reply_one(op, &bucket_sync_resource, op->id);
}

static enum err run_now(struct op *op)
{
    struct due d;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(op->db, &r, DUE "y.id = ?1 AND NOT " AT_WORK, V(op->id)));
        if (!rows_next(r)) {
            TRY(rows_error(r));
            return fail(E_CONFLICT, "it is at work already");
        }
        read_due(op->arena, r, &d);
    }
    TRY(begin(op->db, op->arena, &d, clock_now_ms()));
    return reply_one(op, &bucket_sync_resource, op->id);
}

static enum err delete_sync(struct op *op)
{
    op->status = 204;
    return sql_run(op->db, "DELETE FROM bucket_sync WHERE id = ?1", V(op->id));
}

static const struct field create_in[] = {
    { "connector_id", T_ID, F_NEED },
    { "prefix", T_TEXT, F_NULL, .max = S3_KEY_MOST },
    { "tag_ids", T_IDS, F_NULL, .max = TAGS_MOST },
    { "every_minutes", T_INT, .min = 5, .max = 60 * 24 * 31 },
};

#define SYNC .answers = &bucket_sync_resource
static const struct route routes[] = {
    { "GET", "/api/datalake/{id}/syncs", list, MAY_READ, WORK_READ, "what is kept in step with buckets", SYNC,
      .on = &datalake_resource, .gives = GIVES_PAGE },
    { "POST", "/api/datalake/{id}/syncs", create, MAY_WRITE, WORK_WRITE,
      "keeps the datalake in step with a prefix of a bucket; the first run begins at once", FIELDS(create_in), SYNC,
      .on = &datalake_resource },
    { "GET", "/api/sync/{id}", get, MAY_READ, WORK_READ, "one of these, with what its last run came to", SYNC,
      .on = &bucket_sync_resource },
    { "PATCH", "/api/sync/{id}", update, MAY_WRITE, WORK_WRITE, "how often, or not for now", CHANGES(&bucket_sync_resource),
      .on = &bucket_sync_resource },
    { "POST", "/api/sync/{id}/run", run_now, MAY_WRITE, WORK_WRITE, "begins a run now", SYNC, .on = &bucket_sync_resource },
    { "DELETE", "/api/sync/{id}", delete_sync, MAY_WRITE, WORK_WRITE, "ends it; what it brought stays", .on = &bucket_sync_resource,
      .gives = GIVES_NOTHING },
};

const struct resource bucket_sync_resource = {
    .name = "bucket sync",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "bucket_sync y",
    .key = "y.id",
    .org = "y.org",
    .order = "y.created_at, y.id",
    .root = "y.datalake_id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
