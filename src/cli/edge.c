/* saccade infer: a deployment's champion on this machine, with or without its server. A line of JSON for each prediction, printed
 * once it is kept; what is kept is delivered, in order and once, whenever the server can be reached. */
#include "cli/edge.h"
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/sign.h"
#include "cli/cli.h"
#include "cli/options.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_MOST = 4096, RECORD_CAP = 16 << 20 };

/* ---- one image */

struct seen {
    const char *path, *name;
    char key[EDGE_KEY_SIZE];
    int fd;
    uint64_t size;
    struct edge_model model;
    struct detections found;
    int64_t at_ms;
};

/* The same file with the same bytes is the same prediction, and is made once; one that was written anew is another. */
static enum err name_it(struct arena *a, struct seen *s)
{
    struct stat st;
    char *bytes, of_bytes[65];
    size_t n;
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0 || fstat(s->fd, &st) != 0 || !S_ISREG(st.st_mode))
        return fail(E_INVALID, "cannot read it: %s", s->fd < 0 ? strerror(errno) : "it is no file");
    TRY(file_read(a, s->path, EDGE_IMAGE_CAP, &bytes, &n));
    s->size = n;
    sha256_hex(bytes, n, of_bytes);
    const char *id = arena_fmt(a, "%s\n%lld.%09ld\n%s", s->name, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, of_bytes);
    sha256_hex(id, strlen(id), s->key);
    return OK;
}

static enum err ask_model(struct edge *e, struct arena *a, struct seen *s)
{
    pthread_mutex_lock(&e->guard);
    s->model = e->model;
    pthread_mutex_unlock(&e->guard);
    struct infer_model model;
    enum err opened = edge_model_open(e, a, &s->model, &model);
    s->at_ms = clock_now_ms();
    if (opened == OK)
        opened = infer_predict(e->pool, "edge", &model, s->fd, s->model.threshold, a, &s->found);
    edge_model_close(&model);
    return opened;
}

/* What the server's route for predictions that were made elsewhere takes, but for the image. */
static void write_record(struct edge *e, struct out *o, const struct seen *s, const struct predicted_shapes *shapes)
{
    out_object(o, NULL);
    out_text(o, "key", s->key);
    out_text(o, "filename", s->name);
    out_text(o, "model", s->model.version);
    out_number(o, "timestamp", (double)s->at_ms / 1000);
    out_number(o, "latency", s->found.latency_s);
    out_int(o, "width", s->found.width);
    out_int(o, "height", s->found.height);
    if (e->source)
        out_text(o, "source", e->source);
    raw_write(o, "raw_predictions", s->model.type, shapes);
    out_end_object(o);
}

static void tell(const struct seen *s, const struct predicted_shapes *shapes)
{
    AUTO(out) struct out o;
    out_init(&o, RECORD_CAP);
    out_object(&o, NULL);
    out_text(&o, "file", s->path);
    out_text(&o, "key", s->key);
    out_text(&o, "model_version_id", s->model.version);
    out_number(&o, "latency", s->found.latency_s);
    raw_write(&o, "predictions", s->model.type, shapes);
    out_raw(&o, "labels", s->model.labels);
    out_end_object(&o);
    puts(o.text.bytes);
    fflush(stdout);
}

static void tell_fault(const char *path)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "file", path);
    out_text(&o, "error", fail_text());
    out_end_object(&o);
    puts(o.text.bytes);
    fflush(stdout);
}

static enum err predict(struct edge *e, struct arena *a, struct seen *s)
{
    AUTO(out) struct out record;
    struct predicted_shapes shapes = { 0 };
    out_init(&record, RECORD_CAP);
    TRY(name_it(a, s));
    if (edge_knows(e, s->key))
        return OK;
    TRY(ask_model(e, a, s));
    TRY(shapes_of(a, &s->found, &shapes));
    write_record(e, &record, s, &shapes);
    TRY(edge_keep(e, s->key, s->fd, s->size, record.text.bytes));
    tell(s, &shapes);
    edge_send_wake(e);
    return OK;
}

/* An image that is none is told of, and the next one is looked at. */
static enum err one(struct edge *e, const char *path)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *slash = strrchr(path, '/');
    struct seen s = { .path = path, .name = slash ? slash + 1 : path, .fd = -1 };
    enum err err = predict(e, a, &s);
    if (s.fd >= 0)
        close(s.fd);
    if (err != E_INVALID)
        return err;
    tell_fault(path);
    return OK;
}

/* ---- all of them */

static enum err all_in(struct edge *e, const char *dir)
{
    AUTO(arena) struct arena *a = arena_new();
    char **names;
    size_t n;
    TRY(file_list(a, dir, &names, &n));
    for (size_t i = 0; i < n; i++)
        if (names[i][0] != '.')
            TRY(one(e, arena_fmt(a, "%s/%s", dir, names[i])));
    return OK;
}

/* A path a line, as a camera's program writes them. */
static enum err all_told(struct edge *e)
{
    char line[PATH_MOST];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        if (*line)
            TRY(one(e, line));
    }
    return OK;
}

static enum err see(struct edge *e, const char *images)
{
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    if (!e->has_model && edge_reach(e) != OK)
        return fail(E_BUSY, "there is no model here yet, and the server cannot be asked for it: %s",
                    arena_str(e->arena, fail_text()));
    TRY(infer_start(file_self(e->arena), 1, 2, &pool));
    e->pool = pool;
    TRY(edge_send_start(e));
    enum err err = !images ? OK : strcmp(images, "-") == 0 ? all_told(e) : all_in(e, images);
    const char *why = err == OK ? NULL : arena_str(e->arena, fail_text());
    char rest[500];
    edge_send_end(e, rest, sizeof rest);
    fprintf(stderr, "saccade infer: %zu delivered, %zu refused (in %s/refused), %lld wait%s%s\n", e->delivered, e->refused, e->dir,
            (long long)e->waiting, *rest ? ": " : "", rest);
    return err == OK ? OK : fail(err, "%s", why);
}

/* "http://host:port/deployments/ID" is host and id in one. */
static void split_address(struct edge *e)
{
    const char *url = e->deployment, *id = url ? strrchr(url, '/') : NULL;
    const char *end = url ? strstr(url, "://") : NULL;
    if (!end || !id)
        return;
    end = strchr(end + 3, '/');
    e->host = arena_fmt(e->arena, "%.*s", (int)(end - url), url);
    e->deployment = arena_str(e->arena, id + 1);
}

static enum err edge(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    struct edge e = { .arena = a, .cap = (uint64_t)1 << 30, .lock = -1, .token = getenv("SACCADE_TOKEN") };
    const char *images = NULL, *cap = NULL;
    const struct option_row rows[] = {
        { "--deployment", &e.deployment }, { "--host", &e.host },     { "--token", &e.token }, { "--store", &e.dir },
        { "--images", &images },           { "--source", &e.source }, { "--cap", &cap },
    };
    TRY(options_read(argc, argv, rows, COUNT_OF(rows), NULL, 0, NULL));
    TRY(option_bytes("--cap", cap, &e.cap));
    if (!e.dir)
        return fail(E_INVALID, "--store DIR is needed: the model and what waits are kept there");
    split_address(&e);
    enum err err = edge_open(&e);
    if (err == OK)
        err = see(&e, images);
    edge_close(&e);
    return err;
}

/* `infer decoder` and the like are the sandboxed children that this and the server start. */
int edge_main(int argc, char **argv)
{
    if (argc < 2 || strncmp(argv[1], "--", 2) != 0)
        return infer_main(argc, argv);
    return edge(argc, argv) == OK ? 0 : command_failed("infer");
}
