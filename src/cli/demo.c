/* saccade demo: the whole loop against a running server, through its public API, one line a step. Every step is a function that
 * reads like the chapter of the tour it stands for; what they share is in struct demo. */
#include "app/annotation/format.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "http/client.h"
#include "learn/synth.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SPLITS = 3, FILE_CAP = 512 << 20, PREDICTIONS = 50, REVIEWS = 12, LABELS = 200 };
static const char *const splits[SPLITS] = { "train", "test", "valid" };

struct picture {
    const char *path, *name;
    int split;
    const char *id;                   /* of the data */
    const struct format_image *truth; /* NULL: nothing is known about it */
    const char *predicted_asset;
    int width, height;
};

struct demo {
    struct arena *arena;
    struct http_client *client;
    const char *host, *token, *work, *run;
    const char *images, *annotations;
    bool own; /* made-up images */
    int64_t count, steps, image_size;
    struct picture *pictures;
    size_t n;
    struct format_set *truth;
    const char *format;
    const char *org, *lake, *connector;
    const char *dataset, *versions[SPLITS], *feedback;
    const char *project, *base, *experiments[2];
    double best[2];
    const char *model, *model_version, *deployment;
    double began;
};

/* ---- talking to the server */

static enum err ask(struct demo *d, const char *method, const char *path, const char *body, const struct json **ret)
{
    return http_ask(d->client, d->arena, method, path, body, ret);
}

static const char *text_of(const struct json *v, const char *key)
{
    const char *s = json_text(json_get(v, key));
    return s ? s : "";
}

static const char *path(struct demo *d, const char *fmt, ...) PRINTF(2, 3);
static const char *path(struct demo *d, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *s = arena_vfmt(d->arena, fmt, args);
    va_end(args);
    return s;
}

static const char *encoded(struct demo *d, const char *s)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 16);
    text_url(&t, s, false);
    return arena_str(d->arena, t.bytes);
}

/* A JSON string literal. */
static const char *quoted(struct demo *d, const char *s)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_text(&o, NULL, s);
    return arena_str(d->arena, o.text.bytes);
}

static void wait_s(double seconds)
{
    struct timespec t = { (time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9) };
    nanosleep(&t, NULL);
}

static void say(struct demo *d, const char *chapter, const char *fmt, ...) PRINTF(3, 4);
static void say(struct demo *d, const char *chapter, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    printf("%5.0f s  %-18s %s\n", clock_seconds() - d->began, chapter, arena_vfmt(d->arena, fmt, args));
    va_end(args);
    fflush(stdout);
}

static enum err wait_for_job(struct demo *d, const char *id)
{
    for (;;) {
        const struct json *job;
        TRY(ask(d, "GET", path(d, "/api/v2/job/%s", id), NULL, &job));
        const char *status = text_of(job, "status");
        if (strcmp(status, "SUCCEEDED") == 0)
            return OK;
        if (strcmp(status, "FAILED") == 0 || strcmp(status, "KILLED") == 0)
            return fail(E_BROKEN, "the job ended %s: %s", status, text_of(job, "error"));
        wait_s(0.2);
    }
}

/* ---- the pictures */

static bool is_picture(const char *name)
{
    static const char *const ends[] = { ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif" };
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < COUNT_OF(ends); i++)
        if (strcasecmp(dot, ends[i]) == 0)
            return true;
    return false;
}

static const char *stem_of(struct demo *d, const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot ? arena_copy(d->arena, name, (size_t)(dot - name)) : name;
}

/* One in six for test, one in six for valid, by a hash of the name: the same at every run. */
static int split_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    h ^= h >> 15;
    return h % 6 == 0 ? 1 : h % 6 == 1 ? 2 : 0;
}

