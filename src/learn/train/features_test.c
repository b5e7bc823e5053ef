/* What a network saw of an image, asked of ONNX Runtime beside its answers. */
#include "base/file.h"
#include "base/test.h"
#include "infer/features.h"
#include "infer/ort.h"
#include "learn/data/random.h"
#include "learn/models.h"
#include "learn/train/onnx_write.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WIDTH = 128, HEIGHT = 96, LABELS = 3 };

struct file {
    const struct network *net;
    uint8_t *bytes;
    size_t n;
    float *image;
};

static size_t count(const struct ort_value *v)
{
    size_t n = 1;
    for (int i = 0; i < v->rank; i++)
        n *= (size_t)v->shape[i];
    return n;
}

static bool run(struct ort_session *s, const struct file *f)
{
    return ort_run(s, &(struct ort_feed){ f->image, 4, { 1, 3, HEIGHT, WIDTH } }, 1) == OK;
}

static bool same_answers(const struct ort_session *a, const struct ort_session *b)
{
    bool same = ort_outputs(a) == ort_outputs(b);
    for (size_t i = 0; same && i < ort_outputs(a); i++) {
        const struct ort_value *x = ort_output(a, i), *y = ort_output(b, i);
        same = strcmp(x->name, y->name) == 0 && count(x) == count(y) && memcmp(x->data, y->data, count(x) * sizeof(float)) == 0;
    }
    return same;
}

/* Numbers that are not all alike. */
static bool says_something(const float *features, size_t n)
{
    bool finite = true, differ = false;
    for (size_t i = 0; i < n; i++) {
        finite = finite && isfinite(features[i]);
        differ = differ || fabsf(features[i] - features[0]) > 0;
    }
    return finite && differ;
}

/* What it asks beside the answers is there, and these are the plain ones. */
static bool sees(struct ort_session *s, const struct ort_session *plain, const struct file *f, size_t *ret_n)
{
    const float *features = NULL;
    if (!run(s, f))
        return false;
    *ret_n = ort_features(s, &features);
    return *ret_n > 0 && same_answers(plain, s) && says_something(features, *ret_n);
}

/* 0: as it should be; else which expectation failed. other: the same file, but it says nothing of its features, as others' do. */
static int look(const struct file *f, const struct file *other)
{
    struct ort_session *plain, *told, *found;
    const float *features = NULL;
    size_t n;
    if (ort_start(2) != OK || ort_load(f->bytes, f->n, &plain) != OK || !run(plain, f) || ort_features(plain, &features) != 0)
        return 1;
    if (ort_load_seeing(f->bytes, f->n, &told) != OK || !sees(told, plain, f, &n))
        return 2;
    if (n != (size_t)f->net->features->c)
        return 3;
    return ort_load_seeing(other->bytes, other->n, &found) == OK && sees(found, plain, other, &n) ? 0 : 4;
}

/* In a process of its own: ONNX Runtime keeps its models until the end. */
static int look_apart(const struct file *f, const struct file *other)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(look(f, other));
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

static struct file without_name(struct arena *a, const struct file *f)
{
    struct file other = *f;
    other.bytes = arena_take(a, f->n);
    memcpy(other.bytes, f->bytes, f->n);
    uint8_t *key = memmem(other.bytes, f->n,
                          "\x0a\x08"
                          "features",
                          10);
    CHECK(key);
    key[2] = 'F';
    return other;
}

static void check_model(const struct model *m)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *const names[LABELS] = { "one", "two", "three" };
    struct network net;
    struct random r = { 3 };
    char path[] = "/tmp/saccade_features_XXXXXX", name[FEATURES_NAME], *bytes;
    struct file f = { .net = &net, .image = heap_take(sizeof(float) * 3 * WIDTH * HEIGHT) };
    close(mkstemp(path));
    MUST(network_new(m, 1, (struct frame){ WIDTH, HEIGHT }, LABELS, 1, GRAPH_INFER, NULL, &net));
    for (int i = 0; i < WIDTH * HEIGHT * 3; i++)
        f.image[i] = random_in(&r, -2, 2);
    MUST(onnx_write(&net, names, path));
    MUST(file_read(a, path, 64 << 20, &bytes, &f.n));
    unlink(path);
    f.bytes = (uint8_t *)bytes;
    const struct file other = without_name(a, &f);
    CHECK(features_find(other.bytes, other.n, name));
    int failed = look_apart(&f, &other);
    if (failed)
        fail_msg("%s: expectation %d failed (%s)", m->name, failed, name);
    free(f.image);
    network_done(&net);
}

TEST(what_a_network_saw_is_asked_for_beside_its_answers_which_stay_the_same_bits)
{
    for (const struct model *m = models; m->name; m++)
        check_model(m);
}
