/* The job of an import from a bucket. Objects become data one by one as their bytes come, each in one transaction with what is
 * known of it, so that a job that is taken up again, or another import, finds it: nothing is there twice. It lists by pages, in the
 * order of keys; of a sync, what the database has between the keys of a page and the page does not name is gone. */
#include "app/datalake/bucket_job.h"
#include "api/op.h"
#include "app/account/account.h"
#include "base/clock.h"
#include "infer/infer.h"
#include <stdlib.h>
#include <string.h>

enum { DECODERS = 2, OBJECTS_MOST = 2000000 }; /* of one import, images or not */

bool import_goes_on(struct object_import *m)
{
    return job_go_on(m->job, m->progress, m->doing);
}

void object_fault(struct object_import *m, const char *key, const char *why)
{
    if (m->failed < FAULTS_TOLD) {
        m->faults[m->failed].key = arena_str(m->job->arena, key);
        m->faults[m->failed].why = arena_str(m->job->arena, why);
    }
    m->failed++;
}

/* ---- pages */

/* One chunk: got, and written before the next is asked for. */
static enum err take_chunk(struct object_import *m, struct coming *items, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    m->doing = arena_fmt(a, "%lld objects looked at, %lld of them added", (long long)m->looked, (long long)m->added);
    bool on = import_goes_on(m);
    enum err e = on ? import_get(m, items, n, a) : fail(E_CANCELLED, "cancelled");
    if (e == OK)
        e = import_write(m, items, n, a);
    m->doing = NULL;
    return e;
}

static enum err take_page(struct object_import *m, struct coming *items, size_t n)
{
    TRY(import_compare(m, items, n));
    size_t at = 0;
    while (at < n) {
        struct coming some[CHUNK];
        size_t k = 0, from = at;
        for (; at < n && k < CHUNK; at++)
            if (items[at].is == COMING_NEW || items[at].is == COMING_BACK)
                some[k++] = items[at];
        m->looked += (int64_t)(at - from);
        if (k)
            TRY(take_chunk(m, some, k));
    }
    return OK;
}

static struct coming *of_list(struct object_import *m, struct arena *a, const struct s3_list *l)
{
    struct coming *items = arena_new_array(a, struct coming, l->n + 1);
    for (size_t i = 0; i < l->n; i++) {
        bool image = bucket_is_image(l->items[i].key) && l->items[i].size;
        items[i] = (struct coming){ .key = l->items[i].key,
                                    .etag = *l->items[i].etag ? l->items[i].etag : NULL,
                                    .is = image ? COMING_NEW : COMING_LEFT };
        m->left_out += !image;
    }
    return items;
}

/* ---- by prefix */

struct part { /* of the progress: the prefix at hand among all */
    size_t at, of;
};

static void tell_progress(struct object_import *m, const struct part *p, int pages)
{
    m->progress = ((double)p->at + 1 - 1 / (1 + pages / 10.0)) / (double)p->of; /* nobody knows how many there are */
}

static enum err check_order(const char *before, const struct s3_list *l)
{
    return l->n && strcmp(before, l->items[0].key) >= 0
               ? fail(E_UNMEANT, "the store's pages are not in the order of their keys, or do not end")
               : OK;
}

static enum err take_prefix(struct object_import *m, const char *prefix, const struct part *part)
{
    const char *next = NULL, *last = "";
    TRY(bucket_reaches(&m->bucket, prefix));
    for (int pages = 0; !pages || next; pages++) {
        AUTO(arena) struct arena *a = arena_new();
        struct s3_list l;
        tell_progress(m, part, pages);
        TRY(s3_list(m->lists, a, prefix, false, S3_PAGE, next, &l));
        TRY(check_order(last, &l));
        struct coming *items = of_list(m, a, &l);
        TRY(take_page(m, items, l.n));
        const char *end = l.n ? l.items[l.n - 1].key : last;
        if (m->sync)
            TRY(import_mark_gone(m, prefix, last, l.next ? end : NULL, items, l.n));
        if (m->looked > OBJECTS_MOST)
            return fail(E_TOO_BIG, "an import looks at most at %d objects: name a longer prefix", OBJECTS_MOST);
        last = arena_str(m->job->arena, end);
        next = arena_str(m->job->arena, l.next);
    }
    return OK;
}

/* A leading slash is no part of a key: the published client's "/" means all. */
static const char *prefix_of(struct object_import *m, const char *prefix)
{
    prefix += *prefix == '/';
    return *prefix ? prefix : m->bucket.prefix;
}

static enum err take_prefixes(struct object_import *m, const struct json *prefixes)
{
    for (size_t i = 0; i < json_count(prefixes); i++)
        TRY(take_prefix(m, prefix_of(m, json_text(json_at(prefixes, i))), &(struct part){ i, json_count(prefixes) }));
    return OK;
}

/* ---- by names */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct coming *)a)->key, ((const struct coming *)b)->key);
}

