/* The folder of a machine that predicts without the server: what waits, and what was delivered. */
#include "base/clock.h"
#include "base/file.h"
#include "blob/sign.h"
#include "cli/edge.h"
#include "json/json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { RECORD_CAP = 16 << 20, NAME_SIZE = 20 + 1 + 64 };

static char *path_of(struct edge *e, struct arena *a, const char *name)
{
    return arena_fmt(a, "%s/%s", e->dir, name);
}

static char *waiting_path(struct edge *e, struct arena *a, int64_t number, const char *key, const char *ending)
{
    return arena_fmt(a, "%s/waiting/%020lld-%s.%s", e->dir, (long long)number, key, ending);
}

/* ---- keys that are known: a table of open addresses, half empty at least */

struct edge_known {
    uint64_t (*keys)[2]; /* the first half of each; {0, 0}: empty */
    size_t n, room;
};

static void halves(const char *key, uint64_t ret[2])
{
    char part[17] = { 0 };
    for (int i = 0; i < 2; i++) {
        memcpy(part, key + (size_t)i * 16, 16);
        ret[i] = strtoull(part, NULL, 16);
    }
    ret[1] |= ret[0] == 0 && ret[1] == 0;
}

static uint64_t *place(struct edge_known *k, const uint64_t key[2])
{
    size_t at = key[0] & (k->room - 1);
    while ((k->keys[at][0] || k->keys[at][1]) && (k->keys[at][0] != key[0] || k->keys[at][1] != key[1]))
        at = (at + 1) & (k->room - 1);
    return k->keys[at];
}

static void known_grow(struct edge_known *k)
{
    struct edge_known more = { .keys = heap_take(k->room * 2 * sizeof *k->keys), .room = k->room * 2, .n = k->n };
    for (size_t i = 0; i < k->room; i++)
        if (k->keys[i][0] || k->keys[i][1])
            memcpy(place(&more, k->keys[i]), k->keys[i], sizeof *k->keys);
    free(k->keys);
    *k = more;
}

static void known_add(struct edge_known *k, const char *key)
{
    uint64_t halved[2];
    halves(key, halved);
    if (k->n * 2 >= k->room)
        known_grow(k);
    uint64_t *at = place(k, halved);
    k->n += !at[0] && !at[1];
    memcpy(at, halved, sizeof halved);
}

bool edge_knows(struct edge *e, const char *key)
{
    uint64_t halved[2];
    halves(key, halved);
    pthread_mutex_lock(&e->guard);
    const uint64_t *at = place(e->known, halved);
    bool known = at[0] || at[1];
    pthread_mutex_unlock(&e->guard);
    return known;
}

/* ---- what was delivered: a line a key, appended before what waits is removed */

/* A line that a kill cut off goes; of very many the older half does. */
static enum err read_delivered(struct edge *e)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *path = path_of(e, a, "delivered.log");
    char *bytes;
    size_t n, line = EDGE_KEY_SIZE;
    if (!file_exists(path))
        return file_write(path, "", 0, 0600);
    TRY(file_read(a, path, (size_t)line * EDGE_KNOWN_MOST * 2, &bytes, &n));
    size_t lines = n / line, first = lines > EDGE_KNOWN_MOST ? lines - EDGE_KNOWN_MOST / 2 : 0;
    for (size_t i = first; i < lines; i++)
        known_add(e->known, bytes + i * line);
    return first || n % line ? file_write(path, bytes + first * line, (lines - first) * line, 0600) : OK;
}

static enum err append_delivered(struct edge *e, struct arena *a, const char *key)
{
    AUTO(fd) int fd = open(path_of(e, a, "delivered.log"), O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0)
        return fail(E_BROKEN, "cannot open %s/delivered.log", e->dir);
    TRY(file_write_all(fd, arena_fmt(a, "%s\n", key), EDGE_KEY_SIZE));
    return fsync(fd) == 0 ? OK : fail(E_BROKEN, "cannot sync %s/delivered.log: %s", e->dir, strerror(errno));
}

/* ---- what waits */

