/* keeper.h - roles of this program as child processes: started, watched, started again with growing pauses, ended with their
 * parent.
 */
#pragma once
#include "base/fail.h"

struct keeper;
/* argv: NULL-terminated, argv[0] is the program. A thread watches it. */
MUST_USE enum err keeper_start(const char *const *argv, const char *name, struct keeper **ret);
/* SIGTERM, after grace_s SIGKILL; waits and frees. NULL is fine. */
void keeper_stop(struct keeper *, double grace_s);
