/* Every kind of job there is. */
#include "job/job.h"
#include <stddef.h>

const struct job_kind *const job_kinds[] = { NULL };
