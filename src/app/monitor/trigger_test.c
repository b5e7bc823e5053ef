#include "app/deployment/scene_test.h"
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include "base/test.h"

enum { HOUR = 3600 * 1000 };

static void set(struct scene *s, const char *columns)
{
    MUST(sql_run_text(s->db, arena_fmt(s->a, "UPDATE pipeline SET %s", columns), NULL, 0));
}

/* n images were reviewed and sent back at that time; a look, then how many trainings there are. */
static const char *after(struct scene *s, int n, int64_t at, int64_t now)
{
    for (int i = 0; i < n; i++)
        MUST(sql_run(s->db, "UPDATE predicted_asset SET status = 'SUBMITTED', submitted_at = ?2 WHERE id = ?1",
                     V(scene_see(s, id_new(s->a), false)), V(at)));
    MUST(trainings_look(s->db, now));
    return scene_text(s, "SELECT count(*) FROM retraining");
}

static void alarm(struct scene *s, const char *id, int64_t at)
{
    MUST(sql_run(s->db,
                 "INSERT INTO drift_check (id, deployment_id, created_at, drifted, alarm, n_tested) VALUES (?1, ?2, ?3, 1, 1, 5)",
                 V(id), V(s->deployment), V(at)));
}

TEST(the_time_of_a_schedule_is_the_last_one_that_is_past)
{
    int64_t ms, want;
    CHECK(clock_parse_iso("2026-11-25T14:30:00Z", &ms)); /* a Wednesday */
    const struct {
        int64_t weekday, hour;
        const char *is;
    } cases[] = { { -1, 3, "2026-11-25T03:00:00Z" }, { -1, 14, "2026-11-25T14:00:00Z" }, { -1, 15, "2026-11-24T15:00:00Z" },
                  { 2, 14, "2026-11-25T14:00:00Z" }, { 2, 15, "2026-11-18T15:00:00Z" },  { 0, 0, "2026-11-23T00:00:00Z" },
                  { 6, 23, "2026-11-22T23:00:00Z" }, { 3, 1, "2026-11-19T01:00:00Z" } };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK(clock_parse_iso(cases[i].is, &want));
        CHECK(training_slot(ms, cases[i].weekday, cases[i].hour) == want);
    }
}

TEST(a_schedule_trains_when_its_time_has_come_and_something_is_new)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    int64_t now = clock_now_ms();
    set(&s, arena_fmt(a, "ct_trigger = 'SCHEDULE', ct_threshold = 2, ct_every_hours = 5, ct_at = %lld", (long long)now));
    CHECK_TEXT(after(&s, 2, now, now + 5 * HOUR - 1), "0");
    CHECK_TEXT(after(&s, 0, now, now + 5 * HOUR), "1");
    CHECK_TEXT(
        scene_text(
            &s, "SELECT count(*) FROM decision WHERE kind = 'TRAINING' AND images = 2 AND says LIKE '%began from m / 0: 5 hours%'"),
        "1");
    scene_end(&s, scene_experiment(&s), "SUCCESS", true);
    CHECK_TEXT(after(&s, 0, now, now + 50 * HOUR), "1"); /* nothing is new */
    CHECK_TEXT(after(&s, 1, now, now + 50 * HOUR), "1");
    CHECK_TEXT(after(&s, 1, now, now + 50 * HOUR), "2");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM decision WHERE kind = 'TRAINING'"), "2");
    sql_close(s.db);
}

TEST(a_drift_alarm_trains_once_with_images_reviewed_since)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    int64_t now = clock_now_ms() + HOUR;
    set(&s, "ct_trigger = 'DRIFT', ct_threshold = 2, ct_at = 5, ct_rest_hours = 0");
    alarm(&s, "old", 4);
    CHECK_TEXT(after(&s, 3, 9, now), "0"); /* it was told before the training was set up */
    alarm(&s, "first", 10);
    CHECK_TEXT(after(&s, 1, 11, now), "0"); /* the three were reviewed before it */
    CHECK_TEXT(after(&s, 1, 12, now), "1");
    CHECK_TEXT(scene_text(&s, "SELECT cause || nb_images FROM retraining"), "first5");
    scene_end(&s, scene_experiment(&s), "FAILED", false);
    CHECK_TEXT(after(&s, 0, 0, now), "2"); /* a failed one does not count */
    scene_end(&s, scene_experiment(&s), "SUCCESS", true);
    CHECK_TEXT(after(&s, 9, 13, now), "2");
    alarm(&s, "second", 20);
    CHECK_TEXT(after(&s, 2, 21, now), "3");
    sql_close(s.db);
}

