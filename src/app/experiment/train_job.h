/* train_job.h - the job that runs a training on this machine. */
#pragma once
#include "job/job.h"

/* Runs `saccade train` for input.experiment_id as a child process: with a token of its own that ends with it, restarted when it was
 * killed, stopped when the job or the experiment is cancelled. It works in DIR/training/<experiment>, where a new run goes on from.
 */
extern const struct job_kind train_kind;
