/* Every resource there is. Tables are made in this order: a table stands after those that it refers to. */
#include "api/dispatch.h"
#include "app/account/account.h"
#include "app/annotation/annotation.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "app/monitor/monitor.h"
#include "app/project/project.h"
#include "query/query.h"

extern const struct resource health_resource, gone_resource, bulk_resource;

const struct resource *const resources[] = {
    /* account */
    &organization_resource, &user_resource, &access_resource, &view_resource, &token_resource, &session_resource, &job_resource,
    /* datalake */
    &datalake_resource, &object_resource, &source_resource, &tag_resource, &data_resource,
    /* dataset */
    &dataset_resource, &dataset_version_resource, &asset_resource, &label_resource, &label_group_resource, &dataset_stats_resource,
    &dataset_copy_resource, &dataset_use_resource,
    /* annotation */
    &annotation_resource, &rectangle_resource, &polygon_resource, &line_resource, &point_resource, &classification_resource,
    &keypoints_resource, &mask_resource, &export_resource, &import_resource, &from_tags_resource,
    /* model, project, experiment */
    &model_resource, &model_version_resource, &model_file_resource, &model_context_resource, &parameter_resource, &project_resource,
    &experiment_resource, &experiment_dataset_resource, &log_resource, &artifact_resource, &console_resource, &evaluation_resource,
    &evaluate_resource, &launch_resource, &publish_resource, &compare_resource,
    /* deployment */
    &deployment_resource, &login_resource, &predicted_asset_resource, &predict_resource, &shadow_resource, &monitor_resource,
    &review_resource, &feedback_resource, &stats_resource, &dashboard_resource, &heatmap_resource, &pipeline_resource,
    &alert_resource,
    /* of the API itself */
    &gone_resource, &bulk_resource, &event_resource, &openapi_resource, &metadata_key_resource, &query_resource, &health_resource,
    NULL
};
