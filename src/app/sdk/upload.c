/* Uploads: a whole file as a form, a large one in parts of 5 MiB that are put together at the end.
 *
 * How long a part was is stated in its ETag, with a signature: what the client gives back at the end is all that has to be known
 * then. */
#include "app/datalake/datalake.h"
#include "app/sdk/sdk.h"
#include "base/clock.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t PART = 5 << 20, OBJECT_CAP = 64ull << 30; /* bytes */
enum { PARTS_MOST = 13200, PARTS_KEPT_S = 47 * 3600, FORM_ROOM = 4096, TYPE_MOST = 100 };

static const char form_path[] = "/sdk/object/";

/* ---- grants */

static enum err grant_form(struct op *op)
{
    const char *name, *type = in_text(op, "content_type");
    TRY(object_own_name(op, &name));
    out_object(&op->out, NULL);
    out_text(&op->out, "client_type", "minio");
    out_object(&op->out, "presigned_url_data");
    out_text(&op->out, "url", signed_link(op, "POST", form_path, name));
    out_object(&op->out, "fields");
    out_text(&op->out, "Content-Type", type ? type : "application/octet-stream");
    out_end_object(&op->out);
    out_end_object(&op->out);
    out_end_object(&op->out);
    return OK;
}

static enum err begin_parts(struct op *op)
{
    const char *name;
    TRY(object_own_name(op, &name));
    out_object(&op->out, NULL);
    out_text(&op->out, "client_type", "minio");
    out_text(&op->out, "upload_id", id_new(op->arena));
    out_end_object(&op->out);
    return OK;
}

static const char *part_path(struct op *op, const char *upload_id, int64_t part)
{
    return arena_fmt(op->arena, "/sdk/upload/%s/%lld/", upload_id, (long long)part);
}

static enum err grant_part(struct op *op)
{
    const char *name;
    TRY(object_own_name(op, &name));
    out_object(&op->out, NULL);
    out_text(&op->out, "url", signed_link(op, "PUT", part_path(op, in_text(op, "upload_id"), in_int(op, "part_no", 0)), name));
    out_end_object(&op->out);
    return OK;
}

/* ---- an object as a form */

struct upload {
    struct op *op;
    struct blob_writer *writer;
    char type[TYPE_MOST];
    size_t type_n;
    const char *org, *name;
    char hash[HASH_SIZE];
    uint64_t size, first, got; /* of a part: where it stands, and how much of it came */
    int fd;
};

static struct upload *upload_new(struct op *op, const char *name)
{
    struct upload *u = arena_take(op->arena, sizeof *u);
    *u = (struct upload){ .op = op, .name = name, .org = arena_copy(op->arena, name, strcspn(name, "/")), .fd = -1 };
    op->state = u;
    return u;
}

static enum err form_piece(void *with, const struct http_part *part, const char *bytes, size_t n)
{
    struct upload *u = with;
    if (strcmp(part->name, "file") == 0) {
        if (part->offset == 0 && u->writer)
            return fail(E_INVALID, "file: one at a time");
        if (!u->writer)
            TRY(blob_begin(u->op->services->blobs, OBJECT_CAP, &u->writer));
        return blob_write(u->writer, bytes, n);
    }
    if (strcmp(part->name, "Content-Type") == 0 && u->type_n + n < sizeof u->type) {
        memcpy(u->type + u->type_n, bytes, n);
        u->type_n += n;
    }
    return OK;
}

static enum err form_start(struct op *op)
{
    TRY(signed_link_check(op, "POST", form_path, op->values[0]));
    struct upload *u = upload_new(op, op->values[0]);
    int64_t length = http_body_length(op->call);
    TRY(quota_check(op->db, u->org,
                    length > FORM_ROOM ? (uint64_t)(length - FORM_ROOM) : 0)); /* before the bytes come for nothing */
    return http_read_form(op->call, form_piece, u);
}

