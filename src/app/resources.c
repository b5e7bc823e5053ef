/* Every resource there is, by its area. Tables are made in this order: a table stands after those that it refers to. */
#include "api/resource.h"

#define ACCOUNT(R) R(organization) R(user) R(access) R(view) R(token) R(session) R(job) R(webhook) R(delivery) R(mail)
#define DATALAKE(R)                                                                                                                \
    R(datalake)                                                                                                                    \
    R(object) R(bucket) R(bucket_import) R(bucket_sync) R(source) R(tag) R(data) R(data_delete) R(data_picture) R(register) R(look)
#define DATASET(R) R(dataset) R(dataset_version) R(asset) R(label) R(label_group) R(dataset_stats) R(dataset_copy) R(dataset_use)
#define ANNOTATION(R)                                                                                                              \
    R(annotation)                                                                                                                  \
    R(annotation_kept)                                                                                                             \
    R(rectangle) R(polygon) R(line) R(point) R(classification) R(keypoints) R(mask) R(export) R(import) R(from_tags)
#define MODEL(R) R(model) R(model_version) R(model_file) R(model_context) R(model_look) R(model_evidence) R(parameter)
#define PROJECT(R) R(project)
#define EXPERIMENT(R)                                                                                                              \
    R(experiment)                                                                                                                  \
    R(experiment_dataset)                                                                                                          \
    R(experiment_source) R(log) R(artifact) R(console) R(evaluation) R(evaluate) R(launch) R(publish) R(compare)
#define DEPLOYMENT(R)                                                                                                              \
    R(deployment)                                                                                                                  \
    R(deployment_token)                                                                                                            \
    R(login)                                                                                                                       \
    R(predicted_asset)                                                                                                             \
    R(prediction_kept)                                                                                                             \
    R(steer)                                                                                                                       \
    R(predict)                                                                                                                     \
    R(oip)                                                                                                                         \
    R(try)                                                                                                                         \
    R(shadow)                                                                                                                      \
    R(monitor)                                                                                                                     \
    R(edge)                                                                                                                        \
    R(review)                                                                                                                      \
    R(review_queue)                                                                                                                \
    R(feedback)                                                                                                                    \
    R(feedback_submit)                                                                                                             \
    R(stats)                                                                                                                       \
    R(filter)                                                                                                                      \
    R(dashboard)                                                                                                                   \
    R(confusion)                                                                                                                   \
    R(estimate) R(heatmap) R(behind) R(pipeline) R(gate) R(decision) R(alert) R(prometheus) R(drift) R(outlier) R(embedding)
#define SDK(R)                                                                                                                     \
    R(sdk_names)                                                                                                                   \
    R(sdk_ping)                                                                                                                    \
    R(sdk_list)                                                                                                                    \
    R(sdk_tag)                                                                                                                     \
    R(sdk_worker)                                                                                                                  \
    R(sdk_annotation) R(sdk_point) R(sdk_model) R(sdk_experiment) R(sdk_private) R(sdk_deployment) R(sdk_upload) R(sdk_gone)
#define OF_THE_API(R) R(gone) R(bulk) R(event) R(openapi) R(metadata_key) R(query) R(health)
#define EACH(R) ACCOUNT(R) DATALAKE(R) DATASET(R) ANNOTATION(R) MODEL(R) PROJECT(R) EXPERIMENT(R) DEPLOYMENT(R) SDK(R) OF_THE_API(R)

#define DECLARED(name) extern const struct resource name##_resource;
EACH(DECLARED)

#define POINTER(name) &name##_resource,
const struct resource *const resources[] = { EACH(POINTER) NULL };
