/* unicode.h - one form for what can be written in several (Unicode Technical Report 15). */
#pragma once
#include "base/arena.h"

/* Composed (NFC), as most programs write names; a Mac's file system decomposes them. `s` itself if it is in that form already, or
 * is no UTF-8. */
const char *unicode_nfc(struct arena *, const char *s);
const char *unicode_nfd(struct arena *, const char *s); /* decomposed, likewise */
