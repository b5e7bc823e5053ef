#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "job/job.h"
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- kinds of jobs that do what these tests need */

static int runs, given_up;
static atomic_bool stop;

static enum err count_run(struct job *j)
{
    int64_t n = 0;
    runs++;
    json_int(json_get(j->input, "n"), &n);
    job_result(j, n == 3 ? "{\"three\":true}" : "{}");
    return OK;
}

static enum err fail_run(struct job *j)
{
    runs++;
    return fail_at(__FILE__, __LINE__, E_INVALID, "no luck at try %d", j->try_number);
}

/* Asks whether to go on until it may not. */
static enum err long_run(struct job *j)
{
    runs++;
    for (int i = 0; i < 300 && job_go_on(j, i / 300.0, "counting"); i++)
        usleep(20000);
    return fail_at(__FILE__, __LINE__, E_CANCELLED, "stopped");
}

static enum err note(struct job *j, const char *why)
{
    given_up++;
    return sql_run(j->db, "INSERT INTO event (topic, json) VALUES ('gave up', ?1)", V(why));
}

static enum err note_badly(struct job *j, const char *why)
{
    TRY(note(j, why));
    return fail_at(__FILE__, __LINE__, E_BROKEN, "the broom is gone");
}

/* Its work and its outcome are one transaction; what comes after it fails. */
static enum err within_run(struct job *j)
{
    bool rolls_back = false;
    runs++;
    json_bool(json_get(j->input, "rolls_back"), &rolls_back);
    if (!json_absent(json_get(j->input, "gone"))) /* as another connection says */
        MUST(sql_run(j->db, "UPDATE job SET cancel = 3, error = 'it was deleted'"));
    MUST(sql_begin(j->db));
    MUST(sql_run(j->db, "INSERT INTO event (topic, json) VALUES ('work', ?1)", V(j->id)));
    enum err e = job_done_within(j, "{\"whole\":true}");
    if (e == OK && rolls_back)
        e = fail_at(__FILE__, __LINE__, E_BROKEN, "no commit");
    TRY(sql_end(j->db, e));
    return fail_at(__FILE__, __LINE__, E_BROKEN, "killed after the commit");
}

static const struct job_kind count_kind = { "count", count_run, NULL, 1, 5, "quick" },
                             slow_kind = { "slow", count_run, NULL, 1, 5, "slow" },
                             fail_kind_ = { "fails", fail_run, note, 3, 5, "quick" },
                             unclean_kind = { "unclean", fail_run, note_badly, 1, 5, "quick" },
                             within_kind = { "within", within_run, note, 1, 5, "quick" },
                             long_kind = { "long", long_run, note, 2, 1, "quick" },
                             adds_kind = { "adds", count_run, note, 1, 5, "quick", JOB_ADDS },
                             deletes_kind = { "deletes", count_run, note, 1, 5, "quick", JOB_DELETES };
static const struct job_kind *const kinds[] = { &count_kind, &slow_kind, &fail_kind_,   &unclean_kind, &within_kind,
                                                &long_kind,  &adds_kind, &deletes_kind, NULL };

static struct sql *database(void)
{
    struct sql *db = NULL;
    runs = given_up = 0;
    stop = false;
    job_use_kinds(kinds);
    MUST(sql_open(":memory:", &db));
    MUST(sql_script(db, job_table));
    MUST(sql_script(db, "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT, topic TEXT, json TEXT, at INTEGER)"));
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
    MUST(sql_run(db, "INSERT INTO job (id, kind, input, status, created_at) VALUES ('j', 'k', '{}', 'PENDING', 1)"));
    MUST(job_cancel(db, "j"));
    CHECK_TEXT(text(db, a, "SELECT status FROM job"), "KILLED");
    sql_close(db);
}

static const char *add(struct sql *db, struct arena *a, const char *kind, const char *input)
{
    const char *id = NULL;
    MUST(job_add(db, a, kind, "org", NULL, input, &id));
    return id;
}

static bool turn(struct sql *db, const char *lane)
{
    bool ran = false;
    MUST(job_run_one(db, NULL, lane, &stop, &ran));
    return ran;
}

