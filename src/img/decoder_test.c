#include "base/file.h"
#include "base/test.h"
#include "img/decoder.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static int file_with(const void *bytes, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    MUST(file_write_all(fd, bytes, n));
    return fd;
}

static int jpeg_file(int width, int height)
{
    AUTO(image) struct image image = { 0 };
    MUST(image_new(width, height, &image));
    for (size_t i = 0; i < (size_t)width * (size_t)height * 3; i++)
        image.pixels[i] = (uint8_t)(i / 3 % (size_t)width / 8 * 16);
    uint8_t *bytes;
    size_t n;
    MUST(image_to_jpeg(&image, 90, &bytes, &n));
    int fd = file_with(bytes, n);
    free(bytes);
    return fd;
}

TEST(a_child_decodes_scales_and_makes_thumbnails)
{
    AUTO(decoder) struct decoder *d = NULL;
    MUST(decoder_start(NULL, 1, &d));
    AUTO(fd) int fd = jpeg_file(640, 480);
    AUTO(image) struct image whole = { 0 }, half = { 0 }, small = { 0 };
    MUST(decoder_decode(d, fd, 0, &whole));
    CHECK_INT(whole.width, 640);
    MUST(decoder_decode(d, fd, 300, &half));
    CHECK_INT(half.width, 320);
    CHECK_INT(half.full_height, 480);
    struct image_info info;
    MUST(decoder_probe(d, fd, &info));
    CHECK_TEXT(info.type, "image/jpeg");
    CHECK_INT(info.height, 480);
    uint8_t *jpeg;
    size_t n;
    MUST(decoder_thumbnail(d, fd, 100, &jpeg, &n));
    MUST(image_decode(jpeg, n, 0, &small));
    CHECK_INT(small.width, 100);
    CHECK_INT(small.height, 75);
    free(jpeg);
}

TEST(a_damaged_image_fails_alone)
{
    AUTO(decoder) struct decoder *d = NULL;
    MUST(decoder_start(NULL, 1, &d));
    AUTO(fd) int good = jpeg_file(64, 64), bad = file_with("\xff\xd8\xff\xe0 nothing", 12), none = file_with("", 0);
    struct image_info info;
    MUST_FAIL(decoder_probe(d, bad, &info), E_INVALID, "damaged JPEG");
    MUST_FAIL(decoder_probe(d, none, &info), E_INVALID, "empty");
    MUST(decoder_probe(d, good, &info));
}

/* The only child of this process, found by what the system says of it. */
static pid_t only_child(void)
{
    FILE *f = fopen("/proc/thread-self/children", "re");
    int pid = 0;
    CHECK(f && fscanf(f, "%d", &pid) == 1);
    fclose(f);
    return pid;
}

TEST(a_child_that_hangs_is_replaced_and_one_killed_while_idle_is_not_noticed)
{
    AUTO(decoder) struct decoder *d = NULL;
    MUST(decoder_start(NULL, 1, &d));
    decoder_set_limit(d, 0.3);
    AUTO(fd) int fd = jpeg_file(64, 64);
    struct image_info info;
    pid_t first = only_child();
    kill(first, SIGSTOP);
    MUST_FAIL(decoder_probe(d, fd, &info), E_INVALID, "took longer");
    decoder_set_limit(d, 20);
    MUST(decoder_probe(d, fd, &info));
    pid_t second = only_child();
    CHECK(second != first);
    kill(second, SIGKILL);
    MUST(decoder_probe(d, fd, &info));
    CHECK(only_child() != second);
}

static void *probe_often(void *with)
{
    struct decoder *d = with;
    AUTO(fd) int fd = jpeg_file(320, 240);
    for (int i = 0; i < 20; i++) {
        AUTO(image) struct image image = { 0 };
        if (decoder_decode(d, fd, 0, &image) != OK || image.width != 320)
            return with;
    }
    return NULL;
}

TEST(several_threads_decode_in_several_children)
{
    AUTO(decoder) struct decoder *d = NULL;
    MUST(decoder_start(NULL, 2, &d));
    pthread_t threads[6];
    for (size_t i = 0; i < COUNT_OF(threads); i++)
        CHECK_INT(pthread_create(&threads[i], NULL, probe_often, d), 0);
    for (size_t i = 0; i < COUNT_OF(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
    }
}