static enum err keep(struct op *op)
{
    struct upload *u = op->state;
    TRY(quota_take(op->db, u->org, u->name, u->size));
    return object_add(op->db, u->org, u->name, u->hash, u->size, u->type_n ? u->type : "application/octet-stream");
}

/* Exactly this status is a success to it. */
static enum err form(struct op *op)
{
    struct upload *u = op->state;
    struct blob_writer *w = u->writer;
    if (!w)
        return fail(E_INVALID, "file is missing");
    if (strpbrk(u->type, "\r\n"))
        return fail(E_INVALID, "Content-Type must be one line");
    u->writer = NULL;
    TRY(blob_commit(w, u->hash, &u->size));
    op->status = 204;
    return op_write(op, keep);
}

static void stop(struct op *op)
{
    struct upload *u = op->state;
    if (!u)
        return;
    blob_abort(u->writer);
    if (u->fd >= 0)
        close(u->fd);
}

/* ---- parts */

static enum err part_start(struct op *op)
{
    const char *upload_id = op->values[0], *name = op->values[2];
    int64_t part = strtoll(op->values[1], NULL, 10);
    TRY(signed_link_check(op, "PUT", part_path(op, upload_id, part), name));
    struct upload *u = upload_new(op, name);
    int64_t length = http_body_length(op->call);
    if (length < 0)
        return fail(E_INVALID, "a part needs a Content-Length");
    if ((uint64_t)length > PART) /* said before a byte of it is written over the next part */
        return fail(E_TOO_BIG, "a part has at most %llu bytes", (unsigned long long)PART);
    u->first = (uint64_t)(part - 1) * PART;
    TRY(quota_check(op->db, u->org, u->first + (uint64_t)length));
    return blob_part_open(op->services->blobs, upload_id, &u->fd);
}

static enum err part_piece(struct op *op, const char *bytes, size_t n)
{
    struct upload *u = op->state;
    while (n) {
        ssize_t done = pwrite(u->fd, bytes, n, (off_t)(u->first + u->got));
        if (done <= 0)
            return fail(err_of_errno(errno), "cannot write a part: %s", strerror(errno));
        bytes += done;
        n -= (size_t)done;
        u->got += (size_t)done;
    }
    return OK;
}

/* What is signed of a part that has come. */
static const char *part_fact(struct op *op, const char *name, const char *upload_id, int64_t part, uint64_t size)
{
    return arena_fmt(op->arena, "%s%s %llu", part_path(op, upload_id, part), name, (unsigned long long)size);
}

static enum err part_end(struct op *op)
{
    struct upload *u = op->state;
    const char *fact = part_fact(op, u->name, op->values[0], strtoll(op->values[1], NULL, 10), u->got);
    int64_t expires = clock_now_ms() / 1000 + PARTS_KEPT_S;
    http_answer_header(op->call, "ETag",
                       arena_fmt(op->arena, "\"%llu?%s\"", (unsigned long long)u->got,
                                 sign_url_query(op->services->key, op->arena, "PART", fact, expires)));
    return OK;
}

/* "SIZE?expires=…&signature=…", with or without quotes. */
static enum err read_etag(struct op *op, const char *etag, int64_t part, uint64_t *ret)
{
    char *end, *text = arena_str(op->arena, etag && *etag == '"' ? etag + 1 : etag ? etag : "");
    static const char expires_is[] = "?expires=", signature_is[] = "&signature=";
    text[strcspn(text, "\"")] = 0;
    uint64_t size = strtoull(text, &end, 10);
    char *signature = strstr(end, signature_is);
    if (strncmp(end, expires_is, sizeof expires_is - 1) != 0 || !signature)
        return fail(E_INVALID, "parts[%lld].ETag is none that was answered here", (long long)part - 1);
    *signature = 0;
    *ret = size;
    return fail_within(sign_url_check(op->services->key, "PART",
                                      part_fact(op, in_text(op, "object_name"), in_text(op, "upload_id"), part, size),
                                      end + sizeof expires_is - 1, signature + sizeof signature_is - 1),
                       "parts[%lld]: ", (long long)part - 1);
}

