/* Storage connectors: how an organization's administrators let its members reach a bucket of another store. Its secret is sealed
 * with this server's key and never given back. */
#include "app/datalake/bucket.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>

enum { BUCKETS_MOST = 100, SECRET_MOST = 500 };

/* bucket_object: what datalakes have of them. A key whose bytes change is another object: the one before is CHANGED, and its bytes
 * are gone but for what is cached. */
static const char table[] =
    "CREATE TABLE bucket (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), name TEXT NOT NULL, endpoint TEXT "
    "NOT "
    "NULL, region TEXT NOT NULL, bucket TEXT NOT NULL, prefix TEXT NOT NULL, path_style INTEGER NOT NULL, access_key TEXT, secret "
    "TEXT, profile TEXT, created_at INTEGER NOT NULL, created_by TEXT, UNIQUE (org, name)) STRICT;"
    "CREATE TABLE bucket_object (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), datalake_id TEXT NOT NULL "
    "REFERENCES datalake(id), bucket_id TEXT NOT NULL REFERENCES bucket(id) ON DELETE CASCADE, object_key TEXT NOT NULL, etag TEXT "
    "NOT NULL, hash "
    "TEXT "
    "NOT NULL, size INTEGER NOT NULL, object_name TEXT UNIQUE, "
    "state TEXT NOT NULL CHECK (state IN ('THERE', 'CHANGED', 'GONE', 'REMOVED')), job_id TEXT, ended_by TEXT, created_at INTEGER "
    "NOT NULL, UNIQUE (datalake_id, bucket_id, object_key, etag)) STRICT;"
    "CREATE INDEX bucket_object_hash ON bucket_object (hash);"
    "CREATE INDEX bucket_object_of ON bucket_object (bucket_id, state);"
    "CREATE INDEX bucket_object_job ON bucket_object (job_id) WHERE job_id IS NOT NULL;"
    "CREATE INDEX bucket_object_ended ON bucket_object (ended_by) WHERE ended_by IS NOT NULL;"
    "CREATE TRIGGER bucket_object_gone AFTER DELETE ON object BEGIN UPDATE bucket_object SET state = 'REMOVED', "
    "object_name = NULL WHERE object_name = old.name; END";

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "b.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT | F_NAME | F_COMPOSED, "b.name", .min = 1, .max = 100 },
    { "endpoint", T_TEXT, F_FILTER | F_NEW | F_NEED | F_EDIT, "b.endpoint", .min = 1, .max = 300 },
    { "region", T_TEXT, F_NEW | F_EDIT, "b.region", .min = 1, .max = 60 },
    { "bucket", T_TEXT, F_FILTER | F_NEW | F_NEED, "b.bucket", .min = 3, .max = 63 },
    { "prefix", T_TEXT, F_NEW, "b.prefix", .max = 500 }, /* keys outside of it are not reached */
    { "path_style", T_BOOL, F_NEW | F_EDIT, "b.path_style" },
    { "access_key", T_TEXT, F_NULL | F_NEW | F_EDIT, "b.access_key", .max = 200 },
    { "profile", T_TEXT, F_NULL | F_NEW | F_EDIT, "b.profile", .max = 100 }, /* of the server's file of credentials */
    { "created_at", T_TIME, F_SORT, "b.created_at" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("b.created_by") },
};

/* ---- using one */

#define PURPOSE(a, id) arena_fmt(a, "bucket %s", id)

enum err bucket_read(struct sql *db, const struct services *s, struct arena *a, const char *id, struct bucket *ret)
{
    AUTO(rows) struct rows *r = NULL;
    struct profile p = { 0 };
    TRY(sql_first(
        db, &r,
        "SELECT id, org, name, prefix, endpoint, region, bucket, path_style, access_key, secret, profile FROM bucket WHERE"
        " id = ?1",
        V(id)));
    const char *texts[11];
    for (int i = 0; i < 11; i++)
        texts[i] = i == 7 ? NULL : arena_str(a, rows_text(r, i));
    *ret =
        (struct bucket){ texts[0], texts[1], texts[2], texts[3], { .endpoint = texts[4], .region = texts[5], .bucket = texts[6] } };
    ret->place.path_style = rows_int(r, 7) != 0;
    if (texts[10]) {
        TRY(profile_read(a, texts[10], &p));
    } else if (texts[8] && texts[9]) {
        p.access_key = texts[8];
        TRY(unseal(s->key, a, PURPOSE(a, id), texts[9], &p.secret));
    }
    ret->place.access_key = p.access_key;
    ret->place.secret = p.secret;
    ret->place.token = p.token;
    return OK;
}

enum err bucket_reaches(const struct bucket *b, const char *key)
{
    return strncmp(key, b->prefix, strlen(b->prefix)) == 0
               ? OK
               : fail(E_UNMEANT, "the connector '%s' reaches keys that begin with \"%s\" only", b->name, b->prefix);
}

