#include "infer/wire.h"

bool wire_varint(struct wire *w, unsigned most_bytes, uint64_t *ret)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < most_bytes && w->at < w->end; i++) {
        uint8_t byte = *w->at++;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            *ret = value;
            return true;
        }
    }
    return false;
}

static bool skip(struct wire *w, uint64_t n)
{
    if (n > (uint64_t)(w->end - w->at))
        return false;
    w->at += n;
    return true;
}

bool wire_next(struct wire *w, struct wire_item *ret)
{
    uint64_t tag, size;
    if (!wire_varint(w, 5, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    *ret = (struct wire_item){ .field = (uint32_t)(tag >> 3), .type = (enum wire_type)(tag & 7) };
    switch (ret->type) {
    case VARINT: return wire_varint(w, 10, &ret->value);
    case FIXED64: return skip(w, 8);
    case FIXED32: return skip(w, 4);
    case BYTES:
        if (!wire_varint(w, 5, &size))
            return false;
        ret->part.at = w->at;
        if (!skip(w, size))
            return false;
        ret->part.end = w->at;
        return true;
    default: return false; /* groups: ONNX has none */
    }
}
