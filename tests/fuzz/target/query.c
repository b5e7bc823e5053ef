#include "query/query.h"
#include "../fuzz.h"
#include <stdlib.h>
#include <string.h>

static const struct field fields[] = {
    { "id", T_ID, F_FILTER },
    { "filename", T_TEXT, F_FILTER },
    { "width", T_INT, F_FILTER },
    { "created_at", T_TIME, F_FILTER },
    { "metadata", T_OBJECT, F_FILTER, .owner = "d.id", .keys = KEPT_KEYS(KEPT_METADATA) },
    { "secret", T_TEXT, 0 },
    { "tags.name", T_TEXT, F_FILTER, .sql = "t.name", .many = "FROM tag t WHERE t.data = d.id" },
};
static const struct resource things = { "data", NULL, FIELDS(fields), .from = "data d", .key = "d.id" };

/* Every accepted query is SQL that the database runs, and it never names the secret field. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static struct sql *db;
    AUTO(arena) struct arena *a = arena_new();
    if (!db && (sql_open(":memory:", &db) != OK ||
                sql_script(db, "CREATE TABLE data (id TEXT, filename TEXT, width INT, created_at INT, metadata TEXT, secret TEXT);"
                               "CREATE TABLE tag (data TEXT, name TEXT); CREATE TABLE organization (id TEXT PRIMARY KEY); "
                               "INSERT INTO organization VALUES ('o');"
                               "INSERT INTO data VALUES ('a', 'b', 1, 2, '{\"k\":3}', 's')") != OK ||
                sql_script(db, metadata_key_resource.table) != OK || kept_put(db, "o", KEPT_METADATA, "a", "{\"k\":3}") != OK))
        abort();
    struct where w = { 0 };
    if (query_where(a, &things, arena_copy(a, (const char *)bytes, n), 0, &w) != OK || !w.sql)
        return 0;
    struct rows *rows = NULL;
    if (strstr(w.sql, "secret"))
        abort();
    const char *sql = arena_fmt(a, "SELECT group_concat(id) FROM data d WHERE %s", w.sql);
    if (sql_first_text(db, &rows, sql, w.values, w.n) != OK && fail_kind() == E_BROKEN)
        abort();
    rows_done(rows);
    return 0;
}