/* ---- rows */

static enum err list(struct op *op)
{
    return reply_list(op, &bucket_resource, "1 = 1");
}

static enum err get(struct op *op)
{
    return reply_one(op, &bucket_resource, op->id);
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "there is a connector '%s' already", in_composed(op, "name")) : e;
}

/* As the row stands now: its place must be one, and its keys whole. */
static enum err check_row(struct op *op, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT endpoint, region, bucket, access_key, secret, profile, prefix FROM bucket WHERE id = ?1",
                  V(id)));
    const struct s3_place p = { .endpoint = rows_text(r, 0), .region = rows_text(r, 1), .bucket = rows_text(r, 2) };
    if (!rows_null(r, 3) && !rows_null(r, 5))
        return fail(E_INVALID, "access_key and profile exclude each other");
    if (!rows_null(r, 3) && rows_null(r, 4))
        return fail(E_INVALID, "secret_key is missing: access_key is of no use without it");
    if (rows_null(r, 3) && !rows_null(r, 4))
        return fail(E_INVALID, "access_key is missing: secret_key is of no use without it");
    return s3_check(&p);
}

static enum err keep_secret(struct op *op, const char *id, const char *secret)
{
    const char *sealed = NULL;
    if (secret)
        TRY(seal(op->services->key, op->arena, PURPOSE(op->arena, id), secret, &sealed));
    return sql_run(op->db, "UPDATE bucket SET secret = ?2 WHERE id = ?1", V(id), V(sealed));
}

static bool is_amazon(const char *endpoint)
{
    return strstr(endpoint, ".amazonaws.com") != NULL;
}

static enum err create(struct op *op)
{
    const char *id, *endpoint = in_text(op, "endpoint");
    int64_t n = 0;
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM bucket WHERE org = ?1", V(op->org)));
    if (n >= BUCKETS_MOST)
        return fail(E_TOO_BIG, "an organization has at most %d connectors", BUCKETS_MOST);
    TRY(taken(op, resource_add(op, &bucket_resource, &id, { "org", V(op->org) }, { "region", V("us-east-1") },
                               { "path_style", V(!is_amazon(endpoint) || strchr(in_text(op, "bucket"), '.')) },
                               { "created_by", V(op->user_id) })));
    TRY(keep_secret(op, id, in_text(op, "secret_key")));
    TRY(check_row(op, id));
    op->status = 201;
    return reply_one(op, &bucket_resource, id);
}

/* Where it leads is changed only by who knows the secret: nobody turns another's key to a server of their own. */
static enum err update(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT endpoint, secret FROM bucket WHERE id = ?1", V(op->id)));
    bool moved = in_has(op, "endpoint") && strcmp(in_text(op, "endpoint"), rows_text(r, 0)) != 0;
    if (moved && !rows_null(r, 1) && !in_has(op, "secret_key"))
        return fail(E_INVALID, "secret_key is missing: with another endpoint it must be sent again");
    bool only_secret = in_json(op, "secret_key") && json_count(op->body) == 1;
    if (!only_secret)
        TRY(taken(op, resource_update(op, &bucket_resource, op->id)));
    if (in_json(op, "secret_key"))
        TRY(keep_secret(op, op->id, in_text(op, "secret_key")));
    TRY(check_row(op, op->id));
    return reply_one(op, &bucket_resource, op->id);
}

const struct removal bucket_removal = {
    .table = "bucket",
    .named = "name",
    .called = "SELECT name FROM bucket WHERE id = ?1",
    .large = { { "bucket_object", "SELECT id FROM bucket_object WHERE bucket_id = ?1" } },
};

static enum err delete_bucket(struct op *op)
{
    int64_t n = 0;
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM datalake WHERE connector_id = ?1", V(op->id)));
    if (n)
        return fail(E_IN_USE, "a datalake takes its uploads there: bind it to another storage before");
    TRY(sql_int(op->db, &n, "SELECT EXISTS (SELECT 1 FROM bucket_object WHERE bucket_id = ?1 AND state <> 'REMOVED')", V(op->id)));
    if (n)
        return fail(E_IN_USE, "data have their bytes there: delete these before");
    op->status = 204;
    return thing_remove(op, &bucket_removal, op->id);
}

/* ---- looking */

/* Everything about the store that may go wrong is the answer, not a failure of this request. */
static enum err test(struct op *op)
{
    struct bucket b;
    struct s3_list l = { 0 };
    AUTO(s3) struct s3 *s = NULL;
    enum err e = bucket_read(op->db, op->services, op->arena, op->id, &b);
    if (e == OK)
        e = s3_open(&b.place, &s);
    if (e == OK) {
        s3_tries(s, 1);
        e = s3_list(s, op->arena, b.prefix, false, 1, NULL, &l);
    }
    if (e == OK && l.n)
        e = s3_head(s, op->arena, l.items[0].key, &l.items[0]);
    out_object(&op->out, NULL);
    out_bool(&op->out, "works", e == OK);
    out_text(&op->out, "says",
             e != OK ? fail_text()
             : l.n   ? "it lists the objects and lets them be read"
                     : "it lists the objects; there is none yet");
    out_end_object(&op->out);
    return OK;
}

