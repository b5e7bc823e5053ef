/* What people decide about a deployment: which model answers, how many requests the shadow answers, and that it rests. Each is a
 * record with its name beside those of what was decided by figures (decision.c). */
#include "app/deployment/decision.h"
#include "app/deployment/deployment.h"
#include "app/model/model.h"
#include "base/clock.h"
#include <string.h>

struct state {
    const char *champion, *shadow, *former;
    double share;
    bool paused;
};

static enum err state_read(struct op *op, struct state *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT model_version_id, shadow_model_version_id, former_model_version_id, canary_share, status = 'PAUSED'"
                  " FROM deployment WHERE id = ?1",
                  V(op->id)));
    *ret = (struct state){ arena_str(op->arena, rows_text(r, 0)), rows_null(r, 1) ? NULL : arena_str(op->arena, rows_text(r, 1)),
                           rows_null(r, 2) ? NULL : arena_str(op->arena, rows_text(r, 2)), rows_real(r, 3), rows_int(r, 4) };
    return OK;
}

static enum err decided(struct op *op, const char *kind, const char *model, const char *against, const char *says)
{
    const struct decision d = {
        .deployment = op->id, .kind = kind, .model = model, .against = against, .better = -1, .says = says, .by = op->user_id
    };
    TRY(decision_add(op->db, op->arena, &d));
    return reply_one(op, &deployment_resource, op->id);
}

