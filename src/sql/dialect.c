/* What one database says differently from another, besides what sql.c does: a second back end has its own such file. */
#include "sql/sql.h"
#include <string.h>

struct value sql_member(struct text *t, struct arena *a, const char *column, const char *key, size_t number)
{
    text_fmt(t, "json_extract(%s, ?%zu)", column, number);
    char *path = arena_fmt(a, "$.\"%s\"", key), *to = path + 3;
    for (const char *from = to; *from; from++)
        if (*from != '"' || !from[1])
            *to++ = *from;
    *to = 0;
    return value_text(path);
}

void sql_time_text(struct text *t, const char *column)
{
    text_fmt(t, "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', %s / 1000.0, 'unixepoch')", column);
}
