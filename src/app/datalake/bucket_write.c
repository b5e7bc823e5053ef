#include "app/datalake/bucket_job.h"
#include "base/unicode.h"
#include "sql/slice.h"
#include <stdlib.h>
#include <string.h>

/* ---- what is new */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct coming *)a)->key, ((const struct coming *)b)->key);
}

static struct coming *of_key(struct coming *items, size_t n, const char *key)
{
    const struct coming wanted = { .key = key };
    return n ? bsearch(&wanted, items, n, sizeof *items, by_key) : NULL;
}

/* A key whose ETag is not known (an import by names) is known by any that is there. */
static void compare_one(struct object_import *m, struct coming *c, const char *etag, const char *state)
{
    if (c->is != COMING_NEW)
        return;
    bool same = !c->etag || strcmp(c->etag, etag) == 0, there = strcmp(state, "THERE") == 0;
    if (same && strcmp(state, "REMOVED") == 0)
        c->is = m->sync ? COMING_LEFT : COMING_NEW; /* somebody deleted it here: a sync does not bring it back */
    else if (same && (there || c->etag))
        c->is = there ? COMING_KNOWN : COMING_BACK;
}

static enum err compare(struct object_import *m, struct coming *items, size_t n, const char *const *keys)
{
    struct value list;
    TRY(sql_list(m->job->db, keys, n, &list));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        m->job->db, &r,
        "SELECT object_key, etag, state, job_id FROM bucket_object WHERE datalake_id = ?1 AND bucket_id = ?2 AND object_key"
        " IN " LISTED("?3"),
        V(m->lake), V(m->bucket.id), V(list)));
    while (rows_next(r)) {
        struct coming *c = of_key(items, n, rows_text(r, 0));
        if (c)
            compare_one(m, c, rows_text(r, 1), rows_text(r, 2));
        if (c && c->is == COMING_KNOWN && rows_text(r, 3) && strcmp(rows_text(r, 3), m->job->id) == 0)
            c->is = COMING_LEFT; /* an earlier try of this import brought it: it counts among the added ones */
    }
    return rows_error(r);
}

enum err import_compare(struct object_import *m, struct coming *items, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    const char **keys = arena_new_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        keys[i] = items[i].key;
    TRY(compare(m, items, n, keys));
    for (size_t i = 0; i < n; i++)
        m->known += items[i].is == COMING_KNOWN;
    return OK;
}

/* ---- rows */

static enum err tag(struct object_import *m, struct arena *a, const struct coming *c, const char *data_id)
{
    struct sql *db = m->job->db;
    const struct json *names = json_get(c->told, "tags");
    const char *id;
    TRY(sql_run(db,
                "INSERT INTO tagged SELECT j.value, ?2 FROM listed j JOIN tag g ON g.id = j.value WHERE j.list = ?1"
                " ON CONFLICT DO NOTHING",
                V(m->tags), V(data_id)));
    for (size_t i = 0; i < json_count(names); i++) {
        TRY(tag_need(db, a, m->job->org, m->lake, "DATA", json_text(json_at(names, i)), &id));
        TRY(tag_put_on(db, id, data_id));
    }
    return OK;
}

static const char *member(struct arena *a, const struct json *told, const char *name)
{
    const struct json *v = json_get(told, name);
    return json_absent(v) ? NULL : json_print(a, v);
}

static enum err add_data(struct object_import *m, struct arena *a, struct coming *c)
{
    struct data_new *d = &c->data;
    const char *source = json_text(json_get(c->told, "data_source")), *id;
    d->org = m->job->org;
    d->datalake_id = m->lake;
    d->user_id = m->job->user_id;
    d->hash = c->hash;
    d->filename = bucket_filename(a, c->key);
    d->source_id = m->source_id;
    d->metadata = member(a, c->told, "metadata");
    d->custom_metadata = member(a, c->told, "custom_metadata");
    if (source)
        TRY(source_need(m->job->db, a, d->org, source, &d->source_id));
    TRY(object_name_new(a, d->org, "bucket", NULL, d->filename, &d->object_name));
    TRY(object_add(m->job->db, d->org, d->object_name, d->hash, d->size, d->content_type));
    TRY(data_add_quietly(m->job->db, a, d, &id));
    return tag(m, a, c, id);
}

