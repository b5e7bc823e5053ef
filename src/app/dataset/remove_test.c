#include "api/dispatch.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "base/test.h"
#include "job/job.h"

enum { IMAGES = 900 };

struct world {
    struct op op;
    const char *dataset, *version;
};

static void run(struct world *w, const char *sql, const char *one, const char *two, const char *three)
{
    const struct value values[] = { V(one), V(two), V(three) };
    MUST(sql_run_text(w->op.db, sql, values, three ? 3 : two ? 2 : 1));
}

static int64_t number(struct world *w, const char *sql)
{
    int64_t n = 0;
    MUST(sql_int_text(w->op.db, &n, sql, NULL, 0));
    return n;
}

/* A dataset with a version of many assets, which a project names. */
static struct world world(struct arena *a)
{
    struct world w = { .op = { .arena = a }, .dataset = id_new(a), .version = id_new(a) };
    struct first_start first;
    MUST(sql_open(":memory:", &w.op.db));
    MUST(api_make_schema(w.op.db));
    MUST(account_first_start(w.op.db, a, &first));
    MUST(account_default_org(w.op.db, a, &w.op.org));
    run(&w, "INSERT INTO dataset (id, org, name, description, created_at, updated_at) VALUES (?1, ?2, 'cells', '', 1, 1)",
        w.dataset, w.op.org, NULL);
    run(&w,
        "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, created_at, updated_at)"
        " VALUES (?1, ?2, ?3, 'first', '', 'MULTI', 1, 1)",
        w.version, w.dataset, w.op.org);
    run(&w, "INSERT INTO project (id, org, name, description, created_at, updated_at) VALUES ('p', ?1, 'p', '', 1, 1)", w.op.org,
        NULL, NULL);
    run(&w, "INSERT INTO project_dataset (project_id, dataset_version_id, created_at) VALUES ('p', ?1, 1)", w.version, NULL, NULL);
    for (int i = 0; i < IMAGES; i++) {
        const char *id = id_new(a);
        run(&w, "INSERT INTO object (name, org, hash, size, content_type, created_at) VALUES (?1, ?2, 'h', 1, 'image/png', 1)", id,
            w.op.org, NULL);
        run(&w,
            "INSERT INTO data (id, org, datalake_id, object_name, filename, type, content_type, upload_status, size, hash, "
            "created_at)"
            " SELECT ?1, ?2, id, ?1, ?1, 'IMAGE', 'image/png', 'DONE', 1, 'h', 1 FROM datalake",
            id, w.op.org, NULL);
        run(&w, "INSERT INTO asset (id, org, dataset_version_id, data_id, created_at) VALUES (?1, ?2, ?3, ?1, 1)", id, w.op.org,
            w.version);
    }
    return w;
}

static void work_off(struct world *w, bool expected)
{
    bool ran = false;
    static atomic_bool stop = false;
    job_use_kinds(job_kinds);
    MUST(job_run_one(w->op.db, NULL, "quick", &stop, &ran));
    CHECK(ran == expected);
}

TEST(a_version_with_few_assets_is_deleted_at_once)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w = world(a);
    run(&w, "DELETE FROM asset WHERE id NOT IN (SELECT id FROM asset ORDER BY id LIMIT 200) AND id <> ?1", "", NULL, NULL);
    MUST(thing_remove(&w.op, &version_removal, w.version));
    CHECK_INT(number(&w, "SELECT count(*) FROM dataset_version"), 0);
    CHECK_INT(number(&w, "SELECT count(*) FROM asset"), 0);
    work_off(&w, false);
    sql_close(w.op.db);
}

TEST(a_large_version_is_gone_at_once_and_emptied_by_a_job)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w = world(a);
    bool gone = false;
    MUST(thing_remove(&w.op, &version_removal, w.version));
    MUST(thing_gone(w.op.db, w.version, &gone));
    CHECK(gone);
    CHECK_INT(number(&w, "SELECT count(*) FROM asset"), IMAGES); /* nobody waited for this */
    CHECK_INT(number(&w, "SELECT count(*) FROM project_dataset"), 0);
    MUST_FAIL(reply_one(&w.op, &dataset_version_resource, w.version), E_NOT_FOUND, "dataset version");
    run(&w,
        "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, created_at, updated_at)"
        " VALUES (?1, ?2, ?3, 'first', '', 'MULTI', 1, 1)",
        "another of that name", w.dataset, w.op.org);
    work_off(&w, true);
    CHECK_INT(number(&w, "SELECT count(*) FROM asset"), 0);
    CHECK_INT(number(&w, "SELECT count(*) FROM dataset_version"), 1);
    CHECK_INT(number(&w, "SELECT count(*) FROM gone"), 0);
    CHECK_INT(number(&w, "SELECT count(*) FROM job WHERE kind = 'remove' AND status = 'SUCCEEDED'"), 1);
    sql_close(w.op.db);
}

