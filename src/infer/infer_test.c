#include "base/child.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "base/test.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "img/img.h"
#include "infer/infer.h"
#include "infer/metadata.h"
#include "infer/onnx_check.h"
#include "infer/ort.h"
#include "infer/tiny_test.h"
#include "json/json.h"
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a process of its own: what ONNX Runtime leaves open where the sandbox begins. */
static int count_descriptors(void)
{
    struct stat st;
    int n = 0;
    if (ort_start(2) != OK)
        return 100;
    for (int fd = CHILD_SHARED + 1; fd < 1024; fd++)
        n += fd_stat(fd, &st) == 0;
    int opened = open("/dev/null", O_RDONLY);
    if (sandbox_enter(6ULL << 30) != OK || fd_stat(opened, &st) == 0)
        return 101;
    return n;
}

/* The pool starts this very program again, in the role. */
__attribute__((constructor)) static void play_the_role(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "count-descriptors") == 0)
        _exit(count_descriptors());
    if (argc >= 3 && strcmp(argv[1], "infer") == 0)
        _exit(infer_main(argc - 1, argv + 1));
}

static int file_with(const void *bytes, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    MUST(file_write_all(fd, bytes, n));
    return fd;
}

static const char *hash_of(struct arena *a, int fd)
{
    enum { ROOM = 1 << 16 };
    char *bytes = arena_take(a, ROOM), *hash = arena_take(a, HASH_SIZE);
    ssize_t n = pread(fd, bytes, ROOM, 0);
    CHECK(n > 0 && n < ROOM);
    sha256_hex(bytes, (size_t)n, hash);
    return hash;
}

#define M(a, fd_) (&(struct infer_model){ hash_of(a, fd_), fd_, NULL })

static int model_file(enum tiny_kind kind)
{
    uint8_t *bytes;
    size_t n;
    tiny_model(kind, &bytes, &n);
    int fd = file_with(bytes, n);
    free(bytes);
    return fd;
}

static int png_file(const struct image *image)
{
    uint8_t *bytes;
    size_t n;
    MUST(image_to_png(image, &bytes, &n));
    int fd = file_with(bytes, n);
    free(bytes);
    return fd;
}

/* A PNG of one colour. */
static int image_file(int width, int height, uint8_t r, uint8_t g, uint8_t b)
{
    AUTO(image) struct image image = { 0 };
    MUST(image_new(width, height, &image));
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++) {
        image.pixels[i * 3] = r;
        image.pixels[i * 3 + 1] = g;
        image.pixels[i * 3 + 2] = b;
    }
    return png_file(&image);
}

static void start(int models, struct infer_pool **ret)
{
    MUST(infer_start("/proc/self/exe", 2, models, ret));
}

static bool near(float a, double b)
{
    return fabs((double)a - b) < 0.01;
}

TEST(a_prediction_tells_what_the_network_saw_where_it_has_a_map_of_the_image)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    AUTO(fd) int seeing = model_file(TINY_SEEING), blind = model_file(TINY_OURS), image = image_file(64, 64, 51, 102, 204);
    struct detections d;
    start(2, &pool);
    MUST(infer_predict(pool, "a", M(a, seeing), image, 0.4, a, &d));
    CHECK_INT(d.n, 1);
    CHECK(near(d.items[0].score, 0.8));
    CHECK_INT(d.n_features, 3);
    CHECK(near(d.features[0], 0.2) && near(d.features[1], 0.4) && near(d.features[2], 0.8));
    MUST(infer_predict(pool, "a", M(a, blind), image, 0.1, a, &d));
    CHECK(d.n > 0);
    CHECK_INT(d.n_features, 0);
}

