#include "app/account/account.h"
#include "app/deployment/scene_test.h"
#include "app/deployment/served.h"
#include "app/monitor/alert.h"
#include "base/clock.h"
#include "base/test.h"
#include <math.h>

/* ---- words and states */

static struct alert_rule rule(const char *metric, const char *operator, double value, int64_t hold)
{
    return (struct alert_rule){ .metric = alert_metric_called(metric), .operator= operator, .value = value, .hold_seconds = hold };
}

TEST(a_rule_without_hold_fires_at_once_and_ends_at_once)
{
    struct alert_rule r = rule("latency", ">", 100, 0);
    struct alert_at at = { ALERT_OK, 5 };
    CHECK(!alert_step(&r, true, 100, 1000, &at));
    CHECK(alert_step(&r, true, 101, 2000, &at));
    CHECK(at.state == ALERT_FIRING && at.since == 2000);
    CHECK(!alert_step(&r, true, 500, 3000, &at));
    CHECK(at.since == 2000);
    CHECK(alert_step(&r, true, 100, 4000, &at));
    CHECK(at.state == ALERT_OK && at.since == 4000);
}

TEST(a_rule_that_holds_is_pending_until_its_time_is_over)
{
    struct alert_rule r = rule("avg_latency", ">=", 100, 60);
    struct alert_at at = { ALERT_OK, 0 };
    CHECK(alert_step(&r, true, 100, 10000, &at) && at.state == ALERT_PENDING);
    CHECK(!alert_step(&r, true, 100, 69999, &at));
    CHECK(alert_step(&r, true, 100, 70000, &at) && at.state == ALERT_FIRING && at.since == 70000);
}

TEST(a_short_recovery_begins_the_hold_time_anew)
{
    struct alert_rule r = rule("avg_latency", ">", 100, 60);
    struct alert_at at = { ALERT_OK, 0 };
    CHECK(alert_step(&r, true, 200, 0, &at));
    CHECK(alert_step(&r, true, 50, 59000, &at) && at.state == ALERT_OK);
    CHECK(alert_step(&r, true, 200, 59500, &at) && at.state == ALERT_PENDING);
    CHECK(!alert_step(&r, true, 200, 61000, &at));
    CHECK(alert_step(&r, true, 200, 119500, &at) && at.state == ALERT_FIRING);
}

TEST(what_is_not_known_ends_an_alert_and_begins_none)
{
    struct alert_rule r = rule("confidence", "<", 0.5, 0);
    struct alert_at at = { ALERT_OK, 0 };
    CHECK(!alert_step(&r, false, 0, 1, &at));
    CHECK(alert_step(&r, true, 0.2, 2, &at) && at.state == ALERT_FIRING);
    CHECK(alert_step(&r, false, 0, 3, &at) && at.state == ALERT_OK);
}

TEST(a_rule_reads_as_a_sentence)
{
    AUTO(arena) struct arena *a = arena_new();
    struct alert_rule r = rule("avg_latency", ">", 500, 300);
    r.window_predictions = 100;
    CHECK_TEXT(alert_sentence(a, &r), "Mean latency of the last 100 predictions is above 500 ms for 5 min");
    r = rule("silence", ">=", 5400, 0);
    CHECK_TEXT(alert_sentence(a, &r), "Time without a prediction is at least 90 min");
    r = rule("stats.ap_50", "<", 0.6, 0);
    r.window_seconds = 7 * 24 * 3600;
    CHECK_TEXT(alert_sentence(a, &r), "AP 50 in the last 7 d is below 0.6");
    r = rule("label_share", "<=", 12.5, 0);
    r.label = "cell";
    r.window_predictions = 1;
    CHECK_TEXT(alert_sentence(a, &r), "Share of objects that are “cell” of the last prediction is at most 12.5 %");
}

