#include "infer/pool.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/turns.h"
#include "blob/sign.h"
#include "img/decoder.h"
#include "infer/description.h"
#include "infer/features.h"
#include "infer/models.h"
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
    WAITING_MOST = 32, /* calls of one user that may wait; more are turned away at once */
    WAIT_S = 60,
    SWEEP_S = 30 /* children that ended from idleness are buried so often */
};

struct infer_pool {
    struct decoder *decoder, *behind; /* the second for what nobody waits for */
    struct gate decoders;
    struct models *models;
    pthread_mutex_t lock;
    pthread_cond_t stopped;
    pthread_t sweeper;
    bool has_sweeper, stopping;
};

static void *sweep(void *with)
{
    struct infer_pool *p = with;
    pthread_mutex_lock(&p->lock);
    while (!p->stopping) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += SWEEP_S;
        pthread_cond_timedwait(&p->stopped, &p->lock, &until);
        models_sweep(p->models, clock_seconds());
        decoder_sweep(p->decoder);
        decoder_sweep(p->behind);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum err infer_start(const char *self_path, int decoders, int max_models, struct infer_pool **ret)
{
    struct infer_pool *p = heap_take(sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->stopped, NULL);
    gate_init(&p->decoders, decoders);
    p->behind = decoder_behind(self_path);
    enum err e = models_start(self_path, max_models, &p->models);
    if (e == OK)
        e = decoder_start(self_path, decoders, &p->decoder);
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
    decoder_stop(p->behind);
    models_stop(p->models);
    gate_done(&p->decoders);
    pthread_cond_destroy(&p->stopped);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

void infer_set_limits(struct infer_pool *p, double load_s, double predict_s, double wait_s)
{
    models_limit(p->models, load_s, predict_s, wait_s);
}

void infer_queue(struct infer_pool *p, struct infer_queue *ret)
{
    models_queue(p->models, ret);
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

enum err infer_look(struct infer_pool *p, int image_fd, struct image_look *ret)
{
    return decoder_look(p->behind, image_fd, ret);
}

enum err infer_small(struct infer_pool *p, int image_fd, int side, uint8_t *ret)
{
    return decoder_small(p->behind, image_fd, side, ret);
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

void meanwhile_do(struct meanwhile *m)
{
    if (!m || m->done)
        return;
    m->done = true;
    m->e = m->work(m->with);
    if (m->e != OK)
        fail_keep(&m->why);
}

static void add_parts(struct text *t, const struct infer_model *of)
{
    for (size_t i = 0; i < of->n_parts; i++) {
        text_bytes(t, of->parts[i].name, strlen(of->parts[i].name) + 1);
        text_bytes(t, of->parts[i].hash, HASH_SIZE);
    }
}

/* A file about which something else is told, or beside which something else lies, is another model. */
static enum err key_of(const struct infer_model *of, char ret[HASH_SIZE])
{
    size_t n = of->told ? strlen(of->told) : 0;
    if (strlen(of->hash) != HASH_SIZE - 1)
        return fail(E_INVALID, "\"%.80s\" is no hash of a model", of->hash);
    if (of->n_parts > MODEL_PARTS)
        return fail(E_UNMEANT, "the model comes with %zu files; at most %d are taken, or a zip of them", of->n_parts, MODEL_PARTS);
    if (n > TOLD_MOST)
        return fail(E_UNMEANT, "what is told about the model has %zu bytes; at most %d are taken", n, TOLD_MOST);
    memcpy(ret, of->hash, HASH_SIZE);
    if (!n && !of->n_parts)
        return OK;
    AUTO(text) struct text all;
    text_init(&all, 1 << 20);
    text_bytes(&all, of->hash, HASH_SIZE);
    text_bytes(&all, n ? of->told : "", n);
    add_parts(&all, of);
    sha256_hex(all.bytes, all.n, ret);
    return OK;
}

static enum err ask(struct infer_pool *p, const char *who, const struct infer_model *of, const struct question *q, struct answer *a)
{
    char key[HASH_SIZE];
    TRY(key_of(of, key));
    return models_ask(p->models, who, key, of, q, a);
}

enum err pool_ask(struct infer_pool *p, const char *who, const struct infer_model *of, enum model_task task, int fd,
                  double min_score, struct answer *a)
{
    return ask(p, who, of, &(struct question){ .task = task, .fd = fd, .min_score = min_score }, a);
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

enum err answer_detections(const struct answer *a, struct arena *arena, struct detections *ret)
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

enum err infer_predict_meanwhile(struct infer_pool *p, const char *who, const struct infer_model *of, int image_fd,
                                 double min_score, struct meanwhile *meanwhile, struct arena *arena, struct detections *ret)
{
    const struct question q = { .task = MODEL_PREDICT, .fd = image_fd, .min_score = min_score, .meanwhile = meanwhile };
    struct answer *a = heap_take(sizeof *a);
    enum err e = ask(p, who, of, &q, a);
    if (e == OK)
        e = answer_detections(a, arena, ret);
    free(a);
    return e == OK && meanwhile && meanwhile->e != OK ? fail_again(&meanwhile->why) : e;
}

enum err infer_predict(struct infer_pool *p, const char *who, const struct infer_model *of, int image_fd, double min_score,
                       struct arena *arena, struct detections *ret)
{
    return infer_predict_meanwhile(p, who, of, image_fd, min_score, NULL, arena, ret);
}

char *answer_text(const struct answer *a, struct arena *arena)
{
    const char *text = a->bytes + sizeof a->reply;
    return arena_copy(arena, text, strnlen(text, a->reply.n_bytes));
}

enum err infer_describe(struct infer_pool *p, const char *who, const struct infer_model *of, struct arena *arena, char **ret_json)
{
    struct answer *a = heap_take(sizeof *a);
    enum err e = pool_ask(p, who, of, MODEL_DESCRIBE, -1, 0, a);
    if (e == OK)
        *ret_json = answer_text(a, arena);
    free(a);
    return e;
}