static enum err make_pictures(struct demo *d)
{
    d->own = !d->images;
    if (!d->own)
        return d->annotations
                   ? OK
                   : fail(E_INVALID, "--images needs --annotations: a folder of Pascal VOC or YOLO files, or a COCO file");
    d->images = path(d, "%s/JPEGImages", d->work);
    d->annotations = path(d, "%s/Annotations", d->work);
    TRY(synth_write(d->work, (int)d->count, 7));
    return OK;
}

static bool same_name(struct demo *d, const struct format_image *t, const char *name)
{
    return strcmp(t->filename, t->stem ? stem_of(d, name) : name) == 0;
}

static enum err read_file(struct demo *d, const char *from, struct format_file *ret)
{
    char *bytes;
    TRY(file_read(d->arena, from, FILE_CAP, &bytes, &ret->n));
    ret->bytes = bytes;
    ret->name = format_base_name(d->arena, from);
    return OK;
}

static enum err read_truth(struct demo *d, struct format_file **ret, size_t *ret_n)
{
    struct stat st;
    if (stat(d->annotations, &st) != 0)
        return fail(E_NOT_FOUND, "there is no %s", d->annotations);
    char **names = NULL;
    size_t n = 1;
    if (S_ISDIR(st.st_mode))
        TRY(file_list(d->arena, d->annotations, &names, &n));
    struct format_file *files = arena_new_array(d->arena, struct format_file, n + 1);
    for (size_t i = 0; i < n; i++)
        TRY(read_file(d, names ? path(d, "%s/%s", d->annotations, names[i]) : d->annotations, &files[i]));
    TRY(format_read(d->arena, files, n, &d->truth, &d->format));
    *ret = files;
    *ret_n = n;
    return OK;
}

static enum err list_pictures(struct demo *d)
{
    char **names;
    size_t n, boxes = 0;
    TRY(file_list(d->arena, d->images, &names, &n));
    d->pictures = arena_new_array(d->arena, struct picture, n + 1);
    int parts[SPLITS] = { 0 };
    for (size_t i = 0; i < n; i++) {
        if (!is_picture(names[i]))
            continue;
        struct picture *p = &d->pictures[d->n];
        *p = (struct picture){ .path = path(d, "%s/%s", d->images, names[i]), .name = names[i], .split = split_of(names[i]) };
        for (size_t k = 0; k < d->truth->n_images && !p->truth; k++)
            if (same_name(d, &d->truth->images[k], p->name))
                p->truth = &d->truth->images[k];
        if (!p->truth)
            continue; /* nothing is known about it */
        boxes += p->truth->n_shapes;
        parts[p->split]++;
        d->n++;
    }
    for (int s = 0; s < SPLITS; s++)
        if (parts[s] < 2)
            return fail(E_INVALID, "%zu pictures with annotations are too few: at least a dozen are needed", d->n);
    say(d, "pictures", "%zu %s, %zu boxes in %s; train %d, test %d, valid %d", d->n, d->own ? "drawn" : "found", boxes, d->format,
        parts[0], parts[1], parts[2]);
    return OK;
}

/* ---- 1 data management */

static enum err connect(struct demo *d)
{
    const struct json *v;
    TRY(ask(d, "GET", "/api/home/ping", NULL, &v));
    d->org = text_of(v, "default_organization");
    TRY(ask(d, "GET", path(d, "/api/organization/%s/datalake", d->org), NULL, &v));
    d->lake = text_of(v, "id");
    d->connector = text_of(v, "connector_id");
    return OK;
}

static enum err tag_called(struct demo *d, const char *name, const char **ret)
{
    const struct json *v;
    enum err e = ask(d, "GET", path(d, "/api/datalake/%s/tags/find?name=%s", d->lake, encoded(d, name)), NULL, &v);
    if (e == E_NOT_FOUND)
        e = ask(d, "POST", path(d, "/api/datalake/%s/tags", d->lake), path(d, "{\"name\":%s}", quoted(d, name)), &v);
    TRY(e);
    *ret = text_of(v, "id");
    return OK;
}

