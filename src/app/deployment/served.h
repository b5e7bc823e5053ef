/* served.h - inside deployment/: counting what was answered and refused (deployment.h). */
#pragma once
#include "app/deployment/deployment.h"

/* One row a minute with requests; kept for eight days. last_at: of the last answer, milliseconds; NULL: all were refused. */
#define SERVED_TABLE                                                                                                               \
    "CREATE TABLE served_minute (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"                         \
    " minute INTEGER NOT NULL, answered INTEGER NOT NULL, refused INTEGER NOT NULL, last_at INTEGER,"                              \
    " PRIMARY KEY (deployment_id, minute)) STRICT, WITHOUT ROWID"

void served_answered(const char *deployment_id, double latency_s);
void served_refused(const char *deployment_id); /* asked for by somebody who may, and not answered with a prediction */
