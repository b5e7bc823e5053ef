#include "base/unicode.h"
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static const char *in_form(struct arena *a, const char *s, utf8proc_uint8_t *(*form)(const utf8proc_uint8_t *))
{
    const unsigned char *p = (const unsigned char *)s;
    while (*p && *p < 0x80)
        p++;
    if (!*p)
        return s;
    utf8proc_uint8_t *made = form((const utf8proc_uint8_t *)s);
    if (!made)
        return s;
    const char *ret = strcmp((char *)made, s) == 0 ? s : arena_str(a, (char *)made);
    free(made);
    return ret;
}

const char *unicode_nfc(struct arena *a, const char *s)
{
    return in_form(a, s, utf8proc_NFC);
}

const char *unicode_nfd(struct arena *a, const char *s)
{
    return in_form(a, s, utf8proc_NFD);
}
