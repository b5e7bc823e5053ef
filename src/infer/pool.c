#include "infer/pool.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/turns.h"
#include "blob/sign.h"
#include "img/decoder.h"
#include "infer/description.h"
#include "infer/features.h"
#include "infer/strikes.h"
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    MODELS_MOST = 64,
    WAITING_MOST = 32, /* calls of one user that may wait; more are turned away at once */
    WAIT_S = 60,
    SWEEP_S = 30 /* children that ended from idleness are buried so often */
};

struct loaded {
    struct child child;
    char hash[HASH_SIZE]; /* "": none */
    bool busy, ready;     /* ready: the model is loaded */
    double used_at;
};
struct infer_pool {
    struct decoder *decoder;
    struct gate decoders;
    char *self_path;
    pthread_mutex_t lock;
    pthread_cond_t freed, stopped;
    struct turns turns; /* of the models' processes */
    struct strikes strikes;
    pthread_t sweeper;
    bool has_sweeper, stopping;
    double load_s, predict_s;
    int n_models;
    struct loaded models[MODELS_MOST];
};

static void forget(struct loaded *m)
{
    child_end(&m->child);
    m->hash[0] = 0;
    m->ready = false;
}

static void forget_gone(struct loaded *m)
{
    if (!m->busy && m->child.pid && child_is_gone(&m->child))
        forget(m);
}

static void *sweep(void *with)
{
    struct infer_pool *p = with;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SWEEP_S;
        pthread_cond_timedwait(&p->stopped, &p->lock, &until);
        for (int i = 0; i < p->n_models; i++)
            forget_gone(&p->models[i]);
        decoder_sweep(p->decoder);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum err infer_start(const char *self_path, int decoders, int max_models, struct infer_pool **ret)
{
    struct infer_pool *p = heap_take(sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->freed, NULL);
    pthread_cond_init(&p->stopped, NULL);
    p->self_path = heap_str(self_path);
    p->load_s = 120;
    p->predict_s = 30;
    p->n_models = max_models < 1 ? 1 : max_models > MODELS_MOST ? MODELS_MOST : max_models;
    strikes_init(&p->strikes);
    turns_init(&p->turns, p->n_models);
    gate_init(&p->decoders, decoders);
    enum err e = decoder_start(self_path, decoders, &p->decoder);
    p->has_sweeper = e == OK && pthread_create(&p->sweeper, NULL, sweep, p) == 0;
    if (e == OK)
        *ret = p;
    else
        infer_stop(p);
    return e;
}

void infer_stop(struct infer_pool *p)
{
    if (!p)
        return;
    if (p->has_sweeper) {
        pthread_mutex_lock(&p->lock);
        p->stopping = true;
        pthread_cond_signal(&p->stopped);
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->sweeper, NULL);
    }
    decoder_stop(p->decoder);
    for (int i = 0; i < p->n_models; i++)
        child_end(&p->models[i].child);
    gate_done(&p->decoders);
    strikes_done(&p->strikes);
    pthread_cond_destroy(&p->freed);
    pthread_cond_destroy(&p->stopped);
    pthread_mutex_destroy(&p->lock);
    free(p->self_path);
    free(p);
}

void infer_set_limits(struct infer_pool *p, double load_s, double predict_s)
{
    p->load_s = load_s;
    p->predict_s = predict_s;
}

static enum err enter(struct infer_pool *p, struct turn *turn, const char *who)
{
    return gate_enter(&p->decoders, turn, who, WAITING_MOST, WAIT_S, "images");
}

enum err infer_probe(struct infer_pool *p, const char *who, int image_fd, struct image_facts *ret)
{
    struct image_info info;
    struct turn turn;
    TRY(enter(p, &turn, who));
    enum err e = decoder_probe(p->decoder, image_fd, &info);
    gate_leave(&p->decoders, &turn);
    TRY(e);
    bool swap = info.orientation >= 5;
    *ret = (struct image_facts){ .width = swap ? info.height : info.width,
                                 .height = swap ? info.width : info.height,
                                 .orientation = info.orientation,
                                 .type = info.type };
    return OK;
}