static enum err put(struct demo *d, const char *file, const char *kind, const char **ret_object)
{
    const struct json *v;
    AUTO(fd) int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(E_NOT_FOUND, "cannot read %s", file);
    TRY(ask(d, "POST", path(d, "/api/organization/%s/connector/%s/generate_object_name", d->org, d->connector),
            path(d, "{\"filename\":%s,\"type\":\"%s\"}", quoted(d, format_base_name(d->arena, file)), kind), &v));
    *ret_object = text_of(v, "object_name");
    TRY(ask(d, "POST", path(d, "/api/object-storage/%s/generate_presigned_url", d->connector),
            path(d, "{\"object_name\":%s,\"content_type\":\"image/jpeg\"}", quoted(d, *ret_object)), &v));
    const struct json *grant = json_get(v, "presigned_url_data"), *fields = json_get(grant, "fields");
    const char *headers[16];
    size_t n = 0;
    for (struct json_member m = json_first(fields); m.key && n < COUNT_OF(headers); m = json_next(fields, m))
        headers[n++] = path(d, "%s: %s", m.key, json_text(m.value));
    return http_put_file(d->client, text_of(grant, "url"), headers, n, fd, 0, (uint64_t)st.st_size);
}

static enum err upload(struct demo *d)
{
    const char *tags[SPLITS], *run_tag;
    TRY(tag_called(d, d->run, &run_tag));
    for (int s = 0; s < SPLITS; s++)
        TRY(tag_called(d, splits[s], &tags[s]));
    double began = clock_seconds();
    for (size_t i = 0; i < d->n; i++) {
        struct picture *p = &d->pictures[i];
        const struct json *v;
        const char *object;
        TRY(put(d, p->path, "DATA", &object));
        TRY(ask(
            d, "POST", path(d, "/api/datalake/%s/datas", d->lake),
            path(d,
                 "{\"type\":\"IMAGE\",\"filename\":%s,\"object_name\":%s,\"content_type\":\"image/jpeg\",\"tags\":[\"%s\",\"%s\"]}",
                 quoted(d, p->name), quoted(d, object), tags[p->split], run_tag),
            &v));
        if (strcmp(text_of(v, "upload_status"), "DONE") != 0)
            return fail(E_INVALID, "%s: %s", p->name, text_of(v, "error"));
        p->id = text_of(v, "id");
        int64_t w = 0, h = 0;
        json_int(json_get(json_get(v, "meta"), "width"), &w);
        json_int(json_get(json_get(v, "meta"), "height"), &h);
        p->width = (int)w;
        p->height = (int)h;
    }
    double seconds = clock_seconds() - began;
    say(d, "datalake", "%zu images uploaded and tagged in %.1f s (%.0f a second)", d->n, seconds, (double)d->n / seconds);
    return OK;
}

/* The ids that a query selects, as the items of a JSON list. */
static enum err query(struct demo *d, const char *q, const char **ret_ids, int64_t *ret_count)
{
    AUTO(text) struct text ids;
    text_init(&ids, 64 << 20);
    const char *cursor = NULL;
    do {
        const struct json *page;
        TRY(ask(d, "GET",
                path(d, "/api/datalake/%s/datas?limit=1000&q=%s%s%s", d->lake, encoded(d, q), cursor ? "&cursor=" : "",
                     cursor ? cursor : ""),
                NULL, &page));
        for (size_t i = 0; i < json_count(json_get(page, "items")); i++)
            text_fmt(&ids, "%s\"%s\"", ids.n ? "," : "", text_of(json_at(json_get(page, "items"), i), "id"));
        json_int(json_get(page, "count"), ret_count);
        cursor = json_text(json_get(page, "next_cursor"));
    } while (cursor);
    *ret_ids = arena_str(d->arena, ids.bytes);
    return OK;
}

