/* upkeep.h - what the worker does for the store besides jobs: unnamed objects go to the trash, old events go, and every object is
 * read now and then and compared with its name. */
#pragma once
#include "api/op.h"
#include <stdatomic.h>

MUST_USE enum err upkeep_start(struct services *, const atomic_bool *stopping);
void upkeep_wait(void); /* until both threads have seen that the worker stops */