TEST(every_metric_has_words_a_window_that_fits_and_a_reader)
{
    for (const struct alert_metric *m = alert_metrics; m->name; m++) {
        CHECK(m->says && m->unit && m->operator&& m->read && m->most> 0 && m->value <= m->most);
        CHECK(!m->window_predictions || m->windows & WINDOW_PREDICTIONS);
        CHECK(!m->window_seconds || m->windows & WINDOW_TIME);
        CHECK(!m->windows == (!m->window_predictions && !m->window_seconds));
        CHECK(!m->window_predictions || m->min_count <= m->window_predictions);
        CHECK(alert_metric_called(m->name) == m);
    }
}

/* ---- what they read */

static int64_t now;

static void open_scene(struct scene *s, struct arena *a)
{
    now = clock_now_ms();
    scene_begin(s, a);
    MUST(sql_run(s->db, "UPDATE deployment SET serving = 0, created_at = ?1, updated_at = ?1, deployed_at = ?1",
                 V(now - 7200 * 1000)));
    MUST(sql_run(s->db, "INSERT INTO deployment_label VALUES ('p', ?1, 0, 'platelet'), ('c', ?1, 1, 'cell')", V(s->deployment)));
}

/* A prediction so long ago; its boxes lie beside each other, all of one label. */
static const char *predict(struct scene *s, double seconds_ago, double latency, const char *label, int n)
{
    struct predicted_shapes shapes = { 0 };
    for (int i = 0; i < n; i++) {
        struct predicted_shape box = {
            .kind = "rectangle", .label = *label == 'c', .score = 0.4 + 0.2 * i, .x = 20 * i, .w = 10, .h = 10
        };
        MUST(predicted_shape_add(s->a, &shapes, &box));
    }
    const char *asset = scene_see_at(s, now - (int64_t)(seconds_ago * 1000));
    scene_predict(s, asset, latency, &shapes);
    return asset;
}

static struct alert_look look(struct scene *s, const char *metric, int64_t predictions, int64_t seconds)
{
    struct alert_rule *r = arena_take(s->a, sizeof *r);
    *r = rule(metric, ">", 1, 0);
    r->window_predictions = predictions;
    r->window_seconds = seconds;
    r->label = "cell";
    struct alert_look l = { .db = s->db, .arena = s->a, .rule = r, .deployment = s->deployment, .now = now };
    MUST(alert_read(&l));
    return l;
}

static void reads(struct scene *s, const char *metric, int64_t predictions, int64_t seconds, double value, int64_t count)
{
    struct alert_look l = look(s, metric, predictions, seconds);
    if (!l.known || fabs(l.value - value) > 1e-9 * fmax(1, value) || l.count != count)
        fail_msg("%s: %s %.12g of %lld, not %.12g of %lld", metric, l.known ? "it is" : "not known,", l.value, (long long)l.count,
                 value, (long long)count);
}

TEST(latencies_are_read_of_the_last_predictions_or_of_a_time)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    CHECK(!look(&s, "avg_latency", 10, 0).known);
    for (int i = 0; i < 20; i++)
        predict(&s, 60 * (20 - i), 0.010 * (i + 1), "c", 1); /* the newest took 200 ms */
    reads(&s, "latency", 1, 0, 200, 1);
    reads(&s, "avg_latency", 4, 0, 185, 4);
    reads(&s, "avg_latency", 100, 0, 105, 20);
    reads(&s, "p95_latency", 20, 0, 190, 20);
    reads(&s, "avg_latency", 0, 150, 195, 2);
    reads(&s, "latency", 0, 100000, 200, 20); /* from the sums by the hour */
    reads(&s, "avg_latency", 0, 100000, 105, 20);
    sql_close(s.db);
}

TEST(a_slow_prediction_between_two_looks_is_not_missed)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    predict(&s, 3, 5, "c", 1);
    predict(&s, 2, 0.01, "c", 1);
    struct alert_look l = look(&s, "latency", 1, 0);
    CHECK(l.value == 10);
    l.looked_at = now - 4000;
    MUST(alert_read(&l));
    CHECK(l.value == 5000 && l.count == 2);
    sql_close(s.db);
}

