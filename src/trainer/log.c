/* The log of a training from a folder for programs: one JSON object a line. */
#include "trainer/log.h"
#include "base/arena.h"
#include "base/clock.h"
#include "json/json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINE_CAP = 1 << 20 };

struct clocks {
    double wall, cpu;
};
struct train_log {
    const char *path;
    FILE *file;
    struct clocks begun, judging, last; /* last: at the end of the last step; what passes until the metrics come is evaluation */
};

/* cpu: seconds of processor time of all threads. */
static struct clocks now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (struct clocks){ clock_seconds(), (double)t.tv_sec + (double)t.tv_nsec * 1e-9 };
}

enum err train_log_open(const char *path, struct train_log **ret)
{
    struct train_log *l = heap_take(sizeof *l);
    *ret = l;
    l->path = path;
    l->begun = l->last = now();
    if (!path)
        return OK;
    l->file = fopen(path, "we");
    return l->file ? OK : fail(E_INVALID, "cannot write %s: %s", path, strerror(errno));
}

static void begin_line(const struct train_log *l, struct out *o, int64_t step)
{
    struct clocks t = now();
    out_init(o, LINE_CAP);
    out_object(o, NULL);
    out_int(o, "step", step);
    out_number(o, "seconds", t.wall - l->begun.wall);
    out_number(o, "cpu_seconds", t.cpu);
    out_number(o, "seconds_evaluating", l->judging.wall);
    out_number(o, "cpu_seconds_evaluating", l->judging.cpu);
}
static void end_line(struct train_log *l, struct out *o)
{
    out_end_object(o);
    fprintf(l->file, "%s\n", o->text.bytes);
    fflush(l->file);
}

static void write_named(struct out *o, const char *const *names, int most, const double *values)
{
    for (int i = 0; i < most && names[i]; i++)
        out_number(o, names[i], values[i]);
}

void train_log_stepped(struct train_log *l)
{
    l->last = now();
}

void train_log_step(struct train_log *l, const struct task *t, const struct learn_step *s)
{
    AUTO(out) struct out o = { 0 };
    if (!l->file)
        return;
    begin_line(l, &o, s->step);
    out_int(&o, "steps", s->steps);
    out_number(&o, "loss", s->loss);
    out_object(&o, "losses");
    write_named(&o, t->losses, LOSS_PARTS, s->part);
    out_end_object(&o);
    out_number(&o, "gradient", s->gradient);
    out_number(&o, "learning_rate", s->learning_rate);
    out_number(&o, "images_per_second", s->images_per_second);
    end_line(l, &o);
}

void train_log_scores(struct train_log *l, const struct task *t, int64_t step, const char *const *labels, const struct scores *s)
{
    AUTO(out) struct out o = { 0 };
    struct clocks at = now();
    l->judging.wall += at.wall - l->last.wall;
    l->judging.cpu += at.cpu - l->last.cpu;
    l->last = at;
    if (!l->file)
        return;
    begin_line(l, &o, step);
    out_object(&o, "scores");
    write_named(&o, t->values, SCORES_MOST, s->value);
    out_end_object(&o);
    out_object(&o, "labels");
    for (int i = 0; i < s->n_labels; i++) {
        out_object(&o, labels[i]);
        write_named(&o, t->columns, COLUMNS_MOST, s->of_label[i]);
        out_end_object(&o);
    }
    out_end_object(&o);
    end_line(l, &o);
}

enum err train_log_close(struct train_log *l)
{
    bool bad = l->file && (ferror(l->file) | fclose(l->file));
    const char *path = l->path;
    free(l);
    return bad ? fail(E_BROKEN, "cannot write %s: %s", path, strerror(errno)) : OK;
}
