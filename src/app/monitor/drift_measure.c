/* Window against reference, feature by feature. */
#include "app/deployment/deployment.h"
#include "app/monitor/embedding.h"
#include <string.h>

enum { LABELS_READ = 200, LABELS_KNOWN = 1000000 };

struct two { /* what was before, and the window */
    struct sample before, now;
    struct window window;
};

/* Of the n newest predictions: who looks for them later, when others have come, finds these. */
static enum err window_of(struct sql *db, const struct selection *s, size_t n, struct window *ret)
{
    AUTO(rows) struct rows *r = NULL;
    *ret = (struct window){ 0 };
    if (!n)
        return OK;
    TRY(sql_first(db, &r,
                  "SELECT coalesce(min(w.at), 0), coalesce(max(w.at), 0) FROM (SELECT a.created_at AS at FROM predicted_asset a"
                  " JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0 WHERE " SELECTED
                  " ORDER BY a.created_at DESC, a.id DESC LIMIT ?8) w",
                  SELECTION(s), V((int64_t)n)));
    *ret = (struct window){ rows_int(r, 0), rows_int(r, 1) };
    return OK;
}

/* The champion's predictions, half of them before and half now until there are enough of both. */
static void halves(int64_t n, int64_t window, int64_t *ret_before, int64_t *ret_now)
{
    *ret_now = n / 2 < window ? n / 2 : window;
    *ret_before = n - *ret_now < FIRST_MOST ? n - *ret_now : FIRST_MOST;
}

static enum err count_up_to(struct sql *db, const struct selection *s, int64_t most, int64_t *ret)
{
    return sql_int(db, ret,
                   "SELECT count(*) FROM (SELECT 1 AS one FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id"
                   " AND p.is_shadow = 0 WHERE " SELECTED " LIMIT ?8) n",
                   SELECTION(s), V(most));
}

/* A selection that was narrowed by the caller is the window as it is; what was before is always the first of the champion's. */
static enum err read_predictions(struct sql *db, struct arena *a, const struct drift_settings *t, const struct selection *s,
                                 int n_labels, bool images, struct two *ret)
{
    const struct selection all = { .deployment_id = t->deployment_id,
                                   .model_version_id = s->model_version_id,
                                   .from_ms = t->since_ms };
    int64_t n = 0, before, now;
    TRY(count_up_to(db, &all, FIRST_MOST + t->window, &n));
    halves(n, t->window, &before, &now);
    TRY(images ? sample_images(db, a, &all, true, before, &ret->before)
               : sample_predictions(db, a, &all, true, before, n_labels, &ret->before));
    TRY(images ? sample_images(db, a, s, false, now, &ret->now) : sample_predictions(db, a, s, false, now, n_labels, &ret->now));
    return window_of(db, s, ret->now.n, &ret->window);
}

static void compare(struct drifting *d)
{
    sample_sort(d->before.values, d->before.n);
    sample_sort(d->now.values, d->now.n);
    d->n_before = d->before.n;
    d->n_now = d->now.n;
    d->tested = d->before.n >= LEAST && d->now.n >= LEAST;
    if (d->tested)
        ks_test(d->before.values, d->before.n, d->now.values, d->now.n, &d->ks);
}

static struct drifting *next_item(struct drift *r, const struct feature_row *f)
{
    struct drifting *d = &r->items[r->n_items++];
    *d = (struct drifting){ .name = f->name, .title = f->title, .unit = f->unit, .query = f->query };
    return d;
}

static void compare_features(const struct two *two, int from, int to, bool with_training, struct drift *ret)
{
    for (int f = from; f < to; f++) {
        struct drifting *d = next_item(ret, &drift_features[f]);
        d->with_training = with_training;
        d->window = two->window;
        d->before = two->before.of[f];
        d->now = two->now.of[f];
        compare(d);
    }
}

/* ---- the embedding: what the network sees, along each direction and as a whole */

struct embedded {
    struct places before, now;
    struct window window;
};

/* The window, and the champion's first predictions since there is a fit. These, and not the training images, are what it is
 * compared with: of what a network was taught it gives other features than of what it has never seen, and the directions fit the
 * images that they were found with better than any others. */