TEST(a_large_dataset_takes_its_versions_out_of_sight_with_it)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w = world(a);
    bool gone = false;
    MUST(thing_remove(&w.op, &dataset_removal, w.dataset));
    MUST(thing_gone(w.op.db, w.version, &gone));
    CHECK(gone);
    CHECK_INT(number(&w, "SELECT count(*) FROM project_dataset"), 0);
    work_off(&w, true);
    CHECK_INT(number(&w, "SELECT count(*) FROM asset"), 0);
    CHECK_INT(number(&w, "SELECT count(*) FROM dataset_version") + number(&w, "SELECT count(*) FROM dataset"), 0);
    CHECK_INT(number(&w, "SELECT count(*) FROM gone"), 0);
    sql_close(w.op.db);
}

TEST(what_may_be_removed_in_slices_names_tables_and_columns_that_are_there)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w = world(a);
    for (const struct removal *const *r = removals; *r; r++) {
        struct removal both = **r;
        MUST(thing_remove(&w.op, &both, "nothing"));
        if (both.named)
            MUST(sql_run_text(
                w.op.db, arena_fmt(a, "UPDATE %s SET %s = %s WHERE id = 'nothing'", both.table, both.named, both.named), NULL, 0));
        if (both.hides.table)
            run(&w, both.hides.rows, "nothing", NULL, NULL);
    }
    sql_close(w.op.db);
}

TEST(what_very_many_things_name_is_gone_at_once_and_named_by_none_later)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w = world(a);
    run(&w, "INSERT INTO data_source (id, org, name, created_at) VALUES ('s', ?1, 'camera', 1)", w.op.org, NULL, NULL);
    MUST(sql_run(w.op.db, "UPDATE data SET data_source_id = 's'"));
    MUST(thing_remove(&w.op, &source_removal, "s"));
    CHECK_INT(number(&w, "SELECT count(*) FROM data WHERE data_source_id = 's'"), IMAGES);
    run(&w, "INSERT INTO data_source (id, org, name, created_at) VALUES ('t', ?1, 'camera', 1)", w.op.org, NULL, NULL);
    work_off(&w, true);
    CHECK_INT(number(&w, "SELECT count(*) FROM data WHERE data_source_id IS NULL"), IMAGES);
    CHECK_INT(number(&w, "SELECT count(*) FROM data_source"), 1);
    sql_close(w.op.db);
}

/* Tables that stay small, or whose rows are asked for by that column only when an organization goes, which none does. */
static const char *const small[] = { "label_group.parent_id",
                                     "deployment.former_model_version_id",
                                     "api_token.user_id",
                                     "session.user_id",
                                     "model_context.experiment_id",
                                     "project_dataset.dataset_version_id",
                                     "experiment_dataset.dataset_version_id",
                                     "experiment.base_experiment_id",
                                     "experiment.base_model_version_id",
                                     "fl_dataset.dataset_version_id",
                                     "pipeline.ct_project_id",
                                     "pipeline.td_version_id",
                                     "pipeline.ct_base_id",
                                     "pipeline.cd_test_version_id",
                                     "ct_dataset.dataset_version_id",
                                     "retraining.model_version_id",
                                     "shadow_todo.model_version_id",
                                     "shadow_todo.predicted_asset_id",
                                     "saved_view.person_id" };

static bool is_small(const char *table, const char *column)
{
    char name[200];
    snprintf(name, sizeof name, "%s.%s", table, column);
    for (size_t i = 0; i < COUNT_OF(small); i++)
        if (strcmp(small[i], name) == 0)
            return true;
    return false;
}

TEST(no_deletion_looks_through_a_whole_large_table_for_who_named_it)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w = world(a);
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_rows(w.op.db, &r,
                  "SELECT m.name, f.\"from\" FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'"
                  " AND f.on_delete <> 'NO ACTION' AND NOT EXISTS (SELECT 1 FROM pragma_index_list(m.name) i"
                  " JOIN pragma_index_info(i.name) c WHERE c.seqno = 0 AND c.name = f.\"from\")"
                  " AND NOT EXISTS (SELECT 1 FROM pragma_table_info(m.name) k WHERE k.pk = 1 AND k.name = f.\"from\")"));
    while (rows_next(r))
        if (!is_small(rows_text(r, 0), rows_text(r, 1)))
            fail_msg("%s.%s refers to a row that may go, and has no index: add one, or say here why it stays small",
                     rows_text(r, 0), rows_text(r, 1));
    MUST(rows_error(r));
    rows_done(r);
    r = NULL;
    sql_close(w.op.db);
}