static enum err new_version(struct demo *d, const char *name, const char *ids, const char **ret)
{
    const struct json *v;
    TRY(ask(d, "POST", path(d, "/api/dataset/%s/versions", d->dataset),
            path(d, "{\"version\":\"%s\",\"description\":\"made by the demo\",\"type\":\"OBJECT_DETECTION\"}", name), &v));
    *ret = text_of(v, "id");
    if (!ids)
        return OK;
    TRY(ask(d, "POST", path(d, "/api/dataset/version/%s/assets", *ret), path(d, "{\"asset_tag_ids\":[],\"data_ids\":[%s]}", ids),
            &v));
    return wait_for_job(d, text_of(json_get(v, "job"), "id"));
}

static enum err datasets(struct demo *d)
{
    const struct json *v;
    TRY(ask(d, "POST", path(d, "/api/organization/%s/datasets", d->org),
            path(d, "{\"name\":%s,\"description\":\"made by the demo\"}", quoted(d, path(d, "cells %s", d->run))), &v));
    d->dataset = text_of(v, "id");
    int64_t counts[SPLITS] = { 0 };
    for (int s = 0; s < SPLITS; s++) {
        const char *ids;
        TRY(query(d, path(d, "tags.name = \"%s\" and tags.name = \"%s\"", d->run, splits[s]), &ids, &counts[s]));
        TRY(new_version(d, splits[s], ids, &d->versions[s]));
    }
    say(d, "dataset", "versions from queries like tags.name = \"train\": %lld + %lld + %lld assets", (long long)counts[0],
        (long long)counts[1], (long long)counts[2]);
    return OK;
}

/* Each version gets what the files say about its images; the server finds out the format. */
static enum err annotations(struct demo *d, const struct format_file *files, size_t n)
{
    const char *zip = path(d, "%s/annotations.zip", d->work);
    if (n > 1) {
        struct archive_writer *w;
        TRY(archive_new(zip, &w));
        enum err e = OK;
        for (size_t i = 0; i < n && e == OK; i++)
            e = archive_add(w, files[i].name, files[i].bytes, files[i].n);
        enum err closed = archive_close(w);
        TRY(e);
        TRY(closed);
    }
    AUTO(text) struct text found;
    text_init(&found, 1 << 16);
    for (int s = 0; s < SPLITS; s++) {
        const struct json *v;
        const char *const fields[] = { "mode", "REPLACE" };
        TRY(http_post_form(d->client, d->arena, path(d, "/api/dataset/version/%s/annotations/import", d->versions[s]), fields, 2,
                           "files", n > 1 ? zip : d->annotations, &v));
        TRY(wait_for_job(d, text_of(json_get(v, "job"), "id")));
        TRY(ask(d, "GET", path(d, "/api/dataset/version/%s/stats", d->versions[s]), NULL, &v));
        const struct json *labels = json_get(v, "label_repartition");
        text_fmt(&found, "%s%s:", s ? "; " : "", splits[s]);
        for (struct json_member m = json_first(labels); m.key; m = json_next(labels, m)) {
            int64_t boxes = 0;
            json_int(m.value, &boxes);
            text_fmt(&found, " %s %lld", m.key, (long long)boxes);
        }
    }
    say(d, "annotations", "%s imported. %s", d->format, found.bytes);
    return OK;
}

/* ---- 2 training */

static enum err project(struct demo *d)
{
    const struct json *v;
    TRY(ask(d, "POST", path(d, "/api/organization/%s/projects", d->org),
            path(d, "{\"name\":%s}", quoted(d, path(d, "demo %s", d->run))), &v));
    d->project = text_of(v, "id");
    for (int s = 0; s < SPLITS; s++)
        TRY(ask(d, "POST", path(d, "/api/project/%s/datasets", d->project),
                path(d, "{\"dataset_version_id\":\"%s\"}", d->versions[s]), &v));
    TRY(ask(d, "GET", "/api/models/find?name=yolox-nano", NULL, &v));
    TRY(ask(d, "GET", path(d, "/api/model/%s/versions/find?version=0", text_of(v, "id")), NULL, &v));
    d->base = text_of(v, "id");
    return OK;
}

