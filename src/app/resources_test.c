/* What serve checks at its start, checked here without one: a forgotten part of a resource fails the build. */
#include "api/dispatch.h"
#include "base/test.h"

TEST(every_resource_is_as_its_table_says)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(api_make_schema(db));
    MUST(api_check_tables(db));
    sql_close(db);
}

TEST(every_route_says_its_right_its_work_its_answer_and_whose_it_is)
{
    struct router *r = NULL;
    MUST(router_build(resources, &r));
    router_free(r);
}
