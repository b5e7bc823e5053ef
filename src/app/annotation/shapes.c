/* Single shapes, and all of one kind: the same handlers for every kind, told apart by the route's path. */
#include "app/annotation/batch.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include <string.h>

enum { BODY = 64 << 20 };

static const struct field label_fields[] = { { "id", T_ID, 0, "l.id" },
                                             { "name", T_TEXT, 0, "l.name" },
                                             { "group_id", T_ID, F_NULL, "l.group_id" } };
static const struct resource label_short = { .name = "short label", .fields = label_fields, .n_fields = COUNT_OF(label_fields) };

#define MEMBERS                                                                                                                    \
    { "id", T_ID, 0, "h.id" }, { "annotation_id", T_ID, 0, "h.annotation_id" }, { "label", T_PART, 0, .of = &label_short },        \
        { "label_id", T_ID, F_EDIT, "h.label_id" }, { "text", T_TEXT, F_NULL | F_EDIT, "h.text", .max = 4000 },                    \
    {                                                                                                                              \
        "attributes", T_OBJECT, F_NULL | F_EDIT, "h.attributes"                                                                    \
    }
static const struct field rectangle_fields[] = { MEMBERS,
                                                 { "x", T_INT, F_EDIT, "h.x" },
                                                 { "y", T_INT, F_EDIT, "h.y" },
                                                 { "w", T_INT, F_EDIT, "h.w" },
                                                 { "h", T_INT, F_EDIT, "h.h" },
                                                 { "box", T_ARRAY, F_NULL | F_EDIT, "h.geometry", .max = 4,
                                                   .of = &number_value }, /* with fractions, where there are */
                                                 { "area", T_NUMBER, 0, "h.area" } };
static const struct field polygon_fields[] = { MEMBERS,
                                               { "polygon", T_ARRAY, F_EDIT, "coalesce(h.geometry, \'[]\')", .of = &point_value },
                                               { "area", T_NUMBER, 0, "h.area" } };
static const struct field line_fields[] = { MEMBERS,
                                            { "line", T_ARRAY, F_EDIT, "coalesce(h.geometry, \'[]\')", .of = &point_value } };
static const struct field point_fields[] = { MEMBERS,
                                             { "point", T_JSON, F_EDIT, "coalesce(h.geometry, \'[]\')", .of = &point_value } };
static const struct field classification_fields[] = { MEMBERS };
static const struct field keypoints_fields[] = { MEMBERS, { "keypoints", T_ARRAY, F_NULL | F_EDIT, "h.geometry" } };
static const struct field mask_fields[] = { MEMBERS,
                                            { "mask", T_TEXT, F_NULL | F_EDIT, "h.geometry", .max = 4 << 20 },
                                            { "area", T_NUMBER, 0, "h.area" },
                                            { "bbox", T_TUPLE, 0, .of = &shape_box } };

/* "/api/rectangle/{id}", "/api/annotation/{id}/rectangles", "/api/annotation/{id}/bulk-rectangles" */
static const struct shape_kind *kind_of(struct op *op)
{
    const char *last = strrchr(route_path(op->route), '/') + 1, *first = route_path(op->route) + strlen("/api/");
    if (strncmp(last, "bulk-", 5) == 0)
        last += 5;
    return shape_kind_called(*last == '{' ? arena_copy(op->arena, first, strcspn(first, "/")) : last);
}

static enum err list(struct op *op)
{
    const struct shape_kind *k = kind_of(op);
    return reply_list(op, k->resource, "h.annotation_id = ?1", V(op->id));
}

struct place {
    const char *annotation, *asset, *version;
    int width, height;
};

/* Where the annotation belongs; it must be the caller's. */
static enum err place_of(struct op *op, const char *annotation, struct place *ret)
{
    TRY(resource_need(op, &annotation_resource, annotation));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT n.asset_id, n.dataset_version_id, d.width, d.height FROM annotation n JOIN asset a ON a.id = n.asset_id "
                  "JOIN data d ON d.id = a.data_id WHERE n.id = ?1",
                  V(annotation)));
    *ret = (struct place){ annotation, arena_str(op->arena, rows_text(r, 0)), arena_str(op->arena, rows_text(r, 1)),
                           (int)rows_int(r, 2), (int)rows_int(r, 3) };
    return OK;
}

static enum err touch(struct op *op, const char *annotation)
{
    return sql_run(op->db, "UPDATE annotation_row SET revision = revision + 1, updated_at = ?2, updated_by = ?3 WHERE id = ?1",
                   V(annotation), V(clock_now_ms()), V(op->user_id));
}