TEST(a_prediction_goes_through_letterbox_threshold_and_nms)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int model = model_file(TINY_OURS), green = image_file(128, 128, 0, 255, 0);
    struct detections d;
    MUST(infer_predict(pool, "a", M(a, model), green, 0.4, a, &d));
    CHECK_INT(d.width, 128);
    CHECK_INT(d.n, 2); /* the second box is suppressed, the fourth is under the threshold */
    CHECK_INT(d.items[0].label, 1);
    CHECK(near(d.items[0].score, 0.9) && near(d.items[1].score, 0.5));
    CHECK(near(d.items[0].x, 12.8) && near(d.items[0].y, 12.8) && near(d.items[0].w, 51.2) && near(d.items[0].h, 51.2));
    CHECK(d.latency_s > 0 && d.latency_s < 10);
    MUST(infer_predict(pool, "a", M(a, model), green, 0.25, a, &d));
    CHECK_INT(d.n, 3);
    CHECK(near(d.items[2].x + d.items[2].w, 128) && near(d.items[2].y + d.items[2].h, 128)); /* clipped */
    MUST(infer_predict(pool, "a", M(a, model), green, 0.95, a, &d));
    CHECK_INT(d.n, 0);
}

TEST(boxes_are_on_the_image_as_shown_whatever_its_shape)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int model = model_file(TINY_OURS), wide = image_file(200, 100, 0, 0, 255);
    struct detections d;
    MUST(infer_predict(pool, "a", M(a, model), wide, 0.3, a, &d));
    CHECK_INT(d.items[0].label, 2);
    CHECK(near(d.items[0].score, 0.45)); /* the lower half is padding, which is 0 here */
    CHECK(near(d.items[0].x, 20) && near(d.items[0].y, 20) && near(d.items[0].w, 80) && near(d.items[0].h, 80));
}

/* A PNG that is red at both ends and blue between. */
static int two_coloured(int width, int height)
{
    AUTO(image) struct image image = { 0 };
    MUST(image_new(width, height, &image));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            image.pixels[((size_t)y * (size_t)width + (size_t)x) * 3 + (x * 10 < width * 3 || x * 10 >= width * 7 ? 0 : 2)] = 255;
    return png_file(&image);
}

TEST(a_classifier_answers_the_best_label_of_the_whole_image)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int model = model_file(TINY_CLASSES), green = image_file(200, 100, 20, 200, 30), sides = two_coloured(200, 50);
    struct detections d;
    char *text;
    MUST(infer_predict(pool, "a", M(a, model), green, 0.4, a, &d));
    CHECK(d.whole && d.n == 1 && d.items[0].label == 1 && near(d.items[0].score, 200.0 / 255) && d.items[0].w == 0);
    CHECK(d.width == 200 && d.height == 100);
    MUST(infer_predict(pool, "a", M(a, model), green, 0.9, a, &d));
    CHECK(d.whole && d.n == 0); /* not sure enough */
    MUST(infer_predict(pool, "a", M(a, model), sides, 0.4, a, &d));
    CHECK(d.items[0].label == 0 && near(d.items[0].score, 0.6)); /* 3 + 3 of 10 are red: nothing was cut off */
    MUST(infer_describe(pool, "a", M(a, model), a, &text));
    CHECK(strstr(text, "\"task\":\"classify\"") && strstr(text, "\"size\":[64,64]") && !strstr(text, "nms_iou"));
}

TEST(a_classifier_from_elsewhere_sees_the_middle_of_the_image)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int model = model_file(TINY_CLASSES_COMMON), sides = two_coloured(200, 50), wrong = model_file(TINY_CLASSES_WRONG);
    struct detections d;
    MUST(infer_predict(pool, "a", M(a, model), sides, 0.4, a, &d));
    CHECK(d.whole && d.n == 1 && d.items[0].label == 2 && near(d.items[0].score, 1));
    MUST_FAIL(infer_predict(pool, "a", M(a, wrong), sides, 0.4, a, &d), E_UNMEANT,
              "with 2 labels nobody knows how to read the model's outputs 'output0' (float32 1×3)");
}

TEST(a_yolo_export_is_understood)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int model = model_file(TINY_YOLO), image = image_file(128, 64, 9, 9, 9);
    struct detections d;
    MUST(infer_predict(pool, "a", M(a, model), image, 0.4, a, &d));
    CHECK_INT(d.n, 3); /* of different classes, so none is suppressed */
    CHECK_INT(d.items[1].label, 1);
    CHECK(near(d.items[0].x, 12.8) && near(d.items[0].w, 51.2)); /* 16 lines of padding above and below the picture */
    CHECK(near(d.items[0].y, 0) && near(d.items[0].h, 32));
    char *text;
    const struct json *v;
    MUST(infer_describe(pool, "a", M(a, model), a, &text));
    MUST(json_parse(a, text, strlen(text), &v));
    CHECK_TEXT(json_text(json_get(json_get(v, "names"), "1")), "o'green");
}

