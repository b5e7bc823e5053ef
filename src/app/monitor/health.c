/* GET /health: can it answer, database and all. GET /metrics: counters in the text format of Prometheus (exposition format 0.0.4).
 * Neither tells anything about images, users or models. */
#include "api/dispatch.h"
#include "base/clock.h"
#include "blob/blob.h"
#include "infer/infer.h"
#include "sql/held.h"
#include <math.h>
#include <stdio.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Below this the next upload or commit may fail. */
enum { ROOM_LEAST = 64 << 20 };

static bool has_room(const char *folder)
{
    struct statvfs s;
    return statvfs(folder, &s) != 0 || (uint64_t)s.f_bavail * s.f_frsize >= ROOM_LEAST;
}

static enum err health(struct op *op)
{
    int64_t fine = 0;
    bool room = has_room(op->services->data_dir);
    TRY(sql_int(op->db, &fine, "SELECT 1"));
    op->status = room ? 200 : 503;
    out_object(&op->out, NULL);
    out_text(&op->out, "status", room ? "ok" : "the disk is full");
    out_text(&op->out, "version", op->services->version);
    out_int(&op->out, "uptime_s", (int64_t)(clock_seconds() - op->services->started));
    out_end_object(&op->out);
    return OK;
}

static void describe(struct text *t, const char *name, const char *type, const char *says)
{
    text_fmt(t, "# HELP %s %s\n# TYPE %s %s\n", name, says, name, type);
}

static void requests(struct text *t)
{
    describe(t, "saccade_requests_total", "counter", "answered requests by class of status");
    for (int i = 1; i < 6; i++)
        text_fmt(t, "saccade_requests_total{status=\"%dxx\"} %lld\n", i, atomic_load(&api_counters.by_status[i]));
    describe(t, "saccade_request_seconds", "histogram", "time from the headers to the end of the answer");
    long long sum = 0;
    for (int i = 0; i < LATENCY_BUCKETS; i++) {
        sum += atomic_load(&api_counters.latency[i]);
        if (api_latency_bounds[i] < 1e299)
            text_fmt(t, "saccade_request_seconds_bucket{le=\"%g\"} %lld\n", api_latency_bounds[i], sum);
        else
            text_fmt(t, "saccade_request_seconds_bucket{le=\"+Inf\"} %lld\n", sum);
    }
    text_fmt(t, "saccade_request_seconds_sum %.6f\nsaccade_request_seconds_count %lld\n",
             (double)atomic_load(&api_counters.latency_sum_us) / 1e6, sum);
    describe(t, "saccade_received_bytes_total", "counter", "bytes of request bodies");
    text_fmt(t, "saccade_received_bytes_total %lld\n", atomic_load(&api_counters.bytes_in));
    describe(t, "saccade_requests_in_flight", "gauge", "requests being answered, event streams included");
    text_fmt(t, "saccade_requests_in_flight %lld\n", atomic_load(&api_counters.in_flight));
    describe(t, "saccade_event_streams", "gauge", "open event streams");
    text_fmt(t, "saccade_event_streams %lld\n", atomic_load(&api_counters.event_streams));
}

static void held_buckets(struct text *t, const char *name, const char *by, const int64_t *counts, double sum)
{
    int64_t all = 0;
    for (size_t i = 0; i < HELD_BUCKETS; i++) {
        all += counts[i];
        if (i + 1 < HELD_BUCKETS)
            text_fmt(t, "%s_bucket{by=\"%s\",le=\"%g\"} %lld\n", name, by, held_bounds[i], (long long)all);
    }
    text_fmt(t, "%s_bucket{by=\"%s\",le=\"+Inf\"} %lld\n%s_sum{by=\"%s\"} %.6f\n%s_count{by=\"%s\"} %lld\n", name, by,
             (long long)all, name, by, sum, name, by, (long long)all);
}

static void held_wall(void *with, const struct held *h)
{
    held_buckets(with, "saccade_write_lock_seconds", h->by, h->wall, h->wall_s);
}

static void held_cpu(void *with, const struct held *h)
{
    held_buckets(with, "saccade_write_lock_cpu_seconds", h->by, h->cpu, h->cpu_s);
}

static void held_longest(void *with, const struct held *h)
{
    text_fmt(with, "saccade_write_lock_longest_seconds{by=\"%s\",of=\"wall\"} %.6f\n", h->by, h->longest_wall_s);
    text_fmt(with, "saccade_write_lock_longest_seconds{by=\"%s\",of=\"cpu\"} %.6f\n", h->by, h->longest_cpu_s);
}

