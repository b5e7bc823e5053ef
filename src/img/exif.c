#include "img/format.h"
#include <string.h>

/* Exif 2.32 section 4.6: a TIFF header (byte order, 42, offset of IFD0), then IFD0: a count and entries of 12 bytes. */
static unsigned get16(const uint8_t *p, bool big)
{
    return big ? (unsigned)(p[0] << 8 | p[1]) : (unsigned)(p[1] << 8 | p[0]);
}

static uint32_t get32(const uint8_t *p, bool big)
{
    return big ? (uint32_t)get16(p, big) << 16 | get16(p + 2, big) : (uint32_t)get16(p + 2, big) << 16 | get16(p, big);
}

int exif_orientation(const uint8_t *bytes, size_t n)
{
    enum { ORIENTATION = 0x0112, SHORT = 3 };
    if (n >= 6 && memcmp(bytes, "Exif\0\0", 6) == 0) {
        bytes += 6;
        n -= 6;
    }
    if (n < 8 || (memcmp(bytes, "MM\0*", 4) != 0 && memcmp(bytes, "II*\0", 4) != 0))
        return 1;
    bool big = bytes[0] == 'M';
    size_t at = get32(bytes + 4, big);
    if (at > n - 2)
        return 1;
    size_t count = get16(bytes + at, big);
    at += 2;
    for (size_t i = 0; i < count && n - at >= 12; i++, at += 12) {
        if (get16(bytes + at, big) != ORIENTATION)
            continue;
        unsigned value = get16(bytes + at + 8, big);
        return get16(bytes + at + 2, big) == SHORT && value >= 1 && value <= 8 ? (int)value : 1;
    }
    return 1;
}