TEST(what_was_predicted_is_read_as_confidence_number_and_share)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    CHECK(!look(&s, "label_share", 10, 0).known);
    predict(&s, 30, 0.1, "c", 0);
    CHECK(!look(&s, "confidence", 10, 0).known); /* nothing was said of anything */
    reads(&s, "objects", 10, 0, 0, 1);
    predict(&s, 20, 0.1, "c", 1);
    predict(&s, 10, 0.1, "p", 3);
    reads(&s, "objects", 10, 0, 4.0 / 3, 3);
    reads(&s, "objects", 1, 0, 3, 1);
    reads(&s, "confidence", 10, 0, (0.4 + 0.4 + 0.6 + 0.8) / 4, 3);
    reads(&s, "label_share", 10, 0, 25, 3);
    reads(&s, "label_share", 0, 100000, 25, 3);
    reads(&s, "objects", 0, 100000, 4.0 / 3, 3);
    sql_close(s.db);
}

TEST(requests_are_counted_by_the_minute_and_silence_begins_with_the_last_answer)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    struct alert_look l = look(&s, "silence", 0, 0);
    CHECK(l.known && fabs(l.value - 7200) < 1);
    CHECK(!look(&s, "error_rate", 0, 3600).known);
    reads(&s, "predictions_per_hour", 0, 7200, 0, 0);
    for (int i = 0; i < 3; i++)
        served_answered(s.deployment, 0.1);
    served_refused(s.deployment);
    MUST(served_write(s.db));
    served_answered(s.deployment, 0.1);
    served_answered(id_new(a), 0.1); /* of one that was deleted */
    MUST(served_write(s.db));
    reads(&s, "error_rate", 0, 3600, 20, 5);
    reads(&s, "predictions_per_hour", 0, 7200, 2, 4);
    now = clock_now_ms() + 30000;
    CHECK(look(&s, "silence", 0, 0).value < 32);
    struct served all;
    served_since_start(s.deployment, &all);
    CHECK(all.answered == 4 && all.refused == 1 && fabs(all.latency_sum_s - 0.4) < 1e-9);
    MUST(served_sweep(s.db, now + (int64_t)9 * 24 * 3600 * 1000));
    CHECK(!look(&s, "error_rate", 0, 3600).known);
    sql_close(s.db);
}

static void review(struct scene *s, const char *asset, const char *label, int n)
{
    const char *id = id_new(s->a);
    MUST(sql_run(s->db, "INSERT INTO review (id, predicted_asset_id, created_at) VALUES (?1, ?2, 0)", V(id), V(asset)));
    for (int i = 0; i < n; i++)
        MUST(sql_run(s->db,
                     "INSERT INTO review_shape (review_id, position, label_id, kind, x, y, w, h) VALUES (?1, ?2, ?3, 'rectangle',"
                     " ?4, 0, 10, 10)",
                     V(id), V(i), V(label), V(20.0 * i)));
    MUST(sql_run(s->db, "UPDATE predicted_asset SET status = 'REVIEWED' WHERE id = ?1", V(asset)));
}

TEST(what_reviews_say_is_computed_when_there_is_a_new_one)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    CHECK(!look(&s, "stats.recall", 10, 0).known);
    review(&s, predict(&s, 40, 0.1, "c", 2), "c", 2);
    predict(&s, 30, 0.1, "c", 2); /* not reviewed */
    struct alert_look l = look(&s, "stats.recall", 10, 0);
    CHECK(l.known && l.value == 1 && l.count == 1 && l.now_seen);
    l.seen = l.now_seen;
    l.last_value = 0.25;
    l.had_value = true;
    MUST(alert_read(&l));
    CHECK(l.value == 0.25); /* nothing new: not computed again */
    review(&s, predict(&s, 20, 0.1, "c", 0), "c", 2);
    MUST(alert_read(&l));
    CHECK(l.known && l.value == 0.5 && l.count == 2);
    l = look(&s, "stats.recall", 1, 0);
    CHECK(l.known && l.value == 0 && l.count == 1);
    sql_close(s.db);
}

