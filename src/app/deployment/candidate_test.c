#include "app/deployment/candidate.h"
#include "app/deployment/scene_test.h"
#include "base/test.h"

/* What is decided of shares of the draws, and the kind of the record. */
static enum put decide(struct scene *s, const char *policy, double better, double worse, double test_worse, struct decision *d)
{
    const struct contest c = { .deployment = s->deployment,
                               .candidate = s->version,
                               .champion = s->version,
                               .policy = policy,
                               .test_called = "cells / test",
                               .active = true,
                               .confidence = 0.95 };
    const struct outcome o = { .metric = "mAP50",
                               .tested = 40,
                               .reviewed = 7,
                               .champion = { .score = 0.5 },
                               .candidate = { .score = 0.6 },
                               .better = better,
                               .worse = worse,
                               .test_worse = test_worse };
    return contest_decide(s->db, s->a, &c, &o, d);
}

TEST(a_new_champion_must_be_better_and_a_shadow_no_worse)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    struct decision d;
    scene_open(&s, a);
    const struct {
        const char *policy;
        double better, worse, test_worse;
        enum put put;
        const char *kind;
    } cases[] = {
        { "DEPLOY_CHAMPION", 0.95, 0.01, 0.5, PUT_CHAMPION, "PASSED" },
        { "DEPLOY_CHAMPION", 0.94, 0.01, 0.5, PUT_NOWHERE, "REFUSED" },
        { "DEPLOY_CHAMPION", 0.99, 0, 0.95, PUT_NOWHERE, "REFUSED" },
        { "DEPLOY_CHAMPION", -1, -1, -1, PUT_NOWHERE, "REFUSED" },
        { "DEPLOY_SHADOW", 0.05, 0.94, 0.99, PUT_SHADOW, "PASSED" },
        { "DEPLOY_SHADOW", 0.01, 0.95, 0.5, PUT_NOWHERE, "REFUSED" },
        { "DEPLOY_SHADOW", -1, -1, -1, PUT_SHADOW, "PASSED" },
        { "DEPLOY_MANUAL", 0.99, 0, 0, PUT_NOWHERE, "PASSED" },
        { "DEPLOY_MANUAL", 0, 0.99, 0.99, PUT_NOWHERE, "REFUSED" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        CHECK(decide(&s, cases[i].policy, cases[i].better, cases[i].worse, cases[i].test_worse, &d) == cases[i].put);
        CHECK_TEXT(d.kind, cases[i].kind);
        CHECK(d.images == 47 && (cases[i].better < 0 ? d.metric == NULL : strcmp(d.metric, "mAP50") == 0));
    }
    decide(&s, "DEPLOY_CHAMPION", 0.95, 0.01, 0.5, &d);
    CHECK_TEXT(d.says,
               "m / 0 became champion, beside m / 0: mAP50 0.600 against 0.500 on 40 images of cells / test and 7 reviewed ones"
               " that neither learnt from; better in 95.0 % of the resamples, on that version alone 0.000 against 0.000, worse"
               " in 50.0 %; 95.0 % decide");
    sql_close(s.db);
}

static void attach(struct scene *s, const char *version, const char *alias)
{
    MUST(sql_run(s->db,
                 "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, created_at, updated_at)"
                 " VALUES (?1, 's', ?2, ?1, '', 'OBJECT_DETECTION', 0, 0)",
                 V(version), V(s->org)));
    MUST(sql_run(s->db, "INSERT INTO ct_dataset VALUES (?1, ?2, ?3, 0)", V(s->deployment), V(alias), V(version)));
}

TEST(a_training_waits_for_its_test_and_another_begins_only_after_it)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    attach(&s, "e", "eval");
    scene_submit(&s, 2);
    scene_end(&s, scene_experiment(&s), "SUCCESS", true);
    CHECK_TEXT(scene_text(&s, "SELECT state || ' ' || (SELECT kind FROM job ORDER BY id DESC LIMIT 1) FROM retraining"),
               "TESTING test_model");
    CHECK_TEXT(
        scene_text(&s, "SELECT cd_test_version_id || coalesce(shadow_model_version_id, ' no shadow') FROM pipeline, deployment"),
        "e no shadow");
    scene_submit(&s, 2);
    CHECK_TEXT(scene_text(&s, "SELECT count(*) FROM retraining"), "1");
    const struct decision d = { .deployment = s.deployment,
                                .kind = "PASSED",
                                .model = scene_text(&s, "SELECT model_version_id FROM retraining"),
                                .says = "it did well" };
    MUST(retraining_tested(s.db, a, scene_text(&s, "SELECT id FROM retraining"), PUT_SHADOW, &d));
    CHECK_TEXT(scene_text(&s, "SELECT v.version FROM deployment d JOIN model_version v ON v.id = d.shadow_model_version_id"), "1");
    CHECK_TEXT(scene_text(&s, "SELECT group_concat(state, ' ') FROM (SELECT state FROM retraining ORDER BY id)"), "DONE RUNNING");
    sql_close(s.db);
}

TEST(a_test_that_cannot_be_made_leaves_the_model_a_version)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    attach(&s, "e", "test");
    scene_submit(&s, 2);
    scene_end(&s, scene_experiment(&s), "SUCCESS", true);
    MUST(sql_run(s.db, "UPDATE job SET status = 'FAILED' WHERE kind = 'test_model'"));
    struct job j = { .db = s.db, .arena = a };
    MUST(json_parse(a, arena_fmt(a, "{\"retraining_id\":\"%s\"}", scene_text(&s, "SELECT id FROM retraining")), 56, &j.input));
    MUST(candidate_job.gave_up(&j, "the machine burnt"));
    CHECK_TEXT(scene_text(&s, "SELECT state FROM retraining"), "DONE");
    CHECK_TEXT(scene_text(&s, "SELECT says LIKE '%is kept as a version: it could not be tested: the machine burnt' FROM decision "
                              "WHERE kind = 'REFUSED'"),
               "1");
    CHECK_TEXT(scene_text(&s, "SELECT coalesce(shadow_model_version_id, 'none') FROM deployment"), "none");
    sql_close(s.db);
}
