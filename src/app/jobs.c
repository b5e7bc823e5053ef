/* Every kind of job there is. */
#include "app/annotation/annotation.h"
#include "app/experiment/train_job.h"
#include "job/job.h"

const struct job_kind *const job_kinds[] = { &import_annotations_job, &train_kind, NULL };