/* All parts but the last that holds something are whole: nothing between them is missing. */
static enum err add_up(struct op *op, uint64_t *ret)
{
    const struct json *parts = in_json(op, "parts");
    uint64_t total = 0;
    for (size_t i = 0; i < json_count(parts); i++) {
        const struct json *p = json_at(parts, i);
        int64_t number = 0;
        uint64_t size = 0;
        if (!json_int(json_get(p, "PartNumber"), &number) || number != (int64_t)i + 1)
            return fail(E_INVALID, "parts must hold each PartNumber from 1 up, in order");
        TRY(read_etag(op, json_text(json_get(p, "ETag")), number, &size));
        if (size && total != i * PART)
            return fail(E_INVALID, "parts: the one before part %zu is not whole", i + 1);
        total += size;
    }
    *ret = total;
    return OK;
}

static enum err complete(struct op *op)
{
    const char *name;
    TRY(object_own_name(op, &name));
    struct upload *u = upload_new(op, name);
    TRY(add_up(op, &u->size));
    TRY(blob_part_finish(op->services->blobs, in_text(op, "upload_id"), u->size, u->hash));
    op->status = 204;
    return op_write(op, keep);
}

#define NAME                                                                                                                       \
    {                                                                                                                              \
        "object_name", T_TEXT, F_NEED, .min = 1, .max = 2000                                                                       \
    }
static const struct field object_in[] = { NAME, { "content_type", T_TEXT, F_NULL, .max = TYPE_MOST - 1 } };
static const struct field part_in[] = { NAME,
                                        { "upload_id", T_ID, F_NEED },
                                        { "part_no", T_INT, F_NEED, .min = 1, .max = PARTS_MOST } };
static const struct field complete_in[] = { NAME,
                                            { "upload_id", T_ID, F_NEED },
                                            { "parts", T_ARRAY, F_NEED, .min = 1, .max = PARTS_MOST } };

DESCRIBED(form_link, "link that takes an object as a form", { "url", T_TEXT }, { "fields", T_OBJECT, .of = &text_value });
DESCRIBED(form_answer, "grant of a form", { "client_type", T_TEXT }, { "presigned_url_data", T_PART, .of = &form_link });
DESCRIBED(parts_answer, "upload in parts", { "client_type", T_TEXT }, { "upload_id", T_ID });
DESCRIBED(part_answer, "link that takes a part", { "url", T_TEXT });

#define ON_STORAGE .on = &connector_resource
#define SIGNED .on_nothing = "the signature covers the name", .gives = GIVES_NOTHING

static const struct route routes[] = {
    { "POST", "/sdk/connector/{id}/generate_presigned_url", grant_form, MAY_WRITE, WORK_READ,
      "a link that takes a form with a file", FIELDS(object_in), .answers = &form_answer, ON_STORAGE },
    { "POST", "/sdk/connector/{id}/init_multipart_upload", begin_parts, MAY_WRITE, WORK_READ, "begins an upload in parts",
      FIELDS(object_in), .answers = &parts_answer, ON_STORAGE },
    { "POST", "/sdk/connector/{id}/generate_part_presigned_url", grant_part, MAY_WRITE, WORK_READ, "a link that takes a part",
      FIELDS(part_in), .answers = &part_answer, ON_STORAGE },
    { "POST", "/sdk/connector/{id}/complete_part_upload", complete, MAY_WRITE, WORK_FREE, "puts the parts together",
      FIELDS(complete_in), .body_cap = 8 << 20, .gives = GIVES_NOTHING, ON_STORAGE },
    { "POST", "/sdk/object/{object_name*}", form, MAY_SIGNED, WORK_FREE, "uploads an object as a form", .start = form_start,
      .stop = stop, SIGNED },
    { "PUT", "/sdk/upload/{upload}/{part}/{object_name*}", part_end, MAY_SIGNED, WORK_FREE, "uploads a part of an object",
      .start = part_start, .piece = part_piece, .stop = stop, SIGNED },
};

const struct resource sdk_upload_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
