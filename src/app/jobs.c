/* Every kind of job there is, and the lanes that they run in. */
#include "api/bulk.h"
#include "app/annotation/annotation.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"
#include "app/experiment/train_job.h"
#include "app/model/model.h"
#include "app/monitor/monitor.h"
#include "app/project/project.h"
#include "job/job.h"

const struct job_kind *const job_kinds[] = { &import_annotations_job,
                                             &export_annotations_job,
                                             &import_objects_job,
                                             &train_kind,
                                             &outlier_fit_job,
                                             &candidate_job,
                                             &describe_model_job,
                                             &remove_job,
                                             &bulk_undo_job,
                                             BULK_JOB("add_data", JOB_ADDS),
                                             BULK_JOB("attach_tag", JOB_ADDS),
                                             BULK_JOB("detach_tag", JOB_CHANGES),
                                             BULK_JOB("remove_assets", JOB_CHANGES),
                                             BULK_JOB("remove_data", JOB_READS),
                                             BULK_JOB("remove_annotations", JOB_CHANGES),
                                             BULK_JOB("remove_tag", JOB_CHANGES),
                                             BULK_JOB("copy_assets", JOB_ADDS),
                                             BULK_JOB("fork_version", JOB_ADDS),
                                             BULK_JOB("convert_tags", JOB_CHANGES),
                                             BULK_JOB("submit_feedback", JOB_ADDS),
                                             NULL };

extern const struct bulk_kind remove_data_bulk, remove_annotations_bulk, remove_tag_bulk, add_data_bulk, remove_assets_bulk,
    attach_bulk, detach_bulk, fork_bulk, copy_bulk, convert_bulk, submit_bulk;
const struct bulk_kind *const bulk_kinds[] = { &remove_data_bulk,   &remove_annotations_bulk,
                                               &remove_tag_bulk,    &add_data_bulk,
                                               &remove_assets_bulk, &attach_bulk,
                                               &detach_bulk,        &fork_bulk,
                                               &copy_bulk,          &convert_bulk,
                                               &submit_bulk,        NULL };

const struct job_lane job_lanes[] = {
    { "quick", 2, NULL },    /* changes of many rows that somebody waits for */
    { "files", 2, NULL },    /* annotation files in and out */
    { "buckets", 2, NULL },  /* waits for other stores */
    { "models", 1, NULL },   /* runs models on many images */
    { "training", 1, NULL }, /* takes all cores */
    { "fits", 1, NULL },     /* some minutes, and two cores: they need not wait for trainings of hours */
    { 0 },
};

/* What may hold too many rows to be deleted in one go. */
const struct removal *const removals[] = {
    &dataset_removal, &version_removal,       &project_removal, &experiment_removal, &deployment_removal,
    &model_removal,   &model_version_removal, &source_removal,  &bucket_removal,     NULL
};
