/* wire.h - a protobuf message item by item, where it lies: nothing is decoded into memory. Private to infer/. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire {
    const uint8_t *at, *end;
};
enum wire_type { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
struct wire_item {
    uint32_t field;
    enum wire_type type;
    uint64_t value;   /* of a VARINT */
    struct wire part; /* of BYTES */
};
/* What comes next; false: the message is damaged, or at its end (at == end before the call). */
bool wire_next(struct wire *, struct wire_item *ret);
bool wire_varint(struct wire *, unsigned most_bytes, uint64_t *ret);
