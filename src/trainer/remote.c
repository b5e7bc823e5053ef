/* Training an experiment of a server: what it is by the API, logs and artifacts back. */
#include "trainer/remote.h"
#include "base/clock.h"
#include "base/file.h"
#include "learn/models.h"
#include "trainer/stop.h"
#include "trainer/words.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { POINTS_MOST = 2000, BODY_CAP = 16 << 20, ERROR_SENT = 3000 };
static const uint64_t WEIGHTS_CAP = 1 << 30;

enum err remote_get(struct remote *r, const struct json **ret, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *path = arena_vfmt(r->arena, fmt, ap);
    va_end(ap);
    return http_ask(r->client, r->arena, "GET", path, NULL, ret);
}

const char *remote_text(const struct json *object, const char *key)
{
    return json_text(json_get(object, key));
}

bool remote_stopped(const struct remote *r)
{
    return train_interrupted() || report_cancelled(r->report);
}

/* To a name of its own first, so that what is there under `path` is whole. */
enum err remote_download(struct http_client *client, const char *url, const char *path, uint64_t cap)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *part = arena_fmt(a, "%s.part", path);
    uint64_t n;
    AUTO(fd) int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(E_BROKEN, "cannot write %s: %s", part, strerror(errno));
    enum err e = http_fetch(client, url, fd, cap, &n);
    if (e == OK && rename(part, path) != 0)
        e = fail(E_BROKEN, "cannot write %s: %s", path, strerror(errno));
    if (e != OK)
        unlink(part);
    return e;
}

/* ---- parameters and start weights */

static enum err read_parameters(struct remote *r)
{
    const struct json *log = NULL;
    const char *unknown;
    enum err e = remote_get(r, &log, "/api/experiment/%s/logs/find?name=parameters", r->options->experiment);
    if (e != OK && e != E_NOT_FOUND)
        return e;
    r->parameters = e == OK ? json_get(log, "data") : NULL;
    model_settings(r->model, &r->settings);
    TRY(settings_read(&r->settings, r->parameters, r->arena, &unknown));
    if (unknown)
        SAY(r, "parameters without a meaning here, kept as they are: %s", unknown);
    return OK;
}

static bool is_setting(const char *name)
{
    for (size_t i = 0; i < settings_count; i++)
        if (strcmp(settings_table[i].name, name) == 0)
            return true;
    return false;
}

/* With what the experiment did not say, so that a reader sees all that is in effect; once more when the rest is chosen. */
static enum err send_parameters(struct remote *r, const struct settings *s)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    settings_write(s, &o);
    for (struct json_member m = json_first(r->parameters); m.key; m = json_next(r->parameters, m))
        if (!is_setting(m.key))
            out_json(&o, m.key, m.value);
    out_end_object(&o);
    report_log(r->report, "parameters", "TABLE", o.text.bytes);
    return text_full(&o.text) ? fail(E_TOO_BIG, "the parameters are too large") : OK;
}

/* The address of the weights of the base model version, or of the base experiment; NULL if there are none. */
static enum err find_weights(struct remote *r, const char *version, const char **ret)
{
    const struct json *files, *artifact;
    const char *from = remote_text(r->experiment, "base_experiment_id");
    TRY(remote_get(r, &files, "/api/model/version/%s/modelfiles", version));
    files = json_get(files, "items");
    for (size_t i = 0; i < json_count(files); i++)
        if (remote_text(json_at(files, i), "name") && strcmp(remote_text(json_at(files, i), "name"), "checkpoint-data-latest") == 0)
            *ret = remote_text(json_at(files, i), "presigned_url");
    if (*ret || !from)
        return OK;
    enum err e = remote_get(r, &artifact, "/api/experiment/%s/artifacts/find?name=checkpoint-data-latest", from);
    if (e == OK)
        *ret = remote_text(artifact, "presigned_url");
    return e == E_NOT_FOUND ? OK : e;
}