static double value_of_log(struct demo *d, const char *experiment, const char *name)
{
    const struct json *v;
    if (ask(d, "GET", path(d, "/api/experiment/%s/logs/find?name=%s", experiment, encoded(d, name)), NULL, &v) != OK)
        return NAN;
    const struct json *data = json_get(v, "data"), *values = json_get(data, "values");
    double x = NAN;
    if (values)
        json_number(json_at(values, json_count(values) - 1), &x);
    else
        json_number(json_kind(data) == J_OBJECT ? json_get(data, "value") : data, &x);
    return x;
}

static enum err watch_training(struct demo *d, const char *experiment, const char *name)
{
    const struct json *v;
    double told = clock_seconds();
    for (;;) {
        TRY(ask(d, "GET", path(d, "/api/experiment/%s", experiment), NULL, &v));
        const char *status = text_of(v, "status");
        if (strcmp(status, "SUCCESS") == 0)
            return OK;
        if (strcmp(status, "FAILED") == 0 || strcmp(status, "CANCELED") == 0 || strcmp(status, "TERMINATED") == 0)
            return fail(E_BROKEN, "the training %s ended %s; its console says why", name, status);
        double progress = 0;
        if (clock_seconds() - told > 15) {
            told = clock_seconds();
            json_number(json_get(v, "progress"), &progress);
            say(d, "training", "%s: %s, %.0f %%, loss %.2f", name, status, progress * 100,
                value_of_log(d, experiment, "train/loss"));
        }
        wait_s(0.5);
    }
}

static enum err train(struct demo *d, int which, const char *name, int64_t steps, double rate)
{
    static const char *const aliases[SPLITS] = { "train", "test", "eval" };
    const struct json *v;
    TRY(ask(
        d, "POST", path(d, "/api/project/%s/experiments", d->project),
        path(
            d,
            "{\"name\":\"%s\",\"description\":\"made by the demo\",\"base_model_version_id\":\"%s\",\"parameters\":{\"steps\":%lld,"
            "\"learning_rate\":%g,\"image_size\":%lld}}",
            name, d->base, (long long)steps, rate, (long long)d->image_size),
        &v));
    d->experiments[which] = text_of(v, "id");
    for (int s = 0; s < SPLITS; s++)
        TRY(ask(d, "POST", path(d, "/api/experiment/%s/datasets", d->experiments[which]),
                path(d, "{\"name\":\"%s\",\"dataset_version_id\":\"%s\"}", aliases[s], d->versions[s]), &v));
    TRY(ask(d, "POST", path(d, "/api/experiment/%s/launch", d->experiments[which]), "{\"gpus\":0}", &v));
    double began = clock_seconds();
    TRY(watch_training(d, d->experiments[which], name));
    d->best[which] = value_of_log(d, d->experiments[which], "eval/mAP50");
    say(d, "training", "%s: %lld steps at rate %g in %.0f s, mAP50 %.3f on the valid version", name, (long long)steps, rate,
        clock_seconds() - began, d->best[which]);
    return OK;
}

static enum err compare(struct demo *d)
{
    const struct json *v;
    TRY(ask(d, "POST", "/api/experiments/compare", path(d, "{\"ids\":[\"%s\",\"%s\"]}", d->experiments[0], d->experiments[1]), &v));
    say(d, "compare", "mAP50 %.3f against %.3f: %s wins. See %s/projects/%s/compare?ids=%s,%s", d->best[0], d->best[1],
        d->best[1] > d->best[0] ? "second" : "first", d->host, d->project, d->experiments[0], d->experiments[1]);
    return OK;
}

/* ---- 3 deployment */

