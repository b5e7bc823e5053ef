/* Losses and scores as people read them. */
#include "trainer/words.h"

/* "name 0.123, …"; whole: the first is a number of things. */
static const char *named(struct arena *a, const char *const *names, size_t most, const double *values, double share, bool whole)
{
    const char *text = "";
    for (size_t i = 0; i < most && names[i]; i++)
        if (values[i] >= 0)
            text = arena_fmt(a, "%s%s%s %.*f", text, *text ? ", " : "", names[i], whole && !i ? 0 : 3, values[i] / share);
    return text;
}
const char *train_scores_text(struct arena *a, const struct task *t, const struct scores *s)
{
    return named(a, t->values, SCORES_MOST, s->value, 1, false);
}
const char *train_losses_text(struct arena *a, const struct task *t, const double *parts, double share)
{
    return named(a, t->losses, LOSS_PARTS, parts, share, false);
}
const char *train_label_text(struct arena *a, const struct task *t, const double *row)
{
    return named(a, t->columns, COLUMNS_MOST, row, 1, true);
}
