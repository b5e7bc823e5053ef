#include "cli/outside.h"
#include "app/account/account.h"
#include "http/guard.h"

enum err outside_use(struct arena *a, const struct outside *o)
{
    TRY(guard_allow(o->may_call));
    return mail_use(a, o->smtp, o->smtp_from, o->smtp_password);
}

void outside_pass(const struct outside *o, const char **argv, size_t *n)
{
    struct outside copy = *o;
    const struct option_row rows[] = { OUTSIDE_OPTIONS(&copy) };
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (*rows[i].text) {
            argv[(*n)++] = rows[i].name;
            argv[(*n)++] = *rows[i].text;
        }
}
