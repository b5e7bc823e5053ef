/* The job of an export: annotations stream from one consistent view of the database through a writer of foreign/ into an object. */
#include "api/op.h"
#include "app/annotation/annotation.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "blob/blob.h"
#include "foreign/foreign.h"
#include "job/job.h"
#include <stdlib.h>
#include <string.h>

enum { SOME = 1000, NAMED = 20 };

struct export
{
    struct job *job;
    struct sql *db; /* a connection of its own: its view stays while the job's says how far it is */
    const char *version, *format, *status, *key, *object_name;
    const char **assets; /* sorted; NULL: all */
    size_t n_assets;
    const char **labels, **label_ids; /* names in order; ids sorted */
    uint32_t *label_at;               /* beside the ids */
    size_t n_labels;
    uint64_t *stems, *names; /* hashes, sorted, of those that a zip's members could share */
    size_t n_stems;
    struct foreign_writer *writer;
    struct blob_writer *blob;
    int64_t images, shapes, all;
    size_t left_out, renamed;
    const char *renamed_names[NAMED];
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* ---- labels */

struct label_at {
    const char *id;
    uint32_t at;
};

static int by_id(const void *a, const void *b)
{
    return strcmp(((const struct label_at *)a)->id, ((const struct label_at *)b)->id);
}

static enum err read_labels(struct export *x)
{
    AUTO(rows) struct rows *r = NULL;
    struct arena *a = x->job->arena;
    int64_t n = 0;
    TRY(sql_int(x->db, &n, "SELECT count(*) FROM label WHERE dataset_version_id = ?1", V(x->version)));
    struct label_at *all = arena_new_array(a, struct label_at, n + 1);
    x->labels = arena_new_array(a, const char *, n + 1);
    x->label_ids = arena_new_array(a, const char *, n + 1);
    x->label_at = arena_new_array(a, uint32_t, n + 1);
    TRY(sql_rows(x->db, &r, "SELECT name, id FROM label WHERE dataset_version_id = ?1 ORDER BY position", V(x->version)));
    for (; rows_next(r) && x->n_labels < (size_t)n; x->n_labels++) {
        x->labels[x->n_labels] = arena_str(a, rows_text(r, 0));
        all[x->n_labels] = (struct label_at){ arena_str(a, rows_text(r, 1)), (uint32_t)x->n_labels };
    }
    TRY(rows_error(r));
    if (n)
        qsort(all, x->n_labels, sizeof *all, by_id);
    for (size_t i = 0; i < x->n_labels; i++) {
        x->label_ids[i] = all[i].id;
        x->label_at[i] = all[i].at;
    }
    return OK;
}

/* ---- names of members: those with one stem, or one name, would take each other's place */

static uint64_t hash(const char *s, size_t n)
{
    uint64_t h = 14695981039346656037ULL;
    for (size_t i = 0; i < n; i++) { /* some file systems do not tell A from a */
        unsigned char c = (unsigned char)s[i];
        h = (h ^ (c >= 'A' && c <= 'Z' ? c + 32U : c)) * 1099511628211ULL;
    }
    return h;
}

static size_t stem_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot > name ? (size_t)(dot - name) : strlen(name);
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static enum err read_names(struct export *x)
{
    AUTO(rows) struct rows *r = NULL;
    void *stems, *names;
    TRY(sql_int(x->db, &x->all, "SELECT count(*) FROM annotation WHERE dataset_version_id = ?1", V(x->version)));
    if (strcmp(x->key, "FILENAME") != 0 || strcmp(foreign_ending(x->format), ".zip") != 0)
        return OK;
    size_t bytes = ((size_t)x->all + 1) * sizeof(uint64_t);
    TRY(big_take(bytes, 1 << 30, "names of images", &stems));
    arena_defer(x->job->arena, free, stems);
    TRY(big_take(bytes, 1 << 30, "names of images", &names));
    arena_defer(x->job->arena, free, names);
    x->stems = stems;
    x->names = names;
    TRY(sql_each(x->db, &r,
                 "SELECT d.filename FROM annotation n JOIN asset a ON a.id = n.asset_id JOIN data d ON d.id = a.data_id WHERE "
                 "n.dataset_version_id = ?1",
                 V(x->version)));
    for (; rows_next(r) && x->n_stems < (size_t)x->all; x->n_stems++) {
        const char *name = rows_text(r, 0);
        x->stems[x->n_stems] = hash(name, stem_of(name));
        x->names[x->n_stems] = hash(name, strlen(name));
    }
    TRY(rows_error(r));
    qsort(x->stems, x->n_stems, sizeof *x->stems, by_hash);
    qsort(x->names, x->n_stems, sizeof *x->names, by_hash);
    return OK;
}

static bool shared(const uint64_t *all, size_t n, uint64_t h)
{
    const uint64_t *f = n ? bsearch(&h, all, n, sizeof *all, by_hash) : NULL;
    return f && ((f > all && f[-1] == h) || (f + 1 < all + n && f[1] == h));
}

/* "q", or, beside another "q.png", "q.jpg": what the image is called by can be told from that. Of two called alike: with the id. */
static const char *member_of(struct export *x, struct arena *a, const char *name, const char *asset)
{
    size_t stem = stem_of(name);
    if (!shared(x->stems, x->n_stems, hash(name, stem)))
        return arena_copy(a, name, stem);
    bool twice = shared(x->names, x->n_stems, hash(name, strlen(name)));
    const char *member = twice ? arena_fmt(a, "%s.%s", name, asset) : name;
    if (x->renamed < NAMED)
        x->renamed_names[x->renamed] = arena_str(x->job->arena, member);
    x->renamed++;
    return member;
}

/* ---- shapes */

/* Numbers of a geometry's text, whatever brackets stand between; it is our own. */
static size_t numbers(const char *s, double *ret, size_t most)
{
    size_t n = 0;
    while (n < most && *(s += strcspn(s, "-0123456789"))) {
        char *end;
        ret[n++] = strtod(s, &end);
        s = end;
    }
    return n;
}

static size_t count_of(const char *s, char c)
{
    size_t n = 0;
    for (; *s; s++)
        n += *s == c;
    return n;
}

static bool part_of(const char *attributes, uint32_t *ret)
{
    const char *at = attributes ? strstr(attributes, "\"part_of\":") : NULL;
    if (at)
        *ret = (uint32_t)strtoul(at + strlen("\"part_of\":"), NULL, 10);
    return at != NULL;
}

struct shapes {
    struct foreign_shape *items;
    size_t n, room;
    bool open; /* the last one takes further parts of `object` */
    uint32_t object;
};

static struct foreign_shape *add(struct arena *a, struct shapes *all)
{
    if (all->n == all->room) {
        struct foreign_shape *more = arena_new_array(a, struct foreign_shape, all->room = all->room ? 2 * all->room : 32);
        if (all->n)
            memcpy(more, all->items, all->n * sizeof *more);
        all->items = more;
    }
    return memset(&all->items[all->n++], 0, sizeof *all->items);
}

/* A ring becomes a shape, or a further part of the one before. */
static void add_ring(struct arena *a, struct shapes *all, uint32_t label, const char *geometry, const char *attributes)
{
    uint32_t object = 0;
    bool part = part_of(attributes, &object),
         more = part && all->open && all->object == object && all->items[all->n - 1].label == label;
    struct foreign_shape *s = more ? &all->items[all->n - 1] : add(a, all);
    size_t room = count_of(geometry, ',') + 2;
    double *xy = arena_new_array(a, double, 2 * s->n_points + room);
    uint32_t *parts = arena_new_array(a, uint32_t, s->n_parts + 1);
    if (more) {
        memcpy(xy, s->points, 2 * s->n_points * sizeof *xy);
        memcpy(parts, s->parts, s->n_parts * sizeof *parts);
    }
    parts[s->n_parts] = (uint32_t)(numbers(geometry, xy + 2 * s->n_points, room) / 2);
    s->label = label;
    s->n_points += parts[s->n_parts++];
    s->points = xy;
    s->parts = parts;
    all->open = part;
    all->object = object;
}

static enum err add_shape(struct export *x, struct arena *a, struct rows *r, struct shapes *all, int width, int height)
{
    const char *kind = rows_text(r, 0), *id = rows_text(r, 1), *geometry = rows_text(r, 6);
    const char **at = bsearch(&id, x->label_ids, x->n_labels, sizeof id, by_text);
    if (!at)
        return fail(E_BROKEN, "a shape has a label of another dataset version");
    uint32_t label = x->label_at[at - x->label_ids];
    if (strcmp(kind, "polygon") == 0) {
        add_ring(a, all, label, geometry, rows_text(r, 8));
        return OK;
    }
    all->open = false;
    bool rectangle = strcmp(kind, "rectangle") == 0, mask = strcmp(kind, "mask") == 0;
    if (!rectangle && !mask && strcmp(kind, "classification") != 0) {
        x->left_out++;
        return OK;
    }
    struct foreign_shape *s = add(a, all);
    s->label = label;
    s->has_box = rectangle || mask;
    for (int i = 0; i < 4; i++)
        s->box[i] = (double)rows_int(r, 2 + i);
    if (rectangle && geometry && numbers(geometry, s->box, 4) != 4)
        return fail(E_BROKEN, "a stored box is damaged");
    if (mask) {
        s->mask = arena_str(a, geometry);
        s->mask_width = width;
        s->mask_height = height;
        s->area = rows_real(r, 7);
    }
    return OK;
}

static enum err read_shapes(struct export *x, struct arena *a, const char *annotation, int width, int height, struct shapes *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        x->db, &r,
        "SELECT kind, label_id, x, y, w, h, geometry, area, attributes FROM shape WHERE annotation_id = ?1 ORDER BY position",
        V(annotation)));
    while (rows_next(r))
        TRY(add_shape(x, a, r, ret, width, height));
    return rows_error(r);
}

