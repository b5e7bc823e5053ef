#include "app/dataset/dataset.h"
#include "app/deployment/scene_test.h"
#include "app/monitor/embedding.h"
#include "base/clock.h"
#include "base/test.h"
#include <math.h>
#include <string.h>

enum { WIDTH = 5, TRAINED_ON = 60 };

static int sent;
static const char *training, *fit;

/* A deployment whose champion has seen its training images; where they lie is written as the network would have told it. */
static void open_scene(struct scene *s, struct arena *a)
{
    sent = 0;
    scene_begin(s, a);
    MUST(sql_run(s->db, "INSERT INTO dataset (id, org, name, description, created_at, updated_at) VALUES ('s', ?1, 's', '', 0, 0)",
                 V(s->org)));
    training = id_new(a);
    MUST(sql_run(
        s->db,
        "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, created_at, updated_at) VALUES (?1, 's',"
        " ?2, '1', '', 'OBJECT_DETECTION', 0, 0)",
        V(training), V(s->org)));
    MUST(sql_run(s->db, "INSERT INTO pipeline (deployment_id, td_version_id) VALUES (?1, ?2)", V(s->deployment), V(training)));
    MUST(deployment_heard(s->db, a, s->deployment, NULL));
    MUST(sql_run(s->db, "UPDATE drift SET training_version_id = ?2 WHERE id = ?1", V(s->deployment), V(training)));
}

static void close_scene(struct scene *s)
{
    sql_close(s->db);
    arena_free(s->a);
}

/* What the network sees of image i: it varies along three directions. */
static void features_of(int i, float shift, float ret[WIDTH])
{
    float a = (float)scene_chance(i, 1) - 0.5F + shift, b = ((float)scene_chance(i, 2) - 0.5F) / 2,
          c = ((float)scene_chance(i, 3) - 0.5F) / 4;
    ret[0] = 7 + a + b;
    ret[1] = a - b;
    ret[2] = 3 + c;
    ret[3] = 2 * c;
    ret[4] = 1;
}

static const char *see_image(struct scene *s)
{
    return scene_see_at(s, clock_now_ms() + sent++);
}

static void predict(struct scene *s, float shift)
{
    const char *asset = see_image(s);
    float features[WIDTH];
    features_of(sent, shift, features);
    const struct predicted_shapes shapes = { .features = features, .n_features = WIDTH };
    scene_predict(s, asset, 0.01, &shapes);
    MUST(deployment_heard(s->db, s->a, s->deployment, asset));
}

/* The fit is asked for; the network has seen all of the training images but the last. */
static void begin_fit(struct scene *s)
{
    fit = id_new(s->a);
    MUST(sql_run(
        s->db,
        "INSERT INTO embedding_fit (id, model_version_id, dataset_version_id, file_hash, created_at, width) VALUES (?1, ?2, ?3,"
        " 'h', ?4, ?5)",
        V(fit), V(s->version), V(training), V(clock_now_ms() - 1000), V((int64_t)WIDTH)));
    for (int i = 0; i < TRAINED_ON; i++) {
        float features[WIDTH];
        const char *asset = see_image(s);
        features_of(i + 100000, 0, features);
        MUST(sql_run(s->db,
                     "INSERT INTO embedding_training (fit_id, data_id, state, vector) SELECT ?1, a.data_id, 'SEEN', ?3 FROM"
                     " predicted_asset a WHERE a.id = ?2",
                     V(fit), V(asset), value_bytes(features, sizeof features)));
    }
}

static int work(struct scene *s)
{
    int n = 0;
    for (bool more = true; more; n++)
        MUST(embedding_next(s->db, NULL, &more));
    return n - 1;
}

static void check_now(struct scene *s, struct drift *ret)
{
    struct drift_settings t;
    const struct selection all = { .deployment_id = s->deployment };
    MUST(drift_settings_read(s->db, s->a, s->deployment, &t));
    MUST(drift_measure(s->db, s->a, &t, &all, ret));
}

static const struct drifting *item(const struct drift *d, const char *name)
{
    for (size_t i = 0; i < d->n_items; i++)
        if (strcmp(d->items[i].name, name) == 0)
            return &d->items[i];
    return NULL;
}

TEST(predictions_wait_for_the_fit_and_then_have_their_place)
{
    struct scene s;
    open_scene(&s, arena_new());
    predict(&s, 0); /* nobody has asked for a fit yet */
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_raw"), 0);
    begin_fit(&s);
    for (int i = 0; i < 5; i++)
        predict(&s, 0);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_raw"), 5);
    CHECK(work(&s) >= 3); /* the fit, the predictions, the training images */
    CHECK_INT(scene_number(&s, "SELECT n_directions FROM embedding_fit"), 3);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_raw"), 0);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding WHERE length(vector) = 16"), 5);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_training WHERE state = 'PLACED' AND length(vector) = 16"),
              TRAINED_ON);
    close_scene(&s);
}