enum err infer_look(struct infer_pool *p, const char *who, int image_fd, struct image_look *ret)
{
    struct turn turn;
    TRY(enter(p, &turn, who));
    enum err e = decoder_look(p->decoder, image_fd, ret);
    gate_leave(&p->decoders, &turn);
    return e;
}

enum err infer_small(struct infer_pool *p, const char *who, int image_fd, int side, uint8_t *ret)
{
    struct turn turn;
    TRY(enter(p, &turn, who));
    enum err e = decoder_small(p->decoder, image_fd, side, ret);
    gate_leave(&p->decoders, &turn);
    return e;
}

enum err infer_thumbnail(struct infer_pool *p, const char *who, int image_fd, int max_side, int *ret_fd, uint64_t *ret_size)
{
    uint8_t *jpeg = NULL;
    size_t n = 0;
    struct turn turn;
    TRY(enter(p, &turn, who));
    enum err e = decoder_thumbnail(p->decoder, image_fd, max_side, &jpeg, &n);
    gate_leave(&p->decoders, &turn);
    TRY(e);
    AUTO(fd) int fd = memfd_create("thumbnail", MFD_CLOEXEC);
    e = fd < 0 ? fail(E_BROKEN, "cannot make a memory file: %s", strerror(errno)) : file_write_all(fd, jpeg, n);
    free(jpeg);
    TRY(e);
    if (lseek(fd, 0, SEEK_SET) != 0)
        return fail(E_BROKEN, "cannot rewind a memory file: %s", strerror(errno));
    *ret_fd = fd;
    *ret_size = n;
    fd = -1;
    return OK;
}

/* The slot of that model; else the best one to load it into: empty, or unused the longest. NULL: wait. Called with the lock. */
static struct loaded *find_slot(struct infer_pool *p, const char *hash)
{
    struct loaded *best = NULL;
    for (int i = 0; i < p->n_models; i++) {
        struct loaded *m = &p->models[i];
        forget_gone(m);
        if (strcmp(m->hash, hash) == 0)
            return m->busy ? NULL : m;
        if (!m->busy && (!best || m->used_at < best->used_at || (!m->child.pid && best->child.pid)))
            best = m;
    }
    return best;
}

/* The slot that this turn gets now. One that waits for a place that others cannot use says so, and they look again. */
static struct loaded *slot_for(struct infer_pool *p, struct turn *turn, const char *hash)
{
    struct loaded *m = find_slot(p, hash);
    bool was_blocked = turn->blocked;
    turn->blocked = m == NULL;
    if (turn->blocked && !was_blocked)
        pthread_cond_broadcast(&p->freed);
    return m && turns_may_go(&p->turns, turn) ? m : NULL;
}

static struct loaded *wait_for_slot(struct infer_pool *p, struct turn *turn, const char *hash)
{
    struct timespec until;
    struct loaded *m;
    int code = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_S;
    while (!(m = slot_for(p, turn, hash)) && code == 0)
        code = pthread_cond_timedwait(&p->freed, &p->lock, &until);
    return m;
}

static enum err take_slot(struct infer_pool *p, const char *who, const char *hash, struct turn *turn, struct loaded **ret)
{
    struct loaded *m = NULL;
    pthread_mutex_lock(&p->lock);
    if (turns_waiting(&p->turns, who) < WAITING_MOST) {
        turns_join(&p->turns, turn, who);
        m = wait_for_slot(p, turn, hash);
        if (m)
            turns_go(&p->turns, turn);
        else
            turns_leave(&p->turns, turn);
        pthread_cond_broadcast(&p->freed);
    }
    if (m) {
        m->busy = true;
        if (strcmp(m->hash, hash) != 0) {
            forget(m);
            memcpy(m->hash, hash, strlen(hash) + 1);
        }
    }
    pthread_mutex_unlock(&p->lock);
    *ret = m;
    return m ? OK : fail(E_BUSY, "too many predictions are waiting");
}

static void give_slot(struct infer_pool *p, struct turn *turn, struct loaded *m)
{
    pthread_mutex_lock(&p->lock);
    turns_done(&p->turns, turn);
    m->busy = false;
    m->used_at = clock_seconds();
    if (!m->ready)
        forget(m);
    pthread_cond_broadcast(&p->freed);
    pthread_mutex_unlock(&p->lock);
}

