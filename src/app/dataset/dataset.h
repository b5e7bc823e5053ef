/* dataset.h - datasets, their versions, the assets (data in a version) and the labels of a version. */
#pragma once
#include "api/remove.h"
#include "api/resource.h"

extern const struct resource dataset_resource, dataset_version_resource, asset_resource, label_resource, label_group_resource,
    dataset_stats_resource, dataset_copy_resource, dataset_use_resource;

extern const char *const inference_types[10]; /* NOT_CONFIGURED, CLASSIFICATION, OBJECT_DETECTION … */

/* Short forms, nested in other answers: a dataset version by its id; an asset's annotation with its shapes, by "n.asset_id". */
extern const struct resource dataset_version_short, annotation_in_asset, shape_box, rectangle_short, polygon_short, line_short,
    point_short, classification_short, keypoints_short, mask_short;

extern const struct removal dataset_removal, version_removal;
/* "dataset / version" of the version ?1. */
#define VERSION_CALLED                                                                                                             \
    "SELECT s.name || ' / ' || v.version FROM dataset_version v JOIN dataset s ON s.id = v.dataset_id WHERE v.id = ?1"
/* E_IN_USE, with their names, if somebody works with the version, or a version of the dataset; not asked with "force". */
MUST_USE enum err version_check_unused(struct op *, const char *id);
#define FORCE_IN                                                                                                                   \
    {                                                                                                                              \
        "force", T_BOOL                                                                                                            \
    }
/* The job works on the version: says so by its name, "dataset / version". */
MUST_USE enum err version_job(struct sql *, const char *job_id, const char *version_id);

/* What may use a dataset version: SQL for the ids and names of those that use the version, or a version of the dataset, ?1. The
 * areas that know such state a row each; app/listeners.c lists them. */
struct version_user {
    const char *kind, *sql;
    const char *now; /* those that work with it this moment, and fail without it; NULL: none ever does */
};
extern const struct version_user *const version_users[];
#define VERSIONS_OF_1 "(SELECT u.id FROM dataset_version u WHERE u.id = ?1 OR u.dataset_id = ?1)"

/* E_LOCKED. */
MUST_USE enum err version_check_unlocked(struct sql *, const char *version_id);
/* Nor does a job change it: E_CONFLICT, which names the job. */
MUST_USE enum err version_check_free(struct sql *, const char *version_id);
/* So many more of its assets have an annotation: by many that are shown at once. Single ones are counted by a trigger. */
MUST_USE enum err version_count_annotated(struct sql *, const char *version_id, int64_t more);
MUST_USE enum err version_choose_type(struct sql *, const char *version_id, const char *type); /* if it has none yet */

/* Get or create, inside a transaction. */
MUST_USE enum err label_need(struct sql *, struct arena *, const char *org, const char *version_id, const char *name,
                             const char **ret_id);
MUST_USE enum err label_count(struct sql *, const char *label_id, int64_t more); /* so many more shapes have it */
MUST_USE enum err asset_need(struct sql *, struct arena *, const char *org, const char *version_id, const char *data_id,
                             const char **ret_id);
