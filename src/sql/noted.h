/* noted.h - the debug build writes down each statement that it prepares, and where it was asked for, so that tests/sql sees those
 * that are put together as well. */
#pragma once

#ifdef NOTE_STATEMENTS
/* Where this thread last asked: "src/api/list.c:285". */
extern _Thread_local const char *sql_asked_at;
/* Into the file that the environment's SACCADE_STATEMENTS names, if it does: place, tab, text, NUL. */
void sql_note(const char *text);

#define NOTED_LINE_(line) #line
#define NOTED_LINE(line) NOTED_LINE_(line)
#ifndef ASKS_FOR_OTHERS
#define sql_run_text(...) (sql_asked_at = __FILE__ ":" NOTED_LINE(__LINE__), sql_run_text(__VA_ARGS__))
#define sql_rows_text(...) (sql_asked_at = __FILE__ ":" NOTED_LINE(__LINE__), sql_rows_text(__VA_ARGS__))
#define sql_each_text(...) (sql_asked_at = __FILE__ ":" NOTED_LINE(__LINE__), sql_each_text(__VA_ARGS__))
#define sql_first_text(...) (sql_asked_at = __FILE__ ":" NOTED_LINE(__LINE__), sql_first_text(__VA_ARGS__))
#define sql_int_text(...) (sql_asked_at = __FILE__ ":" NOTED_LINE(__LINE__), sql_int_text(__VA_ARGS__))
#endif
#else
static inline void sql_note(const char *text)
{
    (void)text;
}
#endif
