#include "base/clock.h"
#include "cli/demo.h"
#include <math.h>
#include <string.h>

enum err demo_project(struct demo *d)
{
    const struct json *v;
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/organization/%s/projects", d->org),
                 demo_fmt(d, "{\"name\":%s}", demo_quoted(d, demo_fmt(d, "demo %s", d->run))), &v));
    d->project = demo_text(v, "id");
    for (int s = 0; s < SPLITS; s++)
        TRY(demo_ask(d, "POST", demo_fmt(d, "/api/project/%s/datasets", d->project),
                     demo_fmt(d, "{\"dataset_version_id\":\"%s\"}", d->versions[s]), &v));
    TRY(demo_ask(d, "GET", "/api/models/find?name=yolox-nano", NULL, &v));
    TRY(demo_ask(d, "GET", demo_fmt(d, "/api/model/%s/versions/find?version=0", demo_text(v, "id")), NULL, &v));
    d->base = demo_text(v, "id");
    return OK;
}

double demo_value_of_log(struct demo *d, const char *experiment, const char *name)
{
    const struct json *v;
    if (demo_ask(d, "GET", demo_fmt(d, "/api/experiment/%s/logs/find?name=%s", experiment, demo_url(d, name)), NULL, &v) != OK)
        return NAN;
    const struct json *data = json_get(v, "data"), *values = json_get(data, "values");
    double x = NAN;
    if (values)
        json_number(json_at(values, json_count(values) - 1), &x);
    else
        json_number(json_kind(data) == J_OBJECT ? json_get(data, "value") : data, &x);
    return x;
}

enum err demo_watch_training(struct demo *d, const char *experiment, const char *name)
{
    const struct json *v;
    double told = clock_seconds();
    for (;;) {
        TRY(demo_ask(d, "GET", demo_fmt(d, "/api/experiment/%s", experiment), NULL, &v));
        const char *status = demo_text(v, "status");
        if (strcmp(status, "SUCCESS") == 0)
            return OK;
        if (strcmp(status, "FAILED") == 0 || strcmp(status, "CANCELED") == 0 || strcmp(status, "TERMINATED") == 0)
            return fail(E_BROKEN, "the training %s ended %s; its console says why", name, status);
        double progress = 0;
        if (clock_seconds() - told > 15) {
            told = clock_seconds();
            json_number(json_get(v, "progress"), &progress);
            demo_say(d, "training", "%s: %s, %.0f %%, loss %.2f", name, status, progress * 100,
                     demo_value_of_log(d, experiment, "train/loss"));
        }
        demo_wait(0.5);
    }
}

enum err demo_train(struct demo *d, int which, const char *name, int64_t steps, double rate)
{
    static const char *const aliases[SPLITS] = { "train", "test", "eval" };
    const struct json *v;
    TRY(demo_ask(
        d, "POST", demo_fmt(d, "/api/project/%s/experiments", d->project),
        demo_fmt(
            d,
            "{\"name\":\"%s\",\"description\":\"made by the demo\",\"base_model_version_id\":\"%s\",\"parameters\":{\"steps\":%lld,"
            "\"learning_rate\":%g,\"image_size\":%lld}}",
            name, d->base, (long long)steps, rate, (long long)d->image_size),
        &v));
    d->experiments[which] = demo_text(v, "id");
    for (int s = 0; s < SPLITS; s++)
        TRY(demo_ask(d, "POST", demo_fmt(d, "/api/experiment/%s/datasets", d->experiments[which]),
                     demo_fmt(d, "{\"name\":\"%s\",\"dataset_version_id\":\"%s\"}", aliases[s], d->versions[s]), &v));
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/experiment/%s/launch", d->experiments[which]), "{\"gpus\":0}", &v));
    double began = clock_seconds();
    TRY(demo_watch_training(d, d->experiments[which], name));
    d->best[which] = demo_value_of_log(d, d->experiments[which], "eval/mAP50");
    demo_say(d, "training", "%s: %lld steps at rate %g in %.0f s, mAP50 %.3f on the valid version", name, (long long)steps, rate,
             clock_seconds() - began, d->best[which]);
    return OK;
}

enum err demo_compare(struct demo *d)
{
    const struct json *v;
    TRY(demo_ask(d, "POST", "/api/experiments/compare",
                 demo_fmt(d, "{\"ids\":[\"%s\",\"%s\"]}", d->experiments[0], d->experiments[1]), &v));
    demo_say(d, "compare", "mAP50 %.3f against %.3f: %s wins. See %s/projects/%s/compare?ids=%s,%s", d->best[0], d->best[1],
             d->best[1] > d->best[0] ? "second" : "first", d->host, d->project, d->experiments[0], d->experiments[1]);
    return OK;
}
