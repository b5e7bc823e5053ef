/* postgres.h - inside sql/: our SQL (docs/sql.md) as PostgreSQL says it. */
#pragma once
#include "base/text.h"

/* One statement with ?1 as $1. named[i] becomes true for each parameter ?i+1 that it names; the answer is the highest number. */
enum { POSTGRES_PARAMETERS = 4096 }; /* at most; more are left as they are, and refused by the server */
int postgres_statement(struct text *, const char *ours, bool named[POSTGRES_PARAMETERS]);

/* Tables, indexes, views and triggers, several with semicolons. What they say of other tables comes into `later`, which may be run
 * when all of them are made. */
void postgres_tables(struct text *, struct text *later, const char *ours);

/* What a database needs before our tables: functions. */
extern const char postgres_first[];
