/* What a training made, stored as artifacts of the experiment. */
#include "base/file.h"
#include "trainer/remote.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADERS_MOST = 16, BODY_CAP = 1 << 16 };

struct store {
    struct remote *remote;
    const char *organization, *connector;
};

static enum err post(struct remote *r, const char *path, const struct out *body, const struct json **ret)
{
    return http_ask(r->client, r->arena, "POST", path, body->text.bytes, ret);
}

/* The storage of the organization that the token is for. */
static enum err find_storage(struct store *s)
{
    const struct json *ping, *organization;
    TRY(remote_get(s->remote, &ping, "/api/home/ping"));
    s->organization = remote_text(ping, "default_organization");
    if (!s->organization)
        return fail(E_UNMEANT, "the token belongs to no organization");
    TRY(remote_get(s->remote, &organization, "/api/organization/%s", s->organization));
    s->connector = remote_text(organization, "default_connector_id");
    return s->connector ? OK : fail(E_UNMEANT, "the organization has no storage");
}

static enum err object_name(struct store *s, const char *filename, const char **ret)
{
    AUTO(out) struct out o = { 0 };
    const struct json *answer;
    struct remote *r = s->remote;
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    out_text(&o, "filename", filename);
    out_text(&o, "type", "ARTIFACT");
    out_object(&o, "context");
    out_text(&o, "experiment_id", r->options->experiment);
    out_end_object(&o);
    out_end_object(&o);
    TRY(post(r, arena_fmt(r->arena, "/api/organization/%s/connector/%s/generate_object_name", s->organization, s->connector), &o,
             &answer));
    *ret = remote_text(answer, "object_name");
    return *ret ? OK : fail(E_BROKEN, "the server gave no object name");
}

static enum err put(struct store *s, const char *object, const char *path)
{
    AUTO(out) struct out o = { 0 };
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct remote *r = s->remote;
    const struct json *answer;
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(E_BROKEN, "cannot read %s: %s", path, strerror(errno));
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    out_text(&o, "object_name", object);
    out_text(&o, "content_type", "application/octet-stream");
    out_end_object(&o);
    TRY(post(r, arena_fmt(r->arena, "/api/object-storage/%s/generate_presigned_url", s->connector), &o, &answer));
    const struct json *grant = json_get(answer, "presigned_url_data"), *fields = json_get(grant, "fields");
    const char *kind = remote_text(answer, "client_type"), *headers[HEADERS_MOST];
    size_t n = 0;
    if (!kind || strcmp(kind, "azure") != 0 || !remote_text(grant, "url"))
        return fail(E_UNMEANT, "uploads to a storage of type \"%s\" are not possible from here", kind ? kind : "");
    headers[n++] = "Content-Type: application/octet-stream";
    headers[n++] = "x-ms-blob-type: BlockBlob";
    for (struct json_member m = json_first(fields); m.key && n < HEADERS_MOST; m = json_next(fields, m))
        if (json_text(m.value))
            headers[n++] = arena_fmt(r->arena, "%s: %s", m.key, json_text(m.value));
    return http_put_file(r->client, remote_text(grant, "url"), headers, n, fd, 0, (uint64_t)st.st_size);
}

static enum err store(struct store *s, const char *name, const char *filename, const char *path)
{
    AUTO(out) struct out o = { 0 };
    const char *object;
    struct remote *r = s->remote;
    TRY(object_name(s, filename, &object));
    TRY(put(s, object, path));
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    out_text(&o, "name", name);
    out_text(&o, "filename", filename);
    out_text(&o, "object_name", object);
    out_bool(&o, "large", false);
    out_end_object(&o);
    return post(r, arena_fmt(r->arena, "/api/experiment/%s/artifacts", r->options->experiment), &o, NULL);
}

enum err remote_store(struct remote *r)
{
    static const struct {
        const char *name, *filename, *file;
    } artifacts[] = {
        { "checkpoint-data-latest", "checkpoint.safetensors", "weights.safetensors" },
        { "config", "config.json", "config.json" },
        { "model-latest", "model.onnx", "model.onnx" },
    };
    struct store s = { .remote = r };
    TRY(find_storage(&s));
    for (size_t i = 0; i < COUNT_OF(artifacts); i++)
        TRY(fail_within(
            store(&s, artifacts[i].name, artifacts[i].filename, arena_fmt(r->arena, "%s/%s", r->work, artifacts[i].file)),
            "storing %s: ", artifacts[i].name));
    return OK;
}