/* ---- images */

struct image {
    const char *id, *asset, *name, *filename;
    int width, height;
};

/* The name that the file gives an image: an id keeps the ending, so that it is still a file name. */
static const char *name_of(const struct export *x, struct arena *a, struct rows *r)
{
    const char *filename = rows_text(r, 4), *dot = strrchr(filename, '.');
    int column = strcmp(x->key, "ASSET_ID") == 0      ? 1
                 : strcmp(x->key, "DATA_ID") == 0     ? 2
                 : strcmp(x->key, "OBJECT_NAME") == 0 ? 3
                                                      : 4;
    return column < 3 ? arena_fmt(a, "%s%s", rows_text(r, column), dot ? dot : "") : arena_str(a, rows_text(r, column));
}

static enum err read_some(struct export *x, struct arena *a, const char *after, struct image *ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        x->db, &r,
        "SELECT n.id, n.asset_id, d.id, d.object_name, d.filename, d.width, d.height FROM annotation n JOIN asset a ON a.id = "
        "n.asset_id JOIN data d ON d.id = a.data_id WHERE n.dataset_version_id = ?1 AND (n.status = ?2 OR ?2 IS NULL) AND "
        "n.id > ?3 ORDER BY n.id LIMIT 1000",
        V(x->version), V(x->status), V(after)));
    for (*ret_n = 0; rows_next(r) && *ret_n < SOME; ++*ret_n)
        ret[*ret_n] = (struct image){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), name_of(x, a, r),
                                      arena_str(a, rows_text(r, 4)), (int)rows_int(r, 5),           (int)rows_int(r, 6) };
    return rows_error(r);
}