static enum err spoilt(int status, bool loading)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NOT_STARTED)
        return fail(E_BROKEN, "a model's process could not be started");
    if ((WIFEXITED(status) && WEXITSTATUS(status) == 0) || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        return fail(E_BUSY, "a model's process was stopped from outside");
    int code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    if (loading)
        return fail(E_UNMEANT, "the model broke its process while it was loaded (%d)", code);
    return fail(E_INVALID, "the image or the model broke the model's process (%d)", code);
}

/* Nothing in the reply is trusted. */
static enum err check(struct answer *a, size_t n)
{
    struct model_reply *r = &a->reply;
    if (n < sizeof *r || r->n_bytes != n - sizeof *r)
        return fail(E_BROKEN, "a model's process gave an answer of %zu bytes", n);
    r->why[sizeof r->why - 1] = 0;
    if (r->e != OK)
        return fail(r->e > OK && r->e < ERR_KINDS ? r->e : E_BROKEN, "%s", r->why);
    return OK;
}

/* of: of MODEL_LOAD; what is told about it goes behind the request, in the room of the answer. */
static enum err ask(struct infer_pool *p, struct loaded *m, enum model_task task, const struct infer_model *of, int fd,
                    double min_score, struct answer *a)
{
    bool loading = task == MODEL_LOAD;
    struct model_request q = { task, min_score, loading ? p->load_s : p->predict_s };
    size_t n = 0;
    int status = 0;
    if (loading) {
        q.n_told = of->told ? strlen(of->told) : 0;
        memcpy(q.hash, of->hash, sizeof q.hash);
        memcpy(a->bytes + sizeof q, of->told ? of->told : "", q.n_told);
    }
    memcpy(a->bytes, &q, sizeof q);
    enum err e =
        child_ask(&m->child, a->bytes, sizeof q + q.n_told, &fd, fd < 0 ? 0 : 1, q.limit_s, a->bytes, sizeof a->bytes, &n, &status);
    if (e == OK && (task == MODEL_PREDICT || task == MODEL_RUN))
        strikes_fast(&p->strikes, m->hash);
    else if (e == E_BUSY)
        strikes_slow(&p->strikes, m->hash);
    if (e == OK)
        return check(a, n);
    m->ready = false;
    if (e == E_CANCELLED)
        return spoilt(status, loading);
    if (e == E_BUSY)
        e = fail(loading ? E_UNMEANT : E_INVALID, "the model took longer than %.0f s to %s", q.limit_s, loading ? "load" : "run");
    child_end(&m->child);
    return e;
}

static enum err load(struct infer_pool *p, struct loaded *m, const struct infer_model *of, struct answer *a)
{
    if (m->ready)
        return OK;
    const char *const argv[] = { p->self_path, "infer", "model", NULL };
    child_end(&m->child);
    TRY(child_start(argv, NULL, -1, &m->child));
    TRY(ask(p, m, MODEL_LOAD, of, of->fd, 0, a));
    m->ready = true;
    return OK;
}

/* A file about which something else is told is another model. */
static enum err key_of(const struct infer_model *of, char ret[HASH_SIZE])
{
    size_t n = of->told ? strlen(of->told) : 0;
    if (strlen(of->hash) != HASH_SIZE - 1)
        return fail(E_INVALID, "\"%.80s\" is no hash of a model", of->hash);
    if (n > TOLD_MOST)
        return fail(E_UNMEANT, "what is told about the model has %zu bytes; at most %d are taken", n, TOLD_MOST);
    memcpy(ret, of->hash, HASH_SIZE);
    if (!n)
        return OK;
    uint8_t *both = heap_take(HASH_SIZE + n);
    memcpy(both, of->hash, HASH_SIZE);
    memcpy(both + HASH_SIZE, of->told, n);
    sha256_hex(both, HASH_SIZE + n, ret);
    free(both);
    return OK;
}

enum err pool_ask(struct infer_pool *p, const char *who, const struct infer_model *of, enum model_task task, int fd,
                  double min_score, struct answer *a)
{
    struct loaded *m;
    struct turn turn;
    char key[HASH_SIZE];
    TRY(key_of(of, key));
    TRY(strikes_may_try(&p->strikes, key));
    TRY(take_slot(p, who, key, &turn, &m));
    enum err e;
    for (int tries = 0;; tries++) {
        e = load(p, m, of, a);
        if (e == OK)
            e = ask(p, m, task, NULL, fd, min_score, a);
        if (e != E_BUSY || tries)
            break;
    }
    give_slot(p, &turn, m);
    return e;
}

