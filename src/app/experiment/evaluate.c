/* Metrics of an experiment's evaluations against the annotations of the same images: of boxes, or of labels of whole images. */
#include "app/annotation/annotation.h"
#include "app/dataset/dataset.h"
#include "app/experiment/experiment.h"
#include "app/scoring/scoring.h"
#include "base/clock.h"
#include "job/job.h"
#include "learn/task/metrics.h"
#include <string.h>

enum { BOXES = 10000, IMAGES_MOST = 20000, LABELS = 2000 };

struct pair { /* labels of an image: what is annotated and what was evaluated; -1: none */
    int truth, said;
};
struct evaluate {
    struct op *op;
    bool whole;
    const char *experiment, *status; /* status: of the annotations that count, or NULL */
    struct value ids;                /* a list, or NULL */
    const char *names[LABELS];       /* labels by index; those of different dataset versions meet by name */
    int n_labels;
    struct metrics *metrics;
    struct metrics_truth *truths;
    struct metrics_detection *found;
    struct detect_metrics result;
    struct pair *pairs;
    size_t n_pairs;
};

static enum err label_index(struct evaluate *e, const char *name, int *ret)
{
    for (*ret = 0; *ret < e->n_labels; (*ret)++)
        if (strcmp(e->names[*ret], name) == 0)
            return OK;
    if (e->n_labels == LABELS)
        return fail(E_TOO_BIG, "the evaluations have over %d labels", LABELS);
    e->names[e->n_labels++] = arena_str(e->op->arena, name);
    return OK;
}

/* All labels first: the metrics want their number beforehand. */
static enum err read_labels(struct evaluate *e)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(e->op->db, &r,
                 "SELECT DISTINCT l.name FROM label l JOIN experiment_dataset d ON d.dataset_version_id = l.dataset_version_id"
                 " WHERE d.experiment_id = ?1 ORDER BY l.name",
                 V(e->experiment)));
    int unused;
    while (rows_next(r))
        TRY(label_index(e, rows_text(r, 0), &unused));
    return rows_error(r);
}

static enum err read_truths(struct evaluate *e, const char *asset, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        e->op->db, &r,
        "SELECT l.name, h.x, h.y, h.w, h.h, h.geometry FROM annotation n JOIN shape h ON h.annotation_id = n.id JOIN label l"
        " ON l.id = h.label_id WHERE n.asset_id = ?1 AND (n.status = ?2 OR ?2 IS NULL) AND h.kind = 'rectangle' LIMIT ?3",
        V(asset), V(e->status), V((int64_t)BOXES)));
    for (*ret_n = 0; rows_next(r); (*ret_n)++) {
        struct metrics_truth *t = &e->truths[*ret_n];
        double b[4] = { rows_real(r, 1), rows_real(r, 2), rows_real(r, 3), rows_real(r, 4) };
        shape_box_of(rows_text(r, 5), b); /* more exactly, where a file said so */
        *t = metrics_truth_of(0, b[0], b[1], b[2], b[3]);
        TRY(label_index(e, rows_text(r, 0), &t->label));
    }
    return rows_error(r);
}

static enum err read_found(struct evaluate *e, const char *evaluation, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(e->op->db, &r,
                 "SELECT l.name, h.score, h.x, h.y, h.w, h.h FROM evaluation_shape h JOIN label l ON l.id = h.label_id"
                 " WHERE h.evaluation_id = ?1 AND h.kind = 'rectangle' ORDER BY h.score DESC, h.position LIMIT ?2",
                 V(evaluation), V((int64_t)BOXES)));
    for (*ret_n = 0; rows_next(r); (*ret_n)++) {
        struct metrics_detection *d = &e->found[*ret_n];
        *d = (struct metrics_detection){
            .score = rows_real(r, 1), .x = rows_real(r, 2), .y = rows_real(r, 3), .w = rows_real(r, 4), .h = rows_real(r, 5)
        };
        TRY(label_index(e, rows_text(r, 0), &d->label));
    }
    return rows_error(r);
}

/* ---- labels of whole images */

static enum err first_label(struct evaluate *e, struct rows *r, int *ret)
{
    *ret = -1;
    if (rows_next(r))
        TRY(label_index(e, rows_text(r, 0), ret));
    return rows_error(r);
}

static enum err read_pair(struct evaluate *e, const char *evaluation, const char *asset)
{
    AUTO(rows) struct rows *truth = NULL;
    struct pair *p = &e->pairs[e->n_pairs++];
    TRY(sql_rows(e->op->db, &truth,
                 "SELECT l.name FROM annotation n JOIN shape h ON h.annotation_id = n.id JOIN label l ON l.id = h.label_id"
                 " WHERE n.asset_id = ?1 AND (n.status = ?2 OR ?2 IS NULL) AND h.kind = 'classification' LIMIT 1",
                 V(asset), V(e->status)));
    TRY(first_label(e, truth, &p->truth));
    AUTO(rows) struct rows *said = NULL;
    TRY(sql_rows(e->op->db, &said,
                 "SELECT l.name FROM evaluation_shape h JOIN label l ON l.id = h.label_id WHERE h.evaluation_id = ?1"
                 " AND h.kind = 'classification' ORDER BY h.score DESC, h.position LIMIT 1",
                 V(evaluation)));
    return first_label(e, said, &p->said);
}