TEST(what_was_put_up_for_a_job_is_cleared_away_when_it_is_cancelled_before_it_runs)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    const char *id = add(db, a, "fails", "{}");
    MUST(job_cancel(db, id));
    CHECK(!turn(db, "quick") && !turn(db, "quick"));
    CHECK_INT(runs, 0);
    CHECK_INT(given_up, 1);
    CHECK_TEXT(text(db, a, "SELECT status FROM job"), "KILLED");
    CHECK_TEXT(text(db, a, "SELECT json FROM event WHERE topic = 'gave up'"), "it was cancelled before it began");
    sql_close(db);
}

TEST(a_job_runs_once_and_keeps_its_result)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "count", "{\"n\":3}");
    CHECK(turn(db, "quick") && !turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || result || progress FROM job"), "SUCCEEDED{\"three\":true}1.0");
    CHECK_TEXT(text(db, a, "SELECT group_concat(json_extract(json, '$.status')) FROM event"), "PENDING,RUNNING,SUCCEEDED");
    sql_close(db);
}

TEST(each_lane_takes_its_own_jobs_oldest_first)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "slow", "{}");
    const char *first = add(db, a, "count", "{}"), *second = add(db, a, "count", "{}");
    MUST(sql_run(db, "UPDATE job SET created_at = 1 WHERE id = ?1", V(second)));
    CHECK(turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT id FROM job WHERE status = 'SUCCEEDED'"), second);
    CHECK(turn(db, "quick") && !turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT id FROM job WHERE status = 'SUCCEEDED' ORDER BY created_at DESC"), first);
    CHECK_TEXT(text(db, a, "SELECT status FROM job WHERE kind = 'slow'"), "PENDING");
    CHECK(turn(db, "slow"));
    sql_close(db);
}

TEST(a_failing_job_is_tried_as_often_as_its_kind_says)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "fails", "{}");
    CHECK(turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || error FROM job"), "PENDINGno luck at try 1");
    CHECK(turn(db, "quick") && turn(db, "quick") && !turn(db, "quick"));
    CHECK_INT(runs, 3);
    CHECK_INT(given_up, 1);
    CHECK_TEXT(text(db, a, "SELECT status || error FROM job"), "FAILEDno luck at try 3");
    CHECK_TEXT(text(db, a, "SELECT json FROM event WHERE topic = 'gave up'"), "no luck at try 3");
    sql_close(db);
}

TEST(a_job_whose_worker_died_is_taken_up_when_its_lease_ends_or_at_once_by_the_only_worker)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "count", "{}");
    MUST(sql_run(db, "UPDATE job SET status = 'RUNNING', worker = 'dead', tries = 1, lease_until = ?1", V(clock_now_ms() + 60000)));
    CHECK(!turn(db, "quick"));
    MUST(sql_run(db, "UPDATE job SET lease_until = ?1", V(clock_now_ms() - 1)));
    CHECK(turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || tries FROM job"), "SUCCEEDED2");
    MUST(sql_run(db, "UPDATE job SET status = 'RUNNING', worker = 'dead', lease_until = ?1", V(clock_now_ms() + 60000)));
    MUST(job_take_over(db));
    CHECK(turn(db, "quick"));
    sql_close(db);
}

TEST(a_job_that_kills_its_worker_each_time_is_given_up)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "fails", "{}");
    MUST(sql_run(db, "UPDATE job SET status = 'RUNNING', worker = 'dead', tries = 100, lease_until = 0"));
    CHECK(turn(db, "quick") && !turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || error FROM job"), "FAILEDthe worker died each time");
    CHECK_INT(given_up, 1);
    CHECK_INT(runs, 0);
    sql_close(db);
}

TEST(a_job_that_came_further_before_its_worker_died_has_its_tries_back)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "count", "{}");
    MUST(sql_run(
        db, "UPDATE job SET status = 'RUNNING', worker = 'dead', tries = 100, lease_until = 0, progress = 0.4, furthest = 0.3"));
    CHECK(turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || tries || furthest FROM job"), "SUCCEEDED10.4");
    MUST(sql_run(db, "UPDATE job SET status = 'RUNNING', worker = 'dead', tries = 100, lease_until = 0, progress = 0.4"));
    CHECK(turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || tries FROM job"), "FAILED101");
    sql_close(db);
}

TEST(a_job_that_cannot_be_read_fails_and_the_next_one_runs)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    const char *broken = add(db, a, "fails", "{\"n\":"), *unknown = add(db, a, "fails", "{}");
    add(db, a, "count", "{}");
    MUST(sql_run(db, "UPDATE job SET kind = 'of a later version', created_at = created_at - 1 WHERE id = ?1", V(unknown)));
    MUST(sql_run(db, "UPDATE job SET created_at = created_at - 2 WHERE id = ?1", V(broken)));
    CHECK(turn(db, "quick") && turn(db, "quick") && turn(db, "quick") && !turn(db, "quick"));
    CHECK_INT(runs, 1);
    CHECK_INT(given_up, 0);
    CHECK_TEXT(text(db, a, "SELECT group_concat(status) FROM (SELECT status FROM job ORDER BY created_at)"),
               "FAILED,FAILED,SUCCEEDED");
    CHECK(strstr(text(db, a, "SELECT error FROM job ORDER BY created_at"), "cannot be read"));
    sql_close(db);
}

