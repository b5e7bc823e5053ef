/* Decides by reviews whether a shadow takes over and whether a champion goes. Figures are read without a transaction; the decision
 * is written in one, if the models are still those that were compared. */
#include "api/remove.h"
#include "app/deployment/deployment.h"
#include "app/model/model.h"
#include "app/monitor/gate.h"
#include "base/clock.h"
#include "base/log.h"
#include <math.h>
#include <string.h>

enum { LOOKS_MOST = 12 };

struct gate {
    const char *id, *champion, *shadow;        /* those of now */
    const char *known_champion, *known_shadow; /* those of the last look */
    const char *former, *seen;
    bool promotes, rolls_back, whole, has_low;
    double margin, confidence, former_low;
    int64_t reviews, shadow_looks, champion_looks, champion_since;
};

double gate_confidence(double confidence, int64_t look)
{
    return 1 - (1 - confidence) / pow(2, (double)look + 1);
}

int64_t gate_reviews(int64_t reviews, int64_t look)
{
    return reviews << (look < LOOKS_MOST ? look : LOOKS_MOST);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static enum err read_gates(struct sql *db, struct arena *a, struct gate **ret, size_t *ret_n)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT count(*) FROM gate WHERE promotes <> 0 OR rolls_back <> 0"));
    struct gate *all = arena_new_array(a, struct gate, n + 1);
    *ret_n = 0;
    *ret = all;
    if (!n)
        return OK;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT g.id, d.model_version_id, d.shadow_model_version_id, g.champion_id, g.shadow_id, g.former_id, g.seen,"
        " g.promotes, g.rolls_back, d.type = 'CLASSIFICATION', g.margin, g.confidence, g.former_low, g.reviews,"
        " g.shadow_looks, g.champion_looks, g.champion_since FROM gate g JOIN deployment d ON d.id = g.id"
        " WHERE (g.promotes <> 0 OR g.rolls_back <> 0) AND d.model_version_id IS NOT NULL AND " NOT_GONE("d.id") " LIMIT ?1",
        V(n)));
    for (struct gate *g = all; rows_next(r); g++, ++*ret_n) {
        const char **texts[] = { &g->id, &g->champion, &g->shadow, &g->known_champion, &g->known_shadow, &g->former, &g->seen };
        for (int i = 0; i < (int)COUNT_OF(texts); i++)
            *texts[i] = rows_null(r, i) ? NULL : arena_str(a, rows_text(r, i));
        g->promotes = rows_int(r, 7);
        g->rolls_back = rows_int(r, 8);
        g->whole = rows_int(r, 9);
        g->margin = rows_real(r, 10);
        g->confidence = rows_real(r, 11);
        g->has_low = !rows_null(r, 12);
        g->former_low = rows_real(r, 12);
        g->reviews = rows_int(r, 13);
        g->shadow_looks = rows_int(r, 14);
        g->champion_looks = rows_int(r, 15);
        g->champion_since = rows_int(r, 16);
    }
    return rows_error(r);
}

/* The latest reviewed images that a version answered as champion since then. */
static enum err answered_by(struct sql *db, struct arena *a, const char *deployment, const char *version, int64_t since,
                            struct value *ret, int64_t *ret_n)
{
    const char **ids = arena_new_array(a, const char *, SUPERVISED_MOST);
    size_t n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT a.id FROM predicted_asset a JOIN prediction p ON p.predicted_asset_id = a.id AND p.is_shadow = 0"
                 " WHERE a.deployment_id = ?1 AND a.status <> 'TO_REVIEW' AND coalesce(p.model_version_id, '') = ?2"
                 " AND " CHOSEN_FAIRLY " AND a.created_at >= ?3 ORDER BY a.created_at DESC LIMIT ?4",
                 V(deployment), V(version), V(since), V((int64_t)SUPERVISED_MOST)));
    while (rows_next(r))
        ids[n++] = arena_str(a, rows_text(r, 0));
    TRY(rows_error(r));
    *ret_n = (int64_t)n;
    return sql_list(db, ids, n, ret);
}

/* ---- a new champion, however it came: what it will be measured by is what its predecessor reached */

static enum err note_champion(struct sql *db, struct arena *a, const struct gate *g)
{
    struct value ids;
    struct side side = { .n = 0 };
    int64_t n = 0;
    if (g->known_champion) {
        TRY(answered_by(db, a, g->id, g->known_champion, 0, &ids, &n));
        if (n >= g->reviews)
            TRY(side_read(db, a, g->id, ids, false, g->whole, &side));
    }
    struct value low = side.n ? V(interval_of(side.draws, side.n, 0.95).low) : V((const char *)NULL);
    TRY(sql_begin(db));
    return sql_end(
        db, sql_run(db,
                    "UPDATE gate SET champion_id = ?2, former_id = ?3, former_low = ?4, champion_since = (SELECT d.deployed_at"
                    " FROM deployment d WHERE d.id = gate.id), champion_looks = 0 WHERE id = ?1",
                    V(g->id), V(g->champion), V(g->known_champion), low));
}

static enum err note_shadow(struct sql *db, const struct gate *g)
{
    TRY(sql_begin(db));
    return sql_end(db, sql_run(db, "UPDATE gate SET shadow_id = ?2, shadow_looks = 0 WHERE id = ?1", V(g->id), V(g->shadow)));
}

/* ---- deciding */