TEST(places_are_in_units_of_how_training_images_spread)
{
    struct scene s;
    struct fit f;
    struct places p;
    open_scene(&s, arena_new());
    begin_fit(&s);
    work(&s);
    MUST(fit_read(s.db, s.a, s.version, training, &f));
    CHECK(f.ready && f.images == TRAINED_ON && f.seen == TRAINED_ON && f.n == 3 && f.width == WIDTH);
    MUST(places_of_training(s.db, s.a, &f, 1000, 3, &p));
    CHECK_INT(p.n, TRAINED_ON);
    for (size_t k = 0; k < 3; k++) {
        double sum = 0, squares = 0, with_next = 0;
        for (size_t i = 0; i < p.n; i++) {
            double x = (double)p.values[i * 4 + k];
            sum += x;
            squares += x * x;
            with_next += x * (double)p.values[i * 4 + (k + 1) % 3];
        }
        CHECK(fabs(sum) < 1e-2 && fabs(squares / (TRAINED_ON - 1) - 1) < 1e-3 && fabs(with_next / TRAINED_ON) < 1e-3);
    }
    close_scene(&s);
}

TEST(the_embedding_is_tested_from_sixty_predictions_on_and_a_shift_is_told_by_direction_and_as_a_whole)
{
    struct scene s;
    open_scene(&s, arena_new());
    struct drift *d = arena_take(s.a, sizeof *d);
    begin_fit(&s);
    for (int i = 0; i < 50; i++)
        predict(&s, 0);
    work(&s);
    check_now(&s, d);
    CHECK(item(d, "embedding:3") && !item(d, "embedding:4") && !item(d, "embedding:1")->tested);
    for (int i = 0; i < 50; i++)
        predict(&s, 0);
    work(&s);
    check_now(&s, d);
    size_t tested = d->n_tested;
    CHECK(item(d, "embedding:1")->tested && item(d, "embedding:mmd")->tested && item(d, "embedding:mmd")->together);
    CHECK(!item(d, "embedding:1")->drifted && !item(d, "embedding:mmd")->drifted);
    CHECK(fabs(d->alpha - 0.001 / (double)tested) < 1e-12); /* Bonferroni counts them */
    for (int i = 0; i < 60; i++)
        predict(&s, 0.7F);
    work(&s);
    check_now(&s, d);
    CHECK(item(d, "embedding:1")->drifted && !item(d, "embedding:3")->drifted && item(d, "embedding:mmd")->drifted);
    CHECK(item(d, "embedding:mmd")->ks.d > item(d, "embedding:mmd")->limit);
    close_scene(&s);
}

TEST(fewer_directions_are_tested_when_the_settings_say_so)
{
    struct scene s;
    open_scene(&s, arena_new());
    struct drift *d = arena_take(s.a, sizeof *d);
    begin_fit(&s);
    work(&s);
    MUST(sql_run(s.db, "UPDATE drift SET directions = 2"));
    check_now(&s, d);
    CHECK(item(d, "embedding:2") && !item(d, "embedding:3") && item(d, "embedding:mmd"));
    close_scene(&s);
}

TEST(a_network_that_sees_no_difference_between_images_has_no_directions)
{
    struct scene s;
    struct fit f;
    static const float same[WIDTH] = { 1, 2, 3, 4, 5 };
    open_scene(&s, arena_new());
    begin_fit(&s);
    MUST(sql_run(s.db, "UPDATE embedding_training SET vector = ?1", value_bytes(same, sizeof same)));
    predict(&s, 0);
    work(&s);
    MUST(fit_read(s.db, s.a, s.version, training, &f));
    CHECK(!f.ready && strstr(f.why, "all are alike"));
    predict(&s, 0);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_raw"), 0);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_training"), 0);
    close_scene(&s);
}

TEST(only_so_many_predictions_wait_for_a_fit)
{
    struct scene s;
    open_scene(&s, arena_new());
    begin_fit(&s);
    predict(&s, 0);
    MUST(sql_run(s.db,
                 "INSERT INTO embedding_raw (predicted_asset_id, fit_id, vector) SELECT a.id, ?1, x'00' FROM predicted_asset a"
                 " WHERE 1 = 1 ON CONFLICT DO NOTHING",
                 V(fit)));
    for (int i = 0; i < 2000; i++)
        predict(&s, 0);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_raw"), 2000);
    close_scene(&s);
}

TEST(a_failed_write_leaves_what_is_to_do)
{
    struct scene s;
    open_scene(&s, arena_new());
    begin_fit(&s);
    predict(&s, 0);
    work(&s);
    predict(&s, 0);
    bool any_more;
    MUST(sql_run(s.db, "CREATE TRIGGER stop BEFORE INSERT ON embedding BEGIN SELECT RAISE(ABORT, 'stop'); END"));
    CHECK(embedding_next(s.db, NULL, &any_more) != OK);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_raw"), 1);
    MUST(sql_run(s.db, "DROP TRIGGER stop"));
    work(&s);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding_raw"), 0);
    CHECK_INT(scene_number(&s, "SELECT count(*) FROM embedding"), 2);
    close_scene(&s);
}
