#include "learn/data/alias.h"
#include <stddef.h>
#include <strings.h>

const char *const alias_train[] = { "train", "training", NULL };
const char *const alias_eval[] = { "eval", "evaluation", "val", "valid", "validation", "test", NULL };

int alias_place(const char *const *words, const char *name)
{
    for (int i = 0; name && words[i]; i++)
        if (strcasecmp(words[i], name) == 0)
            return i;
    return -1;
}