static void write_page(struct op *op, const struct s3_list *l)
{
    out_object(&op->out, NULL);
    out_array(&op->out, "objects");
    for (size_t i = 0; i < l->n; i++) {
        out_object(&op->out, NULL);
        out_text(&op->out, "key", l->items[i].key);
        out_bool(&op->out, "is_folder", l->items[i].folder);
        out_bool(&op->out, "is_image", !l->items[i].folder && bucket_is_image(l->items[i].key));
        out_int(&op->out, "size", (int64_t)l->items[i].size);
        out_text(&op->out, "changed_at", l->items[i].changed_ms ? clock_iso(op->arena, l->items[i].changed_ms) : NULL);
        out_end_object(&op->out);
    }
    out_end_array(&op->out);
    out_text(&op->out, "next", l->next);
    out_end_object(&op->out);
}

static enum err browse(struct op *op)
{
    struct bucket b;
    struct s3_list l;
    AUTO(s3) struct s3 *s = NULL;
    TRY(bucket_read(op->db, op->services, op->arena, op->id, &b));
    const char *prefix = in_text(op, "prefix") ? in_text(op, "prefix") : b.prefix;
    TRY(bucket_reaches(&b, prefix));
    TRY(s3_open(&b.place, &s));
    s3_tries(s, 2);
    enum err e = s3_list(s, op->arena, prefix, true, in_int(op, "limit", 200) > S3_PAGE ? S3_PAGE : (int)in_int(op, "limit", 200),
                         in_text(op, "next"), &l);
    if (e == E_FORBIDDEN || e == E_NOT_FOUND || e == E_BUSY) /* of the store, not of what the caller may or what there is here */
        return fail(E_UNMEANT, "%s", arena_str(op->arena, fail_text()));
    TRY(e);
    write_page(op, &l);
    return OK;
}

#define SECRET                                                                                                                     \
    {                                                                                                                              \
        "secret_key", T_TEXT, F_NULL, .min = 1, .max = SECRET_MOST                                                                 \
    }
static const struct field secret_in[] = { SECRET };
static const struct field browse_in[] = { { "prefix", T_TEXT, .max = S3_KEY_MOST },
                                          { "next", T_TEXT, .max = 2000 },
                                          { "limit", T_INT, .min = 1, .max = S3_PAGE } };

DESCRIBED(test_answer, "test of a connector", { "works", T_BOOL }, { "says", T_TEXT });
DESCRIBED(listed_object, "object of a bucket", { "key", T_TEXT }, { "is_folder", T_BOOL }, { "is_image", T_BOOL },
          { "size", T_INT }, { "changed_at", T_TIME, F_NULL });
DESCRIBED(browse_answer, "page of a bucket", { "objects", T_MANY, .of = &listed_object }, { "next", T_TEXT, F_NULL });

#define BUCKET .answers = &bucket_resource
static const struct route routes[] = {
    { "GET", "/api/organization/{id}/connectors", list, MAY_READ, WORK_READ, "connectors to buckets of other stores", BUCKET,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/connectors", create, MAY_ADMIN, WORK_WRITE,
      "makes a connector to a bucket: with access_key and secret_key, with the name of a profile that the server knows, or without "
      "any for a public one",
      FIELDS(secret_in), .makes = &bucket_resource, BUCKET, .on = &organization_resource },
    { "GET", "/api/connector/{id}", get, MAY_READ, WORK_READ, "one connector", BUCKET, .on = &bucket_resource },
    { "PATCH", "/api/connector/{id}", update, MAY_ADMIN, WORK_WRITE, "changes a connector", FIELDS(secret_in),
      .changes = &bucket_resource, BUCKET, .on = &bucket_resource },
    { "DELETE", "/api/connector/{id}", delete_bucket, MAY_ADMIN, WORK_WRITE, "deletes a connector that no data need",
      .on = &bucket_resource, .gives = GIVES_NOTHING },
    { "POST", "/api/connector/{id}/test", test, MAY_ADMIN, WORK_FREE, "asks the store for one object, and tells what comes of it",
      .on = &bucket_resource, .answers = &test_answer },
    { "GET", "/api/connector/{id}/objects", browse, MAY_WRITE, WORK_FREE, "what lies in the bucket, a folder at a time",
      FIELDS(browse_in), .on = &bucket_resource, .answers = &browse_answer },
};

const struct resource bucket_resource = {
    "bucket",
    table,
    FIELDS(fields),
    "bucket b",
    "b.id",
    "b.org",
    "b.name",
    ROUTES(routes),
    .removal = &bucket_removal,
    .called = "bucket connector",
};
