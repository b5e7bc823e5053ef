#include "api/dispatch.h"
#include "app/model/hub.h"
#include "base/test.h"

static const char *text(struct sql *db, struct arena *a, const char *sql)
{
    struct rows *r = NULL;
    MUST(sql_first_text(db, &r, sql, NULL, 0));
    const char *s = arena_str(a, rows_text(r, 0));
    rows_done(r);
    return s;
}

TEST(the_hub_keeps_its_ids_from_start_to_start)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(api_make_schema(db));
    const char *before =
        text(db, a, "SELECT group_concat(id) FROM (SELECT id FROM model UNION SELECT id FROM model_version ORDER BY 1)");
    MUST(hub_first(db));
    CHECK_TEXT(text(db, a, "SELECT group_concat(id) FROM (SELECT id FROM model UNION SELECT id FROM model_version ORDER BY 1)"),
               before);
    CHECK_TEXT(text(db, a, "SELECT json_type(parameters, '$.steps') FROM model_version"), "integer");
    sql_close(db);
}
