/* kept.h - what is kept beside what it is made from, so that lists need not look further: counts, sort values, members of
 * documents. */
#pragma once
#include "sql/sql.h"

/* tell() gets a line for each kind of difference there is. Documents are read one by one: for fsck and tests. */
typedef void kept_tell(void *with, const char *line);
MUST_USE enum err kept_check(struct sql *, kept_tell *, void *with);