static const char *called(struct op *op, const char *version)
{
    return model_version_called(op->db, op->arena, version);
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* ---- models */

static enum err champion_asked(struct op *op)
{
    struct state s;
    const char *version = in_text(op, "model_version_id");
    TRY(state_read(op, &s));
    TRY(model_version_seen(op, version));
    TRY(deployment_set_model(op->db, op->arena, op->id, SLOT_CHAMPION, version));
    if (same(version, s.champion))
        return reply_one(op, &deployment_resource, op->id);
    return decided(op, "CHAMPION", version, s.champion,
                   arena_fmt(op->arena, "%s was made champion in place of %s", called(op, version), called(op, s.champion)));
}

static enum err shadow_asked(struct op *op)
{
    struct state s;
    const char *version = in_text(op, "model_version_id");
    TRY(state_read(op, &s));
    if (version)
        TRY(model_version_seen(op, version));
    TRY(deployment_set_model(op->db, op->arena, op->id, SLOT_SHADOW, version));
    if (same(version, s.shadow))
        return reply_one(op, &deployment_resource, op->id);
    if (!version)
        return decided(op, "SHADOW", s.shadow, NULL, arena_fmt(op->arena, "%s was taken away as shadow", called(op, s.shadow)));
    return decided(op, "SHADOW", version, s.shadow, arena_fmt(op->arena, "%s became the shadow", called(op, version)));
}

/* The file is asked before the transaction; a deployment that serves nothing needs none. */
static enum err ask_file(struct op *op)
{
    int64_t serving = 0;
    const char *version = in_text(op, "model_version_id");
    TRY(sql_int(op->db, &serving, "SELECT serving FROM deployment WHERE id = ?1", V(op->id)));
    return serving && version ? model_need_servable(op, version) : OK;
}

static enum err set_champion(struct op *op)
{
    TRY(ask_file(op));
    return op_write(op, champion_asked);
}

static enum err set_shadow(struct op *op)
{
    TRY(ask_file(op));
    return op_write(op, shadow_asked);
}

static enum err promote(struct op *op)
{
    struct state s;
    TRY(state_read(op, &s));
    if (!s.shadow)
        return fail(E_CONFLICT, "the deployment has no shadow model");
    TRY(deployment_set_model(op->db, op->arena, op->id, SLOT_CHAMPION, s.shadow));
    TRY(deployment_set_model(op->db, op->arena, op->id, SLOT_SHADOW, NULL));
    return decided(op, "PROMOTED", s.shadow, s.champion,
                   arena_fmt(op->arena, "%s took over from %s by hand", called(op, s.shadow), called(op, s.champion)));
}

static enum err roll_back(struct op *op)
{
    struct state s;
    TRY(state_read(op, &s));
    if (!s.former)
        return fail(E_CONFLICT, "there is no former champion to go back to");
    TRY(deployment_set_model(op->db, op->arena, op->id, SLOT_CHAMPION, s.former));
    return decided(
        op, "ROLLED_BACK", s.champion, s.former,
        arena_fmt(op->arena, "%s goes, and %s is champion again, by hand", called(op, s.champion), called(op, s.former)));
}

/* ---- the canary */

static enum err set_canary(struct op *op)
{
    struct state s;
    double share = in_number(op, "share", 0);
    TRY(state_read(op, &s));
    if (!s.shadow)
        return fail(E_CONFLICT, "the deployment has no shadow model that could answer");
    TRY(sql_run(op->db, "UPDATE deployment SET canary_share = ?2, updated_at = ?3 WHERE id = ?1", V(op->id), V(share),
                V(clock_now_ms())));
    TRY(deployment_tell(op->db, op->arena, op->id, "{\"kind\":\"canary\"}"));
    if (share == s.share)
        return reply_one(op, &deployment_resource, op->id);
    const char *says = share > 0 ? arena_fmt(op->arena, "%s answers %g %% of the requests", called(op, s.shadow), share * 100)
                                 : arena_fmt(op->arena, "%s answers no requests any more", called(op, s.shadow));
    return decided(op, "CANARY", s.shadow, s.champion, says);
}

/* ---- resting */

static enum err set_status(struct op *op, const char *status, const char *kind, const char *says)
{
    struct state s;
    TRY(state_read(op, &s));
    TRY(sql_run(op->db, "UPDATE deployment SET status = ?2, updated_at = ?3 WHERE id = ?1", V(op->id), V(status),
                V(clock_now_ms())));
    TRY(deployment_tell(op->db, op->arena, op->id, "{\"kind\":\"status\"}"));
    if (s.paused == (strcmp(status, "PAUSED") == 0))
        return reply_one(op, &deployment_resource, op->id);
    return decided(op, kind, s.champion, NULL, says);
}

static enum err pause_it(struct op *op)
{
    return set_status(op, "PAUSED", "PAUSED", "Paused: predictions are refused");
}

static enum err resume(struct op *op)
{
    return set_status(op, "RUNNING", "RESUMED", "Resumed: predictions are answered again");
}

static const struct field champion_in[] = { { "model_version_id", T_ID, F_NEED } };
static const struct field shadow_in[] = { { "model_version_id", T_ID, F_NULL } };
static const struct field canary_in[] = { { "share", T_NUMBER, F_NEED, .min = 0, .max = 1 } };

#define CHANGED .on = &deployment_resource, .answers = &deployment_resource
static const struct route routes[] = {
    { "POST", "/api/deployment/{id}/model", set_champion, MAY_WRITE, WORK_FREE, "sets the champion", FIELDS(champion_in), CHANGED },
    { "POST", "/api/deployment/{id}/shadow", set_shadow, MAY_WRITE, WORK_FREE, "sets the shadow model, or none", FIELDS(shadow_in),
      CHANGED },
    { "POST", "/api/deployment/{id}/shadow/promote", promote, MAY_WRITE, WORK_WRITE, "the shadow becomes champion", CHANGED },
    { "POST", "/api/deployment/{id}/rollback", roll_back, MAY_WRITE, WORK_WRITE, "the former champion is champion again", CHANGED },
    { "POST", "/api/deployment/{id}/canary", set_canary, MAY_WRITE, WORK_WRITE,
      "which share of the requests the shadow answers, 0 to 1; 0 ends it", FIELDS(canary_in), CHANGED },
    { "POST", "/api/deployment/{id}/pause", pause_it, MAY_WRITE, WORK_WRITE, "refuses predictions until it is resumed", CHANGED },
    { "POST", "/api/deployment/{id}/resume", resume, MAY_WRITE, WORK_WRITE, "takes predictions again", CHANGED },
};

const struct resource steer_resource = { .name = "decision by hand", .routes = routes, .n_routes = COUNT_OF(routes) };
