#include "nn/checkpoint.h"
#include "base/file.h"
#include "json/json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEADER_CAP = 16 << 20, STATE_CAP = 1 << 20, AT_ONCE = 1 << 16 };
static const char *const slot_names[OPTIM_SLOTS] = { "optimiser.momentum", "optimiser.second", "averaged" };

/* ---- writing */

struct writer {
    struct out header;
    uint64_t offset;
};

static void entry(struct writer *w, const char *name, const struct tensor *t)
{
    size_t bytes = tensor_count(t) * sizeof(float);
    out_object(&w->header, name);
    out_text(&w->header, "dtype", "F32");
    out_array(&w->header, "shape");
    const int dims[] = { t->n, t->h, t->w, t->c };
    for (size_t i = t->n * t->h * t->w == 1 ? 3 : 0; i < 4; i++)
        out_int(&w->header, NULL, dims[i]);
    out_end_array(&w->header);
    out_array(&w->header, "data_offsets");
    out_int(&w->header, NULL, (int64_t)w->offset);
    out_int(&w->header, NULL, (int64_t)(w->offset + bytes));
    out_end_array(&w->header);
    out_end_object(&w->header);
    w->offset += bytes;
}

/* Values come from the network's memory piece by piece. */
static enum err write_tensor(int fd, const struct tensor *t, float *piece)
{
    for (size_t at = 0, n, all = tensor_count(t); at < all; at += n) {
        n = all - at < AT_ONCE ? all - at : AT_ONCE;
        tensor_get(t, TENSOR_VALUES, at, piece, n);
        TRY(file_write_all(fd, piece, n * sizeof *piece));
    }
    return OK;
}
static enum err write_slot(int fd, const struct optim *o, enum optim_slot slot, float *piece)
{
    for (size_t at = 0, n, all = o ? optim_values(o, slot) : 0; at < all; at += n) {
        n = all - at < AT_ONCE ? all - at : AT_ONCE;
        optim_get(o, slot, at, piece, n);
        TRY(file_write_all(fd, piece, n * sizeof *piece));
    }
    return OK;
}

static enum err write_all(int fd, struct graph *g, struct optim *o, const char *state)
{
    AUTO(arena) struct arena *a = arena_new();
    struct param **params;
    size_t n = graph_params(g, &params);
    float *piece = arena_new_array(a, float, AT_ONCE);
    struct writer w = { 0 };
    out_init(&w.header, HEADER_CAP);
    out_object(&w.header, NULL);
    out_object(&w.header, "__metadata__");
    out_text(&w.header, "state", state);
    out_text(&w.header, "optimiser_steps", arena_fmt(a, "%lld", (long long)(o ? optim_steps(o) : 0)));
    out_end_object(&w.header);
    for (size_t i = 0; i < n; i++)
        entry(&w, params[i]->value.name, &params[i]->value);
    for (enum optim_slot s = 0; o && s < OPTIM_SLOTS; s++)
        if (optim_values(o, s))
            entry(&w, slot_names[s], &(struct tensor){ .n = 1, .h = 1, .w = 1, .c = (int)optim_values(o, s) });
    out_end_object(&w.header);
    while (w.header.text.n % 8)
        text_add(&w.header.text, " ");
    uint64_t length = w.header.text.n;
    enum err e = file_write_all(fd, &length, sizeof length);
    if (e == OK)
        e = file_write_all(fd, w.header.text.bytes, length);
    for (size_t i = 0; e == OK && i < n; i++)
        e = write_tensor(fd, &params[i]->value, piece);
    for (enum optim_slot s = 0; e == OK && s < OPTIM_SLOTS; s++)
        e = write_slot(fd, o, s, piece);
    out_done(&w.header);
    return e;
}

enum err checkpoint_save(const char *path, struct graph *g, struct optim *o, const char *state)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *temporary = arena_fmt(a, "%s.new", path), *slash = strrchr(path, '/');
    AUTO(fd) int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(E_BROKEN, "cannot write the checkpoint %s: %s", temporary, strerror(errno));
    enum err e = write_all(fd, g, o, state ? state : "{}");
    if (e == OK && (fsync(fd) != 0 || rename(temporary, path) != 0))
        e = fail(E_BROKEN, "cannot finish the checkpoint %s: %s", path, strerror(errno));
    if (e != OK) {
        unlink(temporary); /* the one before it stays */
        return e;
    }
    return file_sync_dir(slash ? arena_copy(a, path, (size_t)(slash - path)) : ".");
}

/* ---- reading */

struct reader {
    const struct json *header;
    const char *data;
    uint64_t size; /* of data */
};

/* All that the header names must be there. */
static enum err check_length(const struct reader *r, const char *path)
{
    int64_t end = 0, most = 0;
    for (struct json_member m = json_first(r->header); m.key; m = json_next(r->header, m))
        if (json_int(json_at(json_get(m.value, "data_offsets"), 1), &end) && end > most)
            most = end;
    if ((uint64_t)most > r->size)
        return fail(E_UNMEANT, "%s is cut off: %lld of %lld bytes of weights are there", path, (long long)r->size, (long long)most);
    return OK;
}

static enum err open_file(struct arena *a, const char *path, struct reader *r)
{
    char *bytes;
    size_t n;
    TRY(file_read(a, path, (size_t)4 << 30, &bytes, &n));
    uint64_t length = 0;
    if (n >= 8)
        memcpy(&length, bytes, 8);
    if (n < 8 || length > HEADER_CAP || length > n - 8)
        return fail(E_UNMEANT, "%s is no checkpoint", path);
    TRY(fail_within(json_parse(a, bytes + 8, length, &r->header), "%s is no checkpoint: ", path));
    r->data = bytes + 8 + length;
    r->size = n - 8 - length;
    return check_length(r, path);
}

