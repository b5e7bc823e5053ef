/* Objects: names for stored bytes, and the signed links that upload and download them. An object never changes: a link that is used
 * twice with other bytes is refused. */
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const int64_t PARTS_KEPT_MS = 47 * 3600 * 1000LL;
static const uint64_t OBJECT_CAP = 64ull << 30; /* bytes */

static const char table[] =
    "CREATE TABLE object (name TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), hash TEXT NOT NULL, "
    "size INTEGER NOT NULL, content_type TEXT NOT NULL, created_at INTEGER NOT NULL, "
    "away INTEGER NOT NULL DEFAULT 0) STRICT;" /* 1: its bytes are in a bucket (bucket_object), here at most cached */
    "CREATE INDEX object_hash ON object (hash);"
    "CREATE TABLE upload (object_name TEXT PRIMARY KEY, id TEXT NOT NULL, size INTEGER NOT NULL, created_at INTEGER NOT NULL) "
    "STRICT;"
    "CREATE TABLE upload_part (upload_id TEXT NOT NULL, first INTEGER NOT NULL, size INTEGER NOT NULL, "
    "PRIMARY KEY (upload_id, first)) STRICT, WITHOUT ROWID";

enum err filename_check(const char *filename)
{
    size_t n = strlen(filename);
    if (!n || n > 255)
        return fail(E_INVALID, "a file name must have 1 to 255 bytes");
    if (strcmp(filename, ".") == 0 || strcmp(filename, "..") == 0)
        return fail(E_INVALID, "\"%s\" is no file name", filename);
    for (const char *p = filename; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f || *p == '/' || *p == '\\')
            return fail(E_INVALID, "a file name must not hold '/', '\\' or control characters");
    if (filename[0] == ' ' || filename[n - 1] == ' ')
        return fail(E_INVALID, "a file name must not begin or end with a space");
    return OK;
}

/* upload_dir: "a/b": each part must be a plain name. */
static enum err dir_check(struct arena *a, const char *dir)
{
    for (const char *p = dir, *end; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, '/');
        TRY(fail_within(filename_check(arena_copy(a, p, (size_t)(end - p))), "upload_dir: "));
    }
    return OK;
}

enum err object_name_new(struct arena *a, const char *org, const char *kind, const char *dir, const char *filename,
                         const char **ret)
{
    TRY(filename_check(filename));
    if (dir && *dir)
        TRY(dir_check(a, dir));
    bool slash = dir && *dir && dir[strlen(dir) - 1] != '/';
    *ret = arena_fmt(a, "%s/%s/%s%s%s/%s", org, kind, dir ? dir : "", slash ? "/" : "", id_new(a), filename);
    return OK;
}

enum err object_add(struct sql *db, const char *org, const char *name, const char *hash, uint64_t size, const char *content_type)
{
    TRY(sql_run(db,
                "INSERT INTO object (name, org, hash, size, content_type, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
                " ON CONFLICT DO NOTHING",
                V(name), V(org), V(hash), V((int64_t)size), V(content_type), V(clock_now_ms())));
    int64_t same = 0;
    TRY(sql_int(db, &same, "SELECT count(*) FROM object WHERE name = ?1 AND org = ?2 AND hash = ?3", V(name), V(org), V(hash)));
    return same ? OK : fail(E_CONFLICT, "there is an object of that name already, with other bytes");
}

enum err object_put_away(struct sql *db, const char *name)
{
    return sql_run(db, "UPDATE object SET away = 1 WHERE name = ?1", V(name));
}

enum err object_find(struct sql *db, struct arena *a, const char *org, const char *name, const char **ret_hash, uint64_t *ret_size)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r, "SELECT hash, size FROM object WHERE name = ?1 AND org = ?2", V(name), V(org));
    if (e == E_NOT_FOUND)
        return fail(e, "there is no object '%.200s': it was not uploaded, or not wholly", name ? name : "");
    TRY(e);
    *ret_hash = arena_str(a, rows_text(r, 0));
    *ret_size = (uint64_t)rows_int(r, 1);
    return OK;
}

/* ---- grants */

/* What uploads are granted on: an organization's own storage, or a bucket that its datalakes may be bound to. */
const struct resource connector_resource = {
    .name = "storage connector",
    .from = "(SELECT default_connector_id AS id, id AS org FROM organization UNION ALL SELECT id, org FROM bucket) c",
    .key = "c.id",
    .org = "c.org",
};

