#include "sql/slice.h"
#include "base/clock.h"
#include <time.h>

/* Half of the bar of 50 ms, since a commit has to sync too. Others try again every two milliseconds, so they need a gap. */
static const double longest = 0.020, gap = 0.25, most_rest = 0.01;

void slice_rest(double begun)
{
    double rest = (clock_seconds() - begun) * gap;
    if (rest > most_rest)
        rest = most_rest; /* it may have waited for the lock itself */
    struct timespec t = { (time_t)rest, (long)((rest - (double)(time_t)rest) * 1e9) };
    nanosleep(&t, NULL);
}

enum err slice_begin(struct slice *s, struct sql *db)
{
    *s = (struct slice){ .db = db };
    TRY(sql_begin(db));
    s->open = true;
    s->begun = clock_seconds();
    return OK;
}

enum err slice_next(struct slice *s, enum err e)
{
    double held = clock_seconds() - s->begun;
    if (e != OK || held < longest)
        return e;
    s->open = false;
    TRY(sql_end(s->db, OK));
    slice_rest(s->begun);
    return slice_begin(s, s->db);
}

enum err slice_end(struct slice *s, enum err e)
{
    if (!s->open)
        return e;
    s->open = false;
    return sql_end(s->db, e);
}
