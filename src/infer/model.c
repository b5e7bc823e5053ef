#include "infer/model.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "blob/sign.h"
#include "img/decoder.h"
#include "infer/bundle.h"
#include "infer/features.h"
#include "infer/reading.h"
#include "infer/sheet.h"
#include "infer/trial.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { IDLE_S = 15 * 60 };        /* a model that nobody asked so long is put down; the next prediction loads it again */
#define MODEL_MEMORY (6ULL << 30) /* address space: a file of 1 GiB, its parsed form, its weights laid out for speed */

const char *const model_kinds[4] = { FOUND_BOXES, FOUND_LABELS, FOUND_OUTLINES, FOUND_KEYPOINTS };

struct model {
    struct arena *arena;
    struct bundle *bundle; /* until it is loaded */
    struct ort_session *session;
    struct reading reading;
    struct input input;
    struct feeds feeds;
    struct trials trials;
};

static void append(struct model_reply *r, char *payload, const void *bytes, size_t n)
{
    if (n)
        memcpy(payload + r->n_bytes, bytes, n);
    r->n_bytes += n;
}

static enum err open_file(struct model *m, const struct model_request *q, int *fd, struct model_reply *r, char *ret)
{
    TRY(bundle_open(m->bundle, fd, q->hash));
    const struct elsewhere *e = bundle_elsewhere(m->bundle);
    for (size_t i = 0; i < e->n; i++)
        if (!e->places[i].bytes)
            append(r, ret, e->places[i].name, strlen(e->places[i].name) + 1);
    return OK;
}
_Static_assert(PLACES_MOST *PLACE_NAME <= MODEL_PAYLOAD, "all names fit into a message");

/* One whose tensors are not all there is told of, and never run. */
static enum err load(struct model *m, const char *told)
{
    const uint8_t *bytes;
    size_t n;
    if (m->session || m->reading.tells)
        return fail(E_BROKEN, "this process has a model already");
    if (!bundle_is_whole(m->bundle))
        return reading_lacking(m->bundle, m->arena, &m->reading);
    TRY(bundle_join(m->bundle, &bytes, &n));
    TRY(ort_load_seeing(bytes, n, &m->session));
    TRY(reading_make(m->session, bytes, n, bundle_elsewhere(m->bundle), told, m->arena, &m->reading));
    bundle_free(m->bundle);
    m->bundle = NULL;
    return OK;
}

static enum err check_ready(const struct model *m)
{
    if (!m->session && m->reading.problem)
        return fail(E_UNMEANT, "%s", m->reading.problem);
    return m->session ? OK : fail(E_BROKEN, "this process has no model");
}

static enum err decode(const struct model *m, int fd, struct image *ret)
{
    AUTO(mapped_file) struct mapped_file file = { 0 };
    struct image_info info;
    TRY(mapped_file_open(fd, IMAGE_BYTES, "the image file", &file));
    TRY(image_probe(file.bytes, file.n, &info));
    bool turned = info.orientation >= 5;
    int side = prepare_side(&m->reading.d, turned ? info.height : info.width, turned ? info.width : info.height);
    return image_decode(file.bytes, file.n, side, ret);
}

static int kind_of(const char *kind)
{
    int i = 0;
    while (i < 3 && strcmp(model_kinds[i], kind) != 0)
        i++;
    return i;
}

void answered_init(struct answered *a)
{
    a->found = (struct found){ .items = a->items, .spots = a->spots, .room_spots = SPOTS_MOST };
}

void answered_told(const struct answered *a, struct model_reply *r)
{
    r->kind = kind_of(a->found.kind);
    r->n_items = a->found.n;
    r->n_spots = a->found.n_spots;
}

static enum err predict(struct model *m, const struct model_request *q, int fd, struct model_reply *r, struct answered *ret)
{
    AUTO(image) struct image image = { 0 };
    struct placed at;
    TRY(check_ready(m));
    if (m->reading.problem)
        return fail(E_UNMEANT, "%s", m->reading.problem);
    double start = clock_seconds();
    TRY(decode(m, fd, &image));
    TRY(prepare(&m->reading.d, &image, &m->input, &at));
    TRY(feeds_fill(m->session, &m->reading.d, &m->input, &at, &m->feeds));
    double decoded = clock_seconds(), used = clock_cpu_seconds();
    TRY(ort_run(m->session, m->feeds.feed, m->feeds.n));
    double run = clock_seconds();
    r->cpu_s = clock_cpu_seconds() - used;
    answered_init(ret);
    TRY(reading_decode(&m->reading, m->session, &at, q->min_score, &ret->found));
    answered_told(ret, r);
    r->n_features = ort_features(m->session, &ret->features);
    r->width = image.full_width;
    r->height = image.full_height;
    r->decode_s = decoded - start;
    r->run_s = run - decoded;
    r->post_s = clock_seconds() - run;
    return OK;
}

static enum err describe(const struct reading *reading, struct model_reply *r, char *ret)
{
    if (!reading->tells)
        return fail(E_BROKEN, "this process has no model");
    size_t n = strlen(reading->tells) + 1;
    if (n > MODEL_PAYLOAD)
        return fail(E_UNMEANT, "the model's metadata has %zu bytes", n);
    memcpy(ret, reading->tells, n);
    r->n_bytes = n;
    return OK;
}

