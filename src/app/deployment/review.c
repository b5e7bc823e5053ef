/* A person's word on an image: what is really there. One for each predicted asset; it can be taken back until it is sent to the
 * feedback loop. */
#include "app/annotation/annotation.h"
#include "app/deployment/deployment.h"
#include "app/deployment/hours.h"
#include "app/deployment/queue.h"
#include "base/clock.h"
#include <string.h>

enum { BODY_CAP = 8 << 20 };

struct reviewed {
    const char *id, *deployment, *status;
    int width, height;
};

static enum err asset_of(struct op *op, struct reviewed *ret)
{
    ret->id = op->id;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT a.deployment_id, a.status, d.width, d.height FROM predicted_asset a"
                  " JOIN data d ON d.id = a.data_id WHERE a.id = ?1",
                  V(ret->id)));
    ret->deployment = arena_str(op->arena, rows_text(r, 0));
    ret->status = arena_str(op->arena, rows_text(r, 1));
    ret->width = (int)rows_int(r, 2);
    ret->height = (int)rows_int(r, 3);
    return OK;
}

/* Masks are kept as JSON text like the other geometries. */
static const char *geometry_json(struct arena *a, const struct shape *s)
{
    if (!s->geometry || strcmp(s->kind->name, "mask") != 0)
        return s->geometry;
    AUTO(out) struct out o;
    out_init(&o, BODY_CAP * 2);
    out_text(&o, NULL, s->geometry);
    return arena_str(a, o.text.bytes);
}

static enum err label_known(struct op *op, const struct reviewed *v, const struct json *shape, const char *where, const char **ret)
{
    static const struct field in[] = { { "label_id", T_ID, F_NEED } };
    char *id = arena_take(op->arena, ID_SIZE);
    int64_t known = 0;
    TRY(fields_check(FIELDS(in), shape, where));
    id_parse(json_text(json_get(shape, "label_id")), id);
    TRY(sql_int(op->db, &known, "SELECT count(*) FROM deployment_label WHERE id = ?1 AND deployment_id = ?2", V((const char *)id),
                V(v->deployment)));
    *ret = id;
    return known ? OK : fail(E_UNMEANT, "%s: the deployment has no label %s", where, id);
}

static enum err add_shape(struct op *op, const struct reviewed *v, const char *review, const struct shape_kind *kind,
                          const struct json *shape, const char *where, int64_t position)
{
    struct shape s = { .kind = kind };
    TRY(label_known(op, v, shape, where, &s.label_id));
    TRY(kind->read(op->arena, shape, v->width, v->height, where, &s));
    return sql_run(op->db,
                   "INSERT INTO review_shape (review_id, position, kind, label_id, x, y, w, h, geometry)"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                   V(review), V(position), V(kind->name), V(s.label_id), V((double)s.x), V((double)s.y), V((double)s.w),
                   V((double)s.h), V(geometry_json(op->arena, &s)));
}

static enum err review(struct op *op)
{
    struct reviewed v;
    const char *chosen, *id = id_new(op->arena);
    TRY(asset_of(op, &v));
    if (strcmp(v.status, "TO_REVIEW") != 0)
        return fail(E_CONFLICT, "the image has been reviewed already: take that review back first");
    TRY(lease_end(op->db, op->arena, v.id, op->user_id, &chosen));
    TRY(sql_run(op->db, "INSERT INTO review (id, predicted_asset_id, created_at, created_by, chosen) VALUES (?1, ?2, ?3, ?4, ?5)",
                V(id), V(v.id), V(clock_now_ms()), V(op->user_id), V(chosen)));
    int64_t position = 0;
    for (const struct shape_kind *const *k = shape_kinds; *k; k++) {
        const struct json *list = in_json(op, (*k)->plural);
        if (position + (int64_t)json_count(list) > SHAPES_MOST)
            return fail(E_TOO_BIG, "a review may have %d shapes", SHAPES_MOST);
        for (size_t i = 0; i < json_count(list); i++)
            TRY(add_shape(op, &v, id, *k, json_at(list, i), arena_fmt(op->arena, "%s[%zu]", (*k)->plural, i), position++));
    }
    TRY(hours_add_review(op->db, op->arena, id));
    TRY(sql_run(op->db, "UPDATE predicted_asset SET status = 'REVIEWED', skipped = 0 WHERE id = ?1", V(v.id)));
    TRY(reviewed_until_keep(op->db, v.deployment));
    TRY(deployment_tell(op->db, op->arena, v.deployment,
                        arena_fmt(op->arena, "{\"kind\":\"review\",\"predicted_asset_id\":\"%s\"}", v.id)));
    op->status = 201;
    return reply_one(op, &predicted_asset_resource, v.id);
}

static enum err take_back(struct op *op)
{
    struct reviewed v;
    const char *id, *chosen;
    TRY(asset_of(op, &v));
    if (strcmp(v.status, "REVIEWED") != 0)
        return fail(E_CONFLICT, strcmp(v.status, "SUBMITTED") == 0
                                    ? "the review was sent to the feedback loop: others learn from it"
                                    : "the image has not been reviewed");
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT id, chosen FROM review WHERE predicted_asset_id = ?1", V(v.id)));
        id = arena_str(op->arena, rows_text(r, 0));
        chosen = arena_str(op->arena, rows_text(r, 1));
    }
    TRY(hours_take_out_review(op->db, op->arena, id));
    TRY(sql_run(op->db, "DELETE FROM review WHERE id = ?1", V(id)));
    TRY(sql_run(op->db, "UPDATE predicted_asset SET status = 'TO_REVIEW' WHERE id = ?1", V(v.id)));
    TRY(reviewed_until_end(op->db, v.id));
    TRY(lease_again(op->db, op->arena, v.id, op->user_id, chosen));
    TRY(deployment_tell(op->db, op->arena, v.deployment,
                        arena_fmt(op->arena, "{\"kind\":\"review\",\"predicted_asset_id\":\"%s\"}", v.id)));
    return reply_one(op, &predicted_asset_resource, v.id);
}

static enum err list(struct op *op)
{
    struct reviewed v;
    TRY(asset_of(op, &v));
    return reply_one(op, &predicted_asset_resource, v.id);
}

static const struct field review_in[] = {
    { "rectangles", T_ARRAY, F_NULL }, { "polygons", T_ARRAY, F_NULL }, { "classifications", T_ARRAY, F_NULL },
    { "lines", T_ARRAY, F_NULL },      { "points", T_ARRAY, F_NULL },   { "keypoints", T_ARRAY, F_NULL },
    { "masks", T_ARRAY, F_NULL },
};

static const struct route routes[] = {
    { "POST", "/api/predicted/asset/{id}/reviews", review, MAY_ANNOTATE, WORK_WRITE, "reviews a prediction: what is really there",
      FIELDS(review_in), &predicted_asset_resource, BODY_CAP, .on = &predicted_asset_resource },
    { "DELETE", "/api/predicted/asset/{id}/reviews", take_back, MAY_ANNOTATE, WORK_WRITE,
      "takes the review back, unless it was sent to the feedback loop; figures follow", NULL, 0, &predicted_asset_resource,
      .on = &predicted_asset_resource },
    { "GET", "/api/predicted/asset/{id}/reviews", list, MAY_READ, WORK_READ, "the prediction with its review", NULL, 0,
      &predicted_asset_resource, .on = &predicted_asset_resource },
};

const struct resource review_resource = { .name = "review", .routes = routes, .n_routes = COUNT_OF(routes) };
