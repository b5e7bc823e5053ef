#include "base/file.h"
#include "base/test.h"
#include "img/img.h"
#include "infer/scorer.h"
#include "learn/data/synth.h"
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { IMAGES = 30, SHOWN = 32 };

/* infer_test.c lets the program play the role. */
static void fit_to_cells(uint8_t *pixels, struct arena *a, struct outlier_fit *ret)
{
    for (int i = 0; i < IMAGES; i++) {
        AUTO(image) struct image image = { 0 };
        struct synth_boxes boxes;
        MUST(synth_draw(3, (uint64_t)i, &image, &boxes));
        MUST(image_small(&image, AUTOENCODER_SIDE, pixels + (size_t)i * AUTOENCODER_VALUES));
    }
    MUST(outlier_fit(pixels, IMAGES, &(struct outlier_options){ .threads = 1, .seed = 1, .shown = SHOWN }, a, ret));
}

static int file_of(const struct outlier_fit *fit)
{
    int fd = memfd_create("fit", MFD_CLOEXEC);
    MUST(file_write_all(fd, fit->file, fit->n_file));
    return fd;
}

TEST(pictures_are_scored_in_a_process_of_its_own_as_they_are_here)
{
    AUTO(arena) struct arena *a = arena_new();
    uint8_t *pixels = arena_take(a, IMAGES * AUTOENCODER_VALUES);
    struct outlier_fit fit;
    struct outlier_net net;
    double here[IMAGES], there[IMAGES];
    fit_to_cells(pixels, a, &fit);
    MUST(outlier_net_new(&net));
    MUST(outlier_net_read(&net, fit.file, fit.n_file));
    outlier_net_score(&net, pixels, IMAGES, here);
    outlier_net_done(&net);
    AUTO(fd) int fd = file_of(&fit);
    struct scorer *s = scorer_new("/proc/self/exe");
    MUST(scorer_score(s, "a", fd, pixels, 11, there));
    MUST(scorer_score(s, "a", -1, pixels + 11 * AUTOENCODER_VALUES, 19, there + 11)); /* it has the fit by now */
    for (int i = 0; i < IMAGES; i++)
        if (fabs(here[i] - there[i]) > 1e-5 * here[i])
            fail_msg("picture %d: %g here, %g there", i, here[i], there[i]);
    CHECK(scorer_score(s, "b", -1, pixels, 1, there) != OK); /* another fit, which is not there */
    MUST(scorer_score(s, "a", fd, pixels, 1, there));
    CHECK(fabs(here[0] - there[0]) <= 1e-5 * here[0]);
    scorer_free(s);
}

TEST(a_damaged_fit_is_refused_and_the_next_one_is_taken)
{
    AUTO(arena) struct arena *a = arena_new();
    uint8_t *pixels = arena_take(a, IMAGES * AUTOENCODER_VALUES);
    struct outlier_fit fit;
    double score;
    fit_to_cells(pixels, a, &fit);
    AUTO(fd) int good = file_of(&fit);
    fit.n_file -= 4;
    AUTO(fd) int shorter = file_of(&fit);
    struct scorer *s = scorer_new("/proc/self/exe");
    CHECK_INT(scorer_score(s, "x", shorter, pixels, 1, &score), E_BROKEN);
    MUST(scorer_score(s, "y", good, pixels, 1, &score));
    CHECK(score > 0);
    scorer_free(s);
}
