/* What is taken for what: reviewed things against what a model said, label by label, and the images of each cell. Of boxes one more
 * row and column: what nobody reviewed there, and what the model did not find. */
#include "app/deployment/deployment.h"
#include "app/monitor/scene.h"
#include "learn/task/pairs.h"
#include <stdlib.h>

enum { LABELS_SHOWN = 200, KEPT_FROM = 200 };

struct matrix {
    struct filter filter;
    struct picked reviewed;
    bool shadow, whole;
    double threshold;
    const char **labels;
    int n;           /* labels; row and column n are what has none */
    int64_t *counts; /* (n + 1) squared, row by row: what is true, what was said */
    int64_t images;
    /* of one cell, if that is asked for */
    int truth, said;
    const char **ids;
    size_t n_ids;
};

static enum err matrix_read(struct op *op, struct matrix *m)
{
    const char *of = in_text(op, "of");
    int64_t whole = 0;
    TRY(filter_read(op, &m->filter));
    m->shadow = of ? *of == 's' : m->filter.shadow;
    m->threshold = in_number(op, "threshold", 0);
    m->truth = m->said = -1;
    TRY(sql_int(op->db, &whole, "SELECT type = 'CLASSIFICATION' FROM deployment WHERE id = ?1", V(op->id)));
    m->whole = whole;
    TRY(monitor_labels(op->db, op->arena, op->id, LABELS_SHOWN, &m->labels, &m->n));
    m->counts = arena_new_array(op->arena, int64_t, (m->n + 1) * (m->n + 1));
    return filter_pick(op, &m->filter, PICK_REVIEWS, SUPERVISED_MOST, &m->reviewed);
}

/* Whether it is of the cell that is asked for. */
static bool count(struct matrix *m, int truth, int said)
{
    m->counts[truth * (m->n + 1) + said]++;
    return truth == m->truth && said == m->said;
}

static bool count_scene(struct matrix *m, const struct scene *s, int *room)
{
    size_t n = 0;
    bool there = false, *found = heap_take(s->n_truths + 1);
    while (n < s->n_found && s->found[n].score >= m->threshold)
        n++;
    pair_boxes(s->truths, s->n_truths, s->found, n, room);
    for (size_t i = 0; i < n; i++) {
        there |= count(m, room[i] < 0 ? m->n : s->truths[room[i]].label, s->found[i].label);
        if (room[i] >= 0)
            found[room[i]] = true;
    }
    for (size_t i = 0; i < s->n_truths; i++)
        if (!found[i])
            there |= count(m, s->truths[i].label, m->n);
    free(found);
    return there;
}

static void note(struct op *op, struct matrix *m, const char *id, bool there)
{
    m->images++;
    if (there)
        m->ids[m->n_ids++] = arena_str(op->arena, id);
}

static enum err count_boxes(struct op *op, struct matrix *m)
{
    AUTO(rows) struct rows *r = NULL;
    struct scene s;
    const struct selection picked = { .deployment_id = op->id, .picked = m->reviewed.ids };
    scene_new(op->arena, &s);
    int *room = arena_new_array(op->arena, int, SHAPES_MOST + 1);
    TRY(reviewed_rows(op->db, &picked, m->shadow, &r));
    while (rows_next(r)) {
        TRY(scene_read(op->db, rows_text(r, 0), m->shadow, &s));
        note(op, m, rows_text(r, 0), count_scene(m, &s, room));
    }
    return rows_error(r);
}

static enum err count_labels(struct op *op, struct matrix *m)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(classified_rows(op->db, op->id, m->reviewed.ids, m->shadow, &r));
    while (rows_next(r))
        if (!rows_null(r, 0))
            note(op, m, rows_text(r, 2), count(m, (int)rows_int(r, 0), rows_null(r, 1) ? m->n : (int)rows_int(r, 1)));
    return rows_error(r);
}

static enum err count_all(struct op *op, struct matrix *m)
{
    m->ids = arena_new_array(op->arena, const char *, SUPERVISED_MOST + 1);
    return m->whole ? count_labels(op, m) : count_boxes(op, m);
}

/* ---- the matrix */

static enum err write_label_ids(struct op *op, struct out *o)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT id, name FROM deployment_label WHERE deployment_id = ?1 ORDER BY position", V(op->id)));
    out_array(o, "labels");
    while (rows_next(r)) {
        out_object(o, NULL);
        out_text(o, "id", rows_text(r, 0));
        out_text(o, "name", rows_text(r, 1));
        out_end_object(o);
    }
    out_end_array(o);
    return rows_error(r);
}