/* The values called name, if there are `count` of them in f32. */
static const float *find(const struct reader *r, const char *name, size_t count)
{
    const struct json *e = json_get(r->header, name), *offsets = json_get(e, "data_offsets");
    const char *type = json_text(json_get(e, "dtype"));
    int64_t from, to;
    if (!type || strcmp(type, "F32") != 0 || !json_int(json_at(offsets, 0), &from) || !json_int(json_at(offsets, 1), &to) ||
        from < 0 || to < from || (uint64_t)to > r->size || (uint64_t)(to - from) != count * sizeof(float) ||
        from % (int64_t)sizeof(float))
        return NULL;
    return (const float *)(const void *)(r->data + from);
}

static bool same_shape(const struct reader *r, const struct tensor *t)
{
    const struct json *shape = json_get(json_get(r->header, t->name), "shape");
    const int dims[] = { t->n, t->h, t->w, t->c };
    size_t skip = t->n * t->h * t->w == 1 ? 3 : 0;
    for (size_t i = skip; i < 4; i++) {
        int64_t d;
        if (!json_int(json_at(shape, i - skip), &d) || d != dims[i])
            return false;
    }
    return json_count(shape) == 4 - skip;
}

static char *state_of(const struct reader *r, struct arena *a)
{
    const char *state = json_text(json_get(json_get(r->header, "__metadata__"), "state"));
    return arena_str(a, state ? state : "{}");
}

enum err checkpoint_state(const char *path, struct arena *a, char **ret_state)
{
    AUTO(arena) struct arena *mine = arena_new();
    struct reader r;
    TRY(open_file(mine, path, &r));
    *ret_state = state_of(&r, a);
    return OK;
}

enum err checkpoint_load(const char *path, struct graph *g, struct optim *o, struct arena *a, char **ret_state)
{
    AUTO(arena) struct arena *mine = arena_new();
    struct reader r;
    struct param **params;
    TRY(open_file(mine, path, &r));
    size_t n = graph_params(g, &params);
    for (size_t i = 0; i < n; i++) /* all are looked at before any is changed */
        if (!same_shape(&r, &params[i]->value) || !find(&r, params[i]->value.name, tensor_count(&params[i]->value)))
            return fail(E_UNMEANT, "%s is of another network: %s is missing or of another shape", path, params[i]->value.name);
    for (enum optim_slot s = 0; o && s < OPTIM_SLOTS; s++)
        if (optim_values(o, s) && !find(&r, slot_names[s], optim_values(o, s)))
            return fail(E_UNMEANT, "%s lacks the optimiser's state (%s)", path, slot_names[s]);
    for (size_t i = 0; i < n; i++) {
        size_t values = tensor_count(&params[i]->value);
        tensor_put(&params[i]->value, TENSOR_VALUES, 0, find(&r, params[i]->value.name, values), values);
    }
    for (enum optim_slot s = 0; o && s < OPTIM_SLOTS; s++)
        if (optim_values(o, s))
            optim_put(o, s, 0, find(&r, slot_names[s], optim_values(o, s)), optim_values(o, s));
    const struct json *meta = json_get(r.header, "__metadata__");
    const char *steps = json_text(json_get(meta, "optimiser_steps"));
    if (o)
        optim_set_steps(o, steps ? strtoll(steps, NULL, 10) : 0);
    if (ret_state)
        *ret_state = state_of(&r, a);
    return OK;
}

/* The averaged weights are the better start, where the file has them for the whole of its own network. */
enum err checkpoint_start_from(const char *path, struct graph *g, size_t *ret_n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct reader r;
    TRY(open_file(a, path, &r));
    size_t taken = 0;
    uint64_t at = 0;
    const struct json *offsets = json_get(json_get(r.header, slot_names[OPTIM_AVERAGED]), "data_offsets");
    int64_t from = -1, to = -1;
    bool averaged =
        json_int(json_at(offsets, 0), &from) && json_int(json_at(offsets, 1), &to) && from >= 0 && (uint64_t)to <= r.size;
    /* the averaged values stand in the order of the file's own parameters */
    for (struct json_member m = json_first(r.header); m.key; m = json_next(r.header, m)) {
        int64_t first, end;
        const struct json *o = json_get(m.value, "data_offsets");
        if (!json_int(json_at(o, 0), &first) || !json_int(json_at(o, 1), &end) || strncmp(m.key, "optimiser.", 10) == 0 ||
            strcmp(m.key, slot_names[OPTIM_AVERAGED]) == 0 || end < first)
            continue;
        struct param *p = graph_param(g, m.key);
        size_t values = p ? tensor_count(&p->value) : 0;
        const float *own = p && same_shape(&r, &p->value) ? find(&r, m.key, values) : NULL;
        if (own) {
            bool better = averaged && (uint64_t)from + at + values * sizeof(float) <= (uint64_t)to;
            tensor_put(&p->value, TENSOR_VALUES, 0, better ? (const float *)(const void *)(r.data + from + at) : own, values);
            taken++;
        }
        at += (uint64_t)(end - first);
    }
    if (ret_n)
        *ret_n = taken;
    return OK;
}

enum err checkpoint_note(const char *path, const char *name, struct arena *a, char **ret)
{
    AUTO(arena) struct arena *mine = arena_new();
    struct reader r;
    TRY(open_file(mine, path, &r));
    const char *text = json_text(json_get(json_get(r.header, "__metadata__"), name));
    if (!text)
        return fail(E_UNMEANT, "%s does not say its %s", path, name);
    *ret = arena_str(a, text);
    return OK;
}