TEST(between_two_trainings_there_is_a_rest)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    int64_t now = clock_now_ms();
    set(&s, "ct_trigger = 'DRIFT', ct_threshold = 1");
    alarm(&s, "first", 10);
    CHECK_TEXT(after(&s, 1, 11, now), "1");
    scene_end(&s, scene_experiment(&s), "SUCCESS", true);
    alarm(&s, "second", 20);
    CHECK_TEXT(after(&s, 1, 21, now + HOUR), "1");
    set(&s, "ct_rest_hours = 0");
    CHECK_TEXT(after(&s, 0, 21, now + HOUR), "2");
    sql_close(s.db);
}

/* A reviewed image with one cell, found by the champion or not; sent back. */
static void reviewed(struct scene *s, int n, bool found)
{
    MUST(sql_run(
        s->db,
        "INSERT INTO deployment_label (id, deployment_id, position, name) VALUES ('cell', ?1, 0, 'cell') ON CONFLICT DO NOTHING",
        V(s->deployment)));
    for (int i = 0; i < n; i++) {
        const char *id = scene_see(s, id_new(s->a), false), *prediction;
        struct predicted_shape box = { .kind = "rectangle", .label = 1, .score = 0.9, .w = 9, .h = 9 };
        const struct predicted_shapes shapes = { &box, found };
        const struct prediction_new p = { id, s->version, false, 0.01, &shapes };
        MUST(prediction_add(s->db, s->a, s->deployment, &p, &prediction));
        MUST(sql_run(s->db, "INSERT INTO review (id, predicted_asset_id, created_at) VALUES (?1, ?1, 9)", V(id)));
        MUST(sql_run(s->db,
                     "INSERT INTO review_shape (review_id, position, kind, label_id, x, y, w, h) VALUES (?1, 0, 'rectangle',"
                     " 'cell', 0, 0, 9, 9)",
                     V(id)));
        MUST(sql_run(s->db, "UPDATE predicted_asset SET status = 'SUBMITTED', submitted_at = 9 WHERE id = ?1", V(id)));
    }
}

TEST(a_score_below_its_bound_trains_when_it_rests_on_enough_reviews)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    int64_t now = clock_now_ms();
    set(&s, "ct_trigger = 'METRIC', ct_threshold = 3, ct_metric = 'recall', ct_below = 0.6, ct_reviews = 10, ct_rest_hours = 0");
    reviewed(&s, 6, true);
    reviewed(&s, 3, false);
    CHECK_TEXT(after(&s, 0, 0, now + 1), "0");
    reviewed(&s, 1, false);
    CHECK_TEXT(after(&s, 0, 0, now + 2), "0"); /* 0.6 is not below */
    CHECK_TEXT(scene_text(&s, "SELECT ct_seen IS NOT NULL FROM pipeline"), "1");
    reviewed(&s, 1, false);
    CHECK_TEXT(after(&s, 0, 0, now + 3), "1");
    CHECK_TEXT(
        scene_text(
            &s,
            "SELECT says LIKE '%Recall is 0.545 on 11 reviewed images, below 0.6; it learns from s / one (train)' FROM decision"),
        "1");
    sql_close(s.db);
}

TEST(why_a_training_does_not_start_is_said_once)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    int64_t now = clock_now_ms();
    set(&s, "ct_trigger = 'SCHEDULE', ct_threshold = 1, ct_every_hours = 1, ct_at = 0, ct_user_id = NULL");
    CHECK_TEXT(after(&s, 1, 0, now), "0");
    CHECK_TEXT(scene_text(&s, "SELECT ct_error FROM pipeline"), "nobody is known who set it up: save it again");
    const char *told = scene_text(&s, "SELECT count(*) FROM event");
    CHECK_TEXT(after(&s, 0, 0, now), "0");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM event"), told);
    set(&s, arena_fmt(a, "ct_user_id = '%s', ct_parameters = '{\"steps\":-1}'", s.user));
    CHECK_TEXT(after(&s, 0, 0, now), "0");
    CHECK_TEXT(scene_text(&s, "SELECT ct_error LIKE '%steps%' FROM pipeline"), "1");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM experiment"), "0");
    sql_close(s.db);
}
