/* What datalakes have of buckets: which object of a bucket a data's bytes are, and how they are had. */
#include "app/datalake/bucket.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "blob/blob.h"
#include <string.h>
#include <strings.h>

/* ---- names */

bool bucket_is_image(const char *key)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff" };
    const char *dot = strrchr(key, '.');
    for (size_t i = 0; dot && i < COUNT_OF(endings); i++)
        if (strcasecmp(dot, endings[i]) == 0)
            return true;
    return false;
}

enum { FILENAME_MOST = 255 };

/* A long name keeps its end, where the kind of file stands; no character is cut in two. */
const char *bucket_filename(struct arena *a, const char *key)
{
    const char *slash = strrchr(key, '/');
    char *name = arena_str(a, slash ? slash + 1 : key);
    size_t n = strlen(name);
    if (n > FILENAME_MOST) {
        name += n - FILENAME_MOST;
        while (((unsigned char)*name & 0xc0) == 0x80)
            name++;
    }
    for (char *p = name; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '\\')
            *p = '_';
    n = strlen(name);
    if (n && name[0] == ' ')
        name[0] = '_';
    if (n && name[n - 1] == ' ')
        name[n - 1] = '_';
    return filename_check(name) == OK ? name : "object";
}

/* ---- rows */

/* What stood under the key before is not there any more. */
static enum err end_older(struct sql *db, const struct bucket_object *o)
{
    return sql_run(db,
                   "UPDATE bucket_object SET state = 'CHANGED', ended_by = ?5 WHERE datalake_id = ?1 AND bucket_id = ?2 AND"
                   " object_key = ?3 AND etag <> ?4 AND state = 'THERE'",
                   V(o->lake), V(o->bucket), V(o->key), V(o->etag), V(o->job));
}

enum err bucket_object_add(struct sql *db, struct arena *a, const struct bucket_object *o)
{
    TRY(end_older(db, o));
    TRY(object_put_away(db, o->object_name));
    return sql_run(db,
                   "INSERT INTO bucket_object (id, org, datalake_id, bucket_id, object_key, etag, hash, size, object_name, state,"
                   " job_id, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'THERE', ?10, ?11)"
                   " ON CONFLICT (datalake_id, bucket_id, object_key, etag) DO UPDATE SET state = 'THERE', hash = excluded.hash,"
                   " size = excluded.size, object_name = excluded.object_name, job_id = excluded.job_id, ended_by = NULL",
                   V(id_new(a)), V(o->org), V(o->lake), V(o->bucket), V(o->key), V(o->etag), V(o->hash), V((int64_t)o->size),
                   V(o->object_name), V(o->job), V(clock_now_ms()));
}

enum err bucket_object_back(struct sql *db, const struct bucket_object *o)
{
    TRY(end_older(db, o));
    return sql_run(db,
                   "UPDATE bucket_object SET state = 'THERE', ended_by = NULL WHERE datalake_id = ?1 AND bucket_id = ?2 AND"
                   " object_key = ?3 AND etag = ?4 AND object_name IS NOT NULL",
                   V(o->lake), V(o->bucket), V(o->key), V(o->etag));
}

/* ---- uploads */

enum err bucket_of_lake(struct sql *db, struct arena *a, const char *lake, const char **ret_id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT b.id FROM datalake l JOIN bucket b ON b.id = l.connector_id WHERE l.id = ?1", V(lake)));
    *ret_id = rows_next(r) ? arena_str(a, rows_text(r, 0)) : NULL;
    return rows_error(r);
}

/* ORG/data/ID/FILENAME becomes PREFIXuploads/ID/FILENAME: an upload that is sent again goes to the same key. */
enum err bucket_take(struct s3 *s, const struct bucket *b, struct arena *a, const char *object_name, const char *type, int fd,
                     uint64_t size, const char *hash, struct bucket_object *ret)
{
    struct s3_object put;
    const char *name = strchr(object_name, '/');
    name = name ? strchr(name + 1, '/') : NULL;
    const char *key = arena_fmt(a, "%suploads%s", b->prefix, name ? name : object_name);
    if (strlen(key) > S3_KEY_MOST)
        return fail(E_INVALID, "the object's name is too long for the bucket");
    TRY(s3_put(s, a, key, type, fd, size, hash, false, &put));
    *ret = (struct bucket_object){
        .bucket = b->id, .key = key, .etag = *put.etag ? put.etag : hash, .hash = hash, .size = size, .object_name = object_name
    };
    return OK;
}

/* ---- reading */

enum { PLACES_MOST = 4, TRIES = 2 };

struct found {
    struct bucket bucket;
    const char *key;
    uint64_t size;
};

static enum err find(const struct services *s, struct sql *db, struct arena *a, const char *hash, struct found *ret, size_t *ret_n)
{
    const char *ids[PLACES_MOST];
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r,
                     "SELECT bucket_id, object_key, size FROM bucket_object WHERE hash = ?1 AND state <> 'REMOVED'"
                     " ORDER BY CASE state WHEN 'THERE' THEN 0 ELSE 1 END LIMIT ?2",
                     V(hash), V(PLACES_MOST)));
        for (*ret_n = 0; *ret_n < PLACES_MOST && rows_next(r); ++*ret_n) {
            ids[*ret_n] = arena_str(a, rows_text(r, 0));
            ret[*ret_n] = (struct found){ .key = arena_str(a, rows_text(r, 1)), .size = (uint64_t)rows_int(r, 2) };
        }
        TRY(rows_error(r));
    }
    for (size_t i = 0; i < *ret_n; i++)
        TRY(bucket_read(db, s, a, ids[i], &ret[i].bucket));
    return OK;
}

static enum err get(struct arena *a, const struct found *f, int to_fd)
{
    AUTO(s3) struct s3 *s = NULL;
    struct s3_object got;
    TRY(s3_open(&f->bucket.place, &s));
    s3_tries(s, TRIES);
    return fail_within(s3_get(s, a, f->key, NULL, to_fd, f->size, &got),
                       "the bucket of the connector '%s' does not give it: ", f->bucket.name);
}

/* No connection to the database is held while bytes come. */
enum err bucket_fetch(void *with, const char *hash, int to_fd)
{
    const struct services *s = with;
    AUTO(arena) struct arena *a = arena_new();
    struct found places[PLACES_MOST];
    struct sql *db = NULL;
    size_t n = 0;
    TRY(sql_pool_take(s->pool, &db));
    enum err e = find(s, db, a, hash, places, &n);
    sql_pool_give(s->pool, db);
    TRY(e);
    e = fail(E_NOT_FOUND, "the object %.64s is missing", hash);
    for (size_t i = 0; i < n && e != OK; i++)
        e = get(a, &places[i], to_fd);
    if (e == OK || e == E_BUSY || e == E_FULL)
        return e;
    return fail(E_NOT_FOUND, "%s", arena_str(a, fail_text())); /* what the store refuses the connector is nobody's right here */
}
