#include "learn/data/alias.h"
#include <ctype.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

const char *const alias_eval[] = { "eval", "evaluation", "val", "valid", "validation", "test", NULL };

/* Whole words of a name that say so, besides. */
static const char *const kept_apart[] = { "testing", "holdout", "dev", NULL };

int alias_place(const char *const *words, const char *name)
{
    for (int i = 0; name && words[i]; i++)
        if (strcasecmp(words[i], name) == 0)
            return i;
    return -1;
}

static bool is_one_of(const char *const *words, const char *from, size_t n)
{
    for (int i = 0; words[i]; i++)
        if (strlen(words[i]) == n && strncasecmp(words[i], from, n) == 0)
            return true;
    return false;
}

bool alias_measures(const char *name)
{
    for (const char *at = name; at && *at;) {
        size_t n = 0;
        while (isalpha((unsigned char)at[n]))
            n++;
        if (n && (is_one_of(alias_eval, at, n) || is_one_of(kept_apart, at, n)))
            return true;
        at += n ? n : 1;
    }
    return false;
}
