/* watcher.h - what the worker does by the clock, besides jobs and upkeep: it looks at the alerts, and sends what is told to
 * webhooks and mailboxes. */
#pragma once
#include "api/op.h"
#include <stdatomic.h>

MUST_USE enum err watcher_start(struct services *, const atomic_bool *stopping);
void watcher_wait(void); /* until its threads have seen that the worker stops */
