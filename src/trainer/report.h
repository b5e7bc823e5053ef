/* report.h - what a server is told of a training. */
#pragma once
#include "base/fail.h"
#include <stdbool.h>
#include <stdint.h>

/* Live logs of an experiment: gathered here, sent every second or so by a thread of its own, which also asks whether the experiment
 * was cancelled. A server that cannot be reached, or cannot take them, costs nothing but delay: it is tried again after pauses that
 * grow (base/backoff.h). */
struct report;
MUST_USE enum err report_start(const char *host, const char *token, const char *experiment, struct report **ret);
void report_line(struct report *, const char *text);                             /* for the console; also to standard output */
void report_point(struct report *, const char *log, int64_t step, double value); /* of a LINE */
void report_log(struct report *, const char *name, const char *type, const char *data); /* replaces; data: JSON text */
bool report_cancelled(const struct report *);
enum { REPORT_LAST_TRIES_S = 120 };
/* Sends what is left, trying for so many seconds, and ends the thread. Frees. */
MUST_USE enum err report_end(struct report *, double seconds);
