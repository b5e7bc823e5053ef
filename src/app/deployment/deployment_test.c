#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/deployment/hours.h"
#include "app/deployment/scene_test.h"
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "base/test.h"
#include "job/job.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

TEST(the_same_bytes_are_one_data_and_are_monitored_once)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    scene_see(&s, "x", false);
    scene_see(&s, "x", false);
    scene_see(&s, "y", true);
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM data"), "2");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM predicted_asset"), "3");
    const struct sighting again = { .deployment_id = s.deployment,
                                    .org = s.org,
                                    .datalake_id = s.lake,
                                    .hash = "y",
                                    .filename = "b.jpg",
                                    .content_type = "image/jpeg",
                                    .size = 1,
                                    .once = true };
    const char *id;
    MUST_FAIL(predicted_asset_add(s.db, a, &again, &id), E_CONFLICT, "already");
    sql_close(s.db);
}

static char known_by[2000];

static enum err note_known(const char *text)
{
    if (strstr(text, "FROM data WHERE hash"))
        snprintf(known_by, sizeof known_by, "EXPLAIN QUERY PLAN %s", text);
    return OK;
}

/* Every prediction asks: by an index of the datalake's all of its data would be gone through each time. */
TEST(whether_an_image_is_known_is_looked_up_by_its_bytes)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    struct scene s;
    scene_open(&s, a);
    sql_fault = note_known;
    scene_see(&s, "x", false);
    sql_fault = NULL;
    MUST(sql_first_text(s.db, &r, known_by, NULL, 0));
    CHECK(strstr(rows_text(r, 3), "data_hash"));
    rows_done(r);
    r = NULL;
    sql_close(s.db);
}

TEST(predicted_classes_become_the_deployments_labels_by_name)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    MUST(deployment_set_model(s.db, a, s.deployment, SLOT_CHAMPION, s.version));
    CHECK_TEXT(scene_text(&s, "SELECT group_concat(name) FROM (SELECT name FROM deployment_label ORDER BY position)"),
               "platelet,cell");
    struct predicted_shapes shapes = { 0 };
    const struct predicted_shape one = { .kind = "rectangle", .label = 1, .score = 0.5, .w = 3, .h = 4 };
    const struct predicted_shape odd = { .kind = "rectangle", .label = 9, .score = 0.5, .w = 3, .h = 4 };
    MUST(predicted_shape_add(a, &shapes, &one));
    MUST(predicted_shape_add(a, &shapes, &odd));
    const struct prediction_new n = { scene_see(&s, "x", false), s.version, false, 0.01, &shapes };
    const char *id;
    MUST(prediction_add(s.db, a, s.deployment, &n, &id));
    CHECK_TEXT(
        scene_text(
            &s, "SELECT group_concat(name) FROM (SELECT l.name FROM prediction_shape h JOIN deployment_label l ON l.id = h.label_id"
                " ORDER BY h.position)"),
        "cell,class 9");
    MUST_FAIL(prediction_add(s.db, a, s.deployment, &n, &id), E_CONFLICT, "already");
    sql_close(s.db);
}

TEST(a_training_starts_at_the_threshold_and_not_beside_another)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    scene_submit(&s, 1);
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM experiment"), "0");
    scene_submit(&s, 1);
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM experiment WHERE name LIKE 'd-%' AND status = 'WAITING'"), "1");
    CHECK_TEXT(scene_text(&s, "SELECT kind FROM job"), "train");
    CHECK_TEXT(scene_text(&s, "SELECT name FROM experiment_dataset"), "train");
    CHECK_TEXT(scene_text(&s, "SELECT json_extract(data, '$.steps') FROM log WHERE name = 'parameters'"), "5");
    scene_submit(&s, 5);
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM experiment"), "1");
    MUST(job_cancel(s.db, scene_text(&s, "SELECT id FROM job"))); /* before it began: nothing runs any more */
    scene_submit(&s, 0);
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM experiment"), "2");
    sql_close(s.db);
}

