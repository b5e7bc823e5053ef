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

static void write_intervals(struct out *o, const int64_t *counts, int n)
{
    enum { SEED = 1 };
    struct confusion_spread s;
    confusion_spread(counts, n, SEED, &s);
    interval_write(o, "accuracy_interval", s.known, s.accuracy);
    interval_write(o, "precision_interval", s.known, s.precision);
    interval_write(o, "recall_interval", s.known, s.recall);
    interval_write(o, "f1_interval", s.known, s.f1);
}

void classified_write(struct out *o, const char *key, const struct classified *c)
{
    int n = c->n_labels + 1;
    struct label_figures all = confusion_mean(c->counts, n);
    out_object(o, key);
    out_int(o, "images", all.truths);
    figure_write(o, "accuracy", confusion_accuracy(c->counts, n));
    write_figures(o, all);
    if (c->with_intervals)
        write_intervals(o, c->counts, n);
    out_array(o, "labels");
    for (int i = 0; i < c->n_labels; i++) {
        struct label_figures l = confusion_label(c->counts, n, i);
        out_object(o, NULL);
        out_text(o, "label", c->labels[i]);
        out_int(o, "truths", l.truths);
        write_figures(o, l);
        out_end_object(o);
    }
    out_end_array(o);
    out_end_object(o);
}
