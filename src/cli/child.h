/* child.h - roles of this program as child processes: started, watched, started again with growing pauses, ended with their parent.
 */
#pragma once
#include "base/fail.h"

struct child;
/* argv: NULL-terminated, argv[0] is the program. A thread watches it. */
MUST_USE enum err child_keep(const char *const *argv, const char *name, struct child **ret);
/* SIGTERM, after grace_s SIGKILL; waits and frees. NULL is fine. */
void child_end(struct child *, double grace_s);
