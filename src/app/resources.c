/* Every resource there is. Tables are made in this order: a table stands after those that it refers to. */
#include "api/dispatch.h"
#include "app/account/account.h"
#include "app/annotation/annotation.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "query/query.h"

extern const struct resource health_resource;

const struct resource *const resources[] = {
    /* account */
    &organization_resource, &user_resource, &token_resource, &session_resource, &job_resource,
    /* datalake */
    &datalake_resource, &object_resource, &source_resource, &tag_resource, &data_resource,
    /* dataset */
    &dataset_resource, &dataset_version_resource, &asset_resource, &label_resource, &label_group_resource, &dataset_stats_resource,
    &dataset_copy_resource,
    /* annotation */
    &annotation_resource, &rectangle_resource, &polygon_resource, &line_resource, &point_resource, &classification_resource,
    &keypoints_resource, &mask_resource, &export_resource, &import_resource,
    /* of the API itself */
    &event_resource, &openapi_resource, &query_resource, &health_resource, NULL
};