static enum err read_embedded(struct sql *db, struct arena *a, const struct drift_settings *t, const struct selection *s,
                              struct embedded *ret)
{
    struct fit f;
    int64_t n = 0, before, now;
    if (!t->training_version)
        return OK;
    TRY(fit_read(db, a, t->champion, t->training_version, &f));
    if (!f.ready || strcmp(s->model_version_id, t->champion) != 0)
        return OK;
    const struct selection all = { .deployment_id = t->deployment_id,
                                   .model_version_id = t->champion,
                                   .from_ms = t->since_ms > f.created_at ? t->since_ms : f.created_at };
    size_t width = (size_t)(f.n < t->directions ? f.n : t->directions);
    TRY(count_up_to(db, &all, FIRST_MOST + t->window, &n));
    halves(n, t->window, &before, &now);
    TRY(places_of_predictions(db, a, &all, &f, true, before, width, &ret->before));
    TRY(places_of_predictions(db, a, s, &f, false, now, width, &ret->now));
    return window_of(db, s, (size_t)now, &ret->window);
}

static struct series along(struct arena *a, const struct places *p, size_t direction)
{
    struct series s = { arena_new_array(a, double, p->n + 1), p->n };
    for (size_t i = 0; i < p->n; i++)
        s.values[i] = (double)p->values[i * p->width + direction];
    return s;
}

static enum err compare_together(const struct embedded *e, struct drift *ret)
{
    static const struct feature_row row = { "embedding:mmd", "Embedding as a whole", "MMD²", "" };
    struct drifting *d = next_item(ret, &row);
    d->together = true;
    d->window = e->window;
    d->n_before = e->before.n < MMD_MOST ? e->before.n : MMD_MOST;
    d->n_now = e->now.n < MMD_MOST ? e->now.n : MMD_MOST;
    d->tested = d->n_before >= LEAST && d->n_now >= LEAST;
    if (!d->tested)
        return OK;
    TRY(mmd_test(e->before.values, d->n_before, e->now.values, d->n_now, e->now.width, &d->mmd));
    d->ks = (struct ks){ .d = d->mmd.mmd2, .p = d->mmd.p };
    return OK;
}

static enum err compare_embedded(struct arena *a, const struct embedded *e, struct drift *ret)
{
    for (size_t i = 0; i < e->now.width; i++) {
        bool last = i + 1 == e->now.width;
        const struct feature_row row = { last ? "embedding:beside" : arena_fmt(a, "embedding:%zu", i + 1),
                                         last ? "Embedding, beside the directions"
                                              : arena_fmt(a, "Embedding, direction %zu", i + 1),
                                         "σ", "" };
        struct drifting *d = next_item(ret, &row);
        d->window = e->window;
        d->before = along(a, &e->before, i);
        d->now = along(a, &e->now, i);
        compare(d);
    }
    return e->now.width ? compare_together(e, ret) : OK;
}

/* ---- labels: how many objects of each a prediction has, 0 where it has none */

static struct series with_zeros(struct arena *a, const struct series *counts, size_t n)
{
    struct series s = { arena_new_array(a, double, n + 1), n };
    if (counts->n)
        memcpy(s.values, counts->values, counts->n * sizeof(double));
    return s; /* the arena's memory is zero */
}

static double objects(const struct series *s)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++)
        sum += s->values[i];
    return sum;
}

/* The label of both samples that the most predictions say and that was not taken yet; -1: none. That it is chosen by both alike
 * keeps the test fair. */
static int most_said(const struct two *two, const bool *taken)
{
    int best = -1;
    size_t most = 0;
    for (int i = 0; i < two->now.n_labels; i++) {
        size_t n = two->now.labels[i].n + two->before.labels[i].n;
        if (!taken[i] && n > most) {
            most = n;
            best = i;
        }
    }
    return best;
}