static enum err take_names(struct object_import *m, const struct json *objects)
{
    size_t n = 0;
    struct coming *items = arena_new_array(m->job->arena, struct coming, json_count(objects) + 1);
    for (struct json_member o = json_first(objects); o.key; o = json_next(objects, o)) {
        const char *key = o.key + (*o.key == '/');
        if (bucket_reaches(&m->bucket, key) == OK)
            items[n++] = (struct coming){ .key = arena_str(m->job->arena, key), .told = o.value };
        else
            object_fault(m, key, fail_text());
    }
    if (n)
        qsort(items, n, sizeof *items, by_key);
    return take_page(m, items, n);
}

/* ---- all of it */

/* What this import did in all its tries stands in the rows. */
static enum err result(struct object_import *m, char **ret)
{
    AUTO(out) struct out o = { 0 };
    int64_t added = 0, changed = 0, gone = 0;
    struct sql *db = m->job->db;
    struct value id = V(m->job->id);
    TRY(sql_int(db, &added, "SELECT count(*) FROM bucket_object WHERE job_id = ?1", V(id)));
    TRY(sql_int(db, &changed, "SELECT count(*) FROM bucket_object WHERE ended_by = ?1 AND state = 'CHANGED'", V(id)));
    TRY(sql_int(db, &gone, "SELECT count(*) FROM bucket_object WHERE ended_by = ?1 AND state = 'GONE'", V(id)));
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_int(&o, "added", added);
    out_int(&o, "changed", changed);
    out_int(&o, "gone", gone);
    out_int(&o, "back", m->back);
    out_int(&o, "known", m->known);
    out_int(&o, "left_out", m->left_out);
    out_int(&o, "failed", m->failed);
    out_array(&o, "faults");
    for (int64_t i = 0; i < m->failed && i < FAULTS_TOLD; i++) {
        out_object(&o, NULL);
        out_text(&o, "key", m->faults[i].key);
        out_text(&o, "why", m->faults[i].why);
        out_end_object(&o);
    }
    out_end_array(&o);
    out_end_object(&o);
    *ret = arena_str(m->job->arena, o.text.bytes);
    return OK;
}

static enum err finish(struct object_import *m)
{
    char *json;
    TRY(result(m, &json));
    TRY(sql_begin(m->job->db));
    return sql_end(m->job->db, job_done_within(m->job, json));
}

static bool not_stopped(void *with)
{
    struct object_import *m = with;
    return !m->stop;
}

static bool still_goes_on(void *with)
{
    return import_goes_on(with);
}

static enum err open_lines(struct object_import *m)
{
    TRY(s3_open(&m->bucket.place, &m->lists));
    s3_watch(m->lists, still_goes_on, m);
    for (size_t i = 0; i < FETCHERS; i++) {
        TRY(s3_open(&m->bucket.place, &m->lines[i]));
        s3_watch(m->lines[i], not_stopped, m);
    }
    return infer_start(m->services->self_path, DECODERS, 1, &m->pool);
}

static enum err read_tags(struct object_import *m, const struct json *ids)
{
    const char **texts = arena_new_array(m->job->arena, const char *, json_count(ids) + 1);
    for (size_t i = 0; i < json_count(ids); i++)
        texts[i] = json_text(json_at(ids, i));
    return sql_list(m->job->db, texts, json_count(ids), &m->tags);
}

static enum err import(struct object_import *m)
{
    const struct json *in = m->job->input;
    const char *bucket = json_text(json_get(in, "connector_id"));
    m->lake = json_text(json_get(in, "datalake_id"));
    m->source_id = json_text(json_get(in, "data_source_id"));
    json_bool(json_get(in, "sync"), &m->sync);
    enum err e = bucket_read(m->job->db, m->services, m->job->arena, bucket, &m->bucket);
    if (e == E_NOT_FOUND)
        return fail(e, "%s", strcmp(fail_text(), "no such row") == 0 ? "the connector was deleted in the meantime" : fail_text());
    TRY(e);
    TRY(read_tags(m, json_get(in, "tag_ids")));
    TRY(open_lines(m));
    TRY(json_absent(json_get(in, "objects")) ? take_prefixes(m, json_get(in, "prefixes")) : take_names(m, json_get(in, "objects")));
    return finish(m);
}

static enum err run(struct job *j)
{
    struct object_import m = { .job = j, .services = j->with };
    enum err e = import(&m);
    const char *why = e == OK ? NULL : arena_str(j->arena, fail_text());
    for (size_t i = 0; i < FETCHERS; i++)
        s3_close(m.lines[i]);
    s3_close(m.lists);
    infer_stop(m.pool);
    return e == OK ? OK : fail(e, "%s", why);
}

/* One that takes hours keeps nobody from uploading to the datalake or deleting from it. */
const struct job_kind import_objects_job = {
    .name = "import_objects", .run = run, .tries = 3, .lease_s = 60, .lane = "buckets", .does = JOB_READS
};
