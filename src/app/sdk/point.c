/* Points: it gives each a place in an order, and reads it back. Here that is an attribute of the point. */
#include "app/annotation/annotation.h"
#include "app/sdk/sdk.h"
#include <string.h>

enum { BODY = 64 << 20 };

static const struct field label_fields[] = { { "id", T_ID, 0, "l.id" }, { "name", T_TEXT, 0, "l.name" } };
static const struct resource label_of = { .name = "label of a point", .fields = label_fields, .n_fields = COUNT_OF(label_fields) };
static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "h.id" },
    { "annotation_id", T_ID, 0, "h.annotation_id" },
    { "label", T_PART, 0, .of = &label_of },
    { "label_id", T_ID, 0, "h.label_id" },
    { "point", T_JSON, 0, "coalesce(h.geometry, '[]')", .of = &point_value },
    { "attributes", T_OBJECT, F_NULL, "h.attributes" },
    { "place", T_INT, 0, "h.position" },
};
static const struct resource placed = {
    .name = "point",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "(SELECT * FROM shape WHERE kind = 'point') h JOIN annotation n ON n.id = h.annotation_id JOIN label l ON l.id = "
            "h.label_id",
    .key = "h.id",
    .org = "n.org",
    .root = "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = n.dataset_version_id)",
    .order = "h.position",
};
DESCRIBED(ordered, "point in an order", { "id", T_ID }, { "annotation_id", T_ID }, { "label", T_PART, .of = &label_of },
          { "label_id", T_ID }, { "point", T_JSON, .of = &point_value }, { "order", T_INT });

/* A row as it is read: the order that was sent, or its place among the shapes. */
static void out_ordered(struct out *o, const struct json *row)
{
    int64_t order = 0;
    if (!json_int(json_get(json_get(row, "attributes"), "order"), &order))
        json_int(json_get(row, "place"), &order);
    out_object(o, NULL);
    for (struct json_member m = json_first(row); m.key; m = json_next(row, m))
        if (strcmp(m.key, "attributes") != 0 && strcmp(m.key, "place") != 0)
            out_json(o, m.key, m.value);
    out_int(o, "order", order);
    out_end_object(o);
}

static void out_all(struct out *o, const char *key, const struct json *rows)
{
    out_array(o, key);
    for (size_t i = 0; i < json_count(rows); i++)
        out_ordered(o, json_at(rows, i));
    out_end_array(o);
}

static void with_order(struct op *op, struct out *o, const struct json *point)
{
    int64_t order;
    out_object(o, NULL);
    for (struct json_member m = json_first(point); m.key; m = json_next(point, m))
        if (strcmp(m.key, "attributes") != 0)
            out_json(o, m.key, m.value);
    if (json_int(json_get(point, "order"), &order))
        out_raw(o, "attributes", arena_fmt(op->arena, "{\"order\":%lld}", (long long)order));
    out_end_object(o);
}

void sdk_points(struct op *op, struct out *o, const struct json *list)
{
    out_array(o, "points");
    for (size_t i = 0; i < json_count(list); i++)
        if (json_kind(json_at(list, i)) == J_OBJECT)
            with_order(op, o, json_at(list, i));
        else
            out_json(o, NULL, json_at(list, i));
    out_end_array(o);
}

static enum err list(struct op *op)
{
    const struct json *page;
    TRY(reply_list(op, &placed, "h.annotation_id = ?1", V(op->id)));
    TRY(answered(op, &page));
    out_object(&op->out, NULL);
    for (struct json_member m = json_first(page); m.key; m = json_next(page, m))
        if (strcmp(m.key, "items") == 0)
            out_all(&op->out, m.key, m.value);
        else
            out_json(&op->out, m.key, m.value);
    out_end_object(&op->out);
    return OK;
}

static enum err get(struct op *op)
{
    const struct json *row;
    TRY(reply_one(op, &placed, op->id));
    TRY(answered(op, &row));
    out_ordered(&op->out, row);
    return OK;
}

static enum err update(struct op *op)
{
    const struct json *was;
    TRY(run_as(op, NULL));
    TRY(answered(op, &was));
    return get(op);
}

static enum err reply_made(struct op *op, bool one)
{
    const struct json *a;
    TRY(answered(op, &a));
    a = json_get(a, "points");
    out_array(&op->out, NULL);
    for (size_t i = 0; i < json_count(a); i++)
        TRY(reply_member(op, NULL, &placed, json_text(json_get(json_at(a, i), "id"))));
    out_end_array(&op->out);
    TRY(answered(op, &a));
    if (one)
        out_ordered(&op->out, json_at(a, 0));
    else
        out_all(&op->out, NULL, a);
    return OK;
}

/* One point or a list of them; the answer is of the same form. */
static enum err add(struct op *op)
{
    AUTO(out) struct out body = { 0 };
    const struct json *sent = op->body;
    bool one = json_kind(sent) == J_OBJECT;
    if (!one && json_kind(sent) != J_ARRAY)
        return fail(E_INVALID, "the body must be a point, or a list of points");
    if (one) {
        const char *text = arena_fmt(op->arena, "[%s]", json_print(op->arena, sent));
        TRY(json_parse(op->arena, text, strlen(text), &sent));
    }
    out_init(&body, BODY);
    out_object(&body, NULL);
    sdk_points(op, &body, sent);
    out_end_object(&body);
    TRY(run_as(op, &body));
    return reply_made(op, one);
}

static const struct field update_in[] = { { "label_id", T_ID, F_NULL }, { "point", T_ARRAY, F_NULL } };
static const struct field shape_in[] = { { "*", T_JSON, F_NEED } };

static const struct route routes[] = {
    { "GET", "/sdk/annotation/{id}/points", list, .as = "/api/annotation/{id}/points", .answers = &ordered, .gives = GIVES_PAGE },
    { "POST", "/sdk/annotation/{id}/points", add, .as = "/api/annotation/{id}/bulk-points", .in = shape_in, .in_n = 1,
      .says = "adds a point, or a list of them", .answers = &ordered, .gives = GIVES_AS_SENT },
    { "GET", "/sdk/point/{id}", get, .as = "/api/point/{id}", .answers = &ordered },
    { "PATCH", "/sdk/point/{id}", update, .as = "/api/point/{id}", .in = update_in, .in_n = COUNT_OF(update_in),
      .answers = &ordered },
};

const struct resource sdk_point_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