TEST(a_model_that_cannot_be_used_is_refused_with_the_reason)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int image = image_file(64, 64, 0, 0, 0), nameless = model_file(TINY_NO_NAMES), png = dup(image);
    AUTO(fd) int good = model_file(TINY_OURS);
    struct detections d;
    char *text;
    MUST_FAIL(infer_predict(pool, "a", M(a, nameless), image, 0.5, a, &d), E_UNMEANT, "names");
    MUST_FAIL(infer_describe(pool, "a", M(a, png), a, &text), E_UNMEANT, "not an ONNX model");
    MUST_FAIL(infer_describe(pool, "a", &(struct infer_model){ hash_of(a, image), good, NULL }, a, &text), E_BROKEN, "has changed");
    MUST_FAIL(infer_describe(pool, "a", &(struct infer_model){ "short", good, NULL }, a, &text), E_INVALID, "no hash");
    MUST(infer_describe(pool, "a", M(a, good), a, &text));
    MUST_FAIL(infer_predict(pool, "a", M(a, good), good, 0.5, a, &d), E_INVALID, "not an image");
    MUST(infer_predict(pool, "a", M(a, good), image, 0.5, a, &d));
}

TEST(tensors_in_other_files_are_refused_wherever_they_hide)
{
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    AUTO(arena) struct arena *a = arena_new();
    start(1, &pool);
    for (enum tiny_kind kind = TINY_EXTERNAL; kind <= TINY_EXTERNAL_FUNCTION; kind++) {
        AUTO(fd) int model = model_file(kind);
        char *text;
        MUST_FAIL(infer_describe(pool, "a", M(a, model), a, &text), E_UNMEANT, "external_data");
    }
    uint8_t *bytes;
    size_t n;
    tiny_model(TINY_OURS, &bytes, &n);
    MUST(onnx_check(bytes, n));
    for (size_t cut = 1; cut < n; cut += 7) /* never a crash; a cut in the middle of a field is an error */
        if (onnx_check(bytes, n - cut) != OK)
            CHECK_INT(fail_kind(), E_UNMEANT);
    free(bytes);
}

static pid_t last_child(void)
{
    FILE *f = fopen("/proc/thread-self/children", "re");
    int pid = 0, last = 0;
    while (f && fscanf(f, "%d", &pid) == 1)
        last = pid;
    CHECK(last);
    fclose(f);
    return last;
}

TEST(a_file_that_is_a_model_in_two_formats_is_refused)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    static const uint8_t producer[] = { 0x12, 6, 0, 0, 'O', 'R', 'T', 'M' }; /* a member that means little, in the right place */
    uint8_t *bytes, both[1 << 16];
    size_t n;
    char *json;
    tiny_model(TINY_OURS, &bytes, &n);
    memcpy(both, producer, sizeof producer);
    memcpy(both + sizeof producer, bytes, n);
    free(bytes);
    AUTO(fd) int model = file_with(both, n + sizeof producer);
    MUST_FAIL(infer_describe(pool, "a", M(a, model), a, &json), E_UNMEANT, "ORT");
    both[4] = 'o'; /* and is fine without the mark */
    AUTO(fd) int fine = file_with(both, n + sizeof producer);
    MUST(infer_describe(pool, "a", M(a, fine), a, &json));
}

TEST(looks_that_nobody_waits_for_leave_the_processors_to_the_others)
{
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    struct image_look look;
    start(1, &pool);
    AUTO(fd) int image = image_file(64, 64, 255, 255, 255);
    MUST(infer_look(pool, image, &look));
    CHECK(look.brightness > 0.99);
    int ours = getpriority(PRIO_PROCESS, 0);
    CHECK_INT(getpriority(PRIO_PROCESS, (id_t)last_child()), ours > 9 ? 19 : ours + 10);
}

TEST(a_model_process_that_was_killed_is_started_again)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int model = model_file(TINY_OURS), image = image_file(64, 64, 255, 0, 0);
    struct detections d;
    for (int i = 0; i < 3; i++) {
        MUST(infer_predict(pool, "a", M(a, model), image, 0.4, a, &d));
        CHECK_INT(d.items[0].label, 0);
        kill(last_child(), SIGKILL);
    }
}

