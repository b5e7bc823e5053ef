#include "app/account/account.h"
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "base/clock.h"
#include "base/test.h"

static struct sql *fresh(struct arena *a, const char **ret_project)
{
    struct sql *db = NULL;
    struct first_start first;
    const char *org;
    MUST(sql_open(":memory:", &db));
    MUST(api_make_schema(db));
    MUST(account_first_start(db, a, &first));
    MUST(account_default_org(db, a, &org));
    *ret_project = id_new(a);
    MUST(sql_run(db, "INSERT INTO project (id, org, name, description, created_at, updated_at) VALUES (?1, ?2, 'p', '', 0, 0)",
                 V(*ret_project), V(org)));
    return db;
}

static const char *text(struct sql *db, struct arena *a, const char *sql)
{
    struct rows *r = NULL;
    MUST(sql_first_text(db, &r, sql, NULL, 0));
    const char *s = arena_str(a, rows_text(r, 0));
    rows_done(r);
    return s ? s : "NULL";
}

static enum err put(struct sql *db, struct arena *a, const char *experiment, const char *name, const char *type, const char *data)
{
    const struct json *v = NULL;
    const char *id;
    MUST(json_parse(a, data, strlen(data), &v));
    return log_put(db, a, experiment, name, type, v, &id);
}

TEST(own_parameters_stand_over_those_of_the_base_model)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *project, *id;
    struct sql *db = fresh(a, &project);
    struct experiment_new n = { .project_id = project,
                                .name = "one",
                                .base_model_version_id = text(db, a,
                                                              "SELECT v.id FROM model_version v JOIN model m ON m.id = v.model_id"
                                                              " WHERE m.name = 'yolox-nano'"),
                                .parameters = "{\"steps\":7,\"mine\":\"x\"}" };
    MUST(experiment_add(db, a, &n, &id));
    CHECK_TEXT(text(db, a, "SELECT json_extract(data, '$.steps') FROM log WHERE name = 'parameters'"), "7");
    CHECK_TEXT(text(db, a, "SELECT json_extract(data, '$.mine') FROM log WHERE name = 'parameters'"), "x");
    CHECK_TEXT(text(db, a, "SELECT json_type(data, '$.batch_size') FROM log WHERE name = 'parameters'"), "integer");
    MUST_FAIL(experiment_add(db, a, &n, &id), E_CONFLICT, "already");
    sql_close(db);
}

TEST(a_base_experiment_gives_parameters_labelmap_model_and_artifacts)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *project, *base, *id;
    struct sql *db = fresh(a, &project);
    struct experiment_new n = { .project_id = project,
                                .name = "base",
                                .base_model_version_id = text(db, a, "SELECT id FROM model_version LIMIT 1"),
                                .parameters = "{\"steps\":7}" };
    MUST(experiment_add(db, a, &n, &base));
    MUST(put(db, a, base, "labelmap", "LABELMAP", "{\"0\":\"cat\"}"));
    MUST(sql_run(db,
                 "INSERT INTO artifact (id, experiment_id, name, filename, object_name, large, created_at)"
                 " VALUES ('a', ?1, 'config', 'config.json', 'o', 0, 0)",
                 V(base)));
    struct experiment_new child = {
        .project_id = project, .name = "child", .base_experiment_id = base, .parameters = "{\"seed\":3}"
    };
    MUST(experiment_add(db, a, &child, &id));
    CHECK_TEXT(text(db, a,
                    "SELECT json_extract(l.data, '$.steps') || '/' || json_extract(l.data, '$.seed') FROM log l JOIN experiment e"
                    " ON e.id = l.experiment_id WHERE e.name = 'child' AND l.name = 'parameters'"),
               "7/3");
    CHECK_TEXT(text(db, a,
                    "SELECT l.data FROM log l JOIN experiment e ON e.id = l.experiment_id WHERE e.name = 'child'"
                    " AND l.name = 'labelmap'"),
               "{\"0\":\"cat\"}");
    CHECK_TEXT(text(db, a, "SELECT count(*) FROM artifact WHERE name = 'config'"), "2");
    CHECK_TEXT(text(db, a, "SELECT count(DISTINCT base_model_version_id) FROM experiment"), "1");
    sql_close(db);
}

#define LINE "SELECT group_concat(step || ':' || coalesce(value, 'null')) FROM (SELECT * FROM log_point ORDER BY step)"

TEST(a_line_is_appended_to_and_a_step_that_comes_again_is_replaced)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *project, *id;
    struct sql *db = fresh(a, &project);
    struct experiment_new n = { .project_id = project, .name = "one", .parameters = "{\"steps\":100}" };
    MUST(experiment_add(db, a, &n, &id));
    MUST(experiment_set_status(db, a, id, "RUNNING", NULL));
    MUST(put(db, a, id, "loss", "LINE", "[1.5, 2]"));
    MUST(put(db, a, id, "loss", "LINE", "0.1"));
    CHECK_TEXT(text(db, a, LINE), "0:1.5,1:2,2:0.1");
    MUST(put(db, a, id, "loss", "LINE", "{\"steps\":[2,50],\"values\":[0.30000000000000004,null]}"));
    CHECK_TEXT(text(db, a, LINE), "0:1.5,1:2,2:0.30000000000000004,50:null");
    CHECK_TEXT(text(db, a, "SELECT progress FROM experiment"), "0.5");
    MUST_FAIL(put(db, a, id, "loss", "LINE", "{\"x\":[1],\"y\":[1,2]}"), E_INVALID, "as many steps as values");
    MUST_FAIL(put(db, a, id, "loss", "LINE", "[\"a\"]"), E_INVALID, "must be numbers");
    MUST_FAIL(put(db, a, id, "loss", "VALUE", "1"), E_CONFLICT, "of type LINE");
    MUST(put(db, a, id, "value", "VALUE", "1"));
    MUST(put(db, a, id, "value", "VALUE", "2.5"));
    CHECK_TEXT(text(db, a, "SELECT data FROM log WHERE name = 'value'"), "2.5");
    MUST_FAIL(put(db, a, id, "bar", "BAR", "{\"x\":[\"a\"],\"y\":[]}"), E_INVALID, "BAR");
    sql_close(db);
}

TEST(a_cancelled_experiment_cannot_succeed_until_it_is_launched_again)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *project, *id, *job;
    struct sql *db = fresh(a, &project);
    struct experiment_new n = { .project_id = project, .name = "one" };
    MUST(experiment_add(db, a, &n, &id));
    MUST(experiment_set_status(db, a, id, "CANCELED", NULL));
    MUST(sql_run(db, "UPDATE experiment SET cancelled = 1"));
    MUST_FAIL(experiment_set_status(db, a, id, "SUCCESS", NULL), E_CONFLICT, "cancelled");
    MUST_FAIL(experiment_launch(db, a, id, NULL, NULL, &job), E_UNMEANT, "no base model");
    MUST(sql_run(db, "UPDATE experiment SET base_model_version_id = (SELECT id FROM model_version LIMIT 1)"));
    MUST_FAIL(experiment_launch(db, a, id, NULL, NULL, &job), E_UNMEANT, "no dataset version");
    sql_close(db);
}
