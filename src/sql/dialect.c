/* What one database says differently from another, besides what sql.c does: a second back end has its own such file. */
#include "sql/sql.h"

void sql_contains(struct text *t, const char *expression, size_t number)
{
    text_fmt(t, "%s LIKE ?%zu ESCAPE '\\'", expression, number); /* its LIKE tells a–z from A–Z in no case */
}

void sql_time_text(struct text *t, const char *column)
{
    text_fmt(t, "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', %s / 1000.0, 'unixepoch')", column);
}