static _Noreturn void count_as_program(const char *home)
{
    static const int nothing[] = { 0, CHILD_SOCKET, CHILD_SHARED };
    setenv("HOME", home, 1);
    setenv("XDG_CACHE_HOME", home, 1);
    for (size_t i = 0; i < COUNT_OF(nothing); i++)
        dup2(open("/dev/null", O_RDONLY), nothing[i]);
    close_range(CHILD_SHARED + 1, ~0U, 0);
    execl("/proc/self/exe", "unit", "count-descriptors", (char *)NULL);
    _exit(99);
}

/* Version 1.32 opens a database of its own below the home folder. */
TEST(a_model_process_holds_no_file_that_a_library_opened_and_leaves_none)
{
    AUTO(arena) struct arena *a = arena_new();
    char home[] = "/tmp/saccade_home_XXXXXX";
    int status = 0;
    CHECK(mkdtemp(home));
    pid_t pid = fork();
    if (pid == 0)
        count_as_program(home);
    CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    char **names;
    size_t n = 0, folders = 0;
    MUST(file_list(a, home, &names, &n));
    MUST(file_list_folders(a, home, &names, &folders));
    CHECK_INT(n + folders, 0);
    MUST(file_remove_tree(home));
}

TEST(a_model_that_never_ends_is_stopped)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int endless = model_file(TINY_ENDLESS), good = model_file(TINY_OURS), image = image_file(64, 64, 255, 0, 0);
    struct detections d;
    char *text;
    MUST(infer_describe(pool, "a", M(a, endless), a, &text));
    infer_set_limits(pool, 120, 0.5, 30);
    MUST_FAIL(infer_predict(pool, "a", M(a, endless), image, 0.4, a, &d), E_INVALID, "took longer");
    infer_set_limits(pool, 120, 30, 30);
    MUST(infer_predict(pool, "a", M(a, good), image, 0.4, a, &d));
    MUST_FAIL(infer_predict(pool, "b", M(a, endless), image, 0.4, a, &d), E_UNMEANT, "tried again in");
}

struct hog {
    struct infer_pool *pool;
    int model, image;
};

static atomic_int hogs_ended;

static void *hog_a_process(void *with)
{
    struct hog *h = with;
    AUTO(arena) struct arena *a = arena_new();
    struct detections d;
    CHECK(infer_predict(h->pool, "hog", M(a, h->model), h->image, 0.4, a, &d) == E_INVALID);
    hogs_ended++;
    return NULL;
}

/* As many endless models as there are processes, each with a producer's name of its own. */
TEST(endless_models_of_one_user_leave_the_others_their_time)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(3, &pool);
    infer_set_limits(pool, 120, 3, 30);
    hogs_ended = 0;
    AUTO(fd) int good = model_file(TINY_OURS), image = image_file(64, 64, 255, 0, 0);
    struct hog hogs[3];
    pthread_t threads[3];
    uint8_t *bytes, more[1 << 16];
    size_t n;
    tiny_model(TINY_ENDLESS, &bytes, &n);
    for (uint8_t i = 0; i < 3; i++) {
        const uint8_t producer[] = { 0x12, 1, (uint8_t)('a' + i) };
        memcpy(more, producer, sizeof producer);
        memcpy(more + sizeof producer, bytes, n);
        hogs[i] = (struct hog){ pool, file_with(more, n + sizeof producer), image };
        CHECK_INT(pthread_create(&threads[i], NULL, hog_a_process, &hogs[i]), 0);
    }
    free(bytes);
    usleep(700000);
    struct detections d;
    MUST(infer_predict(pool, "other", M(a, good), image, 0.4, a, &d));
    CHECK(hogs_ended < 3); /* it did not wait until all of them were stopped */
    for (int i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        close(hogs[i].model);
    }
}

static void *decode_slowly(void *with)
{
    struct hog *h = with;
    struct image_facts facts;
    CHECK(infer_probe(h->pool, "hog", h->image, &facts) == OK);
    return NULL;
}

