/* The candidate and the champion on the same images, by the same code. */
#include "api/op.h"
#include "app/deployment/candidate.h"
#include "app/deployment/serve.h"
#include <string.h>

#define SEED 20250101    /* any: the same images give the same figures */
#define LEAST_SCORE 0.01 /* of a box: average precision is over all thresholds */

struct shown {
    const char *hash, *asset; /* asset: of the test version, or a predicted one */
    bool reviewed;
};

struct side { /* one model */
    const char *version;
    const struct json *labels;
    struct metrics *all, *test;
    double *right; /* of whole images: 1 where it is right, those of the test version first */
};

struct bench {
    struct job *job;
    const struct contest *c;
    struct shown *images;
    size_t n, n_test, n_seen, n_seen_test;
    const char **names; /* of labels */
    int n_names;
    bool known;          /* all of these */
    struct side side[2]; /* champion, candidate */
};

/* ---- what is there */

static enum err read_images(struct bench *b, struct rows *r, bool reviewed)
{
    while (rows_next(r) && b->n < TEST_MOST + REVIEWED_MOST)
        b->images[b->n++] =
            (struct shown){ arena_str(b->job->arena, rows_text(r, 1)), arena_str(b->job->arena, rows_text(r, 0)), reviewed };
    return rows_error(r);
}

/* Bytes that the candidate or the champion was shown when it learnt. ?2: the experiment, ?3: the champion. */
#define LEARNT_BY                                                                                                                  \
    "EXISTS (SELECT 1 FROM data y JOIN asset z ON z.data_id = y.id JOIN experiment_dataset x ON x.dataset_version_id ="            \
    " z.dataset_version_id WHERE y.hash = d.hash AND lower(x.name) NOT IN " MEASURING_NAMES " AND (x.experiment_id = ?2 OR"        \
    " x.experiment_id IN (SELECT m.experiment_id FROM model_context m WHERE m.model_version_id = ?3)))"
#define ANNOTATED "EXISTS (SELECT 1 FROM annotation t WHERE t.asset_id = a.id AND t.status NOT IN ('SKIPPED', 'REFUSED'))"

/* All of the test version's annotated images, or TEST_MOST taken evenly over the order in which they came. */
static enum err choose_test(struct bench *b, struct outcome *ret)
{
    const struct contest *c = b->c;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_int(b->job->db, &ret->learnt,
                "SELECT count(*) FROM asset a JOIN data d ON d.id = a.data_id WHERE a.dataset_version_id = ?1 AND " LEARNT_BY,
                V(c->test_version), V(c->experiment), V(c->champion)));
    TRY(sql_rows(
        b->job->db, &r,
        "SELECT id, hash FROM (SELECT a.id, d.hash, row_number() OVER (ORDER BY a.id) AS n, count(*) OVER () AS c FROM asset a"
        " JOIN data d ON d.id = a.data_id WHERE a.dataset_version_id = ?1 AND " ANNOTATED " AND NOT " LEARNT_BY
        ") x WHERE c <= ?4 OR n * ?4 / c <> (n - 1) * ?4 / c ORDER BY n LIMIT ?4",
        V(c->test_version), V(c->experiment), V(c->champion), V((int64_t)TEST_MOST)));
    TRY(read_images(b, r, false));
    b->n_test = b->n;
    return OK;
}

/* The newest reviewed images since the champion came that neither has learnt from and that are not in the test version. */
static enum err choose_reviewed(struct bench *b)
{
    const struct contest *c = b->c;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        b->job->db, &r,
        "SELECT a.id, d.hash FROM predicted_asset a JOIN data d ON d.id = a.data_id WHERE a.deployment_id = ?1 AND a.status <>"
        " 'TO_REVIEW' AND a.created_at >= ?5 AND NOT " LEARNT_BY " AND NOT EXISTS (SELECT 1 FROM data y JOIN asset z ON"
        " z.data_id = y.id WHERE y.hash = d.hash AND z.dataset_version_id = ?4) ORDER BY a.created_at DESC, a.id LIMIT ?6",
        V(c->deployment), V(c->experiment), V(c->champion), V(c->test_version), V(c->since_ms), V((int64_t)REVIEWED_MOST)));
    return read_images(b, r, true);
}

