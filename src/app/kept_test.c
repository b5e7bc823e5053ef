/* A database with everything in it: what is kept is right after the walk from the first release, and each fault in it is named. */
#include "api/schema.h"
#include "app/kept.h"
#include "base/file.h"
#include "base/test.h"
#include <stdlib.h>

struct said {
    struct arena *arena;
    int n;
    const char *last;
};

static void hear(void *with, const char *line)
{
    struct said *s = with;
    s->n++;
    s->last = arena_str(s->arena, line);
}

static void quiet(void *with, const char *line)
{
    (void)with, (void)line;
}

static struct sql *filled(struct arena *a)
{
    struct sql *db = NULL;
    char *dump = NULL;
    MUST(file_read(a, "tests/migrate/version-1.sql", 4 << 20, &dump, NULL));
    MUST(sql_open(":memory:", &db));
    MUST(sql_rebuilding(db, true)); /* rows stand before those that they refer to */
    MUST(sql_script(db, dump));
    MUST(sql_rebuilding(db, false));
    MUST(sql_script(db,
                    "UPDATE data SET metadata = '{\"lens\":[50,\"wide\"]}'; UPDATE predicted_asset SET metadata = '{\"belt\":1}'"));
    MUST(schema_walk(db, NULL, quiet, NULL));
    return db;
}

TEST(what_is_kept_is_right_after_the_walk_and_each_fault_in_it_is_named)
{
    static const struct {
        const char *fault, *says;
    } cases[] = {
        { "UPDATE asset SET filename = 'x' WHERE id = (SELECT min(id) FROM asset)", "the file name of assets: 1" },
        { "UPDATE asset SET n_shapes = n_shapes + 1", "number of objects and status of assets" },
        { "UPDATE asset SET status = 'SKIPPED'", "number of objects and status of assets" },
        { "UPDATE label SET n_shapes = n_shapes + 1", "objects of labels" },
        { "UPDATE dataset_version SET n_assets = n_assets + 1", "assets of versions" },
        { "UPDATE dataset_version SET n_annotated = n_annotated + 1", "annotated assets of versions" },
        { "UPDATE version_tag SET n = n + 1", "counted" },
        { "DELETE FROM version_tag", "tags of a version's data that are not counted" },
        { "UPDATE predicted_asset SET filename = 'x'", "name and size of predicted assets" },
        { "UPDATE predicted_asset SET latency = NULL", "latency and objects" },
        { "UPDATE predicted_asset SET sharpness = 0.25", "look of predicted assets" },
        { "UPDATE predicted_asset SET score_max = 7", "confidence of predicted assets" },
        { "UPDATE predicted_asset SET uncertainty = 7", "uncertainty of predicted assets" },
        { "UPDATE predicted_asset SET is_outlier = 1", "flags of outliers" },
        { "UPDATE predicted_asset SET disagreement = 7", "disagreement of predicted assets" },
        { "UPDATE deployment SET n_to_review = n_to_review + 1", "predictions of deployments" },
        { "DELETE FROM metadata_value WHERE number = 50", "metadata: " },
        { "UPDATE metadata_value SET words = 'narrow' WHERE words = 'wide'", "metadata: " },
        { "INSERT INTO metadata_value SELECT 'nobody', key_id, place, number, words FROM metadata_value LIMIT 1",
          "whose thing is gone: 1" },
    };
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = filled(a);
    struct said s = { .arena = a };
    MUST(kept_check(db, hear, &s));
    if (s.n)
        fail_msg("%s", s.last);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        s.n = 0;
        MUST(sql_begin(db));
        MUST(sql_run_text(db, cases[i].fault, NULL, 0));
        CHECK(sql_changes(db) > 0);
        MUST(kept_check(db, hear, &s));
        if (!s.n || !strstr(s.last, cases[i].says))
            fail_msg("%s: said %s", cases[i].fault, s.n ? s.last : "nothing");
        MUST_FAIL(sql_end(db, fail_at(__FILE__, __LINE__, E_CANCELLED, "undone")), E_CANCELLED, "undone");
    }
    sql_close(db);
}

static int64_t number(struct sql *db, const char *sql)
{
    int64_t n = 0;
    MUST(sql_int_text(db, &n, sql, NULL, 0));
    return n;
}

TEST(tags_and_assets_that_come_and_go_are_counted)
{
    static const char *const steps[] = {
        "DELETE FROM tagged WHERE target_id = (SELECT min(data_id) FROM asset)",
        "INSERT INTO tagged SELECT t.id, d.id FROM tag t JOIN data d ON t.scope = d.datalake_id ON CONFLICT DO NOTHING",
        "DELETE FROM asset WHERE id = (SELECT max(id) FROM asset)",
        "INSERT INTO asset (id, org, dataset_version_id, data_id, created_at, filename) SELECT 'new' || d.id || v.id, v.org, v.id, "
        "d.id, "
        "1, d.filename FROM data d, dataset_version v WHERE d.org = v.org ON CONFLICT DO NOTHING",
        "DELETE FROM annotation_row WHERE id = (SELECT min(id) FROM annotation_row)",
        "UPDATE annotation_row SET status = 'REFUSED'",
        "UPDATE predicted_asset SET status = 'SUBMITTED' WHERE id = (SELECT min(id) FROM predicted_asset)",
        "DELETE FROM predicted_asset WHERE id = (SELECT max(id) FROM predicted_asset)",
        "INSERT INTO image_look SELECT d.id, 0.5, 0.25, 3, 0.125 FROM data d",
        "DELETE FROM tag WHERE id = (SELECT min(tag_id) FROM version_tag WHERE n > 0)",
    };
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = filled(a);
    struct said s = { .arena = a };
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        MUST(sql_run_text(db, steps[i], NULL, 0));
        if (!sql_changes(db))
            fail_msg("%s: nothing changed", steps[i]);
        MUST(kept_check(db, hear, &s));
        if (s.n)
            fail_msg("after %s: %s", steps[i], s.last);
    }
    CHECK(number(db, "SELECT count(*) FROM version_tag WHERE n > 0") > 0);
    sql_close(db);
}