static bool is_there(struct sql *db, const struct bucket_object *o)
{
    int64_t n = 0;
    return sql_int(db, &n,
                   "SELECT count(*) FROM bucket_object WHERE datalake_id = ?1 AND bucket_id = ?2 AND object_key = ?3 AND etag = ?4"
                   " AND object_name IS NOT NULL",
                   V(o->lake), V(o->bucket), V(o->key), V(o->etag)) == OK &&
           n > 0;
}

/* Another import may have brought it meanwhile. */
static enum err write_one(struct object_import *m, struct arena *a, struct coming *c)
{
    struct bucket_object o = {
        .org = m->job->org, .lake = m->lake, .bucket = m->bucket.id, .key = c->key, .etag = c->etag, .job = m->job->id
    };
    if (is_there(m->job->db, &o)) {
        m->back += c->is == COMING_BACK;
        m->known += c->is == COMING_NEW;
        return bucket_object_back(m->job->db, &o);
    }
    TRY(add_data(m, a, c));
    o.hash = c->hash;
    o.size = c->data.size;
    o.object_name = c->data.object_name;
    m->added++;
    return bucket_object_add(m->job->db, a, &o);
}

enum err import_write(struct object_import *m, struct coming *items, size_t n, struct arena *a)
{
    struct slice s;
    enum err e = OK;
    int64_t before = m->added;
    for (size_t i = 0; i < n; i++)
        if (items[i].fault)
            object_fault(m, items[i].key, items[i].fault);
    TRY(slice_begin(&s, m->job->db));
    for (size_t i = 0; i < n && e == OK; i++)
        if ((items[i].is == COMING_NEW || items[i].is == COMING_BACK) && !items[i].fault)
            e = slice_next(&s, write_one(m, a, &items[i]));
    if (e == OK && m->added > before)
        e = slice_next(&s, data_tell(m->job->db, m->lake));
    return slice_end(&s, e);
}

/* ---- what is gone */

enum { GONE_AT_ONCE = 500 };
#define LAST_CHARACTER "\xf4\x8f\xbf\xbf"

struct stood {
    const char *ids[GONE_AT_ONCE];
    size_t n;
};

static enum err find_gone(struct object_import *m, struct arena *a, const char *prefix, const char *to, const char **after,
                          const struct coming *items, size_t n, struct stood *ret, bool *ret_more)
{
    AUTO(rows) struct rows *r = NULL;
    size_t seen = 0;
    TRY(sql_rows(m->job->db, &r,
                 "SELECT id, object_key FROM bucket_object WHERE datalake_id = ?1 AND bucket_id = ?2 AND object_key > ?3 AND"
                 " object_key <= ?4 AND object_key >= ?5 AND state = 'THERE' ORDER BY object_key LIMIT ?6",
                 V(m->lake), V(m->bucket.id), V(*after), V(to), V(prefix), V(GONE_AT_ONCE)));
    for (ret->n = 0; rows_next(r); seen++) {
        const struct coming wanted = { .key = rows_text(r, 1) };
        if (!n || !bsearch(&wanted, items, n, sizeof *items, by_key))
            ret->ids[ret->n++] = arena_str(a, rows_text(r, 0));
        *after = arena_str(a, rows_text(r, 1));
    }
    *ret_more = seen == GONE_AT_ONCE;
    return rows_error(r);
}

static enum err mark(struct object_import *m, const struct stood *s)
{
    struct value list;
    TRY(sql_list(m->job->db, s->ids, s->n, &list));
    TRY(sql_begin(m->job->db));
    return sql_end(m->job->db,
                   sql_run(m->job->db, "UPDATE bucket_object SET state = 'GONE', ended_by = ?2 WHERE id IN " LISTED("?1"), V(list),
                           V(m->job->id)));
}

enum err import_mark_gone(struct object_import *m, const char *prefix, const char *after, const char *to,
                          const struct coming *items, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    bool more = true;
    const char *end = to ? to : arena_fmt(a, "%s" LAST_CHARACTER, prefix);
    while (more) {
        struct stood s;
        TRY(find_gone(m, a, prefix, end, &after, items, n, &s, &more));
        if (s.n)
            TRY(mark(m, &s));
        if (!import_goes_on(m))
            return fail(E_CANCELLED, "cancelled");
    }
    return OK;
}