/* The network, the weights that it starts from, and the labels that they know, in their order. */
static enum err choose_model(struct remote *r)
{
    const struct json *version;
    const char *id = remote_text(r->experiment, "base_model_version_id"), *url = NULL;
    if (!id)
        return fail(E_UNMEANT, "the experiment has no base model: choose one of the hub, or a version that was trained here");
    TRY(remote_get(r, &version, "/api/model/version/%s", id));
    const struct json *base = json_get(r->experiment, "base_model_version"), *labels = json_get(version, "labels");
    const char *name = remote_text(base, "architecture") ? remote_text(base, "architecture") : remote_text(version, "architecture");
    name = name ? name : remote_text(json_get(base, "origin"), "name");
    r->model = model_find(name);
    if (!r->model)
        return fail(E_UNMEANT, "the base model \"%s\" is none that can be trained here", name ? name : "without a name");
    TRY(find_weights(r, id, &url));
    if (!url)
        return OK;
    for (size_t i = 0; i < json_count(labels); i++) {
        const char *label = remote_text(labels, arena_fmt(r->arena, "%zu", i));
        if (label)
            remote_label(r, label);
    }
    r->start_from = arena_fmt(r->arena, "%s/start.safetensors", r->work);
    return file_exists(r->start_from) ? OK : remote_download(r->client, url, r->start_from, WEIGHTS_CAP);
}

/* ---- live logs */

static void say(void *with, const char *line)
{
    report_line(((struct remote *)with)->report, line);
}

static bool go_on(void *with)
{
    return !remote_stopped(with);
}

static void tell_chosen(void *with, const struct settings *s)
{
    struct remote *r = with;
    r->every = s->steps / POINTS_MOST + 1;
    if (send_parameters(r, s) != OK)
        SAY(r, "the parameters could not be told: %s", fail_text());
}

static void tell_step(void *with, const struct learn_step *s)
{
    struct remote *r = with;
    const struct task *task = r->model->task;
    struct learn_step *sum = &r->sum;
    sum->loss += s->loss;
    for (int k = 0; k < LOSS_PARTS; k++)
        sum->part[k] += s->part[k];
    sum->images_per_second += 1 / s->images_per_second; /* seconds for each image: these can be averaged */
    r->summed++;
    if (s->step % r->every && s->step != s->steps)
        return;
    double n = (double)r->summed;
    report_point(r->report, "train/loss", s->step, sum->loss / n);
    for (int k = 0; k < LOSS_PARTS && task->losses[k]; k++)
        report_point(r->report, arena_fmt(r->arena, "train/loss_%s", task->losses[k]), s->step, sum->part[k] / n);
    report_point(r->report, "learning_rate", s->step, s->learning_rate);
    report_point(r->report, "images_per_second", s->step, n / sum->images_per_second);
    int64_t lines = s->steps / 20 > r->every ? s->steps / 20 : r->every; /* some twenty lines for the whole training */
    if (s->step % lines < r->every || s->step == s->steps)
        SAY(r, "step %5lld/%lld  loss %.3f (%s)  rate %.5f  %.1f images/s  waited %.1f %%", (long long)s->step, (long long)s->steps,
            sum->loss / n, train_losses_text(r->arena, task, sum->part, n), s->learning_rate, n / sum->images_per_second,
            100 * s->waited);
    *sum = (struct learn_step){ 0 };
    r->summed = 0;
}

static void tell_scores(void *with, int64_t step, const struct scores *s)
{
    struct remote *r = with;
    const struct task *task = r->model->task;
    for (int i = 0; i < task->curves; i++)
        if (s->value[i] >= 0)
            report_point(r->report, arena_fmt(r->arena, "eval/%s", task->values[i]), step, s->value[i]);
    SAY(r, "step %5lld  %s", (long long)step, train_scores_text(r->arena, task, s));
}

static void send_labelmap(struct remote *r)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    for (int i = 0; i < r->n_labels; i++)
        out_text(&o, arena_fmt(r->arena, "%d", i), r->labels[i]);
    out_end_object(&o);
    report_log(r->report, "labelmap", "LABELMAP", o.text.bytes);
}

/* ---- the whole */