enum err object_own_name(struct op *op, const char **ret)
{
    const char *name = in_text(op, "object_name");
    size_t n = strlen(op->org);
    if (strncmp(name, op->org, n) != 0 || name[n] != '/' || strstr(name, "/../") || strstr(name, "//"))
        return fail(E_NOT_FOUND, "object_name: \"%.100s\" is none that was generated here", name);
    *ret = name;
    return OK;
}

/* MODEL_FILE: model-file */
static const char *kind_of(struct op *op)
{
    char *kind = arena_str(op->arena, in_text(op, "type"));
    for (char *p = kind; *p; p++)
        *p = *p == '_' ? '-' : (char)(*p | 0x20);
    return kind;
}

static enum err generate_name(struct op *op)
{
    const char *name, *kind = kind_of(op);
    TRY(object_name_new(op->arena, op->org, kind, in_text(op, "upload_dir"), in_text(op, "filename"), &name));
    out_object(&op->out, NULL);
    out_text(&op->out, "object_name", name);
    out_end_object(&op->out);
    return OK;
}

/* The client calls a plain PUT "azure" and one that takes parts by Content-Range "google". */
static enum err grant_put(struct op *op)
{
    const char *name;
    TRY(object_own_name(op, &name));
    out_object(&op->out, NULL);
    out_text(&op->out, "client_type", "azure");
    out_object(&op->out, "presigned_url_data");
    out_text(&op->out, "url", signed_url(op, "PUT", name));
    out_object(&op->out, "fields");
    out_end_object(&op->out);
    out_end_object(&op->out);
    out_end_object(&op->out);
    return OK;
}

static enum err grant_parts(struct op *op)
{
    const char *name;
    TRY(object_own_name(op, &name));
    out_object(&op->out, NULL);
    out_text(&op->out, "client_type", "google");
    out_text(&op->out, "url", signed_url(op, "PUT", name));
    out_end_object(&op->out);
    return OK;
}

/* Of many files at once: a name and a link for each, in their order. */
static enum err grant_many(struct op *op)
{
    const struct json *list = in_json(op, "filenames");
    const char *kind = kind_of(op), *name;
    out_array(&op->out, NULL);
    for (size_t i = 0; i < json_count(list); i++) {
        TRY(fail_within(object_name_new(op->arena, op->org, kind, NULL, json_text(json_at(list, i)), &name),
                        "filenames[%zu]: ", i));
        out_object(&op->out, NULL);
        out_text(&op->out, "object_name", name);
        out_text(&op->out, "url", signed_url(op, "PUT", name));
        out_end_object(&op->out);
    }
    out_end_array(&op->out);
    return OK;
}

static enum err grant_get(struct op *op)
{
    const char *name, *hash;
    uint64_t size;
    TRY(object_own_name(op, &name));
    TRY(object_find(op->db, op->arena, op->org, name, &hash, &size));
    out_object(&op->out, NULL);
    out_text(&op->out, "presigned_url", signed_url(op, "GET", name));
    out_end_object(&op->out);
    return OK;
}

/* ---- links */

struct transfer {
    struct blob_writer *writer; /* a whole object */
    int fd;                     /* or a part of one: the file that collects them */
    bool part, known;           /* known: the object is there already; fd is its file, the bytes must be the same */
    uint64_t first, last, total, got;
    const char *upload_id, *org;
    char hash[HASH_SIZE]; /* when all is stored */
    uint64_t size;
};

/* "bytes 0-99/1000" (RFC 9110 §14.4) */
static enum err read_range(const char *s, struct transfer *t)
{
    uint64_t *values[] = { &t->first, &t->last, &t->total };
    static const char after[] = "-/";
    if (strncasecmp(s, "bytes ", 6) != 0)
        return fail(E_INVALID, "Content-Range must look like \"bytes 0-99/1000\"");
    s += 6;
    for (int i = 0; i < 3; i++) {
        char *end;
        if (*s < '0' || *s > '9')
            return fail(E_INVALID, "Content-Range must look like \"bytes 0-99/1000\"");
        *values[i] = strtoull(s, &end, 10);
        if (i < 2 ? *end != after[i] : *end)
            return fail(E_INVALID, "Content-Range must look like \"bytes 0-99/1000\"");
        s = end + 1;
    }
    if (t->first > t->last || t->last >= t->total || t->total > OBJECT_CAP)
        return fail(E_INVALID, "Content-Range makes no sense, or is over %llu bytes", (unsigned long long)OBJECT_CAP);
    return OK;
}