static void compare_labels(struct arena *a, const struct two *two, const char *const *names, struct drift *ret)
{
    bool taken[LABELS_READ] = { false };
    double before[LABELS_READ] = { 0 }, now[LABELS_READ] = { 0 }, all_before = 0, all_now = 0;
    for (int i = 0; i < two->now.n_labels; i++) {
        all_before += before[i] = objects(&two->before.labels[i]);
        all_now += now[i] = objects(&two->now.labels[i]);
    }
    ret->label_distance = all_before > 0 && all_now > 0 ? total_variation(before, now, (size_t)two->now.n_labels) : -1;
    for (int k = 0, i; k < LABELS_TESTED && (i = most_said(two, taken)) >= 0; k++) {
        taken[i] = true;
        const struct feature_row row = { arena_fmt(a, "label:%s", names[i]), arena_fmt(a, "Objects “%s”", names[i]), "",
                                         arena_fmt(a, "count(label.name = \"%s\")", names[i]) };
        struct drifting *d = next_item(ret, &row);
        d->label = names[i];
        d->window = two->window;
        d->before = with_zeros(a, &two->before.labels[i], two->before.n);
        d->now = with_zeros(a, &two->now.labels[i], two->now.n);
        compare(d);
    }
}

/* ---- all together */

/* Bonferroni: one of n tests is called significant at alpha / n. */
static void decide(double alpha, struct drift *d)
{
    for (size_t i = 0; i < d->n_items; i++)
        d->n_tested += d->items[i].tested;
    d->alpha = d->n_tested ? alpha / (double)d->n_tested : alpha;
    for (size_t i = 0; i < d->n_items; i++) {
        struct drifting *x = &d->items[i];
        if (!x->tested)
            continue;
        x->limit = x->together ? mmd_critical(&x->mmd, d->alpha) : ks_critical(x->before.n, x->now.n, d->alpha);
        x->drifted = x->ks.p <= d->alpha;
        d->drifted = d->drifted || x->drifted;
    }
}

static const char *what_is_missing(struct arena *a, const struct drift *d, bool with_training)
{
    if (with_training && d->training_looked_at < d->training_images)
        return arena_fmt(a, "%lld of %lld training images are measured", (long long)d->training_looked_at,
                         (long long)d->training_images);
    int64_t wanted = with_training ? LEAST : 2 * LEAST;
    if (d->predictions < wanted)
        return arena_fmt(a, "%lld of %lld predictions", (long long)d->predictions, (long long)wanted);
    return d->predictions < 2 * LEAST ? arena_fmt(a, "%lld of %lld predictions, until what the model says is compared too",
                                                  (long long)d->predictions, (long long)2 * LEAST)
                                      : NULL;
}

enum err drift_measure(struct sql *db, struct arena *a, const struct drift_settings *t, const struct selection *narrowed,
                       struct drift *ret)
{
    struct selection s = *narrowed;
    struct two images = { 0 }, said = { 0 };
    struct embedded seen = { 0 };
    const char **names;
    int n_labels;
    *ret = (struct drift){ .label_distance = -1 };
    TRY(sample_training(db, a, t->deployment_id, &images.before, &ret->training_images));
    ret->training_looked_at = (int64_t)images.before.n;
    bool with_training = t->with_training && ret->training_images >= LEAST;
    if (with_training && ret->training_looked_at < ret->training_images) /* those so far are the oldest ones */
        images.before = (struct sample){ 0 };
    if (with_training) {
        TRY(sample_images(db, a, &s, false, t->window, &images.now));
        TRY(window_of(db, &s, images.now.n, &images.window));
    }
    s.model_version_id = s.model_version_id ? s.model_version_id : t->champion;
    if (!with_training)
        TRY(read_predictions(db, a, t, &s, 0, true, &images));
    TRY(monitor_labels(db, a, t->deployment_id, LABELS_KNOWN, &names, &n_labels));
    TRY(read_predictions(db, a, t, &s, n_labels < LABELS_READ ? n_labels : LABELS_READ, false, &said));
    TRY(count_up_to(db, &s, FIRST_MOST + t->window, &ret->predictions));
    TRY(read_embedded(db, a, t, &s, &seen));
    compare_features(&images, 0, IMAGE_FEATURES, with_training, ret);
    compare_features(&said, IMAGE_FEATURES, FEATURES, false, ret);
    TRY(compare_embedded(a, &seen, ret));
    compare_labels(a, &said, names, ret);
    decide(t->alpha, ret);
    ret->waits_for = what_is_missing(a, ret, with_training);
    return OK;
}