/* An image without an evaluated label counts as one of its own, the last, that none is of. */
static int64_t *count_pairs(const struct evaluate *e)
{
    size_t n = (size_t)e->n_labels + 1;
    int64_t *counts = arena_new_array(e->op->arena, int64_t, n * n);
    for (const struct pair *p = e->pairs; p < e->pairs + e->n_pairs; p++)
        if (p->truth >= 0)
            counts[(size_t)p->truth * n + (size_t)(p->said < 0 ? e->n_labels : p->said)]++;
    return counts;
}

/* ---- all */

static enum err compute(struct evaluate *e)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(e->op->db, &r,
                 "SELECT id, asset_id FROM evaluation WHERE experiment_id = ?1 AND (CAST(?2 AS INTEGER) IS NULL OR id IN " LISTED(
                     "?2") ")"
                           " ORDER BY id LIMIT ?3",
                 V(e->experiment), V(e->ids), V((int64_t)IMAGES_MOST)));
    bool any = false;
    for (; rows_next(r); any = true) {
        size_t truths, found;
        if (e->whole) {
            TRY(read_pair(e, rows_text(r, 0), rows_text(r, 1)));
            continue;
        }
        TRY(read_truths(e, rows_text(r, 1), &truths));
        TRY(read_found(e, rows_text(r, 0), &found));
        metrics_add(e->metrics, e->truths, truths, e->found, found);
    }
    TRY(rows_error(r));
    if (!any)
        return fail(E_UNMEANT, "the experiment has no such evaluations");
    metrics_compute(e->metrics, e->op->arena, &e->result);
    return OK;
}

static void write(const struct evaluate *e, struct out *o)
{
    const struct detect_metrics *m = &e->result;
    out_object(o, NULL);
    out_int(o, "images", m->images);
    out_int(o, "truths", m->truths);
    figure_write(o, "ap_50_95", m->ap);
    figure_write(o, "ap_50", m->ap50);
    figure_write(o, "ap_75", m->ap75);
    figure_write(o, "ar", m->ar);
    figure_write(o, "precision", m->truths ? m->precision : -1);
    figure_write(o, "recall", m->truths ? m->recall : -1);
    out_array(o, "labels");
    for (int i = 0; i < m->n_labels && i < e->n_labels; i++) {
        out_object(o, NULL);
        out_text(o, "label", e->names[i]);
        out_int(o, "truths", m->labels[i].truths);
        figure_write(o, "ap_50_95", m->labels[i].ap);
        figure_write(o, "ap_50", m->labels[i].ap50);
        figure_write(o, "ar", m->labels[i].ar);
        out_end_object(o);
    }
    out_end_array(o);
    out_end_object(o);
}

static enum err keep(struct op *op)
{
    struct evaluate *e = op->state;
    const char *job;
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    if (e->whole)
        classified_write(&o, NULL, &(struct classified){ count_pairs(e), e->names, e->n_labels });
    else
        write(e, &o);
    TRY(log_put_text(op->db, op->arena, e->experiment, "evaluation", "EVALUATION", o.text.bytes));
    TRY(job_add_done(op->db, op->arena, "evaluate", op->org, op->user_id, o.text.bytes, &job));
    TRY(experiment_job(op->db, job, e->experiment));
    out_object(&op->out, NULL);
    out_text(&op->out, "id", job);
    out_text(&op->out, "status", "SUCCESS");
    out_end_object(&op->out);
    return OK;
}

/* Done at once: the job that is answered has ended. */
static enum err evaluate(struct op *op)
{
    struct evaluate *e = arena_take(op->arena, sizeof *e);
    *e = (struct evaluate){ .op = op, .status = in_text(op, "status"), .experiment = op->id };
    TRY(in_ids(op, "evaluation_ids", &e->ids));
    e->whole = strcmp(in_text(op, "inference_type"), "CLASSIFICATION") == 0;
    if (!e->whole && strcmp(in_text(op, "inference_type"), "OBJECT_DETECTION") != 0)
        return fail(E_UNMEANT, "inference_type: metrics are computed for OBJECT_DETECTION and CLASSIFICATION only");
    TRY(read_labels(e));
    e->pairs = arena_new_array(op->arena, struct pair, IMAGES_MOST);
    e->truths = arena_new_array(op->arena, struct metrics_truth, BOXES);
    e->found = arena_new_array(op->arena, struct metrics_detection, BOXES);
    e->metrics = metrics_new(LABELS);
    enum err failed = compute(e);
    metrics_free(e->metrics);
    TRY(failed);
    op->state = e;
    return op_write(op, keep);
}

static const char *const statuses[] = { "PENDING", "SKIPPED", "ACCEPTED", "REFUSED", NULL };
static const struct field evaluate_in[] = {
    { "inference_type", T_TEXT, F_NEED, .words = inference_types },
    { "evaluation_ids", T_IDS, F_NULL, .max = IMAGES_MOST },
    { "status", T_TEXT, F_NULL, .words = statuses },
};

static const struct route routes[] = {
    { "POST", "/api/experiment/{id}/evaluate", evaluate, MAY_WRITE, WORK_FREE, "computes metrics of the evaluations, kept as a log",
      FIELDS(evaluate_in), .on = &experiment_resource, .answers = &job_short },
};

const struct resource evaluate_resource = { .name = "evaluation metrics", .routes = routes, .n_routes = COUNT_OF(routes) };