/* A part that is sent again after the last one, because its answer was lost, finds the object there. */
static enum err find_object(struct op *op)
{
    struct transfer *t = op->state;
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(op->db, &r, "SELECT hash, size FROM object WHERE name = ?1", V(op->values[0]));
    if (e == E_NOT_FOUND)
        return OK;
    TRY(e);
    if ((uint64_t)rows_int(r, 1) != t->total)
        return fail(E_CONFLICT, "there is an object of that name already, with other bytes");
    t->known = true;
    return blob_read_sized(op->services->blobs, rows_text(r, 0), t->total, &t->fd);
}

static enum err find_upload(struct op *op)
{
    struct transfer *t = op->state;
    const char *name = op->values[0];
    /* the store forgets parts after two days, so the rows must not remember them for longer */
    int64_t old = clock_now_ms() - PARTS_KEPT_MS;
    TRY(sql_run(op->db, "DELETE FROM upload_part WHERE upload_id IN (SELECT id FROM upload WHERE created_at < ?1)", V(old)));
    TRY(sql_run(op->db, "DELETE FROM upload WHERE created_at < ?1", V(old)));
    TRY(sql_run(op->db, "INSERT INTO upload VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING", V(name), V(id_new(op->arena)),
                V((int64_t)t->total), V(clock_now_ms())));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT id, size FROM upload WHERE object_name = ?1", V(name)));
    if (rows_int(r, 1) != (int64_t)t->total)
        return fail(E_CONFLICT, "the parts sent before say that the object has %lld bytes", (long long)rows_int(r, 1));
    t->upload_id = arena_str(op->arena, rows_text(r, 0));
    return OK;
}

static enum err put_start(struct op *op)
{
    TRY(signed_link_check(op, "PUT", "/storage/", op->values[0]));
    struct transfer *t = arena_take(op->arena, sizeof *t);
    t->fd = -1;
    op->state = t;
    t->org = arena_copy(op->arena, op->values[0], strcspn(op->values[0], "/"));
    const char *range = http_header(op->call, "Content-Range");
    int64_t length = http_body_length(op->call);
    if (!range) {
        if (length > (int64_t)OBJECT_CAP)
            return fail(E_TOO_BIG, "at most %llu bytes are taken", (unsigned long long)OBJECT_CAP);
        TRY(quota_check(op->db, t->org, length > 0 ? (uint64_t)length : 0)); /* before the bytes come for nothing */
        return blob_begin(op->services->blobs, OBJECT_CAP, &t->writer);
    }
    t->part = true;
    TRY(read_range(range, t));
    if (length >= 0 && (uint64_t)length != t->last - t->first + 1)
        return fail(E_INVALID, "Content-Range and Content-Length contradict each other");
    TRY(find_object(op));
    if (t->known)
        return OK;
    TRY(quota_check(op->db, t->org, t->total));
    TRY(op_write(op, find_upload));
    return blob_part_open(op->services->blobs, t->upload_id, &t->fd);
}

static enum err write_at(int fd, const char *bytes, size_t n, uint64_t offset)
{
    while (n) {
        ssize_t done = pwrite(fd, bytes, n, (off_t)offset);
        if (done <= 0)
            return fail(err_of_errno(errno), "cannot write a part: %s", strerror(errno));
        bytes += done;
        n -= (size_t)done;
        offset += (uint64_t)done;
    }
    return OK;
}

static enum err same_at(int fd, const char *bytes, size_t n, uint64_t offset)
{
    char is[4096];
    for (size_t at = 0; at < n;) {
        size_t want = n - at < sizeof is ? n - at : sizeof is;
        ssize_t got = pread(fd, is, want, (off_t)(offset + at));
        if (got <= 0)
            return fail(E_BROKEN, "cannot read a stored object: %s", strerror(errno));
        if (memcmp(is, bytes + at, (size_t)got) != 0)
            return fail(E_CONFLICT, "there is an object of that name already, with other bytes");
        at += (size_t)got;
    }
    return OK;
}

