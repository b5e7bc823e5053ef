/* confine.h - a process gives up rights that it does not need, for itself and all that it starts.
 *
 * What the kernel lacks is left out: these are walls behind a wall, and a machine without them still works. To be called before
 * threads are started, since each thread holds its own rights. */
#pragma once
#include "base/fail.h"

/* No new privileges, and none of the capabilities that root comes with except reading and writing other users' files: a folder that
 * belongs to somebody else stays usable for root. */
void confine_privileges(void);
/* From now on files are made, changed, renamed and removed below these folders only (Landlock, Linux 5.19); reading stays. NULL
 * entries and folders that are not there are passed over. After confine_privileges(). */
void confine_writes(const char *const *folders, size_t n);
/* When the machine runs out of memory, the kernel shall take this process before others: 0 to 1000. */
void confine_offer_to_die(int score);