/* A label's number; one that neither the version, the deployment nor the models know is the last, which is nowhere true. */
static int number_of(struct bench *b, const char *name)
{
    for (int i = 0; i < b->n_names; i++)
        if (strcmp(b->names[i], name) == 0)
            return i;
    if (b->known || b->n_names == METRICS_LABELS - 1)
        return b->n_names;
    b->names[b->n_names] = arena_str(b->job->arena, name);
    return b->n_names++;
}

static enum err read_side(struct bench *b, struct side *s, const char *version)
{
    AUTO(rows) struct rows *r = NULL;
    s->version = version;
    TRY(sql_first(b->job->db, &r, "SELECT coalesce(labels, '{}') FROM model_version WHERE id = ?1", V(version)));
    TRY(json_parse(b->job->arena, rows_text(r, 0), strlen(rows_text(r, 0)), &s->labels));
    for (struct json_member m = json_first(s->labels); m.key; m = json_next(s->labels, m))
        if (json_text(m.value))
            number_of(b, json_text(m.value));
    return OK;
}

static enum err read_names(struct bench *b)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        b->job->db, &r,
        "SELECT name FROM label WHERE dataset_version_id = ?1 UNION SELECT name FROM deployment_label WHERE deployment_id = ?2"
        " ORDER BY 1 LIMIT ?3",
        V(b->c->test_version), V(b->c->deployment), V((int64_t)METRICS_LABELS)));
    while (rows_next(r))
        number_of(b, rows_text(r, 0));
    return rows_error(r);
}

/* ---- one image */

static enum err truths_of(struct bench *b, const struct shown *i, struct metrics_truth *ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    if (i->reviewed)
        TRY(sql_rows(
            b->job->db, &r,
            "SELECT l.name, h.x, h.y, h.w, h.h, h.kind = 'classification' FROM review v JOIN review_shape h ON h.review_id ="
            " v.id JOIN deployment_label l ON l.id = h.label_id WHERE v.predicted_asset_id = ?1 LIMIT ?2",
            V(i->asset), V((int64_t)SHAPES_MOST)));
    else
        TRY(sql_rows(b->job->db, &r,
                     "SELECT l.name, h.x, h.y, h.w, h.h, h.kind = 'classification' FROM shape h JOIN label l ON l.id = h.label_id"
                     " WHERE h.asset_id = ?1 LIMIT ?2",
                     V(i->asset), V((int64_t)SHAPES_MOST)));
    for (*ret_n = 0; rows_next(r);) {
        int label = number_of(b, rows_text(r, 0));
        if ((rows_int(r, 5) != 0) == b->c->whole)
            ret[(*ret_n)++] = metrics_truth_of(label, rows_real(r, 1), rows_real(r, 2), rows_real(r, 3), rows_real(r, 4));
    }
    return rows_error(r);
}

static int label_of(struct bench *b, const struct side *s, int class)
{
    const char *name = json_text(json_get(s->labels, arena_fmt(b->job->arena, "%d", class)));
    return number_of(b, name ? name : arena_fmt(b->job->arena, "class %d", class));
}

static size_t found_of(struct bench *b, const struct side *s, const struct predicted_shapes *shapes, struct metrics_detection *ret)
{
    size_t n = 0;
    for (size_t k = 0; k < shapes->n && k < SHAPES_MOST; k++) {
        const struct predicted_shape *p = &shapes->items[k];
        int label = label_of(b, s, p->label);
        ret[n++] = (struct metrics_detection){ label, p->score, p->x, p->y, p->w, p->h };
    }
    return n;
}

static void add(struct bench *b, struct side *s, const struct shown *i, const struct metrics_truth *t, size_t n_t,
                const struct metrics_detection *f, size_t n_f)
{
    if (b->c->whole) {
        s->right[b->n_seen] = n_t && n_f && t[0].label == f[0].label;
        return;
    }
    metrics_add(s->all, t, n_t, f, n_f);
    if (!i->reviewed)
        metrics_add(s->test, t, n_t, f, n_f);
}

