/* Production changes: the same pictures come darker and out of focus, and the deployment tells of it: of each picture that it is
 * unlike what the champion was trained on, and of all of them that they have drifted. */
#include "base/file.h"
#include "cli/demo.h"
#include "img/decoder.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHIFTED = 50, QUALITY = 90, LESS_SHARP = 4, WAIT_S = 30, FIT_WAIT_S = 180 };
#define LESS_BRIGHT 55 / 100

static enum err shift(struct decoder *decoder, const char *path, const char *to)
{
    AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    AUTO(image) struct image image = { 0 }, small = { 0 }, blurred = { 0 };
    uint8_t *jpeg;
    size_t n;
    if (fd < 0)
        return fail(E_NOT_FOUND, "cannot open %s", path);
    TRY(decoder_decode(decoder, fd, 0, &image));
    int width = image.width / LESS_SHARP, height = image.height / LESS_SHARP;
    TRY(image_resize(&image, width < 1 ? 1 : width, height < 1 ? 1 : height, &small));
    TRY(image_resize(&small, image.width, image.height, &blurred));
    for (size_t i = 0; i < (size_t)image.width * (size_t)image.height * 3; i++)
        blurred.pixels[i] = (uint8_t)(blurred.pixels[i] * LESS_BRIGHT);
    TRY(image_to_jpeg(&blurred, QUALITY, &jpeg, &n));
    enum err e = file_write(to, (const char *)jpeg, n, 0600);
    free(jpeg);
    return e;
}

static enum err send_shifted(struct demo *d, size_t *ret_n)
{
    AUTO(decoder) struct decoder *decoder = NULL;
    const char *path = demo_fmt(d, "%s/shifted.jpg", d->work), *const fields[] = { "source", "line-1", "tag", "dusk" };
    const struct json *v;
    TRY(decoder_start(file_self(d->arena), 1, &decoder));
    for (*ret_n = 0; *ret_n < d->n && *ret_n < SHIFTED; ++*ret_n) {
        TRY(shift(decoder, d->pictures[*ret_n].path, path));
        TRY(http_post_form(d->client, d->arena, demo_fmt(d, "/api/deployment/%s/predict", d->deployment), fields, 4, "media", path,
                           &v));
    }
    return OK;
}

/* "brightness (0.79, now 0.43), sharpness (75, now 6)" */
static const char *what_drifted(struct demo *d, const struct json *drift)
{
    const struct json *features = json_get(json_get(drift, "latest"), "features");
    const char *said = "";
    for (size_t i = 0; i < json_count(features); i++) {
        const struct json *f = json_at(features, i);
        bool drifted = false;
        double before = 0, now = 0;
        if (json_bool(json_get(f, "drifted"), &drifted) && drifted && json_number(json_get(f, "median_before"), &before) &&
            json_number(json_get(f, "median_window"), &now))
            said = demo_fmt(d, "%s%s%s (%.3g, now %.3g)", said, *said ? ", " : "", demo_text(f, "title"), before, now);
    }
    return said;
}

static enum err ask_outliers(struct demo *d, const struct json **ret)
{
    return demo_ask(d, "GET", demo_fmt(d, "/api/deployment/%s/outliers?tag=dusk", d->deployment), NULL, ret);
}

/* The fit to the training images has gone on beside all that was shown. */
static enum err tell_outliers(struct demo *d, size_t sent)
{
    const struct json *v;
    int64_t scored = 0, outliers = 0;
    double threshold = 0;
    for (int tries = 0; tries < FIT_WAIT_S * 5; tries++) {
        TRY(ask_outliers(d, &v));
        const struct json *fit = json_get(v, "fit");
        if (json_int(json_get(v, "scored"), &scored) && (size_t)scored >= sent && !json_get(json_get(v, "next_fit"), "id") &&
            json_number(json_get(fit, "threshold"), &threshold) && json_int(json_get(v, "outliers"), &outliers)) {
            demo_say(d, "outliers", "%lld of %zu are unlike the training images (over a score of %.2g)", (long long)outliers, sent,
                     threshold);
            return OK;
        }
        if (strcmp(demo_text(v, "state"), "WAITING") == 0)
            break;
        demo_wait(0.2);
    }
    demo_say(d, "outliers", "none is told yet; it waits for %s", demo_text(v, "waits_for"));
    return OK;
}

static int64_t window_of(const struct json *drift, const char *feature)
{
    const struct json *features = json_get(json_get(drift, "latest"), "features");
    int64_t n = 0;
    for (size_t i = 0; i < json_count(features); i++)
        if (strcmp(demo_text(json_at(features, i), "feature"), feature) == 0)
            json_int(json_get(json_at(features, i), "n_window"), &n);
    return n;
}

static enum err ask_drift(struct demo *d, const struct json **ret, int64_t *ret_checks)
{
    TRY(demo_ask(d, "GET", demo_fmt(d, "/api/deployment/%s/drift", d->deployment), NULL, ret));
    *ret_checks = 0;
    json_int(json_get(*ret, "checks"), ret_checks);
    return OK;
}

/* One more check. False: there were as many as are made in a short time. */
static enum err check_again(struct demo *d, const struct json **ret, bool *ret_made)
{
    int64_t before, now;
    const struct json *v;
    TRY(ask_drift(d, ret, &before));
    enum err e = demo_ask(d, "POST", demo_fmt(d, "/api/deployment/%s/drift/check", d->deployment), "{}", &v);
    *ret_made = e == OK;
    if (e == E_CONFLICT)
        return OK;
    TRY(e);
    now = before;
    for (int tries = 0; now == before && tries < WAIT_S * 5; tries++) {
        demo_wait(0.2);
        TRY(ask_drift(d, ret, &now));
    }
    return OK;
}

/* Checks were made while the pictures came, and pictures are measured a little behind that: one that has seen all of them tells. */
enum err demo_drift(struct demo *d)
{
    const struct json *v;
    size_t n;
    bool made = true;
    TRY(send_shifted(d, &n));
    demo_say(d, "drift", "%zu pictures came darker and out of focus", n);
    TRY(tell_outliers(d, n));
    TRY(check_again(d, &v, &made));
    while (made && window_of(v, "brightness") < window_of(v, "area")) {
        demo_wait(1);
        TRY(check_again(d, &v, &made));
    }
    if (strcmp(demo_text(v, "state"), "DRIFTED") == 0)
        demo_say(d, "drift", "told: %s", what_drifted(d, v));
    else
        demo_say(d, "drift", "nothing is told yet; it waits for %s", demo_text(v, "waits_for"));
    return OK;
}
