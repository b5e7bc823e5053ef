#include "base/clock.h"
#include "cli/demo.h"
#include <stdlib.h>
#include <string.h>

enum err demo_publish(struct demo *d)
{
    const struct json *v;
    int winner = d->best[1] > d->best[0];
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/experiment/%s/publish", d->experiments[winner]),
                 demo_fmt(d, "{\"name\":\"cells %s\"}", d->run), &v));
    d->model_version = demo_text(v, "id");
    d->model = demo_text(json_get(v, "origin"), "id");
    demo_say(d, "model", "\"cells %s\" version 0 from the experiment %s", d->run, winner ? "second" : "first");
    return OK;
}

enum err demo_deploy(struct demo *d)
{
    const struct json *v;
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/model/version/%s/deploy", d->model_version),
                 demo_fmt(d, "{\"name\":\"cells %s\",\"min_threshold\":0.3}", d->run), &v));
    d->deployment = demo_text(v, "id");
    demo_say(d, "deployment", "\"cells %s\" answers from 30 %% confidence up", d->run);
    return OK;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

enum err demo_predict_one(struct demo *d, struct http_client *c, struct picture *p, const char *source, struct demo_score *score)
{
    const char *const fields[] = { "source", source, "tag", demo_splits[p->split] };
    const struct json *v;
    TRY(http_post_form(c, d->arena, demo_fmt(d, "/api/deployment/%s/predict", d->deployment), fields, 4, "media", p->path, &v));
    p->predicted_asset = demo_text(v, "predicted_asset_id");
    demo_judge(d, p, v, score);
    return OK;
}

/* As a camera on the line does it: log in once, then one request an image. Held-out images first. */
enum err demo_predict(struct demo *d)
{
    const struct json *v;
    TRY(demo_ask(d, "POST", "/api/login",
                 demo_fmt(d, "{\"api_token\":%s,\"deployment_id\":\"%s\"}", demo_quoted(d, d->token), d->deployment), &v));
    AUTO(http_client) struct http_client *c = NULL;
    TRY(http_client_new(d->host, demo_text(v, "jwt"), &c));
    double took[PREDICTIONS];
    size_t n = 0;
    struct demo_score score = { 0 };
    for (int s = SPLITS - 1; s >= 0; s--)
        for (size_t i = 0; i < d->n && n < PREDICTIONS; i++)
            if (d->pictures[i].split == s) {
                double began = clock_seconds();
                TRY(demo_predict_one(d, c, &d->pictures[i], n % 2 ? "line-1" : "line-2", &score));
                took[n++] = (clock_seconds() - began) * 1000;
            }
    qsort(took, n, sizeof *took, by_size);
    demo_say(d, "inference", "%zu predictions, median %.1f ms a request, slowest %.1f ms", n, took[n / 2], took[n - 1]);
    demo_say(d, "inference", "%zu of %zu true boxes found; %zu of %zu answers are right", score.right, score.truth, score.right,
             score.answered);
    return OK;
}

enum err demo_loops(struct demo *d)
{
    const struct json *v;
    TRY(demo_new_version(d, "feedback", NULL, &d->feedback));
    int64_t steps = d->file ? d->steps : d->steps / 4; /* of a network that begins from nothing */
    const struct {
        const char *method, *path, *body;
    } calls[] = {
        { "POST", "pipeline/td/setup", demo_fmt(d, "{\"dataset_version_id\":\"%s\"}", d->versions[0]) },
        { "POST", "pipeline/fl/setup", "{}" },
        { "POST", "fl/datasets", demo_fmt(d, "{\"dataset_version_id\":\"%s\"}", d->feedback) },
        { "PUT", "pipeline/fl", "{\"active\":true}" },
        { "POST", "pipeline/ct",
          demo_fmt(d,
                   "{\"project_id\":\"%s\",\"training_type\":\"EXPERIMENT\",\"trigger\":\"FEEDBACK_LOOP\",\"threshold\":%d,"
                   "\"experiment_parameters\":{\"steps\":%lld,\"learning_rate\":0.003,\"image_size\":%lld}%s}",
                   d->project, REVIEWS, (long long)(steps > 20 ? steps : 20), (long long)d->image_size,
                   d->file ? demo_fmt(d, ",\"base_model_version_id\":\"%s\"", d->base) : "") },
        { "POST", "ct/datasets", demo_fmt(d, "{\"dataset_version_id\":\"%s\",\"name\":\"train\"}", d->versions[0]) },
        { "POST", "ct/datasets", demo_fmt(d, "{\"dataset_version_id\":\"%s\",\"name\":\"eval\"}", d->versions[2]) },
        { "POST", "ct/datasets", demo_fmt(d, "{\"dataset_version_id\":\"%s\",\"name\":\"feedback\"}", d->feedback) },
        { "PUT", "pipeline/ct", "{\"active\":true}" },
        { "POST", "pipeline/cd", "{\"policy\":\"DEPLOY_SHADOW\"}" },
        { "PUT", "pipeline/cd", "{\"active\":true}" },
    };
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        TRY(fail_within(
            demo_ask(d, calls[i].method, demo_fmt(d, "/api/deployment/%s/%s", d->deployment, calls[i].path), calls[i].body, &v),
            "%s: ", calls[i].path));
    demo_say(d, "settings", "feedback loop on; %d reviewed images start a training; its model becomes the shadow", REVIEWS);
    if (d->file)
        demo_say(d, "settings", "%s cannot be trained here: a network of ours, yolox-nano, learns the same labels",
                 foreign_base(d->file));
    return OK;
}

