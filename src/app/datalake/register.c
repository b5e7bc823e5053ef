/* Uploaded objects become data: one, as the published client asks for it, or many in one transaction, as the pages do. What an
 * image is is found out in the sandbox before the transaction begins, of several at a time. */
#include "api/resource.h"
#include "app/datalake/bucket.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "infer/infer.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { FILES_MOST = 100, PROBES_MOST = 4 }; /* of a request; PROBES_MOST: looked at at the same time */
static const double PROBES_S = 60;          /* all files of a request; then nobody may wait for its answer any more */

/* ---- what the files are */

/* A file of a request. */
struct registered_file {
    struct data_new data;
    struct bucket_object away; /* where it was put, if the datalake keeps its uploads in a bucket; key NULL: here */
};

struct probing {
    struct op *op;
    const struct bucket *bucket; /* NULL: files stay here */
    struct registered_file *items;
    size_t n;
    atomic_size_t next;
    double until;
    pthread_mutex_t lock; /* of the request's arena, and of: */
    bool failed;
    struct failure why; /* the first */
};

static enum err probe(struct probing *p, struct data_new *d, int fd)
{
    struct image_facts facts;
    enum err e = infer_probe(p->op->services->infer, op_party(p->op), fd, &facts);
    if (e == E_INVALID || e == E_TOO_BIG || e == E_UNMEANT) {
        pthread_mutex_lock(&p->lock);
        d->error = arena_str(p->op->arena, fail_text());
        pthread_mutex_unlock(&p->lock);
        return OK;
    }
    TRY(e);
    d->width = facts.width;
    d->height = facts.height;
    d->orientation = facts.orientation;
    d->content_type = facts.type;
    return OK;
}

static enum err put_away(struct probing *p, struct s3 *s, struct registered_file *f, int fd)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct data_new *d = &f->data;
    struct bucket_object o;
    enum err e = fail_within(bucket_take(s, p->bucket, a, d->object_name, d->content_type, fd, d->size, d->hash, &o),
                             "the bucket of the connector '%s': ", p->bucket->name);
    if (e == E_FORBIDDEN || e == E_NOT_FOUND) /* what the store refuses the connector is nobody's right here */
        return fail(E_UNMEANT, "%s", arena_str(a, fail_text()));
    TRY(e);
    pthread_mutex_lock(&p->lock);
    o.key = arena_str(p->op->arena, o.key);
    o.etag = arena_str(p->op->arena, o.etag);
    pthread_mutex_unlock(&p->lock);
    f->away = o;
    return OK;
}

static enum err probe_one(struct probing *p, struct s3 *s, struct registered_file *f)
{
    AUTO(fd) int fd = -1;
    TRY(blob_read(p->op->services->blobs, f->data.hash, &fd, &f->data.size));
    TRY(probe(p, &f->data, fd));
    return p->bucket ? put_away(p, s, f, fd) : OK;
}

static enum err probe_in_time(struct probing *p, struct s3 *s, size_t i)
{
    if (i > 0 && clock_seconds() > p->until)
        return fail(E_TOO_BIG, "looking at the files takes longer than %.0f s: register fewer at once", PROBES_S);
    return probe_one(p, s, &p->items[i]);
}

static void *probe_next(void *with)
{
    struct probing *p = with;
    AUTO(s3) struct s3 *s = NULL;
    enum err e = p->bucket ? s3_open(&p->bucket->place, &s) : OK;
    for (size_t i; (i = atomic_fetch_add(&p->next, 1)) < p->n;) {
        if (e == OK && probe_in_time(p, s, i) == OK)
            continue;
        pthread_mutex_lock(&p->lock);
        if (!p->failed)
            fail_keep(&p->why);
        p->failed = true;
        pthread_mutex_unlock(&p->lock);
        atomic_store(&p->next, p->n); /* the others are not asked for any more */
    }
    return NULL;
}

