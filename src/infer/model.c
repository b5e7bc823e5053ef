#include "infer/model.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "blob/sign.h"
#include "img/decoder.h"
#include "infer/detect.h"
#include "infer/onnx_check.h"
#include "infer/sheet.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_S = 15 * 60 };        /* a model that nobody asked so long is put down; the next prediction loads it again */
#define MODEL_MEMORY (6ULL << 30) /* address space: a file of 1 GiB, its parsed form, its weights laid out for speed */

struct model {
    struct arena *arena;
    struct ort_session *session;
    struct detector detector;
    float *input;
};

static enum err load(struct model *m, const char *hash, int fd)
{
    AUTO(mapped_file) struct mapped_file file = { 0 };
    char is[HASH_SIZE];
    if (m->session)
        return fail(E_BROKEN, "this process has a model already");
    TRY(mapped_file_open(fd, MODEL_BYTES, "the model file", &file));
    sha256_hex(file.bytes, file.n, is);
    if (strncmp(is, hash, HASH_SIZE) != 0)
        return fail(E_BROKEN, "the model file %.64s has changed: its bytes now have the hash %s", hash, is);
    TRY(onnx_check(file.bytes, file.n));
    TRY(ort_load_seeing(file.bytes, file.n, &m->session));
    TRY(detector_read(m->session, m->arena, &m->detector));
    m->input = heap_take(sizeof(float) * 3 * (size_t)m->detector.width * (size_t)m->detector.height);
    return OK;
}

static enum err decode(const struct model *m, int fd, struct image *ret)
{
    AUTO(mapped_file) struct mapped_file file = { 0 };
    int longest = m->detector.width > m->detector.height ? m->detector.width : m->detector.height;
    struct image_info info;
    TRY(mapped_file_open(fd, IMAGE_BYTES, "the image file", &file));
    if (m->detector.fit == FIT_COVER) { /* the shorter side counts */
        TRY(image_probe(file.bytes, file.n, &info));
        int shorter = info.width < info.height ? info.width : info.height;
        longest = (int)((double)longest * (info.width + info.height - shorter) / (shorter < 1 ? 1 : shorter)) + 1;
    }
    return image_decode(file.bytes, file.n, longest, ret);
}

/* The image becomes the network's input. */
static enum err fit(struct model *m, const struct image *image, struct placed *at)
{
    const struct detector *d = &m->detector;
    switch (d->fit) {
    case FIT_STRETCH: return image_stretch(image, d->width, d->height, &d->normalise, m->input);
    case FIT_COVER: return image_cover(image, d->width, d->height, &d->normalise, m->input);
    case FIT_LETTERBOX: break;
    }
    return image_letterbox(image, d->width, d->height, &d->normalise, m->input, &at->used_width, &at->used_height);
}

struct found {
    struct detection items[DETECTIONS_MOST];
    size_t n;
    const float *features;
};

static enum err predict(struct model *m, const struct model_request *q, int fd, struct model_reply *r, struct found *ret)
{
    const struct detector *d = &m->detector;
    AUTO(image) struct image image = { 0 };
    if (!m->session)
        return fail(E_BROKEN, "this process has no model");
    double start = clock_seconds();
    TRY(decode(m, fd, &image));
    struct placed at = { .width = image.full_width, .height = image.full_height };
    TRY(fit(m, &image, &at));
    double decoded = clock_seconds();
    const int64_t shape[] = { 1, 3, d->height, d->width };
    TRY(ort_run(m->session, m->input, shape, COUNT_OF(shape)));
    double run = clock_seconds();
    TRY(detector_pick(d, m->session, &at, q->min_score, ret->items, &ret->n));
    r->whole = d->layout == PROBABILITIES;
    r->n_features = ort_features(m->session, &ret->features);
    r->n_bytes = ret->n * sizeof *ret->items + r->n_features * sizeof *ret->features;
    r->width = image.full_width;
    r->height = image.full_height;
    r->decode_s = decoded - start;
    r->run_s = run - decoded;
    r->post_s = clock_seconds() - run;
    return OK;
}

static enum err describe(const struct model *m, struct model_reply *r, char *ret)
{
    if (!m->session)
        return fail(E_BROKEN, "this process has no model");
    size_t n = strlen(m->detector.describe) + 1;
    if (n > MODEL_PAYLOAD)
        return fail(E_UNMEANT, "the model's metadata has %zu bytes", n);
    memcpy(ret, m->detector.describe, n);
    r->n_bytes = n;
    return OK;
}

/* Its own tensors, without an image. */
static enum err tell_signature(const struct model *m, struct model_reply *r, char *ret)
{
    struct signature s = { 0 };
    if (!m->session)
        return fail(E_BROKEN, "this process has no model");
    TRY(ort_signature(m->session, &s));
    memcpy(ret, &s, sizeof s);
    r->n_bytes = sizeof s;
    return OK;
}

static enum err run(const struct model *m, int fd)
{
    return m->session ? run_on_shared(m->session, fd) : fail(E_BROKEN, "this process has no model");
}

static void write_found(const struct model_reply *r, const struct found *f, char *payload)
{
    memcpy(payload, f->items, f->n * sizeof *f->items);
    if (r->n_features)
        memcpy(payload + f->n * sizeof *f->items, f->features, r->n_features * sizeof *f->features);
}

static void serve_one(struct model *m, const struct model_request *q, int fd)
{
    static union {
        struct model_reply reply;
        char bytes[MESSAGE_SIZE];
    } message;
    struct model_reply r = { 0 };
    char *payload = message.bytes + sizeof r;
    static struct found found;
    alarm((unsigned)q->limit_s + 5); /* in case the parent is gone and nobody kills us */
    switch (q->task) {
    case MODEL_LOAD: r.e = load(m, q->hash, fd); break;
    case MODEL_DESCRIBE: r.e = describe(m, &r, payload); break;
    case MODEL_PREDICT: r.e = predict(m, q, fd, &r, &found); break;
    case MODEL_SIGNATURE: r.e = tell_signature(m, &r, payload); break;
    case MODEL_RUN: r.e = run(m, fd); break;
    default: r.e = fail(E_BROKEN, "an unknown request");
    }
    alarm(0);
    if (r.e != OK) {
        strncpy(r.why, fail_text(), sizeof r.why - 1);
        r.n_bytes = 0;
    } else if (q->task == MODEL_PREDICT) {
        write_found(&r, &found, payload);
    }
    memcpy(message.bytes, &r, sizeof r);
    if (message_send(CHILD_SOCKET, message.bytes, sizeof r + r.n_bytes, NULL, 0) != OK)
        _exit(0);
}

_Noreturn void model_child(void)
{
    struct model m = { .arena = arena_new() };
    enum err started = ort_start();
    char unused[HASH_SIZE];
    sha256_hex("", 0, unused); /* lets the library set itself up while it still can */
    char why[500] = "";
    strncpy(why, started == OK ? "" : fail_text(), sizeof why - 1);
    if (sandbox_enter(MODEL_MEMORY) != OK)
        _exit(CHILD_NOT_STARTED);
    for (;;) {
        struct model_request q;
        size_t n;
        int fd;
        if (message_receive(CHILD_SOCKET, IDLE_S, &q, sizeof q, &n, &fd, 1) != OK || n != sizeof q)
            _exit(0);
        if (started == OK) {
            serve_one(&m, &q, fd);
        } else {
            struct model_reply r = { .e = E_BROKEN };
            memcpy(r.why, why, sizeof r.why);
            if (message_send(CHILD_SOCKET, &r, sizeof r, NULL, 0) != OK)
                _exit(0);
        }
        auto_fd(&fd);
    }
}
