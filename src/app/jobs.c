/* Every kind of job there is, and the lanes that they run in. */
#include "app/annotation/annotation.h"
#include "app/experiment/train_job.h"
#include "job/job.h"

const struct job_kind *const job_kinds[] = { &import_annotations_job, &train_kind, NULL };

const struct job_lane job_lanes[] = {
    { "quick", 2, NULL },    /* changes of many rows that somebody waits for */
    { "files", 2, NULL },    /* annotation files in and out */
    { "training", 1, NULL }, /* takes all cores */
    { 0 },
};
