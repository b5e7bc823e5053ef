/* A new model is tested beside the champion, on images that neither has learnt from: a version that is set apart, and what was
 * reviewed since the champion came. Then the policy is followed, if it does well enough. */
#include "app/deployment/candidate.h"
#include "api/op.h"
#include "app/deployment/serve.h"
#include "base/log.h"
#include <string.h>

const char *put_words(enum put put)
{
    return put == PUT_CHAMPION ? "became champion" : put == PUT_SHADOW ? "became the shadow" : "is kept as a version";
}

static enum err read_contest(struct job *j, struct contest *ret, bool *ret_any)
{
    struct arena *a = j->arena;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        j->db, &r,
        "SELECT t.deployment_id, d.name, t.experiment_id, t.model_version_id, d.model_version_id, q.cd_policy, q.cd_active,"
        " q.cd_margin, q.cd_confidence, d.type = 'CLASSIFICATION', CASE WHEN d.serving <> 0 THEN d.deployed_at ELSE 0 END"
        " FROM retraining t JOIN deployment d ON d.id = t.deployment_id JOIN pipeline q ON q.deployment_id = d.id"
        " WHERE t.id = ?1 AND t.state = 'TESTING' AND t.model_version_id IS NOT NULL",
        V(ret->retraining)));
    *ret_any = rows_next(r);
    if (!*ret_any)
        return rows_error(r);
    const char **texts[] = { &ret->deployment, &ret->called, &ret->experiment, &ret->candidate, &ret->champion, &ret->policy };
    for (int i = 0; i < (int)COUNT_OF(texts); i++)
        *texts[i] = arena_str(a, rows_text(r, i));
    ret->active = rows_int(r, 6) != 0;
    ret->margin = rows_real(r, 7);
    ret->confidence = rows_real(r, 8);
    ret->whole = rows_int(r, 9) != 0;
    ret->since_ms = rows_int(r, 10);
    return rows_error(r);
}

static enum err read_test(struct job *j, struct contest *c)
{
    TRY(tested_with(j->db, j->arena, c->deployment, &c->test_version));
    c->test_called = "";
    if (!c->test_version) /* it was deleted since, or testing was switched off */
        return OK;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        j->db, &r,
        "SELECT s.name || ' / ' || v.version FROM dataset_version v JOIN dataset s ON s.id = v.dataset_id WHERE v.id = ?1",
        V(c->test_version)));
    c->test_called = arena_str(j->arena, rows_text(r, 0));
    return OK;
}

/* ---- the verdict */

/* A champion must be shown to be better on all images, and not to be worse on the test version; a shadow, which answers nobody,
 * must not be shown to be much worse. */
static bool passes(const struct contest *c, const struct outcome *o, enum put put)
{
    if (put == PUT_CHAMPION)
        return o->better >= c->confidence && o->test_worse < c->confidence;
    return o->worse < c->confidence;
}

static const char *figures(struct arena *a, const struct contest *c, const struct outcome *o, bool of_champion)
{
    const char *margin = c->margin > 0 ? arena_fmt(a, " by more than %g", c->margin) : "";
    const char *learnt =
        o->learnt ? arena_fmt(a, "; %lld of that version were learnt from and left out", (long long)o->learnt) : "";
    const char *images = arena_fmt(a, "%lld images of %s and %lld reviewed ones that neither learnt from%s", (long long)o->tested,
                                   c->test_called, (long long)o->reviewed, learnt);
    if (o->better < 0)
        return arena_fmt(a, "nothing can be said of %s", images);
    const char *draws =
        of_champion ? arena_fmt(a, "better%s in %.1f %% of the resamples", margin, o->better * 100)
                    : arena_fmt(a, "worse by more than %g in %.1f %% of the resamples", c->margin + SHADOW_LEEWAY, o->worse * 100);
    const char *test = arena_fmt(a, "on that version alone %.3f against %.3f, worse%s in %.1f %%", o->test_candidate.score,
                                 o->test_champion.score, margin, o->test_worse * 100);
    return arena_fmt(a, "%s %.3f against %.3f on %s; %s, %s; %.1f %% decide", o->metric, o->candidate.score, o->champion.score,
                     images, draws, test, c->confidence * 100);
}

