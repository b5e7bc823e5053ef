/* hub.h - the models that the program brings along: every one that learn/ can train, as version 0 without weights of its own. */
#pragma once
#include "sql/sql.h"

/* Makes or refreshes their rows; their ids never change. At every start, in a transaction. */
MUST_USE enum err hub_first(struct sql *);