static enum err reply_after(struct op *op, const struct shape_kind *k, const char *annotation, int64_t position)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT id FROM shape WHERE annotation_id = ?1 AND kind = ?2 AND position > ?3 ORDER BY position",
                 V(annotation), V(k->name), V(position)));
    out_object(&op->out, NULL);
    out_array(&op->out, k->plural);
    while (rows_next(r))
        TRY(reply_member(op, NULL, k->resource, rows_text(r, 0)));
    out_end_array(&op->out);
    out_end_object(&op->out);
    return rows_error(r);
}

struct adding {
    struct annotation_save save;
    struct shape_list shapes;
    int64_t position;
};

static enum err read_added(struct op *op)
{
    const struct shape_kind *k = kind_of(op);
    const struct json *sent = in_json(op, k->plural);
    struct adding *w = op->state;
    struct place p;
    struct label_set labels;
    TRY(place_of(op, op->id, &p));
    TRY(version_check_unlocked(op->db, p.version));
    if (!json_count(sent))
        return fail(E_INVALID, "%s is missing or empty", k->plural);
    TRY(labels_of(op->db, op->arena, p.version, &labels));
    for (size_t i = 0; i < json_count(sent); i++) {
        struct shape s;
        const char *where = arena_fmt(op->arena, "%s[%zu]", k->plural, i);
        TRY(shape_read(op->arena, k, json_at(sent, i), &labels, p.width, p.height, where, &s));
        shape_add(op->arena, &w->shapes, &s);
    }
    w->save = (struct annotation_save){ .org = op->org,
                                        .asset_id = p.asset,
                                        .version_id = p.version,
                                        .user_id = op->user_id,
                                        .mode = "CONCATENATE",
                                        .duration = -1,
                                        .shapes = w->shapes.items,
                                        .n = w->shapes.n };
    return sql_int(op->db, &w->position, "SELECT coalesce(max(position), -1) FROM shape WHERE annotation_id = ?1", V(op->id));
}

static enum err reply_added(struct op *op)
{
    struct adding *w = op->state;
    op->status = 201;
    return reply_after(op, kind_of(op), op->id, w->position);
}

static enum err add(struct op *op)
{
    struct adding w = { 0 };
    bool written;
    op->state = &w;
    TRY(op_read(op, read_added));
    TRY(annotations_write(op, w.save.version_id, &w.save, 1, &written));
    return op_read(op, reply_added);
}

/* ---- one shape */

static enum err get(struct op *op)
{
    return reply_one(op, kind_of(op)->resource, op->id);
}

static enum err path_shape(struct op *op, struct place *ret)
{
    const char *annotation;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT annotation_id FROM shape WHERE id = ?1", V(op->id)));
        annotation = arena_str(op->arena, rows_text(r, 0));
    }
    TRY(place_of(op, annotation, ret));
    return annotations_check_open(op->db, ret->version);
}

/* The shape as it is, with what was sent laid over it, is read as a new one would be. */
static enum err merged(struct op *op, const struct shape_kind *k, const char *id, const struct json **ret)
{
    AUTO(rows) struct rows *r = NULL;
    AUTO(out) struct out o = { 0 };
    TRY(sql_first(op->db, &r, "SELECT label_id, text, attributes, x, y, w, h, geometry FROM shape WHERE id = ?1", V(id)));
    out_init(&o, BODY);
    out_object(&o, NULL);
    out_text(&o, "label_id", rows_text(r, 0));
    out_text(&o, "text", rows_text(r, 1));
    out_raw(&o, "attributes", rows_text(r, 2));
    for (int i = 0; i < 4; i++)
        out_int(&o, (const char *const[]){ "x", "y", "w", "h" }[i], rows_int(r, 3 + i));
    if (strcmp(k->name, "rectangle") == 0)
        out_raw(&o, "box", rows_text(r, 7));
    if (k->member && strcmp(k->name, "mask") == 0)
        out_text(&o, k->member, rows_text(r, 7));
    else if (k->member)
        out_raw(&o, k->member, rows_text(r, 7));
    out_end_object(&o);
    const struct json *as_it_is;
    TRY(json_parse(op->arena, o.text.bytes, o.text.n, &as_it_is));
    const char *text = json_over(op->arena, as_it_is, op->body);
    return json_parse(op->arena, text, strlen(text), ret);
}

static enum err update(struct op *op)
{
    const struct shape_kind *k = kind_of(op);
    const struct json *v;
    struct place p;
    struct label_set labels;
    struct shape s;
    TRY(path_shape(op, &p));
    TRY(labels_of(op->db, op->arena, p.version, &labels));
    TRY(merged(op, k, op->id, &v));
    TRY(shape_read(op->arena, k, v, &labels, p.width, p.height, k->name, &s));
    TRY(sql_run(
        op->db,
        "UPDATE shape_row SET label_id = ?2, x = ?3, y = ?4, w = ?5, h = ?6, geometry = ?7, area = ?8, text = ?9, attributes = ?10 "
        "WHERE id = ?1",
        V(op->id), V(s.label_id), V(s.x), V(s.y), V(s.w), V(s.h), V(s.geometry), V(s.area), V(s.text), V(s.attributes)));
    TRY(touch(op, p.annotation));
    return reply_one(op, k->resource, op->id);
}