enum put contest_decide(struct sql *db, struct arena *a, const struct contest *c, const struct outcome *o, struct decision *ret)
{
    enum put wanted = put_by_policy(c->active, c->policy);
    bool pass = passes(c, o, wanted);
    enum put put = pass ? wanted : PUT_NOWHERE;
    const char *says = figures(a, c, o, wanted == PUT_CHAMPION);
    *ret = (struct decision){ .deployment = c->deployment,
                              .kind = pass ? "PASSED" : "REFUSED",
                              .model = c->candidate,
                              .against = c->champion,
                              .images = o->tested + o->reviewed,
                              .metric = o->better < 0 ? NULL : o->metric,
                              .score = o->candidate.score,
                              .against_score = o->champion.score,
                              .better = o->better,
                              .confidence = c->confidence,
                              .says = arena_fmt(a, "%s %s, beside %s: %s", model_version_called(db, a, c->candidate),
                                                put_words(put), model_version_called(db, a, c->champion), says) };
    return put;
}

/* ---- the job */

/* E_BUSY: the champion is another one by now, and nothing was written. */
static enum err finish(struct job *j, const struct contest *c, enum put put, const struct decision *d)
{
    int64_t still = 0;
    TRY(sql_int(
        j->db, &still,
        "SELECT count(*) FROM retraining t JOIN deployment d ON d.id = t.deployment_id WHERE t.id = ?1 AND t.state = 'TESTING'"
        " AND d.model_version_id = ?2",
        V(c->retraining), V(c->champion)));
    if (!still)
        return fail(E_BUSY, "the champion became another one meanwhile");
    TRY(retraining_tested(j->db, j->arena, c->retraining, put, d));
    return job_done_within(j, "{}");
}

static enum err hold(struct job *j, struct contest *c, enum put *ret_put, struct decision *ret)
{
    struct services with = *(const struct services *)j->with;
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    struct outcome o;
    TRY(infer_start(with.self_path, 1, 2, &pool));
    with.infer = pool;
    c->services = &with;
    TRY(contest_hold(j, c, &o));
    *ret_put = contest_decide(j->db, j->arena, c, &o, ret);
    return OK;
}

/* A model that cannot be run at all is no candidate. */
static enum put refused(struct job *j, const struct contest *c, const char *why, struct decision *ret)
{
    *ret = (struct decision){ .deployment = c->deployment,
                              .kind = "REFUSED",
                              .model = c->candidate,
                              .against = c->champion,
                              .says = arena_fmt(j->arena, "%s %s: it could not be tested: %s",
                                                model_version_called(j->db, j->arena, c->candidate), put_words(PUT_NOWHERE), why) };
    return PUT_NOWHERE;
}

static enum err run_once(struct job *j)
{
    struct contest c = { .retraining = json_text(json_get(j->input, "retraining_id")) };
    struct decision d;
    enum put put;
    bool any;
    TRY(read_contest(j, &c, &any));
    if (!any)
        return OK;
    TRY(read_test(j, &c));
    enum err e = c.test_version ? hold(j, &c, &put, &d) : fail(E_UNMEANT, "the test version is gone");
    if (e == E_UNMEANT)
        put = refused(j, &c, arena_str(j->arena, fail_text()), &d);
    else
        TRY(e);
    TRY(sql_begin(j->db));
    return sql_end(j->db, finish(j, &c, put, &d));
}

enum { OVERTAKEN_MOST = 10 };

/* A champion that takes over meanwhile is the one to be beaten: the test begins anew, and costs no try of the job. */
static enum err run(struct job *j)
{
    enum err e = run_once(j);
    for (int i = 0; e == E_BUSY && i < OVERTAKEN_MOST; i++)
        e = run_once(j);
    return e;
}

/* In the transaction that settles the job: the model stays a version, and nothing waits for the test any longer. */
static enum err gave_up(struct job *j, const char *why)
{
    struct contest c = { .retraining = json_text(json_get(j->input, "retraining_id")) };
    struct decision d;
    bool any;
    TRY(read_contest(j, &c, &any));
    if (!any)
        return OK;
    enum put put = refused(j, &c, why ? why : "it was stopped", &d);
    return retraining_tested(j->db, j->arena, c.retraining, put, &d);
}

const struct job_kind candidate_job = {
    .name = "test_model", .run = run, .gave_up = gave_up, .tries = 5, .lease_s = 60, .lane = "models"
};