static enum err write_image(struct export *x, const struct image *i)
{
    AUTO(arena) struct arena *a = arena_new();
    struct shapes all = { 0 };
    if (x->assets && !bsearch(&i->asset, x->assets, x->n_assets, sizeof i->asset, by_text))
        return OK;
    TRY(read_shapes(x, a, i->id, i->width, i->height, &all));
    const struct foreign_image image = { .file = "", .name = i->name, .width = i->width, .height = i->height };
    const char *member = strcmp(x->key, "FILENAME") == 0 ? member_of(x, a, i->name, i->asset) : foreign_stem(a, i->name);
    x->images++;
    x->shapes += (int64_t)all.n;
    return foreign_write_image(x->writer, &image, member, all.items, all.n, &x->left_out);
}

static enum err write_images(struct export *x)
{
    char last[ID_SIZE] = "";
    int64_t seen = 0;
    for (size_t n = SOME; n == SOME;) {
        AUTO(arena) struct arena *a = arena_new();
        struct image *some = arena_new_array(a, struct image, SOME);
        TRY(read_some(x, a, last, some, &n));
        for (size_t i = 0; i < n; i++)
            TRY(write_image(x, &some[i]));
        if (n)
            memcpy(last, some[n - 1].id, strlen(some[n - 1].id) + 1);
        seen += (int64_t)n;
        if (!job_go_on(x->job, x->all ? 0.98 * (double)seen / (double)x->all : 0.98, "writing the file"))
            return fail(E_CANCELLED, "cancelled");
    }
    return OK;
}