/* Its own tensors, without an image. */
static enum err tell_signature(const struct model *m, struct model_reply *r, char *ret)
{
    struct signature s = { 0 };
    TRY(check_ready(m));
    TRY(ort_signature(m->session, &s));
    memcpy(ret, &s, sizeof s);
    r->n_bytes = sizeof s;
    return OK;
}

static enum err run(const struct model *m, int fd)
{
    TRY(check_ready(m));
    return run_on_shared(m->session, fd);
}

/* Of trials of descriptions (trial.h). */
static enum err try(struct model *m, const struct model_request *q, const char *told, int fd, struct model_reply *r, char *payload,
                    struct answered *found)
{
    TRY(check_ready(m));
    if (q->task == MODEL_KEEP)
        return trials_keep(&m->trials, q->image, fd, &r->width, &r->height);
    if (q->task == MODEL_SEE)
        return trials_see(&m->trials, m->session, q, r, found);
    const struct reading *reading;
    TRY(trials_tell(&m->trials, m->session, m->reading.graph, q->slot, told, &reading));
    return describe(reading, r, payload);
}

static void write_found(struct model_reply *r, const struct answered *f, char *payload)
{
    append(r, payload, f->items, r->n_items * sizeof *f->items);
    append(r, payload, f->spots, r->n_spots * sizeof *f->spots);
    append(r, payload, f->features, r->n_features * sizeof *f->features);
}
_Static_assert(sizeof(struct detection) * DETECTIONS_MOST + sizeof(struct spot) * SPOTS_MOST + sizeof(float) * FEATURES_MOST <=
                   MODEL_PAYLOAD,
               "all of an answer fits");

static enum err send_whole(const char *bytes, size_t n)
{
    for (size_t at = 0, part; at < n; at += part) {
        part = n - at < MESSAGE_SIZE ? n - at : MESSAGE_SIZE;
        TRY(message_send(CHILD_SOCKET, bytes + at, part, NULL, 0));
    }
    return OK;
}

static void serve_one(struct model *m, const struct model_request *q, const char *told, int *fd)
{
    static union {
        struct model_reply reply;
        char bytes[ANSWER_SIZE];
    } message;
    struct model_reply r = { 0 };
    char *payload = message.bytes + sizeof r;
    static struct answered found;
    alarm((unsigned)q->limit_s + 5); /* in case the parent is gone and nobody kills us */
    switch (q->task) {
    case MODEL_OPEN: r.e = open_file(m, q, fd, &r, payload); break;
    case MODEL_BESIDE: r.e = m->bundle ? bundle_add(m->bundle, told ? told : "", q->hash, *fd) : OK; break;
    case MODEL_LOAD: r.e = load(m, told); break;
    case MODEL_DESCRIBE: r.e = describe(&m->reading, &r, payload); break;
    case MODEL_PREDICT: r.e = predict(m, q, *fd, &r, &found); break;
    case MODEL_SIGNATURE: r.e = tell_signature(m, &r, payload); break;
    case MODEL_RUN: r.e = run(m, *fd); break;
    case MODEL_KEEP:
    case MODEL_TELL:
    case MODEL_SEE: r.e = try(m, q, told, *fd, &r, payload, &found); break;
    default: r.e = fail(E_BROKEN, "an unknown request");
    }
    alarm(0);
    if (r.e != OK) {
        strncpy(r.why, fail_text(), sizeof r.why - 1);
        r.n_bytes = 0;
    } else if (q->task == MODEL_PREDICT || q->task == MODEL_SEE) {
        write_found(&r, &found, payload);
    }
    memcpy(message.bytes, &r, sizeof r);
    if (send_whole(message.bytes, sizeof r + r.n_bytes) != OK)
        _exit(0);
}

_Noreturn void model_child(int threads)
{
    struct model m = { .arena = arena_new() };
    m.bundle = bundle_new(m.arena);
    enum err started = ort_start(threads);
    char unused[HASH_SIZE];
    sha256_hex("", 0, unused); /* lets the library set itself up while it still can */
    char why[WHY_SIZE] = "";
    strncpy(why, started == OK ? "" : fail_text(), sizeof why - 1);
    if (sandbox_enter(MODEL_MEMORY) != OK)
        _exit(CHILD_NOT_STARTED);
    for (;;) {
        static struct {
            struct model_request q;
            char told[TOLD_MOST + 1];
        } message;
        size_t n;
        int fd;
        if (message_receive(CHILD_SOCKET, IDLE_S, &message, sizeof message - 1, &n, &fd, 1) != OK || n < sizeof message.q ||
            n != sizeof message.q + message.q.n_told)
            _exit(0);
        message.told[message.q.n_told] = 0;
        if (started == OK) {
            serve_one(&m, &message.q, message.q.n_told ? message.told : NULL, &fd);
        } else {
            struct model_reply r = { .e = E_BROKEN };
            memcpy(r.why, why, sizeof r.why);
            if (message_send(CHILD_SOCKET, &r, sizeof r, NULL, 0) != OK)
                _exit(0);
        }
        auto_fd(&fd);
    }
}