/* This thread does its part, and all of it where no other can be had. */
static enum err probe_all(struct op *op, struct registered_file *items, size_t n)
{
    struct bucket bucket;
    const char *bucket_id;
    TRY(bucket_of_lake(op->db, op->arena, op->id, &bucket_id));
    if (bucket_id)
        TRY(bucket_read(op->db, op->services, op->arena, bucket_id, &bucket));
    struct probing p = { .op = op,
                         .bucket = bucket_id ? &bucket : NULL,
                         .items = items,
                         .n = n,
                         .until = clock_seconds() + PROBES_S,
                         .lock = PTHREAD_MUTEX_INITIALIZER };
    pthread_t others[PROBES_MOST - 1];
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t wanted = n ? n - 1 : 0, started = 0;
    if (wanted > COUNT_OF(others))
        wanted = COUNT_OF(others);
    if (cores > 0 && wanted > (size_t)cores - 1)
        wanted = (size_t)cores - 1;
    while (started < wanted && pthread_create(&others[started], NULL, probe_next, &p) == 0)
        started++;
    probe_next(&p);
    while (started)
        pthread_join(others[--started], NULL);
    pthread_mutex_destroy(&p.lock);
    return p.failed ? fail_again(&p.why) : OK;
}

/* ---- rows */

/* A client that lost the answer sends it again: the second time finds what the first one made. */
static enum err find_made(struct op *op, const struct data_new *d, const char **ret_id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT id FROM data WHERE object_name = ?1 AND datalake_id = ?2", V(d->object_name),
                  V(d->datalake_id)));
    *ret_id = arena_str(op->arena, rows_text(r, 0));
    return OK;
}

static enum err add_away(struct op *op, const struct registered_file *f)
{
    struct bucket_object o = f->away;
    if (!o.key)
        return OK;
    o.org = op->org;
    o.lake = f->data.datalake_id;
    return bucket_object_add(op->db, op->arena, &o);
}

static enum err add(struct op *op, const struct registered_file *f, struct value tags, const char **ret_id)
{
    const struct data_new *d = &f->data;
    TRY(add_away(op, f));
    TRY(data_add_quietly(op->db, op->arena, d, ret_id));
    TRY(sql_run(op->db, "UPDATE object SET content_type = ?2 WHERE name = ?1 AND content_type <> ?2", V(d->object_name),
                V(d->content_type)));
    return sql_run(op->db, "INSERT INTO tagged SELECT value, ?2 FROM listed WHERE list = ?1 ON CONFLICT DO NOTHING", V(tags),
                   V(*ret_id));
}

static enum err insert(struct op *op)
{
    const struct registered_file *f = op->state;
    const struct data_new *d = &f->data;
    const char *id;
    struct value tags;
    enum err e = find_made(op, d, &id);
    if (e == OK)
        return reply_one(op, &data_resource, id);
    if (e != E_NOT_FOUND)
        return e;
    TRY(tags_check(op, "tags", d->datalake_id, &tags));
    TRY(add(op, f, tags, &id));
    TRY(data_tell(op->db, d->datalake_id));
    op->status = 201;
    return reply_one(op, &data_resource, id);
}

/* What all files of a request have in common. */
static enum err common(struct op *op, struct data_new *ret)
{
    *ret = (struct data_new){ .org = op->org,
                              .user_id = op->user_id,
                              .datalake_id = op->id,
                              .source_id = in_text(op, "data_source_id"),
                              .metadata = in_print(op, "metadata"),
                              .custom_metadata = in_print(op, "custom_metadata") };
    TRY(source_check(op, ret->source_id));
    return custom_check(op, op->id, in_json(op, "custom_metadata"));
}

static enum err of_file(struct op *op, const char *filename, const char *object_name, const char *content_type, struct data_new *d)
{
    d->filename = filename;
    d->object_name = object_name;
    d->content_type = content_type ? content_type : "application/octet-stream";
    TRY(fail_within(filename_check(filename), "filename: "));
    return object_find(op->db, op->arena, op->org, object_name, &d->hash, &d->size);
}

static enum err create(struct op *op)
{
    struct registered_file *f = arena_take(op->arena, sizeof *f);
    struct data_new *d = &f->data;
    if (strcmp(in_text(op, "type"), "IMAGE") != 0)
        return fail(E_UNMEANT, "type: only images can be used here; videos cannot");
    TRY(common(op, d));
    TRY(of_file(op, in_text(op, "filename"), in_text(op, "object_name"), in_text(op, "content_type"), d));
    TRY(probe_all(op, f, 1));
    op->state = f;
    return op_write(op, insert);
}

