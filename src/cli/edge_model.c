/* The champion on a machine that predicts without the server: its file, and then the settings that name it. */
#include "base/file.h"
#include "blob/sign.h"
#include "cli/edge.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MODEL_CAP = 2000 << 20 };

const char *edge_model_path(struct edge *e, struct arena *a, const char *sha)
{
    return arena_fmt(a, "%s/models/%s.onnx", e->dir, sha);
}

static const char *settings_path(struct edge *e, struct arena *a)
{
    return arena_fmt(a, "%s/champion.json", e->dir);
}

static enum err model_of(struct arena *a, const struct json *v, struct edge_model *ret)
{
    *ret = (struct edge_model){ .version = json_text(json_get(v, "model_version_id")),
                                .sha = json_text(json_get(v, "sha256")),
                                .type = json_text(json_get(v, "type")),
                                .labels = json_print(a, json_get(v, "labels")),
                                .told = json_absent(json_get(v, "told")) ? NULL : json_print(a, json_get(v, "told")) };
    if (!ret->version || !ret->sha || strlen(ret->sha) != 64 || strspn(ret->sha, "0123456789abcdef") != 64 || !ret->type ||
        !json_number(json_get(v, "min_threshold"), &ret->threshold))
        return fail(E_INVALID, "the champion is not described as it should be");
    return OK;
}

static void use(struct edge *e, const struct edge_model *m)
{
    pthread_mutex_lock(&e->guard);
    e->model = (struct edge_model){ .version = arena_str(e->arena, m->version),
                                    .sha = arena_str(e->arena, m->sha),
                                    .type = arena_str(e->arena, m->type),
                                    .labels = arena_str(e->arena, m->labels),
                                    .told = arena_str(e->arena, m->told),
                                    .threshold = m->threshold };
    e->has_model = true;
    pthread_mutex_unlock(&e->guard);
}

/* Downloads that were cut off, and models of earlier champions. */
static enum err clear_away(struct edge *e, const char *but)
{
    AUTO(arena) struct arena *a = arena_new();
    char **names;
    size_t n;
    TRY(file_list(a, arena_fmt(a, "%s/models", e->dir), &names, &n));
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], arena_fmt(a, "%s.onnx", but)) != 0)
            unlink(arena_fmt(a, "%s/models/%s", e->dir, names[i]));
    return OK;
}

enum err edge_read_model(struct edge *e)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *v;
    struct edge_model m;
    char *bytes;
    size_t n;
    if (!file_exists(settings_path(e, a)))
        return OK;
    TRY(file_read(a, settings_path(e, a), 16 << 20, &bytes, &n));
    TRY(fail_within(json_parse(a, bytes, n, &v), "%s: ", settings_path(e, a)));
    TRY(model_of(a, v, &m));
    if (!file_exists(edge_model_path(e, a, m.sha)))
        return OK;
    use(e, &m);
    return clear_away(e, m.sha);
}

/* The inference process compares the file's bytes with the sum before it loads them. */
static enum err bring(struct edge *e, struct arena *a, struct http_client *c, const char *url, const struct edge_model *m)
{
    const char *path = edge_model_path(e, a, m->sha), *part = arena_fmt(a, "%s.part", path);
    if (file_exists(path))
        return OK;
    AUTO(fd) int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(E_BROKEN, "cannot write %s", part);
    TRY(http_fetch(c, url, fd, MODEL_CAP, NULL));
    return file_publish(part, path, 0600);
}

enum err edge_fetch_model(struct edge *e, struct http_client *c)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *v;
    struct edge_model m;
    TRY(http_ask(c, a, "GET", arena_fmt(a, "/api/deployment/%s/edge", e->deployment), NULL, &v));
    TRY(model_of(a, v, &m));
    const char *url = json_text(json_get(v, "model_url"));
    if (e->has_model && strcmp(e->model.version, m.version) == 0 && strcmp(e->model.sha, m.sha) == 0 &&
        e->model.threshold == m.threshold)
        return OK;
    if (!url)
        return fail(E_INVALID, "the champion has no address");
    TRY(bring(e, a, c, url, &m));
    const char *text = json_print(a, v);
    TRY(file_write(settings_path(e, a), text, strlen(text), 0600));
    use(e, &m);
    return OK;
}
