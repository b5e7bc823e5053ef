/* clock.h - times and identifiers. */
#pragma once
#include "base/arena.h"

int64_t clock_now_ms(void);                           /* UTC, milliseconds since 1970 */
double clock_seconds(void);                           /* monotonic, for measuring */
double clock_cpu_seconds(void);                       /* of the processors, that this process has used */
char *clock_iso(struct arena *, int64_t ms);          /* "2026-01-31T08:15:30.123Z" */
bool clock_parse_iso(const char *s, int64_t *ret_ms); /* accepts a date, a time with Z or ±hh:mm, 0 to 9 decimals; no NULL */

/* A beginning of such a time, from the year on, is the span that it names: "2026-01" is that January. to_ms is the first after it.
 */
bool clock_parse_span(const char *s, int64_t *ret_from_ms, int64_t *ret_to_ms);

enum { ID_SIZE = 37 };
/* A UUIDv7 (RFC 9562), dashed, lower case: sorts by time of making. */
char *id_new(struct arena *);
void id_make(char ret[ID_SIZE]);
/* The least that is made in that millisecond or later: what waits under such an id has waited since before if its id is less. */
void id_at(int64_t ms, char ret[ID_SIZE]);
/* Any 32-hex form with or without dashes → the dashed lower-case form; false for anything else. */
bool id_parse(const char *s, char ret[ID_SIZE]);

void random_bytes(void *ret, size_t n); /* from the kernel; ends the process if it cannot */
