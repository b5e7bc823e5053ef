/* Who is told when an experiment ends, when a job goes on and when a deployment has predicted, and who uses dataset versions. */
#include "app/account/account.h"
#include "app/dataset/dataset.h"
#include "app/deployment/deployment.h"
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "app/monitor/monitor.h"
#include "app/project/project.h"
#include "job/job.h"

experiment_listener *const experiment_listeners[] = { retraining_ended, NULL };
deployment_listener *const deployment_listeners[] = { drift_heard, outlier_heard, gate_heard, NULL };
features_listener *const features_listeners[] = { embedding_heard, NULL };

static enum err tell_of_job(struct sql *db, struct arena *a, const char *org, const char *json)
{
    return webhooks_tell(db, a, org, "job_status_changed", json);
}
job_listener *const job_listeners[] = { tell_of_job, NULL };

const struct version_user *const version_users[] = {
    &project_uses_versions, &experiment_uses_versions, &model_uses_versions, &feedback_uses_versions, &pipeline_uses_versions, NULL,
};
