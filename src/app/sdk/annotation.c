/* Annotations: it knows one of each worker on an asset, and reads who that is. Here an asset has one, and its worker is who made
 * it. */
#include "app/annotation/annotation.h"
#include "app/dataset/dataset.h"
#include "app/sdk/sdk.h"
#include <string.h>

enum { BODY = 64 << 20 };

/* Of those that a job made for somebody who is gone. */
#define NOBODY "'00000000-0000-0000-0000-000000000000'"

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "n.id" },
    { "asset_id", T_ID, F_FILTER, "n.asset_id" },
    { "dataset_version_id", T_ID, 0, "n.dataset_version_id" },
    { "worker_id", T_ID, F_FILTER, "coalesce(n.created_by, " NOBODY ")" },
    { "status", T_TEXT, F_FILTER | F_SORT, "n.status", .words = annotation_statuses },
    { "duration", T_NUMBER, F_FILTER | F_SORT, "n.duration" },
    { "created_at", T_TIME, F_FILTER | F_SORT, "n.created_at" },
    { "updated_at", T_TIME, F_FILTER | F_SORT, "n.updated_at" },
};
static const struct resource of_worker = {
    .name = "annotation",
    .called = "annotation of a worker",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "annotation n",
    .key = "n.id",
    .org = "n.org",
    .root = "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = n.dataset_version_id)",
    .order = "n.id DESC",
};

#define BY_WORKER " AND (n.created_by = ?2 OR ?2 IS NULL)"

static enum err list_of_asset(struct op *op)
{
    return reply_list(op, &of_worker, "n.asset_id = ?1", V(op->id));
}

static enum err find_of_asset(struct op *op)
{
    return reply_find(op, &of_worker, "the asset has no annotation of this worker", "n.asset_id = ?1" BY_WORKER, V(op->id),
                      V(in_text(op, "worker_id")));
}

static enum err list(struct op *op)
{
    return reply_page(op, &of_worker, "n.dataset_version_id = ?1" BY_WORKER " AND (n.status = ?3 OR ?3 IS NULL)", V(op->id),
                      V(in_text(op, "worker_id")), V(in_text(op, "status")));
}

static enum err get(struct op *op)
{
    return reply_one(op, &of_worker, op->id);
}

static enum err only_oneself(struct op *op)
{
    const char *worker = in_text(op, "worker_id");
    return !worker || strcmp(worker, op->user_id) == 0
               ? OK
               : fail(E_FORBIDDEN, "worker_id: annotations are made in one's own name, which is %s", op->user_id);
}

/* What was written, as it is read here. */
static enum err written(struct op *op)
{
    const struct json *a;
    TRY(answered(op, &a));
    return reply_one(op, &of_worker, json_text(json_get(a, "id")));
}

static enum err write(struct op *op)
{
    TRY(only_oneself(op));
    TRY(run_as(op, NULL));
    return written(op);
}

static enum err save(struct op *op)
{
    AUTO(out) struct out body = { 0 };
    out_init(&body, BODY);
    out_object(&body, NULL);
    for (struct json_member m = json_first(op->body); m.key; m = json_next(op->body, m))
        if (strcmp(m.key, "points") == 0)
            sdk_points(op, &body, m.value);
        else
            out_json(&body, m.key, m.value);
    out_end_object(&body);
    TRY(run_as(op, &body));
    return written(op);
}

/* One shape or a list of them; the answer is of the same form. */
static enum err add(struct op *op)
{
    AUTO(out) struct out body = { 0 };
    const struct json *sent = op->body, *a;
    const char *plural = strrchr(op->route->path, '/') + 1;
    bool one = json_kind(sent) == J_OBJECT;
    if (!one && json_kind(sent) != J_ARRAY)
        return fail(E_INVALID, "the body must be one of the %s, or a list of them", plural);
    out_init(&body, BODY);
    out_object(&body, NULL);
    if (one) {
        out_raw(&body, plural, arena_fmt(op->arena, "[%s]", json_print(op->arena, sent)));
    } else {
        out_json(&body, plural, sent);
    }
    out_end_object(&body);
    TRY(run_as(op, &body));
    TRY(answered(op, &a));
    a = json_get(a, plural);
    out_json(&op->out, NULL, one ? json_at(a, 0) : a);
    return OK;
}