static enum err put_piece(struct op *op, const char *bytes, size_t n)
{
    struct transfer *t = op->state;
    t->got += n;
    if (!t->part)
        return blob_write(t->writer, bytes, n);
    if (t->got > t->last - t->first + 1)
        return fail(E_INVALID, "more bytes came than Content-Range says");
    if (t->known)
        return same_at(t->fd, bytes, n, t->first + t->got - n);
    return write_at(t->fd, bytes, n, t->first + t->got - n);
}

/* How many bytes from the start on are there without a hole. */
static enum err covered(struct sql *db, const char *upload_id, uint64_t *ret)
{
    AUTO(rows) struct rows *r = NULL;
    uint64_t end = 0;
    TRY(sql_rows(db, &r, "SELECT first, size FROM upload_part WHERE upload_id = ?1 ORDER BY first", V(upload_id)));
    while (rows_next(r)) {
        uint64_t first = (uint64_t)rows_int(r, 0), last = first + (uint64_t)rows_int(r, 1);
        if (first <= end && last > end)
            end = last;
    }
    *ret = end;
    return rows_error(r);
}

static enum err note_part(struct op *op)
{
    struct transfer *t = op->state;
    TRY(sql_run(op->db,
                "INSERT INTO upload_part (upload_id, first, size) VALUES (?1, ?2, ?3) ON CONFLICT (upload_id, first)"
                " DO UPDATE SET size = CASE WHEN upload_part.size < excluded.size THEN excluded.size ELSE upload_part.size END",
                V(t->upload_id), V((int64_t)t->first), V((int64_t)t->got)));
    return covered(op->db, t->upload_id, &t->got);
}

static const char *stated_type(struct op *op)
{
    const char *type = http_header(op->call, "Content-Type");
    return type && strlen(type) < 100 && !strpbrk(type, "\r\n") ? type : "application/octet-stream";
}

static enum err finish_object(struct op *op)
{
    struct transfer *t = op->state;
    TRY(quota_take(op->db, t->org, op->values[0], t->size));
    TRY(object_add(op->db, t->org, op->values[0], t->hash, t->size, stated_type(op)));
    if (!t->part)
        return OK;
    TRY(sql_run(op->db, "DELETE FROM upload_part WHERE upload_id = ?1", V(t->upload_id)));
    return sql_run(op->db, "DELETE FROM upload WHERE id = ?1", V(t->upload_id));
}

static enum err put(struct op *op)
{
    struct transfer *t = op->state;
    if (t->known)
        return OK;
    if (t->part) {
        if (t->got != t->last - t->first + 1)
            return fail(E_INVALID, "fewer bytes came than Content-Range says");
        TRY(op_write(op, note_part));
        if (t->got < t->total)
            return OK;
        TRY(blob_part_finish(op->services->blobs, t->upload_id, t->total, t->hash));
        t->size = t->total;
    } else {
        struct blob_writer *w = t->writer;
        t->writer = NULL;
        TRY(blob_commit(w, t->hash, &t->size));
    }
    TRY(op_write(op, finish_object)); /* uploads that end together share one sync of the database */
    http_answer_header(op->call, "ETag", arena_fmt(op->arena, "\"%s\"", t->hash));
    return OK;
}

static void put_stop(struct op *op)
{
    struct transfer *t = op->state;
    if (!t)
        return;
    blob_abort(t->writer);
    if (t->fd >= 0)
        close(t->fd);
}

/* What a browser may show in its place; everything else is a download. Never a type that could run scripts. */
bool object_shown_inline(const char *content_type)
{
    static const char *const types[] = { "image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/tiff", NULL };
    for (const char *const *t = types; *t; t++)
        if (strcmp(content_type, *t) == 0)
            return true;
    return false;
}

static void answer_object(struct op *op, const char *name, const char *type, int fd, uint64_t size)
{
    AUTO(text) struct text encoded;
    text_init(&encoded, 1 << 12);
    const char *slash = strrchr(name, '/');
    text_url(&encoded, slash ? slash + 1 : name, false);
    bool shown = object_shown_inline(type);
    http_answer_header(op->call, "Content-Disposition",
                       arena_fmt(op->arena, "%s; filename*=UTF-8''%s", shown ? "inline" : "attachment", encoded.bytes));
    http_answer_header(op->call, "Content-Security-Policy", "default-src 'none'; sandbox");
    http_answer_header(op->call, "Cache-Control", "private, max-age=3600");
    http_answer_file(op->call, shown ? type : "application/octet-stream", fd, size);
}

