#include "app/deployment/scene_test.h"
#include "app/monitor/drift.h"
#include "base/clock.h"
#include "base/test.h"
#include <math.h>
#include <string.h>

static int sent;

/* A deployment that has no training images, whose images' looks are written as they would have been measured. */
static void open_scene(struct scene *s, struct arena *a)
{
    sent = 0;
    scene_begin(s, a);
    MUST(sql_run(s->db, "INSERT INTO pipeline (deployment_id) VALUES (?1)", V(s->deployment)));
    MUST(deployment_heard(s->db, a, s->deployment, NULL));
}

static void close_scene(struct scene *s)
{
    sql_close(s->db);
    arena_free(s->a);
}

/* An image of that brightness, with two cells and, unless it is without, a platelet. */
static void see(struct scene *s, double brightness, bool without)
{
    int i = sent++;
    const char *asset = scene_see_at(s, 1000 + i);
    MUST(sql_run(s->db,
                 "INSERT INTO image_look (data_id, brightness, contrast, sharpness, saturation)"
                 " SELECT data_id, ?2, ?3, ?4, ?5 FROM predicted_asset WHERE id = ?1",
                 V(asset), V(brightness), V(scene_chance(i, 2)), V(scene_chance(i, 3)), V(scene_chance(i, 4))));
    struct predicted_shapes shapes = { 0 };
    for (int k = 0; k < (without ? 2 : 3); k++) {
        const struct predicted_shape shape = {
            .kind = "rectangle", .label = k != 2, .score = scene_chance(i, 10 + k), .w = 5, .h = 5
        };
        MUST(predicted_shape_add(s->a, &shapes, &shape));
    }
    scene_predict(s, asset, 0.01, &shapes);
    MUST(deployment_heard(s->db, s->a, s->deployment, asset));
}

static void see_many(struct scene *s, int n, double from, bool without)
{
    for (int i = 0; i < n; i++)
        see(s, from + 0.4 * scene_chance(sent, 1), without);
}

static int check_all(struct scene *s)
{
    int n = 0;
    for (bool any_more = true; any_more; n++)
        MUST(drift_check_next(s->db, &any_more));
    return n - 1;
}

#define CHECKS "SELECT count(*) FROM drift_check"
#define DRIFTED_NOW "SELECT drifted FROM drift_check ORDER BY created_at DESC, id DESC LIMIT 1"

TEST(nothing_is_checked_before_there_are_thirty_predictions_and_thirty_before_them)
{
    struct scene s;
    open_scene(&s, arena_new());
    check_all(&s);
    CHECK_TEXT(scene_text(&s, "SELECT waits_for FROM drift"), "0 of 60 predictions");
    see_many(&s, 59, 0.2, false);
    check_all(&s);
    CHECK_INT(scene_number(&s, CHECKS), 0);
    CHECK_TEXT(scene_text(&s, "SELECT waits_for FROM drift"), "59 of 60 predictions");
    see_many(&s, 1, 0.2, false);
    check_all(&s);
    CHECK_INT(scene_number(&s, CHECKS), 1);
    CHECK_INT(scene_number(&s, DRIFTED_NOW), 0);
    CHECK_TEXT(scene_text(&s, "SELECT waits_for FROM drift"), "NULL");
    close_scene(&s);
}

TEST(a_check_is_made_each_ten_predictions_and_one_alarm_is_given_for_one_drift)
{
    struct scene s;
    open_scene(&s, arena_new());
    see_many(&s, 60, 0.2, false);
    check_all(&s);
    see_many(&s, 9, 0.2, false);
    check_all(&s);
    CHECK_INT(scene_number(&s, CHECKS), 1);
    for (int i = 0; i < 10; i++) {
        see_many(&s, 10, 0.5, false);
        check_all(&s);
    }
    CHECK_INT(scene_number(&s, CHECKS), 11);
    CHECK_INT(scene_number(&s, DRIFTED_NOW), 1);
    CHECK_INT(scene_number(&s, "SELECT sum(alarm) FROM drift_check"), 1);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM drift_check WHERE detail IS NOT NULL"), 1);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM drift_value WHERE drifted <> 0 AND feature <> 'brightness'"), 0);
    close_scene(&s);
}

/* So that those behind it are found later, too, when others have come. */
TEST(a_check_tells_when_the_oldest_and_the_newest_of_its_window_were_seen)
{
    struct scene s;
    const struct json *v, *one;
    open_scene(&s, arena_new());
    see_many(&s, 60, 0.2, false);
    check_all(&s);
    const char *detail = scene_text(&s, "SELECT detail FROM drift_check");
    MUST(json_parse(s.a, detail, strlen(detail), &v));
    CHECK(json_count(json_get(v, "features")) > 5);
    for (size_t i = 0; (one = json_at(json_get(v, "features"), i)); i++) {
        CHECK_TEXT(json_text(json_get(one, "window_from")), clock_iso(s.a, 1030));
        CHECK_TEXT(json_text(json_get(one, "window_to")), clock_iso(s.a, 1059));
    }
    close_scene(&s);
}