static void add_version(struct scene *s, const char *id)
{
    MUST(sql_run(s->db,
                 "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, created_at, updated_at)"
                 " VALUES (?1, 's', ?2, ?1, '', 'OBJECT_DETECTION', 0, 0)",
                 V(id), V(s->org)));
}

static void feed(struct scene *s, const char *version)
{
    MUST(sql_run(s->db, "INSERT INTO fl_dataset (deployment_id, dataset_version_id, created_at) VALUES (?1, ?2, 0)",
                 V(s->deployment), V(version)));
}

TEST(a_training_learns_from_all_that_is_listed_but_what_is_measured_on_and_says_so)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    add_version(&s, "back");
    add_version(&s, "held");
    feed(&s, "back");
    feed(&s, "v"); /* listed as "train": once is enough */
    MUST(sql_run(s.db, "INSERT INTO ct_dataset VALUES (?1, 'eval', 'held', 1), (?1, 'feedback', 'held', 2)", V(s.deployment)));
    scene_submit(&s, 2);
    CHECK_TEXT(scene_text(&s, "SELECT group_concat(name || '=' || dataset_version_id) FROM (SELECT * FROM experiment_dataset"
                              " ORDER BY name)"),
               "eval=held,feedback=held,train=v");
    CHECK(strstr(scene_text(&s, "SELECT says FROM decision WHERE kind = 'TRAINING'"), "s / held (feedback)"));
    CHECK(strstr(scene_text(&s, "SELECT says FROM retraining"), "it learns from s / one (train), s / held (feedback)"));
    CHECK(!strstr(scene_text(&s, "SELECT says FROM retraining"), "eval"));
    sql_close(s.db);
}

TEST(what_is_there_to_be_measured_on_alone_trains_nothing)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    MUST(sql_run(s.db, "UPDATE ct_dataset SET name = 'holdout'"));
    for (int i = 0; i < 2; i++)
        MUST(sql_run(s.db, "UPDATE predicted_asset SET status = 'SUBMITTED' WHERE id = ?1", V(scene_see(&s, id_new(a), false))));
    MUST_FAIL(retraining_consider(s.db, a, s.deployment, s.user), E_UNMEANT, "learn from as \"train\"");
    sql_close(s.db);
}

TEST(a_success_becomes_the_next_version_and_the_shadow_exactly_once)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    scene_submit(&s, 2);
    const char *experiment = scene_experiment(&s);
    scene_end(&s, experiment, "SUCCESS", true);
    MUST(experiment_set_status(s.db, a, experiment, "SUCCESS", NULL));
    MUST(retraining_ended(s.db, a, experiment, "SUCCESS"));
    CHECK_TEXT(
        scene_text(&s, "SELECT group_concat(version) FROM model_version v JOIN model m ON m.id = v.model_id WHERE m.name = 'm'"),
        "0,1");
    CHECK_TEXT(scene_text(&s, "SELECT v.version FROM deployment d JOIN model_version v ON v.id = d.shadow_model_version_id"), "1");
    CHECK_TEXT(scene_text(&s, "SELECT v.version FROM deployment d JOIN model_version v ON v.id = d.model_version_id"), "0");
    CHECK_TEXT(scene_text(&s,
                          "SELECT json_extract(c.datas, '$[0].name') || json_extract(c.parameters, '$.steps') FROM model_context c"
                          " WHERE c.experiment_id IS NOT NULL"),
               "train5");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM model_version WHERE architecture = 'yolox-nano' AND labels IS NOT NULL"), "2");
    CHECK_TEXT(scene_text(&s, "SELECT state FROM retraining"), "DONE");
    sql_close(s.db);
}

