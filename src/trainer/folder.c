/* Training from a folder of images and annotation files, without a server. */
#include "trainer/folder.h"
#include "base/clock.h"
#include "base/file.h"
#include "trainer/log.h"
#include "trainer/split.h"
#include "trainer/stop.h"
#include "trainer/words.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is told */

struct teller {
    const struct task *task;
    struct learn_step sum;
    int64_t n, every;
    const struct folder *folder;
};

static void say(void *with, const char *line)
{
    (void)with;
    printf("%s\n", line);
    fflush(stdout);
}
static void tell_step(void *with, const struct learn_step *s)
{
    AUTO(arena) struct arena *a = arena_new();
    struct teller *t = with;
    t->sum.loss += s->loss;
    for (int k = 0; k < LOSS_PARTS; k++)
        t->sum.part[k] += s->part[k];
    t->sum.images_per_second += s->images_per_second;
    t->n++;
    train_log_stepped(t->folder->log);
    if (s->step % t->every && s->step != s->steps)
        return;
    struct learn_step mean = *s;
    double n = (double)t->n;
    mean.loss = t->sum.loss / n;
    for (int k = 0; k < LOSS_PARTS; k++)
        mean.part[k] = t->sum.part[k] / n;
    mean.images_per_second = t->sum.images_per_second / n;
    printf("step %5lld/%lld  loss %6.3f (%s)  gradient %6.2f  rate %.5f  %5.1f images/s  waited %.1f %%\n", (long long)mean.step,
           (long long)mean.steps, mean.loss, train_losses_text(a, t->task, mean.part, 1), mean.gradient, mean.learning_rate,
           mean.images_per_second, 100 * mean.waited);
    fflush(stdout);
    train_log_step(t->folder->log, t->task, &mean);
    t->sum = (struct learn_step){ 0 };
    t->n = 0;
}
static void tell_scores(void *with, int64_t step, const struct scores *s)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct teller *t = with;
    train_log_scores(t->folder->log, t->task, step, t->folder->labels, s);
    printf("step %5lld        %s\n", (long long)step, train_scores_text(a, t->task, s));
    fflush(stdout);
}
static bool go_on(void *with)
{
    (void)with;
    return !train_interrupted();
}

/* ---- settings */

/* "steps=400 batch_size=8" (blanks or commas between) as the object that settings_read() takes. */
static enum err read_settings(struct folder *f)
{
    AUTO(out) struct out o = { 0 };
    const struct json *object;
    const char *unknown;
    char *rest = arena_str(f->arena, f->options->set ? f->options->set : ""), *word;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    while ((word = strsep(&rest, " ,"))) {
        char *is = strchr(word, '=');
        if (!*word)
            continue;
        if (!is)
            return fail(E_INVALID, "--set: \"%s\" is not name=value", word);
        *is = 0;
        out_text(&o, word, is + 1);
    }
    out_end_object(&o);
    model_settings(f->model, &f->settings);
    TRY(json_parse(f->arena, o.text.bytes, o.text.n, &object));
    TRY(settings_read(&f->settings, object, f->arena, &unknown));
    return unknown ? fail(E_INVALID, "--set: there is no parameter %s", unknown) : OK;
}

static enum err learn(struct folder *f)
{
    const struct train_options *o = f->options;
    const char *out = o->out ? o->out : "training";
    struct scores scores;
    double begun = clock_seconds();
    f->model = model_find(o->model ? o->model : models[0].name);
    if (!f->model)
        return fail(E_INVALID, "there is no model %s", o->model);
    TRY(read_settings(f));
    TRY(folder_read(f));
    if (!o->eval_list && !f->eval.n)
        train_split(f->arena, &f->train, f->model->task->whole, (uint64_t)f->settings.seed, &f->eval);
    TRY(file_make_dirs(out, 0755));
    int64_t steps = settings_steps(&f->settings, f->model->task->shown, f->train.n);
    struct teller teller = { .task = f->model->task, .every = steps > 2000 ? 100 : steps > 100 ? 20 : 1, .folder = f };
    struct learn_job job = { .model = f->model,
                             .settings = &f->settings,
                             .labels = f->labels,
                             .n_labels = f->n_labels,
                             .train = f->train,
                             .eval = f->eval,
                             .dir = out,
                             .start_from = o->from,
                             .threads = o->threads,
                             .memory = o->memory,
                             .checkpoint_seconds = 60,
                             .decoder = f->decoder,
                             .watch = { say, NULL, tell_step, tell_scores, NULL, go_on, &teller } };
    TRY(learn_train(&job, f->arena, &scores));
    for (int i = 0; scores.images && i < scores.n_labels; i++)
        printf("  %-20s %s\n", f->labels[i], train_label_text(f->arena, f->model->task, scores.of_label[i]));
    printf("done in %.0f s: %s/model.onnx\n", clock_seconds() - begun, out);
    return OK;
}

enum err train_folder(const struct train_options *o)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(decoder) struct decoder *decoder = NULL;
    TRY(decoder_start(file_self(a), o->threads, &decoder));
    struct folder f = { .options = o, .arena = a, .decoder = decoder };
    TRY(train_log_open(o->log, &f.log));
    enum err e = learn(&f), closed = train_log_close(f.log);
    return e == OK ? closed : e;
}
