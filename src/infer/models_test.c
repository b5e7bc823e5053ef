#include "base/clock.h"
#include "base/file.h"
#include "base/machine.h"
#include "base/test.h"
#include "blob/sign.h"
#include "infer/models.h"
#include "infer/tiny_test.h"
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct scene {
    struct models *models;
    int model, image, other;
    char hash[HASH_SIZE], other_hash[HASH_SIZE];
};

static int file_of(const void *bytes, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    MUST(file_write_all(fd, bytes, n));
    return fd;
}

static int file_of_model(enum tiny_kind kind, char hash[HASH_SIZE])
{
    uint8_t *bytes;
    size_t n;
    tiny_model(kind, &bytes, &n);
    sha256_hex(bytes, n, hash);
    int fd = file_of(bytes, n);
    free(bytes);
    return fd;
}

static int file_of_image(void)
{
    AUTO(image) struct image image = { 0 };
    uint8_t *bytes;
    size_t n;
    MUST(image_new(64, 64, &image));
    MUST(image_to_png(&image, &bytes, &n));
    int fd = file_of(bytes, n);
    free(bytes);
    return fd;
}

static void setup(enum tiny_kind kind, struct scene *s)
{
    MUST(models_start("/proc/self/exe", 2, &s->models));
    s->model = file_of_model(kind, s->hash);
    s->other = file_of_model(TINY_YOLO, s->other_hash);
    s->image = file_of_image();
}

static void auto_scene(struct scene *s)
{
    models_stop(s->models);
    close(s->model);
    close(s->other);
    close(s->image);
}

static enum err ask(struct scene *s, const char *who, bool other, struct meanwhile *meanwhile)
{
    struct answer *a = heap_take(sizeof *a);
    const struct question q = { .task = MODEL_PREDICT, .fd = s->image, .min_score = 0.5, .meanwhile = meanwhile };
    const struct infer_model of = { other ? s->other_hash : s->hash, other ? s->other : s->model, NULL };
    enum err e = models_ask(s->models, who, of.hash, &of, &q, a);
    free(a);
    return e;
}

struct asker {
    struct scene *scene;
    const char *who;
    enum err e;
    char why[200]; /* it failed */
    pthread_t thread;
};

static void *ask_once(void *with)
{
    struct asker *a = with;
    a->e = ask(a->scene, a->who, false, NULL);
    snprintf(a->why, sizeof a->why, "%s", a->e == OK ? "" : fail_text());
    return NULL;
}

static void begin(struct asker *a, struct scene *s, const char *who)
{
    *a = (struct asker){ .scene = s, .who = who };
    CHECK_INT(pthread_create(&a->thread, NULL, ask_once, a), 0);
}

static void until_waiting(struct scene *s, int running, int waiting)
{
    struct infer_queue q = { 0 };
    for (int i = 0; i < 2000 && (q.running < running || q.waiting < waiting); i++) {
        usleep(10000);
        models_queue(s->models, &q);
    }
    CHECK(q.running >= running && q.waiting >= waiting);
}

static void *ask_for_a_while(void *with)
{
    struct asker *a = with;
    for (double end = clock_seconds() + 30;
         clock_seconds() < end && a->e == OK && models_running(a->scene->models, a->scene->hash) < 2;)
        a->e = ask(a->scene, a->who, false, NULL);
    return NULL;
}

TEST(a_model_that_several_ask_for_at_once_gets_more_processes)
{
    AUTO(scene) struct scene s = { 0 };
    struct asker askers[6];
    if (machine_look("").processors < 2)
        return;
    setup(TINY_OURS, &s);
    MUST(ask(&s, "a", false, NULL));
    CHECK_INT(models_running(s.models, s.hash), 1); /* one alone needs no more */
    for (size_t i = 0; i < COUNT_OF(askers); i++) {
        askers[i] = (struct asker){ .scene = &s, .who = "a" };
        CHECK_INT(pthread_create(&askers[i].thread, NULL, ask_for_a_while, &askers[i]), 0);
    }
    for (size_t i = 0; i < COUNT_OF(askers); i++) {
        pthread_join(askers[i].thread, NULL);
        CHECK_INT(askers[i].e, OK);
    }
    CHECK(models_running(s.models, s.hash) >= 2);
    models_sweep(s.models, clock_seconds());
    CHECK(models_running(s.models, s.hash) >= 2);
    models_sweep(s.models, clock_seconds() + 61); /* nobody needed them since */
    CHECK_INT(models_running(s.models, s.hash), 1);
}