static enum err deploy(struct demo *d)
{
    const struct json *v;
    int winner = d->best[1] > d->best[0];
    TRY(ask(d, "POST", path(d, "/api/experiment/%s/publish", d->experiments[winner]), path(d, "{\"name\":\"cells %s\"}", d->run),
            &v));
    d->model_version = text_of(v, "id");
    d->model = text_of(json_get(v, "origin"), "id");
    say(d, "model", "\"cells %s\" version 0 from the experiment %s", d->run, winner ? "second" : "first");
    TRY(ask(d, "POST", path(d, "/api/model/version/%s/deploy", d->model_version),
            path(d, "{\"name\":\"cells %s\",\"min_threshold\":0.3}", d->run), &v));
    d->deployment = text_of(v, "id");
    say(d, "deployment", "\"cells %s\" answers from 30 %% confidence up", d->run);
    return OK;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static enum err predict_one(struct demo *d, struct http_client *c, struct picture *p, const char *source, size_t *boxes)
{
    const char *const fields[] = { "source", source, "tag", splits[p->split] };
    const struct json *v;
    TRY(http_post_form(c, d->arena, path(d, "/api/deployment/%s/predict", d->deployment), fields, 4, "media", p->path, &v));
    p->predicted_asset = text_of(v, "predicted_asset_id");
    *boxes += json_count(json_get(json_get(v, "predictions"), "detection_scores"));
    return OK;
}

/* As a camera on the line does it: log in once, then one request an image. Held-out images first. */
static enum err predict(struct demo *d)
{
    const struct json *v;
    TRY(ask(d, "POST", "/api/login", path(d, "{\"api_token\":%s,\"deployment_id\":\"%s\"}", quoted(d, d->token), d->deployment),
            &v));
    AUTO(http_client) struct http_client *c = NULL;
    TRY(http_client_new(d->host, text_of(v, "jwt"), &c));
    double took[PREDICTIONS];
    size_t n = 0, boxes = 0;
    for (int s = SPLITS - 1; s >= 0; s--)
        for (size_t i = 0; i < d->n && n < PREDICTIONS; i++)
            if (d->pictures[i].split == s) {
                double began = clock_seconds();
                TRY(predict_one(d, c, &d->pictures[i], n % 2 ? "line-1" : "line-2", &boxes));
                took[n++] = (clock_seconds() - began) * 1000;
            }
    qsort(took, n, sizeof *took, by_size);
    say(d, "inference", "%zu predictions, %zu boxes, median %.1f ms a request, slowest %.1f ms", n, boxes, took[n / 2],
        took[n - 1]);
    return OK;
}

/* ---- 4 review and the loop */

static enum err loops(struct demo *d)
{
    const struct json *v;
    TRY(new_version(d, "feedback", NULL, &d->feedback));
    const struct {
        const char *method, *path, *body;
    } calls[] = {
        { "POST", "pipeline/td/setup", path(d, "{\"dataset_version_id\":\"%s\"}", d->versions[0]) },
        { "POST", "pipeline/fl/setup", "{}" },
        { "POST", "fl/datasets", path(d, "{\"dataset_version_id\":\"%s\"}", d->feedback) },
        { "PUT", "pipeline/fl", "{\"active\":true}" },
        { "POST", "pipeline/ct",
          path(d,
               "{\"project_id\":\"%s\",\"training_type\":\"EXPERIMENT\",\"trigger\":\"FEEDBACK_LOOP\",\"threshold\":%d,"
               "\"experiment_parameters\":{\"steps\":%lld,\"learning_rate\":0.003,\"image_size\":%lld}}",
               d->project, REVIEWS, (long long)(d->steps / 4 > 20 ? d->steps / 4 : 20), (long long)d->image_size) },
        { "POST", "ct/datasets", path(d, "{\"dataset_version_id\":\"%s\",\"name\":\"train\"}", d->versions[0]) },
        { "POST", "ct/datasets", path(d, "{\"dataset_version_id\":\"%s\",\"name\":\"eval\"}", d->versions[2]) },
        { "PUT", "pipeline/ct", "{\"active\":true}" },
        { "POST", "pipeline/cd", "{\"policy\":\"DEPLOY_SHADOW\"}" },
        { "PUT", "pipeline/cd", "{\"active\":true}" },
    };
    for (size_t i = 0; i < COUNT_OF(calls); i++)
        TRY(fail_within(ask(d, calls[i].method, path(d, "/api/deployment/%s/%s", d->deployment, calls[i].path), calls[i].body, &v),
                        "%s: ", calls[i].path));
    say(d, "settings", "feedback loop on; %d reviewed images start a training; its model becomes the shadow", REVIEWS);
    return OK;
}

static const char *label_id(const struct json *labels, const char *name)
{
    for (size_t i = 0; i < json_count(labels); i++)
        if (strcmp(text_of(json_at(labels, i), "name"), name) == 0)
            return text_of(json_at(labels, i), "id");
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
        const struct format_shape *s = &p->truth->shapes[i];
        double w = p->truth->fractions ? p->width : 1, h = p->truth->fractions ? p->height : 1;
        int x0 = (int)fmax(0, s->x * w), y0 = (int)fmax(0, s->y * h), x1 = (int)fmin(p->width, (s->x + s->w) * w),
            y1 = (int)fmin(p->height, (s->y + s->h) * h);
        const char *id = label_id(labels, s->label);
        if (s->kind != FORMAT_RECTANGLE || x1 <= x0 || y1 <= y0 || !id)
            continue;
        out_object(&o, NULL);
        out_int(&o, "x", x0);
        out_int(&o, "y", y0);
        out_int(&o, "w", x1 - x0);
        out_int(&o, "h", y1 - y0);
        out_text(&o, "label_id", id);
        out_end_object(&o);
    }
    out_end_array(&o);
    out_end_object(&o);
    return ask(d, "POST", path(d, "/api/predicted/asset/%s/reviews", p->predicted_asset), o.text.bytes, NULL);
}