TEST(work_and_outcome_are_one_transaction_whatever_comes_after_it)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "within", "{}");
    CHECK(turn(db, "quick") && !turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || result FROM job"), "SUCCEEDED{\"whole\":true}");
    CHECK_INT(given_up, 0);
    MUST(sql_run(db, "DELETE FROM job"));
    MUST(sql_run(db, "DELETE FROM event"));
    add(db, a, "within", "{\"rolls_back\":true}");
    CHECK(turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || error FROM job"), "FAILEDno commit");
    CHECK_TEXT(text(db, a, "SELECT count(*) FROM event WHERE topic = 'work'"), "0");
    CHECK_INT(given_up, 1);
    sql_close(db);
}

TEST(a_failure_to_clear_up_is_told_and_ends_the_job_all_the_same)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    stop = true; /* no pauses between the tries */
    add(db, a, "unclean", "{}");
    CHECK(turn(db, "quick") && !turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || ' ' || error FROM job"),
               "FAILED no luck at try 1; and clearing up after it: the broom is gone");
    CHECK_TEXT(text(db, a, "SELECT count(*) FROM event WHERE topic = 'gave up'"), "0");
    sql_close(db);
}

/* What happens beside a running job comes over another connection, as in life. */
struct beside {
    const char *path;
    void (*act)(struct sql *);
};

static void *act_beside(void *with)
{
    struct beside *b = with;
    struct sql *db = NULL;
    usleep(200000);
    MUST(sql_open(b->path, &db));
    b->act(db);
    sql_close(db);
    return NULL;
}

static const char *run_with(struct arena *a, void (*act)(struct sql *))
{
    char dir[] = "/tmp/saccade_job_XXXXXX";
    CHECK(mkdtemp(dir));
    struct beside b = { arena_fmt(a, "%s/db", dir), act };
    struct sql *memory = database(), *db = NULL;
    sql_close(memory);
    MUST(sql_open(b.path, &db));
    MUST(sql_script(db, job_table));
    MUST(sql_script(db, "CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, org TEXT, topic TEXT, json TEXT, at INTEGER)"));
    add(db, a, "long", "{}");
    pthread_t thread;
    CHECK_INT(pthread_create(&thread, NULL, act_beside, &b), 0);
    CHECK(turn(db, "quick"));
    pthread_join(thread, NULL);
    const char *after =
        text(db, a, "SELECT status || ' ' || tries || CASE WHEN about_id IS NULL THEN '' ELSE ' ' || error END FROM job");
    sql_close(db);
    MUST(file_remove_tree(dir));
    return after;
}

static void cancel(struct sql *db)
{
    AUTO(arena) struct arena *a = arena_new();
    MUST(job_cancel(db, text(db, a, "SELECT id FROM job")));
}

TEST(a_running_job_that_is_cancelled_stops_and_is_not_tried_again)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_TEXT(run_with(a, cancel), "KILLED 1");
    CHECK_INT(given_up, 1);
}

static void delete_subject(struct sql *db)
{
    MUST(sql_run(db, "UPDATE job SET about_id = 'cells'"));
    MUST(job_subject_gone(db, "cells", "the cells were deleted"));
}

TEST(a_job_whose_subject_is_deleted_stops_and_says_that)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_TEXT(run_with(a, delete_subject), "KILLED 1 the cells were deleted");
    CHECK_INT(given_up, 1);
}

TEST(a_job_that_waits_ends_with_its_subject_and_one_that_deletes_it_does_not)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    const char *waits = add(db, a, "fails", "{}"), *deletes = add(db, a, "deletes", "{}");
    MUST(job_about(db, waits, "cells", "Cells"));
    MUST(job_about(db, deletes, "cells", "Cells"));
    MUST(job_subject_gone(db, "others", "no"));
    MUST(job_subject_gone(db, "cells", "the cells were deleted"));
    CHECK(turn(db, "quick") && !turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT group_concat(status || coalesce(error, '')) FROM (SELECT * FROM job ORDER BY kind DESC)"),
               "KILLEDthe cells were deleted,SUCCEEDED");
    CHECK_INT(given_up, 1);
    sql_close(db);
}