static int clamp(int x, int most)
{
    return x < 0 ? 0 : x > most ? most : x;
}

/* The numbers that end the answer; none of them if one is no number. */
static size_t read_features(const struct answer *a, size_t from, struct arena *arena, const float **ret)
{
    size_t n = a->reply.n_features;
    float *all = arena_new_array(arena, float, n + 1);
    memcpy(all, a->bytes + sizeof a->reply + from, n * sizeof *all);
    *ret = all;
    for (size_t i = 0; i < n; i++)
        if (!isfinite(all[i]))
            return 0;
    return n;
}

static bool is_sound(const struct detection *d)
{
    return isfinite(d->score) && isfinite(d->x) && isfinite(d->y) && isfinite(d->w) && isfinite(d->h) && d->label >= 0 &&
           d->n_spots >= 0 && d->n_spots <= SPOTS_MOST;
}

/* Nothing that a process says is trusted: every count, number and label is looked at. */
static enum err read_detections(const struct answer *a, struct arena *arena, struct detections *ret)
{
    const struct model_reply *r = &a->reply;
    size_t n = r->n_items, spots = 0;
    bool sound = n <= DETECTIONS_MOST && r->n_spots <= SPOTS_MOST && r->n_features <= FEATURES_MOST && r->kind >= 0 && r->kind < 4;
    size_t at_spots = n * sizeof(struct detection), at_features = at_spots + r->n_spots * sizeof(struct spot);
    if (!sound || r->n_bytes != at_features + r->n_features * sizeof(float))
        return fail(E_BROKEN, "a model's process gave an answer that makes no sense");
    struct detection *items = arena_new_array(arena, struct detection, n + 1);
    struct spot *points = arena_new_array(arena, struct spot, r->n_spots + 1);
    memcpy(items, a->bytes + sizeof *r, at_spots);
    memcpy(points, a->bytes + sizeof *r + at_spots, at_features - at_spots);
    for (size_t i = 0; i < n && sound; i++) {
        sound = is_sound(&items[i]);
        spots += sound ? (size_t)items[i].n_spots : 0;
    }
    for (size_t i = 0; i < r->n_spots && sound; i++)
        sound = isfinite(points[i].x) && isfinite(points[i].y);
    if (!sound || spots != r->n_spots)
        return fail(E_BROKEN, "a model's process gave an answer that makes no sense");
    *ret = (struct detections){ .items = items,
                                .n = n,
                                .spots = points,
                                .kind = model_kinds[r->kind],
                                .whole = strcmp(model_kinds[r->kind], FOUND_LABELS) == 0,
                                .width = clamp(r->width, IMAGE_SIDE),
                                .height = clamp(r->height, IMAGE_SIDE),
                                .latency_s = r->decode_s + r->run_s + r->post_s,
                                .decode_s = r->decode_s,
                                .run_s = r->run_s,
                                .post_s = r->post_s };
    ret->n_features = read_features(a, at_features, arena, &ret->features);
    return OK;
}

enum err infer_predict(struct infer_pool *p, const char *who, const struct infer_model *of, int image_fd, double min_score,
                       struct arena *arena, struct detections *ret)
{
    struct answer *a = heap_take(sizeof *a);
    enum err e = pool_ask(p, who, of, MODEL_PREDICT, image_fd, min_score, a);
    if (e == OK)
        e = read_detections(a, arena, ret);
    free(a);
    return e;
}

enum err infer_describe(struct infer_pool *p, const char *who, const struct infer_model *of, struct arena *arena, char **ret_json)
{
    struct answer *a = heap_take(sizeof *a);
    enum err e = pool_ask(p, who, of, MODEL_DESCRIBE, -1, 0, a);
    if (e == OK)
        *ret_json = arena_copy(arena, a->bytes + sizeof a->reply, strnlen(a->bytes + sizeof a->reply, a->reply.n_bytes));
    free(a);
    return e;
}