TEST(large_images_of_one_user_leave_the_others_a_decoder)
{
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int large = image_file(4000, 4000, 9, 9, 9), small = image_file(64, 64, 255, 0, 0);
    struct hog hog = { pool, -1, large };
    struct image_facts facts;
    pthread_t threads[6];
    double began = clock_seconds();
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK_INT(pthread_create(&threads[i], NULL, decode_slowly, &hog), 0);
    usleep(20000);
    MUST(infer_probe(pool, "other", small, &facts));
    double waited = clock_seconds() - began;
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        pthread_join(threads[i], NULL);
    double all = clock_seconds() - began;
    if (waited > all / 3)
        fail_msg("waited %.2f s of %.2f", waited, all);
}

TEST(models_that_ask_too_much_or_make_no_sense_harm_nobody)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int huge = model_file(TINY_HUGE), future = model_file(TINY_FUTURE), nan = model_file(TINY_NAN);
    AUTO(fd) int image = image_file(64, 64, 255, 0, 0);
    struct detections d;
    char *text;
    MUST_FAIL(infer_describe(pool, "a", M(a, future), a, &text), E_UNMEANT, "ONNX Runtime refuses");
    CHECK(infer_predict(pool, "a", M(a, huge), image, 0.2, a, &d) != OK); /* an error, or the end of its process */
    CHECK(fail_kind() == E_UNMEANT || fail_kind() == E_INVALID);
    MUST(infer_predict(pool, "a", M(a, nan), image, 0.2, a, &d));
    CHECK_INT(d.n, 2); /* without the one that is no number */
}

TEST(models_make_room_for_each_other)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(1, &pool);
    AUTO(fd) int ours = model_file(TINY_OURS), yolo = model_file(TINY_YOLO), image = image_file(64, 64, 255, 0, 0);
    struct detections d;
    for (int i = 0; i < 2; i++) {
        MUST(infer_predict(pool, "a", M(a, ours), image, 0.4, a, &d));
        CHECK_INT(d.n, 2);
        MUST(infer_predict(pool, "a", M(a, yolo), image, 0.4, a, &d));
        CHECK_INT(d.n, 3);
    }
}

struct crowd {
    struct infer_pool *pool;
    int ours, yolo, image;
};

static void *predict_often(void *with)
{
    struct crowd *c = with;
    AUTO(arena) struct arena *a = arena_new();
    for (int i = 0; i < 10; i++) {
        struct detections d;
        struct image_facts facts;
        int fd;
        uint64_t size;
        bool ours = i % 2;
        if (infer_predict(c->pool, "a", M(a, ours ? c->ours : c->yolo), c->image, 0.4, a, &d) != OK || d.n != (ours ? 2 : 3) ||
            infer_probe(c->pool, "a", c->image, &facts) != OK || facts.width != 64 ||
            infer_thumbnail(c->pool, "a", c->image, 32, &fd, &size) != OK)
            return with;
        close(fd);
    }
    return NULL;
}

TEST(many_threads_ask_for_everything_at_once)
{
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    start(2, &pool);
    AUTO(fd) int ours = model_file(TINY_OURS), yolo = model_file(TINY_YOLO), image = image_file(64, 64, 255, 0, 0);
    struct crowd crowd = { pool, ours, yolo, image };
    pthread_t threads[8];
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK_INT(pthread_create(&threads[i], NULL, predict_often, &crowd), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
    }
}

TEST(class_names_are_read_as_json_and_as_python)
{
    static const char *const good[] = { "{\"0\":\"a\",\"2\":\"c'd\"}", "{0: 'a', 2: \"c'd\"}", "{ 0 : 'a', 2: 'c\\'d', }" };
    AUTO(arena) struct arena *a = arena_new();
    const char **names;
    size_t n;
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        MUST(names_read(a, good[i], &names, &n));
        CHECK_INT(n, 3);
        CHECK_TEXT(names[0], "a");
        CHECK(names[1] == NULL);
        CHECK_TEXT(names[2], "c'd");
    }
    MUST(names_read(a, "['a', 'b']", &names, &n));
    CHECK_INT(n, 2);
    static const char *const bad[] = { "", "{", "{0: 'a", "{0 'a'}", "{99999: 'a'}", "{-1: 'a'}", "7", "{0: a}", "['a'" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        MUST_FAIL(names_read(a, bad[i], &names, &n), E_UNMEANT, "names");
}