TEST(the_policies_deploy_a_champion_or_nothing)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    MUST(sql_run(s.db, "UPDATE pipeline SET cd_policy = 'DEPLOY_MANUAL'"));
    scene_submit(&s, 2);
    scene_end(&s, scene_experiment(&s), "SUCCESS", true);
    CHECK_TEXT(scene_text(&s, "SELECT v.version || coalesce(d.shadow_model_version_id, '') FROM deployment d JOIN model_version v"
                              " ON v.id = d.model_version_id"),
               "0");
    MUST(sql_run(s.db, "UPDATE pipeline SET cd_policy = 'DEPLOY_CHAMPION'"));
    scene_submit(&s, 2);
    scene_end(&s, scene_experiment(&s), "SUCCESS", true);
    CHECK_TEXT(scene_text(&s, "SELECT v.version FROM deployment d JOIN model_version v ON v.id = d.model_version_id"), "2");
    sql_close(s.db);
}

TEST(a_failed_training_gives_its_images_back)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    scene_submit(&s, 2);
    const char *first = scene_experiment(&s);
    scene_end(&s, first, "FAILED", false);
    CHECK_TEXT(scene_text(&s, "SELECT state || ': ' || error FROM retraining"), "FAILED: the training ended with FAILED");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM predicted_asset WHERE retraining_id IS NULL"), "2");
    scene_submit(&s, 0);
    CHECK(strcmp(scene_experiment(&s), first) != 0);
    scene_end(&s, scene_experiment(&s), "SUCCESS", false);
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM retraining WHERE error LIKE '%no model-latest%'"), "1");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM model_version v JOIN model m ON m.id = v.model_id WHERE m.name = 'm'"), "1");
    sql_close(s.db);
}

TEST(what_the_pipeline_lacks_is_said_and_the_reviews_stay_submitted)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    MUST(sql_run(s.db, "DELETE FROM ct_dataset"));
    scene_submit(&s, 2);
    CHECK_TEXT(scene_text(&s, "SELECT ct_error FROM pipeline"), "no dataset version is attached to the continuous training");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM predicted_asset WHERE status = 'SUBMITTED'"), "2");
    MUST_FAIL(retraining_now(s.db, a, s.deployment, s.user), E_CONFLICT, "no dataset version");
    sql_close(s.db);
}

TEST(a_version_of_another_type_or_without_a_file_is_not_deployed)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    const char *other;
    const struct model_version_new v = { .model_id = s.model, .type = "CLASSIFICATION", .labels = "{}" };
    MUST(model_version_add(s.db, a, &v, &other));
    MUST_FAIL(deployment_set_model(s.db, a, s.deployment, SLOT_SHADOW, other), E_UNMEANT, "of type OBJECT_DETECTION");
    const struct model_version_new bare = { .model_id = s.model, .type = "OBJECT_DETECTION", .labels = "{}" };
    MUST(model_version_add(s.db, a, &bare, &other));
    MUST_FAIL(deployment_set_model(s.db, a, s.deployment, SLOT_SHADOW, other), E_UNMEANT, "model-latest");
    sql_close(s.db);
}

TEST(an_object_goes_with_the_last_that_names_it)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    scene_submit(&s, 2);
    const char *experiment = scene_experiment(&s);
    MUST(object_add(s.db, s.org, "notes", "n", 1, "text/plain"));
    MUST(sql_run(s.db,
                 "INSERT INTO artifact (id, experiment_id, name, filename, object_name, large, created_at)"
                 " VALUES ('n', ?1, 'notes', 'notes', 'notes', 0, 0)",
                 V(experiment)));
    scene_end(&s, experiment, "SUCCESS", true);
    MUST(sql_run(s.db, "DELETE FROM project"));
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM artifact"), "0");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM object WHERE name = 'notes'"), "1"); /* the new model version has it */
    MUST(sql_run(s.db, "DELETE FROM model_file WHERE name = 'notes'"));
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM object WHERE name = 'notes'"), "0");
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM object WHERE name = 'model.onnx'"), "1");
    sql_close(s.db);
}

/* ---- sums by the hour */

static const char *hours(struct scene *s)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 16);
    struct rows *r = NULL;
    MUST(sql_rows(s->db, &r,
                  "SELECT is_shadow, hour, n, round(latency_sum, 6), latency_max, latencies, scores, labels, reviewed FROM"
                  " prediction_hour WHERE n > 0 ORDER BY is_shadow, hour"));
    while (rows_next(r))
        for (int i = 0; i < 9; i++)
            text_fmt(&t, "%s%s", rows_text(r, i), i < 8 ? "|" : "\n");
    rows_done(r);
    return arena_str(s->a, t.bytes);
}