static uint64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 ? (uint64_t)st.st_size : 0;
}

/* An image whose record was not written is no prediction: nobody was told of it. */
static enum err take_stock(struct edge *e, struct arena *a, const char *name)
{
    char key[EDGE_KEY_SIZE];
    size_t n = strlen(name);
    const char *path = arena_fmt(a, "%s/waiting/%s", e->dir, name);
    if (n <= NAME_SIZE || strcmp(name + NAME_SIZE, ".json") != 0) {
        if (n > NAME_SIZE && strcmp(name + NAME_SIZE, ".image") == 0 &&
            file_exists(arena_fmt(a, "%s/waiting/%.*s.json", e->dir, NAME_SIZE, name)))
            e->bytes += size_of(path);
        else
            unlink(path);
        return OK;
    }
    if (!file_exists(arena_fmt(a, "%s/waiting/%.*s.image", e->dir, NAME_SIZE, name))) { /* it was being put aside */
        unlink(path);
        return OK;
    }
    memcpy(key, name + 21, 64);
    key[64] = 0;
    int64_t number = strtoll(name, NULL, 10);
    e->next = number >= e->next ? number + 1 : e->next;
    e->bytes += size_of(path);
    e->waiting++;
    known_add(e->known, key);
    return OK;
}

static enum err read_waiting(struct edge *e)
{
    AUTO(arena) struct arena *a = arena_new();
    char **names;
    size_t n;
    TRY(file_list(a, path_of(e, a, "waiting"), &names, &n));
    for (size_t i = 0; i < n; i++)
        TRY(take_stock(e, a, names[i]));
    return OK;
}

enum err edge_keep(struct edge *e, const char *key, int image, uint64_t size, const char *record)
{
    AUTO(arena) struct arena *a = arena_new();
    unsigned char *bytes = arena_take(a, size + 1);
    pthread_mutex_lock(&e->guard);
    int64_t number = e->next++, waiting = e->waiting;
    bool full = e->bytes + size + strlen(record) > e->cap;
    pthread_mutex_unlock(&e->guard);
    if (full)
        return fail(E_TOO_BIG, "%s is full: %lld predictions wait there for the server (--cap says how much may)", e->dir,
                    (long long)waiting);
    if (pread(image, bytes, size, 0) != (ssize_t)size)
        return fail(E_BROKEN, "an image changed while it was read");
    TRY(file_write(waiting_path(e, a, number, key, "image"), bytes, size, 0600));
    TRY(file_write(waiting_path(e, a, number, key, "json"), record, strlen(record), 0600));
    pthread_mutex_lock(&e->guard);
    e->bytes += size + strlen(record);
    e->waiting++;
    known_add(e->known, key);
    pthread_mutex_unlock(&e->guard);
    return OK;
}

/* The lowest number among the records. The folder is read anew: it is as long as what waits, and delivering takes longer. */
static enum err first_name(struct edge *e, struct arena *a, const char **ret)
{
    char **names;
    size_t n;
    TRY(file_list(a, path_of(e, a, "waiting"), &names, &n));
    for (size_t i = 0; i < n; i++)
        if (strlen(names[i]) > NAME_SIZE && strcmp(names[i] + NAME_SIZE, ".json") == 0) {
            *ret = names[i];
            return OK;
        }
    return fail(E_NOT_FOUND, "nothing waits");
}

enum err edge_first(struct edge *e, struct arena *a, int64_t *ret_number, const char **ret_key, const char **ret_body)
{
    const char *name;
    char *record, *image;
    size_t n_record, n_image;
    TRY(first_name(e, a, &name));
    *ret_number = strtoll(name, NULL, 10);
    *ret_key = arena_fmt(a, "%.64s", name + 21);
    TRY(file_read(a, waiting_path(e, a, *ret_number, *ret_key, "json"), RECORD_CAP, &record, &n_record));
    TRY(file_read(a, waiting_path(e, a, *ret_number, *ret_key, "image"), EDGE_IMAGE_CAP, &image, &n_image));
    AUTO(text) struct text body;
    text_init(&body, RECORD_CAP + (size_t)EDGE_IMAGE_CAP * 2);
    text_bytes(&body, record, strlen(record) - 1); /* but its brace */
    text_add(&body, ",\"image\":\"");
    text_base64(&body, image, n_image);
    text_add(&body, "\"}");
    *ret_body = arena_str(a, body.bytes);
    return text_full(&body) ? fail(E_TOO_BIG, "a prediction is too large to be sent") : OK;
}