static enum err write_matrix(struct op *op, struct out *o, void *with)
{
    struct matrix *m = with;
    TRY(count_all(op, m));
    out_int(o, "images", m->images);
    TRY(write_label_ids(op, o));
    out_array(o, "counts");
    for (int i = 0; i <= m->n; i++) {
        out_array(o, NULL);
        for (int k = 0; k <= m->n; k++)
            out_int(o, NULL, m->counts[i * (m->n + 1) + k]);
        out_end_array(o);
    }
    out_end_array(o);
    return OK;
}

static enum err confusion(struct op *op)
{
    struct matrix m = { 0 };
    TRY(matrix_read(op, &m));
    out_object(&op->out, NULL);
    picked_write(&op->out, &m.reviewed);
    if (m.reviewed.n > KEPT_FROM) {
        const char *mark = arena_fmt(op->arena, "%d %.6f %s", m.shadow, m.threshold, m.filter.mark);
        TRY(kept_write(op, "matrix", mark, write_matrix, &m));
    } else {
        out_object(&op->out, "matrix");
        TRY(write_matrix(op, &op->out, &m));
        out_end_object(&op->out);
    }
    out_end_object(&op->out);
    return OK;
}

/* ---- the images of a cell */

static enum err place_of(struct op *op, const char *member, int none, int *ret)
{
    const char *id = in_text(op, member);
    AUTO(rows) struct rows *r = NULL;
    *ret = none;
    if (!id)
        return OK;
    TRY(sql_rows(op->db, &r, "SELECT position FROM deployment_label WHERE deployment_id = ?1 AND id = ?2", V(op->id), V(id)));
    if (!rows_next(r))
        return rows_error(r) == OK ? fail(E_NOT_FOUND, "%s: the deployment has no such label", member) : E_BROKEN;
    *ret = (int)rows_int(r, 0);
    return OK;
}

static enum err cell(struct op *op)
{
    struct matrix m = { 0 };
    struct value ids;
    TRY(matrix_read(op, &m));
    TRY(place_of(op, "truth", m.n, &m.truth));
    TRY(place_of(op, "said", m.n, &m.said));
    TRY(count_all(op, &m));
    TRY(sql_list(op->db, m.ids, m.n_ids, &ids));
    return reply_page(op, &predicted_asset_resource, "a.deployment_id = ?1 AND a.id IN " LISTED("?2"), V(op->id), V(ids));
}

#define CONFUSION_IN                                                                                                               \
    FILTER_IN, { "of", T_TEXT, .words = filter_slots },                                                                            \
    {                                                                                                                              \
        "threshold", T_NUMBER, 0, .min = 0, .max = 1                                                                               \
    }
static const struct field in[] = { CONFUSION_IN };
static const struct field cell_in[] = { CONFUSION_IN, { "truth", T_ID }, { "said", T_ID } };

DESCRIBED(confusion_picked, "reviews that were looked at", { "predictions", T_INT }, { "all", T_BOOL });
DESCRIBED(confusion_label, "label of a matrix", { "id", T_ID }, { "name", T_TEXT });
DESCRIBED(confusion_row, "row of a matrix", { "*", T_ARRAY, .of = &number_value });
DESCRIBED(confusion_matrix, "matrix", { "images", T_INT }, { "labels", T_MANY, .of = &confusion_label },
          { "counts", T_ARRAY, .of = &confusion_row });
DESCRIBED(confusion_answer, "confusion", { "looked_at", T_PART, .of = &confusion_picked },
          { "matrix", T_PART, .of = &confusion_matrix });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/confusion", confusion, MAY_READ, WORK_READ,
      "what reviews say it is (rows) against what a model said (columns); the last row and column: nothing there, not found",
      FIELDS(in), .on = &deployment_resource, .answers = &confusion_answer },
    { "GET", "/api/deployment/{id}/confusion/assets", cell, MAY_READ, WORK_READ,
      "the predictions of one cell of that; truth or said left out: nothing there, not found", FIELDS(cell_in),
      .on = &deployment_resource, .answers = &predicted_asset_resource, .gives = GIVES_PAGE },
};

const struct resource confusion_resource = { .name = "confusion", .routes = routes, .n_routes = COUNT_OF(routes) };