TEST(a_last_transaction_does_not_succeed_on_what_is_deleted)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    add(db, a, "within", "{\"gone\":true}");
    CHECK(turn(db, "quick"));
    CHECK_TEXT(text(db, a, "SELECT status || error FROM job"), "KILLEDit was deleted");
    CHECK_TEXT(text(db, a, "SELECT count(*) FROM event WHERE topic = 'work'"), "0");
    sql_close(db);
}

TEST(who_changes_a_thing_is_alone_with_it_and_who_adds_may_be_beside_another)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = database();
    const char *job = add(db, a, "adds", "{}");
    MUST(job_about(db, job, "cells", "Cells"));
    MUST(job_reads(db, job, "source"));
    MUST(job_check_alone(db, "cells", JOB_ADDS));
    MUST_FAIL(job_check_alone(db, "cells", JOB_CHANGES), E_CONFLICT, job);
    MUST_FAIL(job_check_alone(db, "cells", JOB_READS), E_CONFLICT, "(adds) is changing it");
    MUST(job_check_alone(db, "source", JOB_READS));
    MUST(job_check_alone(db, "source", JOB_ADDS));
    MUST_FAIL(job_check_alone(db, "source", JOB_CHANGES), E_CONFLICT, "is reading it");
    MUST(job_check_alone(db, "others", JOB_CHANGES));
    CHECK(turn(db, "quick"));
    MUST(job_check_alone(db, "cells", JOB_CHANGES));
    sql_close(db);
}

static void end_program(struct sql *db)
{
    (void)db;
    stop = true;
}

TEST(a_job_interrupted_by_the_end_of_the_program_waits_again_and_loses_no_try)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_TEXT(run_with(a, end_program), "PENDING 0");
    CHECK_INT(given_up, 0);
}

static void rob(struct sql *db)
{
    MUST(sql_run(db, "UPDATE job SET worker = 'another', tries = 7"));
}

TEST(a_worker_that_lost_its_lease_leaves_the_job_to_the_other)
{
    AUTO(arena) struct arena *a = arena_new();
    CHECK_TEXT(run_with(a, rob), "RUNNING 7");
}

/* Each commit of anybody brings all lanes here. */
TEST(a_lane_without_a_job_waits_for_nobody_who_writes)
{
    AUTO(arena) struct arena *a = arena_new();
    char dir[] = "/tmp/saccade_job_XXXXXX";
    struct sql *writer = NULL, *db = NULL;
    bool ran = true;
    CHECK(mkdtemp(dir));
    job_use_kinds(kinds);
    MUST(sql_open(arena_fmt(a, "%s/db", dir), &writer));
    MUST(sql_script(writer, job_table));
    MUST(sql_open(arena_fmt(a, "%s/db", dir), &db));
    MUST(sql_begin(writer));
    MUST(job_run_one(db, NULL, "quick", &stop, &ran));
    CHECK(!ran);
    MUST(sql_end(writer, OK));
    sql_close(db);
    sql_close(writer);
    MUST(file_remove_tree(dir));
}

TEST(a_lane_runs_where_the_machine_has_what_it_needs)
{
    static const struct job_lane any = { "any", 1, NULL }, device = { "device", 1, "gpu" };
    CHECK(job_lane_fits(&any, "") && job_lane_fits(&any, "gpu"));
    CHECK(job_lane_fits(&device, "gpu") && job_lane_fits(&device, "disk,gpu") && job_lane_fits(&device, "gpu,disk"));
    CHECK(!job_lane_fits(&device, "") && !job_lane_fits(&device, "gpus") && !job_lane_fits(&device, "disk,gp"));
}

TEST(every_kind_of_job_has_a_lane)
{
    for (const struct job_kind *const *k = job_kinds; *k; k++) {
        bool found = false;
        for (const struct job_lane *l = job_lanes; l->name; l++)
            found |= strcmp(l->name, (*k)->lane) == 0;
        if (!found)
            fail_msg("jobs of the kind %s would wait for ever: there is no lane %s", (*k)->name, (*k)->lane);
    }
}
