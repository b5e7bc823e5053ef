/* Expressions that a database's back end reads in its own way (postgres_text.c). */
#include "sql/sql.h"

void sql_contains(struct text *t, const char *expression, size_t number)
{
    text_fmt(t, "%s LIKE ?%zu ESCAPE '\\'", expression, number); /* its LIKE tells a–z from A–Z in no case */
}

void sql_time_text(struct text *t, const char *column)
{
    text_fmt(t, "strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', %s / 1000.0, 'unixepoch')", column);
}