TEST(a_label_that_is_no_longer_seen_is_drift_of_its_objects_and_of_all_objects)
{
    struct scene s;
    open_scene(&s, arena_new());
    see_many(&s, 100, 0.2, false);
    see_many(&s, 100, 0.2, true);
    check_all(&s);
    CHECK_INT(scene_number(&s, DRIFTED_NOW), 1);
    CHECK_TEXT(scene_text(&s, "SELECT feature FROM drift_value WHERE drifted <> 0 ORDER BY feature LIMIT 1"), "label:platelet");
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM drift_value WHERE drifted <> 0 AND feature = 'objects'"), 1);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM drift_value WHERE drifted <> 0 AND feature IN ('label:cell', 'brightness')"),
              0);
    close_scene(&s);
}

TEST(a_fast_stream_gets_no_more_checks_than_the_false_alarms_allow)
{
    struct scene s;
    open_scene(&s, arena_new());
    for (int i = 0; i < 30; i++) {
        see_many(&s, 10, 0.2, false);
        check_all(&s);
    }
    CHECK_INT(scene_number(&s, CHECKS), CHECKS_AT_ONCE);
    MUST(sql_run(s.db, "UPDATE drift SET allowance_at = allowance_at - ?1", V((int64_t)CHECK_EVERY_MS)));
    see_many(&s, 1, 0.2, false);
    check_all(&s);
    CHECK_INT(scene_number(&s, CHECKS), CHECKS_AT_ONCE + 1);
    close_scene(&s);
}

TEST(checks_are_saved_up_to_a_number_and_come_again_with_time)
{
    CHECK(fabs(drift_allowance(3, 1000, 1000) - 3) < 1e-12);
    CHECK(fabs(drift_allowance(3, 0, CHECK_EVERY_MS) - 4) < 1e-12);
    CHECK(fabs(drift_allowance(3, 0, 1000LL * CHECK_EVERY_MS) - CHECKS_AT_ONCE) < 1e-12);
    CHECK(fabs(drift_allowance(3, 5000, 0) - 3) < 1e-12); /* the clock was set back */
}

TEST(a_deployment_that_was_deleted_since_its_check_was_due_is_no_fault)
{
    struct scene s;
    bool any_more = false;
    open_scene(&s, arena_new());
    MUST(sql_run(s.db, "UPDATE drift SET due = 1"));
    MUST(sql_script(s.db, "PRAGMA foreign_keys = OFF; DELETE FROM deployment"));
    MUST(drift_check_next(s.db, &any_more));
    close_scene(&s);
}

TEST(switched_off_nothing_is_counted_or_checked)
{
    struct scene s;
    open_scene(&s, arena_new());
    MUST(sql_run(s.db, "UPDATE drift SET active = 0"));
    see_many(&s, 70, 0.2, false);
    check_all(&s);
    CHECK_INT(scene_number(&s, CHECKS), 0);
    CHECK_INT(scene_number(&s, "SELECT fresh FROM drift"), 0);
    close_scene(&s);
}

TEST(the_page_of_a_check_has_bars_with_round_edges_that_hold_all_values)
{
    struct scene s;
    const struct json *v, *one;
    open_scene(&s, arena_new());
    see_many(&s, 60, 0.2, false);
    check_all(&s);
    const char *detail = scene_text(&s, "SELECT detail FROM drift_check");
    MUST(json_parse(s.a, detail, strlen(detail), &v));
    for (size_t i = 0; (one = json_at(json_get(v, "features"), i)); i++) {
        const struct json *h = json_get(one, "histogram"), *edges = json_get(h, "edges");
        int64_t sum = 0, n, all;
        if (strcmp(json_text(json_get(one, "feature")), "outlier_score") == 0) { /* nothing is scored: no bars */
            CHECK(!edges);
            continue;
        }
        for (size_t k = 0; k < json_count(json_get(h, "window")); k++) {
            CHECK(json_int(json_at(json_get(h, "window"), k), &n));
            sum += n;
        }
        CHECK(json_int(json_get(one, "n_window"), &all));
        CHECK_INT(sum, all);
        CHECK_INT(json_count(edges), json_count(json_get(h, "window")) + 1);
        CHECK(json_count(edges) <= BINS + 2);
    }
    close_scene(&s);
}