TEST(a_model_that_was_left_for_another_is_put_down_after_a_minute)
{
    AUTO(scene) struct scene s = { 0 };
    setup(TINY_OURS, &s);
    MUST(ask(&s, "a deployment", false, NULL));
    models_sweep(s.models, clock_seconds() + 61);
    CHECK_INT(models_running(s.models, s.hash), 1); /* its deployment may come again */
    MUST(ask(&s, "a deployment", true, NULL));
    MUST(ask(&s, "another", false, NULL)); /* somebody has use for it */
    models_sweep(s.models, clock_seconds() + 61);
    CHECK_INT(models_running(s.models, s.hash), 1);
    MUST(ask(&s, "another", true, NULL));
    models_sweep(s.models, clock_seconds());
    CHECK_INT(models_running(s.models, s.hash), 1);
    models_sweep(s.models, clock_seconds() + 61);
    CHECK_INT(models_running(s.models, s.hash), 0);
    CHECK_INT(models_running(s.models, s.other_hash), 1);
    MUST(ask(&s, "a deployment", false, NULL));
}

/* More ask than a machine of any size gives processes, and each of these takes longer than anybody may wait. */
TEST(who_waits_too_long_is_turned_away_in_words)
{
    AUTO(scene) struct scene s = { 0 };
    struct asker askers[40];
    struct infer_queue q;
    int turned_away = 0;
    setup(TINY_ENDLESS, &s);
    models_limit(s.models, 120, 4, 0.3);
    for (size_t i = 0; i < COUNT_OF(askers); i++)
        begin(&askers[i], &s, "a");
    for (size_t i = 0; i < COUNT_OF(askers); i++) {
        pthread_join(askers[i].thread, NULL);
        turned_away += askers[i].e == E_TOO_MANY;
        CHECK(askers[i].e == E_TOO_MANY ? strstr(askers[i].why, "has waited for") != NULL : askers[i].e == E_INVALID);
    }
    models_queue(s.models, &q);
    CHECK(turned_away > 0 && q.turned_away == turned_away && q.waiting == 0 && q.running == 0);
}

TEST(who_is_turned_away_is_told_to_come_back_after_those_who_wait)
{
    CHECK_INT(models_retry_s(128, 2, 0.5), 32);
    CHECK_INT(models_retry_s(128, 1, 0.5), 64);
    CHECK_INT(models_retry_s(128, 2, 0.003), 1);
    CHECK_INT(models_retry_s(0, 0, 0), 1); /* nothing is known yet */
    CHECK_INT(models_retry_s(1024, 1, 30), 600);
}

TEST(more_than_may_wait_are_turned_away_at_once_and_others_are_not)
{
    enum { MOST = 128 };
    static struct asker askers[MOST + 1];
    AUTO(scene) struct scene s = { 0 };
    setup(TINY_ENDLESS, &s);
    models_limit(s.models, 120, 5, 30);
    for (size_t i = 0; i < COUNT_OF(askers); i++)
        begin(&askers[i], &s, "a");
    until_waiting(&s, 1, MOST);
    MUST_FAIL(ask(&s, "a", false, NULL), E_TOO_MANY, "are waiting already");
    CHECK(fail_retry() >= 1);
    MUST(ask(&s, "b", true, NULL));                 /* neither its place nor its turn is taken by them */
    for (size_t i = 0; i < COUNT_OF(askers); i++) { /* the model is found to be slow once, not by each of them again */
        pthread_join(askers[i].thread, NULL);
        CHECK(askers[i].e == E_INVALID || askers[i].e == E_UNMEANT);
    }
}

static enum err count(void *with)
{
    ++*(int *)with;
    return *(int *)with == 2 ? fail_at(__FILE__, __LINE__, E_FULL, "no room") : OK;
}

TEST(what_is_done_meanwhile_is_done_once_whatever_becomes_of_the_process)
{
    AUTO(scene) struct scene s = { 0 };
    int n = 0;
    setup(TINY_OURS, &s);
    struct meanwhile first = { .work = count, .with = &n }, second = first;
    MUST(ask(&s, "a", false, &first));
    CHECK(n == 1 && first.done && first.e == OK);
    MUST(ask(&s, "a", false, &second)); /* the process was not left with half of a question */
    CHECK(n == 2 && second.e == E_FULL);
    MUST(ask(&s, "a", false, NULL));
}
