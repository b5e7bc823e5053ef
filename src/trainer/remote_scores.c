/* The logs of an experiment's last evaluation. */
#include "trainer/remote.h"
#include "trainer/words.h"

enum { LOG_CAP = 16 << 20, MATRIX_MOST = 300 };

static void number_or_null(struct out *o, double v)
{
    if (v < 0)
        out_null(o, NULL);
    else
        out_number(o, NULL, v);
}

static void send(struct remote *r, const char *name, const char *type, struct out *o)
{
    report_log(r->report, name, type, o->text.bytes);
}

static void send_value(struct remote *r, const char *name, double v)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, LOG_CAP);
    out_number(&o, NULL, v);
    send(r, name, "VALUE", &o);
}

static void write_labels(const struct remote *r, struct out *o, const char *key, const char *last)
{
    out_array(o, key);
    for (int i = 0; i < r->n_labels; i++)
        out_text(o, NULL, r->labels[i]);
    if (last)
        out_text(o, NULL, last);
    out_end_array(o);
}

static void send_bar(struct remote *r, const char *name, const struct scores *s, int column)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, LOG_CAP);
    out_object(&o, NULL);
    write_labels(r, &o, "x", NULL);
    out_array(&o, "y");
    for (int i = 0; i < s->n_labels; i++)
        out_number(&o, NULL, s->of_label[i][column] < 0 ? 0 : s->of_label[i][column]);
    out_end_array(&o);
    out_end_object(&o);
    send(r, name, "BAR", &o);
}

/* A row for each label and one for all, as {"rows", "columns", "data"}. */
static void send_table(struct remote *r, const struct scores *s)
{
    const char *const *columns = r->model->task->columns;
    int n = 0;
    AUTO(out) struct out o = { 0 };
    out_init(&o, LOG_CAP);
    out_object(&o, NULL);
    out_array(&o, "columns");
    for (; n < COLUMNS_MOST && columns[n]; n++)
        out_text(&o, NULL, columns[n]);
    out_end_array(&o);
    write_labels(r, &o, "rows", "all");
    out_array(&o, "data");
    for (int i = 0; i <= s->n_labels; i++) {
        out_array(&o, NULL);
        out_int(&o, NULL, (int64_t)s->of_label[i][0]);
        for (int k = 1; k < n; k++)
            number_or_null(&o, s->of_label[i][k]);
        out_end_array(&o);
    }
    out_end_array(&o);
    out_end_object(&o);
    send(r, "metrics", "TABLE", &o);
}

/* What was said (columns) about the images of each label (rows). */
static void send_confusion(struct remote *r, const struct scores *s)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, LOG_CAP);
    out_object(&o, NULL);
    write_labels(r, &o, "categories", NULL);
    out_array(&o, "values");
    for (int i = 0; i < s->n_labels; i++) {
        out_array(&o, NULL);
        for (int k = 0; k < s->n_labels; k++)
            out_int(&o, NULL, s->confusion[i * s->n_labels + k]);
        out_end_array(&o);
    }
    out_end_array(&o);
    out_end_object(&o);
    send(r, "confusion", "HEATMAP", &o);
}

void remote_scores(struct remote *r, const struct scores *s)
{
    const struct task *task = r->model->task;
    for (int i = 0; i < SCORES_MOST && task->values[i]; i++)
        if (s->value[i] >= 0)
            send_value(r, task->values[i], s->value[i]);
    for (int i = 0; i < BARS_MOST && task->bars[i].name; i++)
        send_bar(r, task->bars[i].name, s, task->bars[i].column);
    send_table(r, s);
    if (s->confusion && s->n_labels <= MATRIX_MOST)
        send_confusion(r, s);
    else if (s->confusion)
        SAY(r, "no confusion matrix is shown: %d labels are more than %d", s->n_labels, MATRIX_MOST);
    for (int i = 0; i < s->n_labels; i++)
        if (s->of_label[i][0] > 0)
            SAY(r, "  %-20s %s", r->labels[i], train_label_text(r->arena, task, s->of_label[i]));
        else
            SAY(r, "  %-20s not in the evaluation images", r->labels[i]);
}