static enum err train(struct remote *r)
{
    struct scores scores = { 0 };
    const struct train_options *o = r->options;
    SAY(r, "training on the CPU with %d thread%s; GPUs are not used, whatever was asked for", o->threads,
        o->threads == 1 ? "" : "s");
    TRY(choose_model(r));
    TRY(read_parameters(r));
    TRY(remote_data(r));
    TRY(send_parameters(r, &r->settings));
    send_labelmap(r);
    struct learn_job job = { .model = r->model,
                             .settings = &r->settings,
                             .labels = r->labels,
                             .n_labels = r->n_labels,
                             .train = r->train.samples,
                             .eval = r->eval.samples,
                             .dir = r->work,
                             .start_from = r->start_from,
                             .threads = o->threads,
                             .memory = o->memory,
                             .checkpoint_seconds = 10,
                             .decoder = r->decoder,
                             .watch = { say, tell_chosen, tell_step, tell_scores, remote_examined, go_on, r } };
    TRY(learn_train(&job, r->arena, &scores));
    if (scores.images)
        remote_scores(r, &scores);
    TRY(remote_store(r));
    return OK;
}

static enum err set_status(struct remote *r, const char *status, const char *error)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, BODY_CAP);
    out_object(&o, NULL);
    out_text(&o, "status", status);
    if (error)
        out_text(&o, "error", arena_fmt(r->arena, "%.*s", ERROR_SENT, error));
    out_end_object(&o);
    return http_ask(r->client, r->arena, "PATCH", arena_fmt(r->arena, "/api/experiment/%s", r->options->experiment), o.text.bytes,
                    NULL);
}

/* Logs first, so that whoever waits for the status finds them complete. An interrupted training stays RUNNING: the same command
 * goes on with it, and a server that stops for a moment does so by itself. */
static enum err finish(struct remote *r, enum err e, double begun)
{
    const char *why = arena_str(r->arena, fail_text());
    bool cancelled = report_cancelled(r->report), stopped = e == E_CANCELLED;
    if (e == OK)
        SAY(r, "SUCCESS after %.0f s: model-latest, checkpoint and config are stored", clock_seconds() - begun);
    else if (stopped && cancelled)
        SAY(r, "CANCELED: %s; a checkpoint is kept", why);
    else if (stopped)
        SAY(r, "interrupted: %s; the same command goes on from there", why);
    else
        SAY(r, "FAILED: %s", why);
    enum err sent = report_end(r->report, REPORT_LAST_TRIES_S);
    r->report = NULL;
    if (e == OK || !stopped)
        TRY(sent);
    if (e == OK)
        return set_status(r, "SUCCESS", NULL);
    if (stopped)
        return cancelled ? OK : fail(E_CANCELLED, "%s", why);
    if (set_status(r, "FAILED", why) != OK)
        fprintf(stderr, "the server could not be told: %s\n", fail_text());
    return fail(e, "%s", why);
}

enum err train_experiment(const struct train_options *o)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(decoder) struct decoder *decoder = NULL;
    AUTO(http_client) struct http_client *client = NULL;
    const char *status;
    double begun = clock_seconds();
    char id[ID_SIZE];
    if (!id_parse(o->experiment, id))
        return fail(E_INVALID, "--experiment must be an id; \"%.80s\" is none", o->experiment);
    struct train_options options = *o;
    options.experiment = id;
    struct remote r = { .options = &options, .arena = a };
    TRY(decoder_start(file_self(a), o->threads, &decoder));
    TRY(http_client_new(o->host, o->token, &client));
    r.decoder = decoder;
    r.client = client;
    TRY(remote_get(&r, &r.experiment, "/api/experiment/%s", id));
    status = remote_text(r.experiment, "status");
    if (status && strcmp(status, "SUCCESS") == 0)
        return fail(E_CONFLICT, "the experiment has ended with SUCCESS; make a new one with this one as its base");
    r.work = o->work ? o->work : arena_fmt(a, "training/%s", id);
    TRY(file_make_dirs(r.work, 0700));
    TRY(set_status(&r, "RUNNING", NULL));
    TRY(report_start(o->host, o->token, id, &r.report));
    SAY(&r, "experiment \"%s\"", remote_text(r.experiment, "name"));
    return finish(&r, train(&r), begun);
}
