/* copy.h - all that one database holds, put into another, of whichever kind.
 *
 * Both have the same tables. What was copied is compared by a sum of all rows: each row is hashed (SHA-256 of its table's name and
 * its values), and the hashes are added up, so that no table has to be read in an order of its own. */
#pragma once
#include "sql/sql.h"

struct copied {
    int64_t tables, rows;
    uint64_t sum[4];
};
/* Fills the empty tables of `to`, within its open transaction: triggers rest, since what they would do is copied too. Tables come
 * in the order of their names, so that references may be looked at in the end only (sql_rebuilding()). E_CONFLICT: the tables
 * differ. */
MUST_USE enum err copy_all(struct sql *from, struct sql *to, struct copied *ret);
/* The same of what a database holds, with nothing copied. */
MUST_USE enum err copy_sum(struct sql *, struct copied *ret);
bool copied_same(const struct copied *, const struct copied *);
