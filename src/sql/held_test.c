#include "base/arena.h"
#include "base/file.h"
#include "base/test.h"
#include "sql/held.h"
#include "sql/sql.h"
#include <stdlib.h>
#include <unistd.h>

struct want {
    const char *by;
    int64_t transactions, over_20_ms;
    double longest_wall_s, longest_cpu_s;
};

static void look(void *with, const struct held *h)
{
    struct want *w = with;
    if (strcmp(h->by, w->by) != 0)
        return;
    w->transactions = w->over_20_ms = 0;
    for (size_t i = 0; i < HELD_BUCKETS; i++) {
        w->transactions += h->wall[i];
        w->over_20_ms += held_bounds[i] > 0.02 ? h->wall[i] : 0;
    }
    w->longest_wall_s = h->longest_wall_s;
    w->longest_cpu_s = h->longest_cpu_s;
}

static struct want seen(const char *by)
{
    struct want w = { by, 0, 0, 0, 0 };
    held_each(look, &w);
    return w;
}

TEST(the_time_that_a_transaction_keeps_the_write_lock_is_counted_by_who_asked)
{
    char dir[] = "/tmp/saccade_held_XXXXXX";
    CHECK(mkdtemp(dir));
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = NULL;
    MUST(held_share(arena_fmt(a, "%s/held", dir), true));
    MUST(sql_open(":memory:", &db));
    held_as("PATCH", "/api/thing/{id}");
    MUST(sql_begin(db));
    usleep(25000); /* asleep, so that none of it is the processor's */
    MUST(sql_end(db, OK));
    MUST(sql_begin(db));
    MUST_FAIL(sql_end(db, fail_at("", 0, E_INVALID, "rolled back")), E_INVALID, "rolled back");
    held_as(NULL, NULL);
    MUST(sql_begin(db));
    MUST(sql_end(db, OK));
    struct want w = seen("PATCH /api/thing/{id}");
    CHECK_INT(w.transactions, 2);
    CHECK_INT(w.over_20_ms, 1);
    CHECK(w.longest_wall_s >= 0.025 && w.longest_cpu_s < 0.02);
    CHECK_INT(seen("other").transactions, 1);
    MUST(held_share(arena_fmt(a, "%s/held", dir), false)); /* another process that opens it sees the same */
    CHECK_INT(seen("PATCH /api/thing/{id}").transactions, 2);
    MUST(held_share(arena_fmt(a, "%s/held", dir), true));
    CHECK_INT(seen("PATCH /api/thing/{id}").transactions, 0);
    sql_close(db);
    MUST(file_remove_tree(dir));
}