static enum err of_all_workers(struct op *op)
{
    if (in_has(op, "worker_id") || in_has(op, "worker_ids"))
        return fail(E_INVALID, "an asset has one annotation here, whoever made it: workers cannot be told apart in this call");
    return run_as(op, NULL);
}

#define WORKER                                                                                                                     \
    {                                                                                                                              \
        "worker_id", T_ID, F_NULL                                                                                                  \
    }
#define STATUS                                                                                                                     \
    {                                                                                                                              \
        "status", T_TEXT, F_NULL, .words = annotation_statuses                                                                     \
    }
#define LISTED_SHAPES                                                                                                              \
    { "rectangles", T_ARRAY, F_NULL }, { "polygons", T_ARRAY, F_NULL }, { "lines", T_ARRAY, F_NULL },                              \
        { "points", T_ARRAY, F_NULL },                                                                                             \
    {                                                                                                                              \
        "classifications", T_ARRAY, F_NULL                                                                                         \
    }
static const struct field worker_in[] = { WORKER };
static const struct field write_in[] = { WORKER, STATUS, { "duration", T_NUMBER, F_NULL } };
static const struct field save_in[] = { { "duration", T_NUMBER, F_NULL }, LISTED_SHAPES };
static const struct field list_in[] = { WORKER, STATUS };
static const struct field shape_in[] = { { "*", T_JSON, F_NEED } };
static const struct field export_in[] = {
    { "type", T_TEXT, F_NEED }, { "asset_ids", T_IDS, F_NULL, .max = 200000 }, WORKER, STATUS
};
static const struct field delete_in[] = { { "asset_ids", T_ARRAY, F_NULL, .max = 200000 },
                                          { "annotation_ids", T_IDS, F_NULL, .max = 200000 },
                                          { "worker_ids", T_IDS, F_NULL } };

#define IN(fields_) .in = fields_, .in_n = COUNT_OF(fields_)
#define AS(method, path, run) method, "/sdk" path, run, .as = "/api" path
#define ADDS(plural, shape)                                                                                                        \
    {                                                                                                                              \
        "POST", "/sdk/annotation/{id}/" plural, add, .as = "/api/annotation/{id}/bulk-" plural, IN(shape_in), .answers = shape,    \
                                                     .gives = GIVES_AS_SENT,                                                       \
                                                     .says = "adds one of the " plural ", or a list of them"                       \
    }

static const struct route routes[] = {
    { AS("GET", "/asset/{id}/annotations", list_of_asset), .answers = &of_worker, .gives = GIVES_PAGE },
    { AS("GET", "/asset/{id}/annotations/find", find_of_asset), IN(worker_in), .answers = &of_worker },
    { AS("POST", "/asset/{id}/annotations", write), IN(write_in), .answers = &of_worker },
    { AS("GET", "/annotation/{id}", get), .answers = &of_worker },
    { AS("PATCH", "/annotation/{id}", write), IN(write_in), .answers = &of_worker },
    { AS("POST", "/annotation/{id}/save", save), IN(save_in), .answers = &of_worker },
    { AS("GET", "/dataset/version/{id}/annotations", list), IN(list_in), .answers = &of_worker, .gives = GIVES_PAGE,
      .page_most = SDK_PAGE },
    { AS("GET", "/dataset/version/{id}/annotations/ids", of_all_workers), IN(list_in) },
    { AS("POST", "/dataset/version/{id}/annotations/export", of_all_workers), IN(export_in) },
    { AS("DELETE", "/dataset/version/{id}/annotations", of_all_workers), IN(delete_in) },
    ADDS("rectangles", &rectangle_resource),
    ADDS("polygons", &polygon_resource),
    ADDS("lines", &line_resource),
    ADDS("classifications", &classification_resource),
};

const struct resource sdk_annotation_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
