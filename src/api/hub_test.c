#include "api/hub.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_int faults;

/* A disk that does not answer, a database that is busy: for the next few reads of the table. */
static enum err fail_reads(const char *text)
{
    if (!strstr(text, "FROM event") || atomic_fetch_sub(&faults, 1) <= 0)
        return OK;
    return fail_at(__FILE__, __LINE__, atomic_load(&faults) % 2 ? E_BUSY : E_BROKEN, "no luck");
}

struct listener {
    int n;
    char last[20];
};

static enum hub_taken take(void *with, const struct heard *i)
{
    struct listener *l = with;
    l->n++;
    strncpy(l->last, i->json, sizeof l->last - 1);
    return HUB_TOOK;
}

static void tell(struct sql *db, const char *json)
{
    MUST(sql_run(db, "INSERT INTO event (org, topic, json, at) VALUES ('o', 't', ?1, 1)", V(json)));
}

/* Until that one is heard. */
static bool hears(uint64_t *at, struct listener *l, const char *json)
{
    for (double end = clock_seconds() + 20; strcmp(l->last, json) != 0 && clock_seconds() < end;)
        hub_hear(at, 0.1, take, l);
    return strcmp(l->last, json) == 0;
}

TEST(those_who_listen_hear_on_after_reads_that_failed)
{
    AUTO(arena) struct arena *a = arena_new();
    char dir[] = "/tmp/saccade_hub_XXXXXX";
    struct sql_pool *pool = NULL;
    struct sql *db = NULL;
    struct listener l = { 0 };
    CHECK(mkdtemp(dir));
    MUST(sql_pool_open(arena_fmt(a, "%s/db", dir), &pool));
    MUST(sql_pool_take(pool, &db));
    MUST(sql_run(db, "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT, topic TEXT, json TEXT, at INTEGER)"));
    sql_fault = fail_reads;
    atomic_store(&faults, 1); /* the very first read */
    MUST(hub_start(pool));
    uint64_t at = hub_join(false);
    tell(db, "one");
    CHECK(hears(&at, &l, "one"));
    atomic_store(&faults, 2);
    tell(db, "two");
    tell(db, "three");
    CHECK(hears(&at, &l, "three"));
    CHECK(atomic_load(&faults) <= 0);
    CHECK_INT(l.n, 3);
    hub_leave();
    hub_stop();
    sql_fault = NULL;
    sql_pool_give(pool, db);
    sql_pool_close(pool);
    MUST(file_remove_tree(dir));
}