/* An image that cannot be decoded is left out for both. */
static enum err one(struct bench *b, struct arena *a, const struct shown *i)
{
    struct metrics_truth *truths = arena_new_array(a, struct metrics_truth, SHAPES_MOST);
    struct metrics_detection *found[2];
    size_t n_truths, n_found[2];
    TRY(truths_of(b, i, truths, &n_truths));
    if (b->c->whole && !n_truths)
        return OK;
    for (int k = 0; k < 2; k++) {
        struct detections d = { 0 };
        struct predicted_shapes shapes = { 0 };
        enum err e = model_ask(b->job->db, b->c->services, a, "test", b->side[k].version, i->hash, b->c->whole ? 0 : LEAST_SCORE,
                               &d, &shapes);
        if (e == E_INVALID)
            return OK;
        TRY(e);
        found[k] = arena_new_array(a, struct metrics_detection, shapes.n + 1);
        n_found[k] = found_of(b, &b->side[k], &shapes, found[k]);
    }
    for (int k = 0; k < 2; k++)
        add(b, &b->side[k], i, truths, n_truths, found[k], n_found[k]);
    b->n_seen++;
    b->n_seen_test += !i->reviewed;
    return OK;
}

/* ---- all of them */

static void score_boxes(struct arena *a, struct metrics *m, struct contestant *ret)
{
    struct detect_metrics figures;
    struct draws draws;
    metrics_compute(m, a, &figures);
    metrics_resample(m, a, SEED, &draws);
    *ret = (struct contestant){ figures.ap50, draws.ap50, draws.n };
}

static void score_labels(struct arena *a, const double *right, size_t n, struct contestant *ret)
{
    struct draws draws;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += right[i];
    mean_resample(right, n, a, SEED, &draws);
    *ret = (struct contestant){ n ? sum / (double)n : -1, draws.ap, draws.n };
}

static void score(struct bench *b, const struct side *s, struct contestant *ret_all, struct contestant *ret_test)
{
    struct arena *a = b->job->arena;
    if (b->c->whole) {
        score_labels(a, s->right, b->n_seen, ret_all);
        score_labels(a, s->right, b->n_seen_test, ret_test);
    } else {
        score_boxes(a, s->all, ret_all);
        score_boxes(a, s->test, ret_test);
    }
}

static double share(const struct contestant *x, const struct contestant *y, double margin)
{
    int n = x->n < y->n ? x->n : y->n;
    return n ? share_better(x->draws, y->draws, n, margin) : -1;
}

static void conclude(struct bench *b, struct outcome *ret)
{
    score(b, &b->side[0], &ret->champion, &ret->test_champion);
    score(b, &b->side[1], &ret->candidate, &ret->test_candidate);
    ret->metric = b->c->whole ? "accuracy" : "mAP50";
    ret->tested = (int64_t)b->n_seen_test;
    ret->reviewed = (int64_t)(b->n_seen - b->n_seen_test);
    ret->better = share(&ret->candidate, &ret->champion, b->c->margin);
    ret->worse = share(&ret->champion, &ret->candidate, b->c->margin + SHADOW_LEEWAY);
    ret->test_worse = share(&ret->test_champion, &ret->test_candidate, b->c->margin);
}

static enum err see_all(struct bench *b)
{
    for (size_t i = 0; i < b->n; i++) {
        AUTO(arena) struct arena *a = arena_new();
        if (!job_go_on(b->job, (double)i / (double)(b->n + 1), "testing beside the champion"))
            return fail(E_CANCELLED, "the test was stopped");
        TRY(one(b, a, &b->images[i]));
    }
    return OK;
}

static enum err hold(struct bench *b, struct outcome *ret)
{
    TRY(choose_test(b, ret));
    TRY(choose_reviewed(b));
    TRY(read_names(b));
    TRY(read_side(b, &b->side[0], b->c->champion));
    TRY(read_side(b, &b->side[1], b->c->candidate));
    b->known = true;
    for (int k = 0; k < 2; k++) {
        b->side[k].right = arena_new_array(b->job->arena, double, b->n + 1);
        b->side[k].all = metrics_new(b->n_names + 1);
        b->side[k].test = metrics_new(b->n_names + 1);
    }
    TRY(see_all(b));
    conclude(b, ret);
    return OK;
}

enum err contest_hold(struct job *j, const struct contest *c, struct outcome *ret)
{
    struct bench b = { .job = j,
                       .c = c,
                       .images = arena_new_array(j->arena, struct shown, TEST_MOST + REVIEWED_MOST),
                       .names = arena_new_array(j->arena, const char *, METRICS_LABELS) };
    *ret = (struct outcome){ 0 };
    enum err e = hold(&b, ret);
    for (int k = 0; k < 2; k++) {
        metrics_free(b.side[k].all);
        metrics_free(b.side[k].test);
    }
    return e;
}
