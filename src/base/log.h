/* log.h - one JSON object a line on standard error: {"at":…,"level":…,"role":…,"what":…, fields}.
 * Of warnings and errors that differ in numbers only, 20 are written in 10 s; the next one then says how many were left out.
 * Values are escaped, so that nothing a user sends can forge a line. Only main(), the dispatcher and the worker loops log. */
#pragma once
#include "base/fail.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

void log_start(const char *role, enum log_level least); /* role: "serve", "worker", "infer", "train" */
/* fields: a JSON object's inside ("\"status\":200") or NULL; it must be well-formed. */
void log_line(enum log_level, const char *fields, const char *what, ...) PRINTF(3, 4);
/* Logs the kept failure of this thread, with its place in the source. */
void log_failure(const char *doing);
