/* The annotation that is nested in an asset, with its shapes. */
#include "app/dataset/dataset.h"

static const char *const statuses[] = { "PENDING", "SKIPPED", "ACCEPTED", "REFUSED", NULL };

#define MEMBERS                                                                                                                    \
    { "id", T_ID, 0, "h.id" }, { "label_id", T_ID, 0, "h.label_id" }, { "text", T_TEXT, F_NULL, "h.text" },                        \
    {                                                                                                                              \
        "attributes", T_OBJECT, F_NULL, "h.attributes"                                                                             \
    }
static const struct field rectangle_fields[] = { MEMBERS,
                                                 { "x", T_INT, 0, "h.x" },
                                                 { "y", T_INT, 0, "h.y" },
                                                 { "w", T_INT, 0, "h.w" },
                                                 { "h", T_INT, 0, "h.h" },
                                                 { "box", T_ARRAY, F_NULL, "h.geometry", .of = &number_value } };
static const struct field polygon_fields[] = { MEMBERS,
                                               { "polygon", T_ARRAY, 0, "coalesce(h.geometry, \'[]\')", .of = &point_value } };
static const struct field line_fields[] = { MEMBERS, { "line", T_ARRAY, 0, "coalesce(h.geometry, \'[]\')", .of = &point_value } };
static const struct field point_fields[] = { MEMBERS, { "point", T_JSON, 0, "coalesce(h.geometry, \'[]\')", .of = &point_value } };
static const struct field classification_fields[] = { MEMBERS };
static const struct field keypoints_fields[] = { MEMBERS, { "keypoints", T_ARRAY, F_NULL, "h.geometry" } };
static const struct field mask_fields[] = {
    MEMBERS, { "mask", T_TEXT, F_NULL, "h.geometry" }, { "area", T_NUMBER, 0, "h.area" }, { "bbox", T_TUPLE, 0, .of = &shape_box }
};
static const struct field box_fields[] = {
    { "x", T_INT, 0, "h.x" }, { "y", T_INT, 0, "h.y" }, { "w", T_INT, 0, "h.w" }, { "h", T_INT, 0, "h.h" }
};
const struct resource shape_box = { .name = "box", .fields = box_fields, .n_fields = COUNT_OF(box_fields) };

#define KIND(kind)                                                                                                                 \
    const struct resource kind##_short = {                                                                                         \
        .name = "short " #kind,                                                                                                    \
        .fields = kind##_fields,                                                                                                   \
        .n_fields = COUNT_OF(kind##_fields),                                                                                       \
        .from = "(SELECT * FROM shape WHERE kind = '" #kind "') h",                                                                \
        .key = "h.id",                                                                                                             \
        .order = "h.position",                                                                                                     \
    };
KIND(rectangle)
KIND(polygon)
KIND(line)
KIND(point)
KIND(classification)
KIND(keypoints)
KIND(mask)

#define SHAPES(name, kind)                                                                                                         \
    {                                                                                                                              \
        name, T_MANY, 0, "n.id", .of = &kind##_short, .by = "h.annotation_id"                                                      \
    }
static const struct field fields[] = {
    { "id", T_ID, 0, "n.id" },
    { "asset_id", T_ID, 0, "n.asset_id" },
    { "status", T_TEXT, 0, "n.status", .words = statuses },
    { "revision", T_INT, 0, "n.revision" },
    { "duration", T_NUMBER, 0, "n.duration" },
    { "updated_at", T_TIME, 0, "n.updated_at" },
    { "updated_by", T_TEXT, F_NULL, "(SELECT username FROM person u WHERE u.id = n.updated_by)" },
    { "attributes", T_OBJECT, F_NULL, "n.attributes" },
    SHAPES("rectangles", rectangle),
    SHAPES("polygons", polygon),
    SHAPES("lines", line),
    SHAPES("points", point),
    SHAPES("classifications", classification),
    SHAPES("keypoints", keypoints),
    SHAPES("masks", mask),
};
const struct resource annotation_in_asset = {
    .name = "annotation of an asset",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "annotation n",
    .key = "n.id",
};