static enum err review(struct demo *d)
{
    const struct json *v;
    TRY(ask(d, "GET", path(d, "/api/deployment/%s/labels", d->deployment), NULL, &v));
    const struct json *labels = json_get(v, "items");
    AUTO(text) struct text ids;
    text_init(&ids, 1 << 16);
    int n = 0;
    for (size_t i = 0; i < d->n && n < REVIEWS; i++)
        if (d->pictures[i].predicted_asset) {
            TRY(review_one(d, &d->pictures[i], labels));
            text_fmt(&ids, "%s\"%s\"", n++ ? "," : "", d->pictures[i].predicted_asset);
        }
    TRY(ask(d, "POST", path(d, "/api/deployment/%s/feedback-loop/submit", d->deployment), path(d, "{\"ids\":[%s]}", ids.bytes),
            &v));
    int64_t count = 0;
    json_int(json_get(v, "count"), &count);
    say(d, "review", "%d predictions corrected, %lld submitted to the feedback loop", n, (long long)count);
    return OK;
}

static enum err loop_closes(struct demo *d)
{
    const struct json *v;
    const char *experiment = NULL, *name = "";
    for (int tries = 0; !experiment && tries < 100; tries++) {
        TRY(ask(d, "GET", path(d, "/api/project/%s/experiments?limit=100", d->project), NULL, &v));
        for (size_t i = 0; i < json_count(json_get(v, "items")); i++)
            if (*text_of(json_at(json_get(v, "items"), i), "deployment_id")) {
                experiment = text_of(json_at(json_get(v, "items"), i), "id");
                name = text_of(json_at(json_get(v, "items"), i), "name");
            }
        if (!experiment)
            wait_s(0.1);
    }
    if (!experiment)
        return fail(E_BROKEN, "continuous training did not start");
    say(d, "loop", "a training started by itself: %s", name);
    TRY(watch_training(d, experiment, name));
    for (int tries = 0; tries < 100; tries++) {
        TRY(ask(d, "GET", path(d, "/api/deployment/%s", d->deployment), NULL, &v));
        if (*text_of(v, "shadow_model_version_id")) {
            say(d, "loop", "mAP50 %.3f; version 1 of the model is deployed as the shadow",
                value_of_log(d, experiment, "eval/mAP50"));
            return OK;
        }
        wait_s(0.2);
    }
    return fail(E_BROKEN, "the new version was not deployed as the shadow");
}