/* Puts it beside, where a person may look at it. */
static enum err set_aside(struct edge *e, struct arena *a, int64_t number, const char *key, const char *why)
{
    const char *to = arena_fmt(a, "%s/refused/%020lld-%s", e->dir, (long long)number, key);
    TRY(file_write(arena_fmt(a, "%s.why", to), why, strlen(why), 0600));
    if (rename(waiting_path(e, a, number, key, "image"), arena_fmt(a, "%s.image", to)) != 0)
        return fail(E_BROKEN, "cannot put a refused prediction aside in %s", e->dir);
    return OK;
}

enum err edge_done(struct edge *e, int64_t number, const char *key, const char *why)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *record = waiting_path(e, a, number, key, "json"), *image = waiting_path(e, a, number, key, "image");
    uint64_t size = size_of(record) + size_of(image);
    TRY(append_delivered(e, a, key));
    if (why)
        TRY(set_aside(e, a, number, key, why));
    unlink(record);
    unlink(image);
    pthread_mutex_lock(&e->guard);
    e->bytes -= size;
    e->waiting--;
    e->delivered += !why;
    e->refused += why != NULL;
    pthread_mutex_unlock(&e->guard);
    return OK;
}

/* ---- the folder */

static enum err lock(struct edge *e)
{
    AUTO(arena) struct arena *a = arena_new();
    e->lock = open(path_of(e, a, "lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (e->lock < 0)
        return fail(E_BROKEN, "cannot open %s/lock: %s", e->dir, strerror(errno));
    return flock(e->lock, LOCK_EX | LOCK_NB) == 0 ? OK : fail(E_CONFLICT, "another process uses %s", e->dir);
}

/* Whose it is: what waits for one deployment must not go to another. */
static enum err belongs(struct edge *e)
{
    const char *path = path_of(e, e->arena, "edge.json");
    const struct json *v;
    char *bytes;
    size_t n;
    if (file_exists(path)) {
        TRY(file_read(e->arena, path, 1 << 16, &bytes, &n));
        TRY(fail_within(json_parse(e->arena, bytes, n, &v), "%s: ", path));
        const char *of = json_text(json_get(v, "deployment_id"));
        e->deployment = e->deployment ? e->deployment : of;
        e->host = e->host ? e->host : json_text(json_get(v, "host"));
        if (!of || strcmp(of, e->deployment) != 0)
            return fail(E_CONFLICT, "%s is of the deployment %s", e->dir, of ? of : "?");
    }
    if (!e->deployment || !e->host)
        return fail(E_INVALID, "--deployment URL, or its id and --host URL, is needed until %s knows them", e->dir);
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "deployment_id", e->deployment);
    out_text(&o, "host", e->host);
    out_end_object(&o);
    return file_write(path, o.text.bytes, o.text.n, 0600);
}

enum err edge_open(struct edge *e)
{
    static const char *const folders[] = { "waiting", "refused", "models" };
    pthread_mutex_init(&e->guard, NULL);
    e->next = 1;
    e->known = heap_take(sizeof *e->known);
    *e->known = (struct edge_known){ .keys = heap_take(1024 * sizeof *e->known->keys), .room = 1024 };
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        TRY(file_make_dirs(path_of(e, e->arena, folders[i]), 0700));
    TRY(lock(e));
    TRY(belongs(e));
    TRY(read_delivered(e));
    TRY(read_waiting(e));
    return edge_read_model(e);
}

void edge_close(struct edge *e)
{
    if (e->known)
        free(e->known->keys);
    free(e->known);
    if (e->lock >= 0)
        close(e->lock);
}