static enum err get(struct op *op)
{
    TRY(signed_link_check(op, "GET", "/storage/", op->values[0]));
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(op->db, &r, "SELECT hash, content_type, size FROM object WHERE name = ?1", V(op->values[0]));
    if (e == E_NOT_FOUND)
        return fail(e, "this object is not there (any more)");
    TRY(e);
    int fd;
    uint64_t size = (uint64_t)rows_int(r, 2);
    TRY(blob_read_sized(op->services->blobs, rows_text(r, 0), size, &fd));
    answer_object(op, op->values[0], rows_text(r, 1), fd, size);
    return OK;
}

static const char *const kinds[] = { "AGENTS_REPORT",        "ARTIFACT",    "DATA",
                                     "DATA_PROJECTION",      "LOGGING",     "LOG_IMAGE",
                                     "MODEL_FILE",           "MODEL_THUMB", "CAMPAIGN_FILE",
                                     "REVIEW_CAMPAIGN_FILE", NULL };
static const struct field generate_in[] = {
    { "filename", T_TEXT, F_NEED, .min = 1, .max = 255 },
    { "type", T_TEXT, F_NEED, .words = kinds },
    { "context", T_OBJECT, F_NULL },
    { "upload_dir", T_TEXT, F_NULL, .max = 500 },
};
static const struct field object_in[] = { { "object_name", T_TEXT, F_NEED, .min = 1, .max = 2000 },
                                          { "content_type", T_TEXT, F_NULL, .max = 100 } };

enum { GRANTS_MOST = 1000 };
static const struct field grants_in[] = { { "type", T_TEXT, F_NEED, .words = kinds },
                                          { "filenames", T_TEXTS, F_NEED, .min = 1, .max = GRANTS_MOST } };

DESCRIBED(named_link, "name and link of an upload", { "object_name", T_TEXT }, { "url", T_TEXT });
DESCRIBED(name_answer, "name of an object", { "object_name", T_TEXT });
DESCRIBED(put_link, "link that takes an object", { "url", T_TEXT }, { "fields", T_OBJECT, .of = &text_value });
DESCRIBED(put_answer, "grant of an upload", { "client_type", T_TEXT }, { "presigned_url_data", T_PART, .of = &put_link });
DESCRIBED(parts_answer, "grant of an upload in parts", { "client_type", T_TEXT }, { "url", T_TEXT });

static const struct route routes[] = {
    { "POST", "/api/organization/{id}/connector/{connector}/generate_object_name", generate_name, MAY_WRITE, WORK_READ,
      "a new name for an object", FIELDS(generate_in), .on = &organization_resource, .on_too = &connector_resource,
      .answers = &name_answer },
    { "POST", "/api/object-storage/{id}/generate_presigned_url", grant_put, MAY_WRITE, WORK_READ,
      "a link that takes one PUT of the whole object", FIELDS(object_in), .on = &connector_resource, .answers = &put_answer },
    { "POST", "/api/object-storage/{id}/upload_links", grant_many, MAY_WRITE, WORK_READ,
      "for each of many files a new name and a link that takes one PUT of it", FIELDS(grants_in), .on = &connector_resource,
      .answers = &named_link, .gives = GIVES_ROWS },
    { "POST", "/api/object-storage/{id}/init_multipart_upload", grant_parts, MAY_WRITE, WORK_READ,
      "a link that takes PUTs of parts with Content-Range", FIELDS(object_in), .on = &connector_resource,
      .answers = &parts_answer },
    { "POST", "/api/object-storage/{id}/retrieve_presigned_url", grant_get, MAY_READ, WORK_READ, "a link that gives the object",
      FIELDS(object_in), .on = &connector_resource, .answers = &link_answer },
    { "GET", "/storage/{object_name*}", get, MAY_SIGNED, WORK_FREE, "downloads an object",
      .on_nothing = "the signature covers the name", .gives = GIVES_FILE },
    { "PUT", "/storage/{object_name*}", put, MAY_SIGNED, WORK_FREE, "uploads an object, whole or in parts", .start = put_start,
      .piece = put_piece, .stop = put_stop, .on_nothing = "the signature covers the name", .gives = GIVES_NOTHING },
};

const struct resource object_resource = { .name = "object", .table = table, .routes = routes, .n_routes = COUNT_OF(routes) };