/* Within a transaction: nothing if the models are others by now. */
static enum err carry_out(struct sql *db, struct arena *a, const struct gate *g, const struct decision *v)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT model_version_id, shadow_model_version_id FROM deployment WHERE id = ?1", V(g->id)));
    bool still = rows_next(r) && same(rows_text(r, 0), g->champion) && same(rows_null(r, 1) ? NULL : rows_text(r, 1), g->shadow);
    TRY(rows_error(r));
    if (!still)
        return OK;
    if (strcmp(v->kind, "PROMOTED") == 0) {
        TRY(deployment_set_model(db, a, g->id, SLOT_CHAMPION, g->shadow));
        TRY(deployment_set_model(db, a, g->id, SLOT_SHADOW, NULL));
    }
    if (strcmp(v->kind, "ROLLED_BACK") == 0) {
        TRY(deployment_set_model(db, a, g->id, SLOT_CHAMPION, g->former));
        TRY(sql_run(db, "UPDATE gate SET champion_id = ?2, former_id = NULL, former_low = NULL WHERE id = ?1", V(g->id),
                    V(g->former)));
    }
    bool of_shadow = strcmp(v->kind, "PROMOTED") == 0 || strcmp(v->kind, "KEPT") == 0;
    TRY(sql_run(db, "UPDATE gate SET shadow_looks = shadow_looks + ?2, champion_looks = champion_looks + ?3 WHERE id = ?1",
                V(g->id), V((int64_t)of_shadow), V((int64_t)!of_shadow)));
    return decision_add(db, a, v);
}

static enum err decide(struct sql *db, struct arena *a, const struct gate *g, const struct decision *v)
{
    TRY(sql_begin(db));
    return sql_end(db, carry_out(db, a, g, v));
}

static enum err judge_shadow(struct sql *db, struct arena *a, const struct gate *g)
{
    const struct selection s = { .deployment_id = g->id };
    struct beside b;
    int64_t least = gate_reviews(g->reviews, g->shadow_looks);
    TRY(beside_compute(db, a, &s, g->margin, least, &b));
    if (b.images < least || !b.known)
        return OK;
    struct decision v = { .deployment = g->id,
                          .model = g->shadow,
                          .against = g->champion,
                          .metric = b.metric,
                          .images = b.images,
                          .score = b.shadow,
                          .against_score = b.champion,
                          .better = b.better,
                          .confidence = gate_confidence(g->confidence, g->shadow_looks) };
    bool wins = b.better >= v.confidence;
    v.kind = wins ? "PROMOTED" : "KEPT";
    v.says = arena_fmt(
        a,
        "%s %s %s: %s %.3f against %.3f on the same %lld reviewed images, better%s in %.1f %% of resamples, %.1f %% are asked for",
        model_version_called(db, a, g->shadow), wins ? "took over from" : "does not take over from",
        model_version_called(db, a, g->champion), b.metric, b.shadow, b.champion, (long long)b.images,
        g->margin > 0 ? arena_fmt(a, " by more than %g", g->margin) : "", b.better * 100, v.confidence * 100);
    return decide(db, a, g, &v);
}

static enum err judge_champion(struct sql *db, struct arena *a, const struct gate *g)
{
    struct value ids;
    struct side side;
    int64_t n;
    TRY(answered_by(db, a, g->id, g->champion, g->champion_since, &ids, &n));
    if (n < gate_reviews(g->reviews, g->champion_looks))
        return OK;
    TRY(side_read(db, a, g->id, ids, false, g->whole, &side));
    if (!side.n)
        return OK;
    struct decision v = { .deployment = g->id,
                          .model = g->champion,
                          .against = g->former,
                          .metric = g->whole ? "accuracy" : "mAP50",
                          .images = n,
                          .score = side.score,
                          .against_score = g->former_low,
                          .better = -1,
                          .confidence = gate_confidence(g->confidence, g->champion_looks) };
    struct interval in = interval_of(side.draws, side.n, v.confidence);
    bool fell = in.high < g->former_low;
    v.kind = fell ? "ROLLED_BACK" : "STAYED";
    v.says = arena_fmt(
        a, "%s %s: %s %.3f on %lld images reviewed since (%.3f to %.3f with %.1f %% confidence); %s had at least %.3f",
        model_version_called(db, a, g->champion), fell ? "goes, and its predecessor is back" : "stays", v.metric, side.score,
        (long long)n, in.low, in.high, v.confidence * 100, model_version_called(db, a, g->former), g->former_low);
    return decide(db, a, g, &v);
}

static enum err look(struct sql *db, struct arena *a, const struct gate *g, const char *newest)
{
    if (!same(g->champion, g->known_champion))
        return note_champion(db, a, g);
    if (!same(g->shadow, g->known_shadow))
        return note_shadow(db, g);
    if (same(g->seen, newest))
        return OK;
    if (g->promotes && g->shadow)
        TRY(judge_shadow(db, a, g));
    if (g->rolls_back && g->former && g->has_low)
        TRY(judge_champion(db, a, g));
    TRY(sql_begin(db));
    return sql_end(db, sql_run(db, "UPDATE gate SET seen = ?2 WHERE id = ?1", V(g->id), V(newest)));
}

enum err gates_look(struct sql *db)
{
    AUTO(arena) struct arena *a = arena_new();
    struct gate *gates;
    size_t n;
    const char *newest = "";
    TRY(read_gates(db, a, &gates, &n));
    if (!n)
        return OK;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(db, &r, "SELECT max(id) FROM review"));
        if (rows_next(r) && !rows_null(r, 0))
            newest = arena_str(a, rows_text(r, 0));
        TRY(rows_error(r));
    }
    for (size_t i = 0; i < n; i++)
        if (look(db, a, &gates[i], newest) != OK)
            log_failure("deciding by reviews");
    return OK;
}
