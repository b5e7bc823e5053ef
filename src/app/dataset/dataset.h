/* dataset.h - datasets, their versions, the assets (data in a version) and the labels of a version. */
#pragma once
#include "api/remove.h"
#include "api/resource.h"

extern const struct resource dataset_resource, dataset_version_resource, asset_resource, label_resource, label_group_resource,
    dataset_stats_resource, dataset_copy_resource;

extern const char *const inference_types[10]; /* NOT_CONFIGURED, CLASSIFICATION, OBJECT_DETECTION … */

/* A dataset version as JSON, given an expression for its id. */
#define DATASET_VERSION_JSON_OF(id)                                                                                                \
    "(SELECT json_object('id', jv.id, 'origin_id', js.id, 'origin_name', js.name, 'version', jv.version, 'type', jv.type, "        \
    "'description', jv.description, 'locked', json(iif(jv.locked, 'true', 'false')), 'annotation_campaign_id', NULL, "             \
    "'created_at', iso(jv.created_at)) FROM dataset_version jv JOIN dataset js ON js.id = jv.dataset_id WHERE jv.id = " id ")"

/* An asset's annotation with its shapes as JSON, given an expression for the asset's id; NULL when there is none. */
#define SHAPES_JSON(kind, geometry)                                                                                                \
    "json((SELECT json_group_array(json_object('id', h.id, 'label_id', h.label_id, 'text', h.text, 'attributes', "                 \
    "json(h.attributes)" geometry ")) FROM (SELECT * FROM shape WHERE annotation_id = n.id AND kind = '" kind "' ORDER BY "        \
    "position) h))"
/* clang-format off */
#define ANNOTATION_JSON_OF(asset) \
    "(SELECT json_object('id', n.id, 'asset_id', n.asset_id, 'status', n.status, 'revision', n.revision, 'duration', n.duration," \
    " 'updated_at', iso(n.updated_at), 'updated_by', (SELECT username FROM user u WHERE u.id = n.updated_by)," \
    " 'attributes', json(n.attributes)," \
    " 'rectangles', " SHAPES_JSON("rectangle", ", 'x', h.x, 'y', h.y, 'w', h.w, 'h', h.h") "," \
    " 'polygons', " SHAPES_JSON("polygon", ", 'polygon', json(h.geometry)") "," \
    " 'lines', " SHAPES_JSON("line", ", 'line', json(h.geometry)") "," \
    " 'points', " SHAPES_JSON("point", ", 'point', json(h.geometry)") "," \
    " 'classifications', " SHAPES_JSON("classification", "") "," \
    " 'keypoints', " SHAPES_JSON("keypoints", ", 'keypoints', json(h.geometry)") "," \
    " 'masks', " SHAPES_JSON("mask", ", 'mask', h.geometry, 'area', h.area, 'bbox', json_array(h.x, h.y, h.w, h.h)") \
    ") FROM annotation n WHERE n.asset_id = " asset ")"
/* clang-format on */

extern const struct removal dataset_removal, version_removal;

/* E_LOCKED. */
MUST_USE enum err version_check_unlocked(struct sql *, const char *version_id);

/* Get or create, inside a transaction. */
MUST_USE enum err label_need(struct sql *, struct arena *, const char *org, const char *version_id, const char *name,
                             const char **ret_id);
MUST_USE enum err asset_need(struct sql *, struct arena *, const char *org, const char *version_id, const char *data_id,
                             const char **ret_id);