/* ---- looking at all */

static void add_alert(struct scene *s, const char *id, int64_t hold)
{
    MUST(sql_run(s->db,
                 "INSERT INTO alert (id, deployment_id, metric, operator, value, window_predictions, min_count, hold_seconds,"
                 " active, emails, webhooks, says, since, created_at) VALUES (?1, ?2, 'avg_latency', '>', 100, 10, 2, ?3, 1, '[]',"
                 " 1, 'says', 0, 0)",
                 V(id), V(s->deployment), V(hold)));
}

TEST(an_alert_waits_for_enough_predictions_fires_and_ends_and_its_history_says_why)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    add_alert(&s, "a", 60);
    predict(&s, 50, 0.5, "c", 1);
    MUST(alerts_look(s.db, now, true));
    CHECK_TEXT(scene_text(&s, "SELECT state || last_count FROM alert"), "OK1");
    predict(&s, 40, 0.3, "c", 1);
    MUST(alerts_look(s.db, now + 10000, true));
    CHECK_TEXT(scene_text(&s, "SELECT state || last_value FROM alert"), "PENDING400.0");
    MUST(alerts_look(s.db, now + 69000, false));
    CHECK_TEXT(scene_text(&s, "SELECT state FROM alert"), "PENDING");
    MUST(alerts_look(s.db, now + 70000, false)); /* by the clock alone */
    CHECK_TEXT(scene_text(&s, "SELECT state || (triggered_at - looked_at) FROM alert"), "FIRING0");
    MUST(sql_run(s.db, "UPDATE deployment SET status = 'PAUSED'"));
    MUST(alerts_look(s.db, now + 71000, true));
    CHECK_TEXT(scene_text(&s, "SELECT state FROM alert"), "OK");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM event WHERE topic = 'alert'"), "3");
    CHECK_TEXT(scene_text(&s, "SELECT why FROM alert_change WHERE state = 'FIRING'"), "it is 400 ms");
    CHECK_TEXT(scene_text(&s, "SELECT why FROM alert_change WHERE state = 'OK'"), "the deployment is paused");
    sql_close(s.db);
}

TEST(an_alert_that_is_off_or_of_a_deployment_that_goes_is_not_looked_at)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    add_alert(&s, "a", 0);
    predict(&s, 50, 0.5, "c", 1);
    predict(&s, 50, 0.5, "c", 1);
    MUST(sql_run(s.db, "UPDATE alert SET active = 0"));
    MUST(alerts_look(s.db, now, true));
    MUST(sql_run(s.db, "UPDATE alert SET active = 1"));
    MUST(sql_run(s.db, "INSERT INTO gone VALUES (?1, ?1)", V(s.deployment)));
    MUST(alerts_look(s.db, now, true));
    CHECK_TEXT(scene_text(&s, "SELECT state FROM alert"), "OK");
    MUST(sql_run(s.db, "DELETE FROM gone"));
    MUST(alerts_look(s.db, now, true));
    CHECK_TEXT(scene_text(&s, "SELECT state FROM alert"), "FIRING");
    sql_close(s.db);
}

TEST(addresses_of_mail_name_one_mailbox_and_nothing_else)
{
    MUST(address_check("a.b+c@example.org"));
    MUST(address_check("root@localhost"));
    const char *const bad[] = { "", "a", "@b", "a@", "a@b@c", "a b@c", "a@b\r\nBcc: x@y", "a@b>", "a@.b", "a@b..c", "a@b.", "é@b" };
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        MUST_FAIL(address_check(bad[i]), E_INVALID, "no e-mail address");
}
