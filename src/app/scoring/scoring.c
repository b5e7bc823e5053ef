#include "app/scoring/scoring.h"
#include "learn/task/confusion.h"

void figure_write(struct out *o, const char *key, double v)
{
    if (v < 0)
        out_null(o, key);
    else
        out_number(o, key, v);
}

void interval_write(struct out *o, const char *key, bool known, struct interval in)
{
    if (!known) {
        out_null(o, key);
        return;
    }
    out_array(o, key);
    out_number(o, NULL, in.low);
    out_number(o, NULL, in.high);
    out_end_array(o);
}

static void write_figures(struct out *o, struct label_figures f)
{
    figure_write(o, "precision", f.truths ? f.precision : -1);
    figure_write(o, "recall", f.recall);
    figure_write(o, "f1", f.f1);
}

static void write_label(struct out *o, const char *name, struct label_figures f, const struct label_intervals *in)
{
    out_object(o, NULL);
    out_text(o, "label", name);
    out_int(o, "truths", f.truths);
    write_figures(o, f);
    if (in) {
        out_int(o, "images", f.truths);
        interval_write(o, "precision_interval", in->known, in->precision);
        interval_write(o, "recall_interval", in->known, in->recall);
        interval_write(o, "f1_interval", in->known, in->f1);
    }
    out_end_object(o);
}

static void write_intervals(struct out *o, const struct confusion_spread *s)
{
    interval_write(o, "accuracy_interval", s->known, s->accuracy);
    interval_write(o, "precision_interval", s->known, s->precision);
    interval_write(o, "recall_interval", s->known, s->recall);
    interval_write(o, "f1_interval", s->known, s->f1);
}

void classified_write(struct out *o, const char *key, const struct classified *c)
{
    enum { SEED = 1 };
    AUTO(arena) struct arena *a = arena_new();
    int n = c->n_labels + 1;
    struct label_figures all = confusion_mean(c->counts, n);
    struct confusion_spread s = { 0 };
    if (c->with_intervals)
        confusion_spread(c->counts, n, a, SEED, &s);
    out_object(o, key);
    out_int(o, "images", all.truths);
    figure_write(o, "accuracy", confusion_accuracy(c->counts, n));
    write_figures(o, all);
    if (c->with_intervals)
        write_intervals(o, &s);
    out_array(o, "labels");
    for (int i = 0; i < c->n_labels; i++)
        write_label(o, c->labels[i], confusion_label(c->counts, n, i), s.labels ? &s.labels[i] : NULL);
    out_end_array(o);
    out_end_object(o);
}
