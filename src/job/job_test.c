#include "base/test.h"
#include "job/job.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* The kinds of this test stand in app/jobs.c's place only where that file is not linked; the unit binary links it, so the tests use
 * the table through job_add_done() and SQL of their own. */
static struct sql *database(void)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, job_table));
    MUST(sql_script(db, "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, json TEXT, at INTEGER)"));
    return db;
}

static const char *text(struct sql *db, struct arena *a, const char *sql)
{
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_first_text(db, &r, sql, NULL, 0));
    return arena_str(a, rows_text(r, 0));
}

TEST(work_done_at_once_is_a_job_that_succeeded_and_was_told)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    const char *id = NULL;
    MUST(job_add_done(db, a, "add_data", "org", NULL, "{\"n\":3}", &id));
    CHECK_TEXT(text(db, a, "SELECT status FROM job"), "SUCCEEDED");
    CHECK_TEXT(text(db, a, "SELECT json_extract(json, '$.status') FROM event WHERE topic = 'job'"), "SUCCEEDED");
    CHECK_TEXT(job_v1_status("SUCCEEDED"), "SUCCESS");
    CHECK_TEXT(job_v1_status("PENDING"), "RUNNING");
    sql_close(db);
}

TEST(a_job_of_an_unknown_kind_is_refused)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    const char *id = NULL;
    MUST_FAIL(job_add(db, a, "no such kind", "org", NULL, "{}", &id), E_BROKEN, "no kind of job");
    sql_close(db);
}

TEST(a_waiting_job_that_is_cancelled_ends_at_once)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    MUST(sql_run(db, "INSERT INTO job (id, kind, input, slow, status, created_at) VALUES ('j', 'k', '{}', 0, 'PENDING', 1)"));
    MUST(job_cancel(db, "j"));
    CHECK_TEXT(text(db, a, "SELECT status FROM job"), "KILLED");
    sql_close(db);
}