static const char *hours_anew(struct scene *s)
{
    MUST(sql_run(s->db, "DROP TABLE prediction_hour"));
    MUST(hours_migrate(s->db, s->a));
    return hours(s);
}

static const char *predict(struct scene *s, int64_t at_ms, double latency, bool shadow, const char *asset)
{
    struct predicted_shape items[] = { { .kind = "rectangle", .label = 0, .score = 0.95, .w = 4, .h = 4 },
                                       { .kind = "rectangle", .label = 1, .score = 1, .w = 4, .h = 4 },
                                       { .kind = "rectangle", .label = 1, .score = 0.05, .w = 4, .h = 4 } };
    const struct predicted_shapes shapes = { items, COUNT_OF(items) };
    const char *id;
    if (!asset) {
        asset = scene_see(s, id_new(s->a), false);
        MUST(sql_run(s->db, "UPDATE predicted_asset SET created_at = ?2 WHERE id = ?1", V(asset), V(at_ms)));
    }
    const struct prediction_new p = { asset, s->version, shadow, latency, &shapes };
    MUST(prediction_add(s->db, s->a, s->deployment, &p, &id));
    return asset;
}

TEST(sums_by_the_hour_are_what_summing_anew_gives)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    const char *first = predict(&s, HOUR_MS, 0.01, false, NULL);
    predict(&s, HOUR_MS + 5, 0.5, false, NULL);
    predict(&s, 2 * HOUR_MS - 1, 1e9, false, NULL);
    const char *next = predict(&s, 2 * HOUR_MS, 0, false, NULL);
    predict(&s, 0, 0.02, true, first);
    MUST(sql_run(s.db, "INSERT INTO review (id, predicted_asset_id, created_at) VALUES ('r', ?1, 9)", V(first)));
    MUST(sql_run(
        s.db, "INSERT INTO review_shape (review_id, position, kind, label_id, x, y, w, h) SELECT 'r', 0, 'rectangle', id, 0, 0, 1,"
              " 1 FROM deployment_label WHERE name = 'cell'"));
    MUST(hours_add_review(s.db, a, "r"));
    const char *written = hours(&s);
    assert_non_null(strstr(written, "0|1|3|"));
    assert_non_null(strstr(written, "0|2|1|"));
    assert_non_null(strstr(written, "1|1|1|"));
    assert_string_equal(written, hours_anew(&s));
    struct tally *t = arena_take(a, sizeof *t);
    MUST(hours_sum(s.db, s.deployment, false, 0, INT64_MAX, t));
    assert_int_equal(t->n, 4);
    assert_int_equal(t->scores[9], 8);
    assert_int_equal(t->scores[0], 4);
    assert_int_equal(t->reviewed[0] + t->reviewed[1], 1);
    assert_true(fabs(tally_latency(t, 0.5) - 0.01) < 0.00026);
    MUST(hours_sum(s.db, s.deployment, false, 2 * HOUR_MS, INT64_MAX, t));
    assert_int_equal(t->n, 1);
    MUST(hours_take_out_review(s.db, a, "r"));
    MUST(sql_run(s.db, "DELETE FROM review WHERE id = 'r'"));
    assert_string_equal(hours(&s), hours_anew(&s));
    MUST(hours_take_out(s.db, a, first));
    MUST(sql_run(s.db, "DELETE FROM predicted_asset WHERE id = ?1", V(first)));
    assert_string_equal(hours(&s), hours_anew(&s));
    MUST(hours_take_out(s.db, a, next));
    MUST(sql_run(s.db, "DELETE FROM predicted_asset WHERE id = ?1", V(next)));
    assert_null(strstr(hours(&s), "0|2|"));
    assert_string_equal(hours(&s), hours_anew(&s));
    sql_close(s.db);
}