static enum err shadow_predicts(struct demo *d)
{
    size_t n = 0, boxes = 0;
    for (size_t i = 0; i < d->n && n < 5; i++)
        if (d->pictures[i].split == 1) {
            TRY(predict_one(d, d->client, &d->pictures[i], "line-1", &boxes));
            n++;
        }
    say(d, "shadow", "%zu more predictions, made by both models", n);
    return OK;
}

static void farewell(struct demo *d)
{
    printf("\nDone in %.0f s. Look at\n"
           "  %s/datalake                       the images; try  tags.name = \"test\"\n"
           "  %s/projects/%s   the experiments and their curves\n"
           "  %s/deployments/%s   the dashboard: champion, shadow, latency, predictions\n",
           clock_seconds() - d->began, d->host, d->host, d->project, d->host, d->deployment);
    fflush(stdout);
}

static enum err walk(struct demo *d)
{
    struct format_file *files = NULL;
    size_t n_files = 0;
    TRY(connect(d));
    TRY(make_pictures(d));
    TRY(read_truth(d, &files, &n_files));
    TRY(list_pictures(d));
    TRY(upload(d));
    TRY(datasets(d));
    TRY(annotations(d, files, n_files));
    TRY(project(d));
    TRY(train(d, 0, "first", d->steps, 0.01));
    TRY(train(d, 1, "second", d->steps * 2 / 3, 0.005));
    TRY(compare(d));
    TRY(deploy(d));
    TRY(predict(d));
    TRY(loops(d));
    TRY(review(d));
    TRY(loop_closes(d));
    TRY(shadow_predicts(d));
    farewell(d);
    return OK;
}

int demo_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *steps = NULL, *count = NULL, *size = NULL;
    struct demo d = {
        .arena = a, .host = "http://127.0.0.1:8080", .count = 180, .steps = 300, .image_size = 320, .began = clock_seconds()
    };
    const struct option_row options[] = {
        { "--host", &d.host }, { "--token", &d.token },   { "--images", &d.images }, { "--annotations", &d.annotations },
        { "--steps", &steps }, { "--image-size", &size }, { "--count", &count },     { "--work", &d.work },
    };
    enum err e = options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL);
    if (e == OK && !d.token)
        d.token = getenv("SACCADE_TOKEN");
    if (e == OK && !d.token)
        e = fail(E_INVALID, "--token is missing (or the variable SACCADE_TOKEN)");
    if (e == OK && d.images && !steps)
        d.steps = 1500; /* real images deserve a real training */
    if (e == OK)
        e = option_int("--steps", steps, 2, 1000000, &d.steps);
    if (e == OK)
        e = option_int("--image-size", size, 64, 1280, &d.image_size);
    if (e == OK)
        e = option_int("--count", count, 24, 100000, &d.count);
    char folder[] = "/tmp/saccade-demo-XXXXXX";
    if (e == OK && !d.work && !(d.work = mkdtemp(folder)))
        e = fail(E_BROKEN, "cannot make a folder under /tmp");
    d.run = clock_iso(a, clock_now_ms());
    if (e == OK)
        e = http_client_new(d.host, d.token, &d.client);
    if (e == OK)
        e = walk(&d);
    http_client_free(d.client);
    int code = e == OK ? 0 : command_failed("demo");
    if (d.work == folder && file_remove_tree(folder) != OK)
        command_failed("demo");
    return code;
}
