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

/* 0: as it should be; else which expectation failed. */
static int look(const struct file *f, bool told)
{
    struct ort_session *plain, *seeing;
    const float *features = NULL;
    if (ort_start(2) != OK || ort_load(f->bytes, f->n, &plain) != OK || ort_load_seeing(f->bytes, f->n, &seeing) != OK)
        return 1;
    if (!run(plain, f) || !run(seeing, f))
        return 2;
    size_t n = ort_features(seeing, &features);
    if (n == 0 || ort_features(plain, &features) != 0)
        return 3;
    if (!same_answers(plain, seeing))
        return 4;
    if (!says_something(features, n))
        return 5;
    return n == (size_t)f->net->features->c || !told ? 0 : 6;
}

/* In a process of its own: ONNX Runtime keeps its models until the end. */
static int look_apart(const struct file *f, bool told)
{
    int status;
    pid_t child = fork();
    if (child == 0)
        _exit(look(f, told));
    CHECK(waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* A file that says nothing of its features, as others' files do. */
static void forget_name(struct file *f)
{
    uint8_t *key = memmem(f->bytes, f->n,
                          "\x0a\x08"
                          "features",
                          10);
    CHECK(key);
    key[2] = 'F';
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
    int told = look_apart(&f, true);
    forget_name(&f);
    CHECK(features_find(f.bytes, f.n, name));
    int found = look_apart(&f, false);
    if (told || found)
        fail_msg("%s: expectation %d of a file that names its features failed, %d of one that does not (%s)", m->name, told, found,
                 name);
    free(f.image);
    network_done(&net);
}

TEST(what_a_network_saw_is_asked_for_beside_its_answers_which_stay_the_same_bits)
{
    for (const struct model *m = models; m->name; m++)
        check_model(m);
}