/* ---- the file */

static enum err put(void *with, const char *bytes, size_t n)
{
    return blob_write(((struct export *)with)->blob, bytes, n);
}

static enum err write_file(struct export *x)
{
    const struct services *s = x->job->with;
    TRY(read_labels(x));
    TRY(read_names(x));
    TRY(blob_begin(s->blobs, FOREIGN_BYTES, &x->blob));
    TRY(foreign_write_open(x->format, (struct foreign_put){ put, x }, x->labels, x->n_labels, &x->writer));
    TRY(write_images(x));
    struct foreign_writer *w = x->writer;
    x->writer = NULL;
    return foreign_write_close(w);
}

static const char *result_of(const struct export *x)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_text(&o, "object_name", x->object_name);
    out_int(&o, "images", x->images);
    out_int(&o, "shapes", x->shapes);
    out_int(&o, "left_out", (int64_t)x->left_out);
    out_int(&o, "renamed", (int64_t)x->renamed);
    out_array(&o, "renamed_names");
    for (size_t i = 0; i < x->renamed && i < NAMED; i++)
        out_text(&o, NULL, x->renamed_names[i]);
    out_end_array(&o);
    out_end_object(&o);
    return arena_str(x->job->arena, o.text.bytes);
}

static enum err keep(struct export *x)
{
    char hash_text[HASH_SIZE];
    uint64_t size;
    struct blob_writer *w = x->blob;
    x->blob = NULL;
    TRY(blob_commit(w, hash_text, &size));
    TRY(sql_begin(x->job->db));
    enum err e = object_add(x->job->db, x->job->org, x->object_name, hash_text, size, "application/octet-stream");
    return sql_end(x->job->db, e == OK ? job_done_within(x->job, result_of(x)) : e);
}

static void read_assets(struct export *x, const struct json *ids)
{
    if (json_absent(ids))
        return;
    x->n_assets = json_count(ids);
    x->assets = arena_new_array(x->job->arena, const char *, x->n_assets + 1);
    for (size_t i = 0; i < x->n_assets; i++) {
        char *id = arena_take(x->job->arena, ID_SIZE);
        id_parse(json_text(json_at(ids, i)), id);
        x->assets[i] = id;
    }
    if (x->n_assets)
        qsort(x->assets, x->n_assets, sizeof *x->assets, by_text);
}

static enum err run(struct job *j)
{
    const struct services *s = j->with;
    struct export x = { .job = j,
                        .version = json_text(json_get(j->input, "dataset_version_id")),
                        .format = json_text(json_get(j->input, "type")),
                        .status = json_text(json_get(j->input, "status")),
                        .key = json_text(json_get(j->input, "export_key")),
                        .object_name = json_text(json_get(j->input, "object_name")) };
    read_assets(&x, json_get(j->input, "asset_ids"));
    TRY(sql_pool_take(s->pool, &x.db));
    enum err e = sql_run(x.db, "BEGIN");
    if (e == OK)
        e = sql_end(x.db, write_file(&x));
    sql_pool_give(s->pool, x.db);
    foreign_write_abort(x.writer);
    e = e == OK ? keep(&x) : e;
    blob_abort(x.blob);
    return e;
}

const struct job_kind export_annotations_job = { "export_annotations", run, NULL, .tries = 3, .lease_s = 600, .lane = "files" };