/* ---- many */

#define OF_FILE                                                                                                                    \
    { "filename", T_TEXT, F_NEED, .min = 1, .max = 255 }, { "object_name", T_TEXT, F_NEED, .min = 1, .max = 2000 },                \
    {                                                                                                                              \
        "content_type", T_TEXT, F_NULL, .max = 100                                                                                 \
    }
static const struct field file_in[] = { OF_FILE };
static const struct resource file_named = { .name = "uploaded file", .fields = file_in, .n_fields = COUNT_OF(file_in) };

struct files {
    struct registered_file *items;
    size_t n;
};

static enum err read_files(struct op *op, const struct json *list, struct files *f)
{
    struct data_new all;
    TRY(common(op, &all));
    f->n = json_count(list);
    f->items = arena_new_array(op->arena, struct registered_file, f->n);
    for (size_t i = 0; i < f->n; i++) {
        const struct json *v = json_at(list, i);
        TRY(fields_check(FIELDS(file_in), v, arena_fmt(op->arena, "files[%zu]", i)));
        f->items[i].data = all;
        TRY(fail_within(of_file(op, json_text(json_get(v, "filename")), json_text(json_get(v, "object_name")),
                                json_text(json_get(v, "content_type")), &f->items[i].data),
                        "files[%zu]: ", i));
    }
    return OK;
}

static void answer(struct op *op, const struct data_new *d, const char *id)
{
    out_object(&op->out, NULL);
    out_text(&op->out, "id", id);
    out_text(&op->out, "object_name", d->object_name);
    out_text(&op->out, "upload_status", d->error ? "ERROR" : "DONE");
    out_text(&op->out, "error", d->error);
    out_end_object(&op->out);
}

static enum err insert_all(struct op *op)
{
    const struct files *f = op->state;
    struct value tags;
    TRY(tags_check(op, "tags", op->id, &tags));
    out_array(&op->out, NULL);
    for (size_t i = 0; i < f->n; i++) {
        const char *id;
        enum err e = find_made(op, &f->items[i].data, &id);
        if (e == E_NOT_FOUND)
            e = add(op, &f->items[i], tags, &id);
        TRY(e);
        answer(op, &f->items[i].data, id);
    }
    out_end_array(&op->out);
    op->status = 201;
    return data_tell(op->db, op->id);
}

static enum err create_many(struct op *op)
{
    struct files f = { 0 };
    TRY(read_files(op, in_json(op, "files"), &f));
    TRY(probe_all(op, f.items, f.n));
    op->state = &f;
    return op_write(op, insert_all);
}

#define OF_ALL                                                                                                                     \
    { "tags", T_IDS, F_NULL, .max = 1000 }, { "data_source_id", T_ID, F_NULL }, { "metadata", T_OBJECT, F_NULL },                  \
    {                                                                                                                              \
        "custom_metadata", T_OBJECT, F_NULL                                                                                        \
    }
static const struct field create_in[] = {
    { "type", T_TEXT, F_NEED, .words = data_types },
    OF_FILE,
    { "meta", T_OBJECT, F_NULL }, /* the client's own idea of the size; ours is measured */
    OF_ALL,
};
static const struct field many_in[] = { { "files", T_ARRAY, F_NEED, .min = 1, .max = FILES_MOST, .of = &file_named }, OF_ALL };

DESCRIBED(registered, "registered file", { "id", T_ID }, { "object_name", T_TEXT },
          { "upload_status", T_TEXT, .words = data_statuses }, { "error", T_TEXT, F_NULL });

static const struct route routes[] = {
    { "POST", "/api/datalake/{id}/datas", create, MAY_WRITE, WORK_FREE,
      "registers an uploaded object as data; a file that is no image gets upload_status ERROR and its reason", FIELDS(create_in),
      &data_resource, .on = &datalake_resource },
    { "POST", "/api/datalake/{id}/datas/bulk", create_many, MAY_WRITE, WORK_FREE,
      "registers uploaded objects as data, all or none; files that are no images get upload_status ERROR and their reason",
      FIELDS(many_in), &registered, .on = &datalake_resource, .gives = GIVES_ROWS },
};

const struct resource register_resource = { .name = "registering of data", .routes = routes, .n_routes = COUNT_OF(routes) };
