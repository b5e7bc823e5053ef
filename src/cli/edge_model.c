/* The champion on a machine that predicts without the server: its file, and then the settings that name it. */
#include "base/file.h"
#include "blob/sign.h"
#include "cli/edge.h"
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { MODEL_CAP = 2000 << 20 };

/* By its content, whatever it is called elsewhere. */
static const char *path_of(struct edge *e, struct arena *a, const char *sha)
{
    return arena_fmt(a, "%s/models/%s.onnx", e->dir, sha);
}

static enum err open_one(struct edge *e, struct arena *a, const char *sha, int *ret)
{
    *ret = open(path_of(e, a, sha), O_RDONLY | O_CLOEXEC);
    return *ret < 0 ? fail(E_BROKEN, "cannot open %s", path_of(e, a, sha)) : OK;
}

enum err edge_model_open(struct edge *e, struct arena *a, const struct edge_model *m, struct infer_model *ret)
{
    struct model_part *parts = arena_new_array(a, struct model_part, m->n_files + 1);
    *ret = (struct infer_model){ m->sha, -1, m->told, parts, 0 };
    TRY(open_one(e, a, m->sha, &ret->fd));
    for (size_t i = 0; i < m->n_files; i++) {
        parts[i] = (struct model_part){ m->files[i].name, m->files[i].sha, -1 };
        TRY(open_one(e, a, m->files[i].sha, &parts[i].fd));
        ret->n_parts++;
    }
    return OK;
}

void edge_model_close(struct infer_model *m)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        int fd = m->parts[i].fd;
        auto_fd(&fd);
    }
    auto_fd(&m->fd);
}

static const char *settings_path(struct edge *e, struct arena *a)
{
    return arena_fmt(a, "%s/champion.json", e->dir);
}

static bool is_sha(const char *s)
{
    return s && strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

static enum err files_of(struct arena *a, const struct json *list, struct edge_model *ret)
{
    size_t n = json_count(list);
    struct edge_file *all = arena_new_array(a, struct edge_file, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct json *f = json_at(list, i);
        all[i] = (struct edge_file){ json_text(json_get(f, "filename")), json_text(json_get(f, "sha256")),
                                     json_text(json_get(f, "url")) };
        if (!all[i].name || !is_sha(all[i].sha) || !all[i].url)
            return fail(E_INVALID, "a file beside the champion is not described as it should be");
    }
    ret->files = all;
    ret->n_files = n;
    return n <= MODEL_PARTS ? OK : fail(E_INVALID, "%zu files lie beside the champion; at most %d are taken", n, MODEL_PARTS);
}

static enum err model_of(struct arena *a, const struct json *v, struct edge_model *ret)
{
    *ret = (struct edge_model){ .version = json_text(json_get(v, "model_version_id")),
                                .sha = json_text(json_get(v, "sha256")),
                                .type = json_text(json_get(v, "type")),
                                .labels = json_print(a, json_get(v, "labels")),
                                .told = json_absent(json_get(v, "told")) ? NULL : json_print(a, json_get(v, "told")) };
    TRY(files_of(a, json_get(v, "files"), ret));
    if (!ret->version || !is_sha(ret->sha) || !ret->type || !json_number(json_get(v, "min_threshold"), &ret->threshold))
        return fail(E_INVALID, "the champion is not described as it should be");
    return OK;
}

static void use(struct edge *e, const struct edge_model *m)
{
    struct edge_file *files = arena_new_array(e->arena, struct edge_file, m->n_files + 1);
    for (size_t i = 0; i < m->n_files; i++)
        files[i] = (struct edge_file){ arena_str(e->arena, m->files[i].name), arena_str(e->arena, m->files[i].sha), NULL };
    pthread_mutex_lock(&e->guard);
    e->model = (struct edge_model){ .version = arena_str(e->arena, m->version),
                                    .sha = arena_str(e->arena, m->sha),
                                    .type = arena_str(e->arena, m->type),
                                    .labels = arena_str(e->arena, m->labels),
                                    .told = arena_str(e->arena, m->told),
                                    .files = files,
                                    .n_files = m->n_files,
                                    .threshold = m->threshold };
    e->has_model = true;
    pthread_mutex_unlock(&e->guard);
}

/* Downloads that were cut off, and models of earlier champions. */
static bool is_of(struct arena *a, const struct edge_model *m, const char *name)
{
    bool is = strcmp(name, arena_fmt(a, "%s.onnx", m->sha)) == 0;
    for (size_t i = 0; i < m->n_files && !is; i++)
        is = strcmp(name, arena_fmt(a, "%s.onnx", m->files[i].sha)) == 0;
    return is;
}

static enum err clear_away(struct edge *e, const struct edge_model *but)
{
    AUTO(arena) struct arena *a = arena_new();
    char **names;
    size_t n;
    TRY(file_list(a, arena_fmt(a, "%s/models", e->dir), &names, &n));
    for (size_t i = 0; i < n; i++)
        if (!is_of(a, but, names[i]))
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
    bool all = file_exists(path_of(e, a, m.sha));
    for (size_t i = 0; i < m.n_files && all; i++)
        all = file_exists(path_of(e, a, m.files[i].sha));
    if (!all)
        return OK;
    use(e, &m);
    return clear_away(e, &m);
}

/* The inference process compares the file's bytes with the sum before it loads them. */
static enum err bring(struct edge *e, struct arena *a, struct http_client *c, const char *url, const char *sha)
{
    const char *path = path_of(e, a, sha), *part = arena_fmt(a, "%s.part", path);
    if (file_exists(path))
        return OK;
    AUTO(fd) int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(E_BROKEN, "cannot write %s", part);
    TRY(http_fetch(c, url, fd, MODEL_CAP, NULL));
    return file_publish(part, path, 0600);
}

static bool is_same(const struct edge *e, const struct edge_model *m)
{
    const struct edge_model *had = &e->model;
    bool same = e->has_model && strcmp(had->version, m->version) == 0 && strcmp(had->sha, m->sha) == 0 &&
                had->threshold == m->threshold && had->n_files == m->n_files;
    for (size_t i = 0; i < m->n_files && same; i++)
        same = strcmp(had->files[i].sha, m->files[i].sha) == 0;
    return same;
}

enum err edge_fetch_model(struct edge *e, struct http_client *c)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct json *v;
    struct edge_model m;
    TRY(http_ask(c, a, "GET", arena_fmt(a, "/api/deployment/%s/edge", e->deployment), NULL, &v));
    TRY(model_of(a, v, &m));
    const char *url = json_text(json_get(v, "model_url"));
    if (is_same(e, &m))
        return OK;
    if (!url)
        return fail(E_INVALID, "the champion has no address");
    TRY(bring(e, a, c, url, m.sha));
    for (size_t i = 0; i < m.n_files; i++)
        TRY(bring(e, a, c, m.files[i].url, m.files[i].sha));
    const char *text = json_print(a, v);
    TRY(file_write(settings_path(e, a), text, strlen(text), 0600));
    use(e, &m);
    return OK;
}