static void write_lock(struct text *t)
{
    describe(t, "saccade_write_lock_seconds", "histogram",
             "time for which a transaction kept the write lock, by route or kind of job");
    held_each(held_wall, t);
    describe(t, "saccade_write_lock_cpu_seconds", "histogram",
             "processor time in it: what is left when the disk and others are quick");
    held_each(held_cpu, t);
    describe(t, "saccade_write_lock_longest_seconds", "gauge", "the longest one since the start");
    held_each(held_longest, t);
}

static enum err jobs(struct sql *db, struct text *t)
{
    describe(t, "saccade_jobs", "gauge", "jobs in the table by kind and status");
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT kind, status, count(*) FROM job GROUP BY kind, status ORDER BY kind, status"));
    while (rows_next(r))
        text_fmt(t, "saccade_jobs{kind=\"%s\",status=\"%s\"} %lld\n", rows_text(r, 0), rows_text(r, 1), (long long)rows_int(r, 2));
    return rows_error(r);
}

static enum err predictions(struct sql *db, struct text *t)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT count(*) FROM prediction"));
    describe(t, "saccade_predictions", "gauge", "predictions that are kept, shadow ones included");
    text_fmt(t, "saccade_predictions %lld\n", (long long)n);
    return OK;
}

static enum err drifted(struct sql *db, struct text *t)
{
    int64_t n = 0;
    TRY(sql_int(
        db, &n,
        "SELECT count(*) FROM drift m WHERE m.active <> 0 AND (SELECT c.drifted FROM drift_check c WHERE c.deployment_id = m.id"
        " ORDER BY c.created_at DESC, c.id DESC LIMIT 1) <> 0"));
    describe(t, "saccade_drifted_deployments", "gauge", "deployments whose last check told of drift");
    text_fmt(t, "saccade_drifted_deployments %lld\n", (long long)n);
    return OK;
}

static void damage(struct op *op, struct text *t)
{
    describe(t, "saccade_damaged_objects", "gauge", "objects that have changed on disk and were not stored again");
    text_fmt(t, "saccade_damaged_objects %lld\n", (long long)blob_damaged(op->services->blobs));
}

static void memory(struct text *t)
{
    long pages = 0, ignored = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &ignored, &pages) == 2) {
        describe(t, "process_resident_memory_bytes", "gauge", "memory of the server process");
        text_fmt(t, "process_resident_memory_bytes %lld\n", (long long)pages * sysconf(_SC_PAGESIZE));
    }
    if (f)
        fclose(f);
}

static void queue(struct op *op, struct text *t)
{
    struct infer_queue q;
    infer_queue(op->services->infer, &q);
    describe(t, "saccade_predictions_waiting", "gauge", "predictions that wait for a model's process");
    text_fmt(t, "saccade_predictions_waiting %d\n", q.waiting);
    describe(t, "saccade_predictions_running", "gauge", "predictions that a model's process works on");
    text_fmt(t, "saccade_predictions_running %d\n", q.running);
    describe(t, "saccade_model_processes", "gauge", "processes that hold a model");
    text_fmt(t, "saccade_model_processes %d\n", q.processes);
    describe(t, "saccade_predictions_turned_away_total", "counter", "predictions refused because too many waited, or for too long");
    text_fmt(t, "saccade_predictions_turned_away_total %lld\n", (long long)q.turned_away);
}

static enum err metrics(struct op *op)
{
    AUTO(text) struct text t;
    text_init(&t, 4 << 20);
    requests(&t);
    TRY(jobs(op->db, &t));
    TRY(predictions(op->db, &t));
    TRY(drifted(op->db, &t));
    write_lock(&t);
    damage(op, &t);
    memory(&t);
    queue(op, &t);
    http_answer_bytes(op->call, 200, "text/plain; version=0.0.4", t.bytes, t.n);
    return OK;
}

DESCRIBED(health_answer, "health", { "status", T_TEXT }, { "version", T_TEXT }, { "uptime_s", T_INT });

static const struct route routes[] = {
    { "GET", "/health", health, MAY_ANYONE, WORK_READ, "whether the server and its database answer and there is room to store",
      .answers = &health_answer },
    { "GET", "/metrics", metrics, MAY_ANYONE, WORK_READ, "counters for Prometheus", .gives = GIVES_FILE },
};

const struct resource health_resource = { .name = "health", .routes = routes, .n_routes = COUNT_OF(routes) };