static enum err delete_shape(struct op *op)
{
    struct place p;
    TRY(path_shape(op, &p));
    TRY(shape_goes(op->db, op->id));
    op->status = 204;
    return touch(op, p.annotation);
}

#define SHAPE_ROOT "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = n.dataset_version_id)"

#define KIND(name, plural)                                                                                                         \
    DESCRIBED(plural##_answer, "added " #plural, { #plural, T_MANY, .of = &name##_resource });                                     \
    static const struct field plural##_in[] = { { #plural, T_ARRAY, F_NEED, .max = 100000 } };                                     \
    static const struct route name##_routes[] = {                                                                                  \
        { "GET", "/api/annotation/{id}/" #plural, list, MAY_READ, WORK_READ, "the annotation's " #plural,                          \
          .answers = &name##_resource, .on = &annotation_resource, .gives = GIVES_PAGE },                                          \
        { "POST", "/api/annotation/{id}/bulk-" #plural, add, MAY_ANNOTATE, WORK_FREE, "adds " #plural, FIELDS(plural##_in),        \
          .body_cap = BODY, .on = &annotation_resource, .answers = &plural##_answer },                                             \
        { "GET", "/api/" #name "/{id}", get, MAY_READ, WORK_READ, "one shape", .answers = &name##_resource,                        \
          .on = &name##_resource },                                                                                                \
        { "PATCH", "/api/" #name "/{id}", update, MAY_ANNOTATE, WORK_WRITE, "changes a shape", CHANGES(&name##_resource),          \
          .body_cap = BODY, .on = &name##_resource },                                                                              \
        { "DELETE", "/api/" #name "/{id}", delete_shape, MAY_ANNOTATE, WORK_WRITE, "deletes a shape", .on = &name##_resource,      \
          .gives = GIVES_NOTHING },                                                                                                \
    };                                                                                                                             \
    const struct resource name##_resource = {                                                                                      \
        #name,                                                                                                                     \
        NULL,                                                                                                                      \
        FIELDS(name##_fields),                                                                                                     \
        "(SELECT * FROM shape WHERE kind = '" #name "') h JOIN annotation n ON n.id = h.annotation_id JOIN label l ON l.id = "     \
        "h.label_id",                                                                                                              \
        "h.id",                                                                                                                    \
        "n.org",                                                                                                                   \
        "h.position",                                                                                                              \
        ROUTES(name##_routes),                                                                                                     \
        .root = SHAPE_ROOT,                                                                                                        \
    };

KIND(rectangle, rectangles)
KIND(polygon, polygons)
KIND(line, lines)
KIND(point, points)
KIND(classification, classifications)
KIND(mask, masks)

DESCRIBED(keypoints_answer, "added keypoints", { "keypoints", T_MANY, .of = &keypoints_resource });

static const struct field keypoints_in[] = { { "keypoints", T_ARRAY, F_NEED, .max = 100000 } };

/* The client writes keypoints with whole annotations only; singular and plural are one word, so the routes differ. */
static const struct route keypoints_routes[] = {
    { "GET", "/api/annotation/{id}/keypoints", list, MAY_READ, WORK_READ, "the annotation's keypoints",
      .answers = &keypoints_resource, .on = &annotation_resource, .gives = GIVES_PAGE },
    { "POST", "/api/annotation/{id}/bulk-keypoints", add, MAY_ANNOTATE, WORK_FREE, "adds keypoints", FIELDS(keypoints_in),
      .body_cap = BODY, .on = &annotation_resource, .answers = &keypoints_answer },
    { "GET", "/api/keypoints/{id}", get, MAY_READ, WORK_READ, "one shape", .answers = &keypoints_resource,
      .on = &keypoints_resource },
    { "PATCH", "/api/keypoints/{id}", update, MAY_ANNOTATE, WORK_WRITE, "changes a shape", CHANGES(&keypoints_resource),
      .body_cap = BODY, .on = &keypoints_resource },
    { "DELETE", "/api/keypoints/{id}", delete_shape, MAY_ANNOTATE, WORK_WRITE, "deletes a shape", .on = &keypoints_resource,
      .gives = GIVES_NOTHING },
};
const struct resource keypoints_resource = {
    "keypoints",
    NULL,
    FIELDS(keypoints_fields),
    "(SELECT * FROM shape WHERE kind = 'keypoints') h JOIN annotation n ON n.id = h.annotation_id JOIN label l ON l.id = "
    "h.label_id",
    "h.id",
    "n.org",
    "h.position",
    ROUTES(keypoints_routes),
    .root = SHAPE_ROOT,
};