static const char *label_id(const struct json *labels, const char *name)
{
    for (size_t i = 0; i < json_count(labels); i++)
        if (strcmp(demo_text(json_at(labels, i), "name"), name) == 0)
            return demo_text(json_at(labels, i), "id");
    return NULL;
}

/* What a reviewer would draw: here the truth is known. */
static enum err review_one(struct demo *d, const struct picture *p, const struct json *labels)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_array(&o, "rectangles");
    for (size_t i = 0; i < p->truth->n_shapes; i++) {
        struct demo_box b;
        const char *id = demo_box(d, p, i, &b) ? label_id(labels, b.label) : NULL;
        if (!id)
            continue;
        out_object(&o, NULL);
        out_int(&o, "x", b.x0);
        out_int(&o, "y", b.y0);
        out_int(&o, "w", b.x1 - b.x0);
        out_int(&o, "h", b.y1 - b.y0);
        out_text(&o, "label_id", id);
        out_end_object(&o);
    }
    out_end_array(&o);
    out_end_object(&o);
    return demo_ask(d, "POST", demo_fmt(d, "/api/predicted/asset/%s/reviews", p->predicted_asset), o.text.bytes, NULL);
}

enum err demo_review(struct demo *d)
{
    const struct json *v;
    TRY(demo_ask(d, "GET", demo_fmt(d, "/api/deployment/%s/labels", d->deployment), NULL, &v));
    const struct json *labels = json_get(v, "items");
    AUTO(text) struct text ids;
    text_init(&ids, 1 << 16);
    int n = 0;
    for (size_t i = 0; i < d->n && n < REVIEWS; i++)
        if (d->pictures[i].predicted_asset) {
            TRY(review_one(d, &d->pictures[i], labels));
            text_fmt(&ids, "%s\"%s\"", n++ ? "," : "", d->pictures[i].predicted_asset);
        }
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/deployment/%s/feedback-loop/submit", d->deployment),
                 demo_fmt(d, "{\"ids\":[%s]}", ids.bytes), &v));
    int64_t count = 0;
    json_int(json_get(v, "count"), &count);
    demo_say(d, "review", "%d predictions corrected, %lld submitted to the feedback loop", n, (long long)count);
    return OK;
}

/* It is tested beside the champion first; one that is clearly worse stays a version. */
static enum err see_what_became(struct demo *d, const char *experiment)
{
    enum { TRIES = 600 };
    const struct json *v, *runs;
    for (int tries = 0; tries < TRIES; tries++, demo_wait(0.2)) {
        TRY(demo_ask(d, "GET", demo_fmt(d, "/api/deployment/%s/pipelines", d->deployment), NULL, &v));
        runs = json_get(json_get(v, "ct"), "runs");
        const char *state = demo_text(json_at(runs, 0), "state");
        TRY(demo_ask(d, "GET", demo_fmt(d, "/api/deployment/%s", d->deployment), NULL, &v));
        d->shadowed = *demo_text(v, "shadow_model_version_id") != 0;
        if (d->shadowed) {
            demo_say(d, "loop", "mAP50 %.3f; version 1 of the model is deployed as the shadow",
                     demo_value_of_log(d, experiment, "eval/mAP50"));
            return OK;
        }
        if (d->file && strcmp(state, "DONE") == 0) {
            demo_say(d, "loop", "mAP50 %.3f; clearly worse than %s, so it stays a version",
                     demo_value_of_log(d, experiment, "eval/mAP50"), foreign_base(d->file));
            return OK;
        }
    }
    return fail(E_BROKEN, "the new version was not deployed as the shadow");
}

enum err demo_loop_closes(struct demo *d)
{
    const struct json *v;
    const char *experiment = NULL, *name = "";
    for (int tries = 0; !experiment && tries < 100; tries++) {
        TRY(demo_ask(d, "GET", demo_fmt(d, "/api/project/%s/experiments?limit=100", d->project), NULL, &v));
        for (size_t i = 0; i < json_count(json_get(v, "items")); i++)
            if (*demo_text(json_at(json_get(v, "items"), i), "deployment_id")) {
                experiment = demo_text(json_at(json_get(v, "items"), i), "id");
                name = demo_text(json_at(json_get(v, "items"), i), "name");
            }
        if (!experiment)
            demo_wait(0.1);
    }
    if (!experiment)
        return fail(E_BROKEN, "continuous training did not start");
    demo_say(d, "loop", "a training started by itself: %s", name);
    TRY(demo_watch_training(d, experiment, name));
    return see_what_became(d, experiment);
}

enum err demo_shadow_predicts(struct demo *d)
{
    size_t n = 0;
    struct demo_score score = { 0 };
    for (size_t i = 0; i < d->n && n < 5; i++)
        if (d->pictures[i].split == 1) {
            TRY(demo_predict_one(d, d->client, &d->pictures[i], "line-1", &score));
            n++;
        }
    demo_say(d, "shadow", "%zu more predictions, made by both models", n);
    return OK;
}
