/* record.h - records as bytes, for the socket between the reading child and who asked. What is decoded is checked as if the child
 * had been taken over: lengths, numbers, references, UTF-8. */
#pragma once
#include "base/text.h"
#include "foreign/foreign.h"

enum { RECORD_MOST = FOREIGN_MASK + FOREIGN_POINTS * 32 + (64 << 10) }; /* bytes of one */

void record_put(struct text *, const struct foreign_record *);

struct record_check { /* zeroed at first */
    uint32_t labels;
    bool image;
    uint64_t shapes;
};
/* Reads one record from the front. *ret_used 0: it is not all there yet. What it points to lives in the arena, or in `bytes`. */
MUST_USE enum err record_take(struct arena *, struct record_check *, const char *bytes, size_t n, struct foreign_record *ret,
                              size_t *ret_used);
