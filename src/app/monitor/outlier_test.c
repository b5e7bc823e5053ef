#include "app/deployment/scene_test.h"
#include "app/monitor/outlier.h"
#include "base/clock.h"
#include "base/test.h"

/* So many images in the version that the champion was trained on. */
static void train_on(struct scene *s, int images)
{
    for (int i = 0; i < images; i++) {
        scene_see(s, id_new(s->a), false);
        MUST(sql_run(s->db,
                     "INSERT INTO asset (id, org, dataset_version_id, data_id, created_at, filename) SELECT ?1, ?2, 'v', d.id, 0,"
                     " d.filename FROM data d WHERE NOT EXISTS (SELECT 1 FROM asset b WHERE b.data_id = d.id) LIMIT 1",
                     V(id_new(s->a)), V(s->org)));
    }
    MUST(sql_run_text(s->db, "UPDATE pipeline SET td_version_id = 'v'", NULL, 0));
}

static const char *fits(struct scene *s)
{
    MUST(outlier_catch_up(s->db));
    return scene_text(s, "SELECT count(*) FROM outlier_fit f JOIN job j ON j.id = f.job_id WHERE f.state = 'WORKING'");
}

TEST(a_deployment_that_was_never_fitted_to_is_at_the_next_start_and_once_only)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    MUST(sql_run(s.db, "INSERT INTO outlier (id) VALUES (?1)", V(s.deployment)));
    CHECK_TEXT(fits(&s), "0"); /* nobody knows what it was trained on */
    train_on(&s, 29);
    CHECK_TEXT(fits(&s), "0");
    train_on(&s, 1);
    CHECK_TEXT(fits(&s), "1");
    CHECK_TEXT(scene_text(&s, "SELECT dataset_version_id FROM outlier_fit"), "v");
    CHECK_TEXT(fits(&s), "1");
    MUST(sql_run_text(s.db, "UPDATE outlier_fit SET state = 'FAILED'", NULL, 0));
    CHECK_TEXT(fits(&s), "0"); /* what failed is made again by a click, not at each start */
    sql_close(s.db);
}

TEST(a_deployment_that_rests_or_is_not_watched_is_not_fitted_to)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    scene_open(&s, a);
    MUST(sql_run(s.db, "INSERT INTO outlier (id, active) VALUES (?1, 0)", V(s.deployment)));
    train_on(&s, 30);
    CHECK_TEXT(fits(&s), "0");
    MUST(sql_run_text(s.db, "UPDATE outlier SET active = 1", NULL, 0));
    MUST(sql_run_text(s.db, "UPDATE deployment SET status = 'PAUSED'", NULL, 0));
    CHECK_TEXT(fits(&s), "0");
    MUST(sql_run_text(s.db, "UPDATE deployment SET status = 'RUNNING'", NULL, 0));
    CHECK_TEXT(fits(&s), "1");
    sql_close(s.db);
}
