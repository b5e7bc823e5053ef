#include "infer/calm.h"

enum { THREADS_MOST = 8, DISTURBED_MOST = 3 };
static const double COMPANY_S = 2, SPELL_S = 2, SPELL_MOST_S = 60, OWN_SHARE = 0.75;

void calm_init(struct calm *c, int processors)
{
    *c = (struct calm){ .most = processors > THREADS_MOST ? THREADS_MOST : processors, .spell_s = SPELL_S };
}

int calm_threads(const struct calm *c, double now)
{
    return now < c->crowded_until ? 1 : c->most;
}

static void crowded(struct calm *c, double until)
{
    if (c->crowded_until < until)
        c->crowded_until = until;
}

void calm_company(struct calm *c, double now)
{
    crowded(c, now + COMPANY_S);
}

/* Three disturbed runs begin a spell with one thread; each further spell is twice as long as the one before, until many runs were
 * left alone. */
void calm_ran(struct calm *c, int threads, double run_s, double cpu_s, double now)
{
    if (threads < 2)
        return;
    if (cpu_s >= OWN_SHARE * threads * run_s) {
        c->disturbed -= c->disturbed > 0;
        if (now > c->crowded_until + c->spell_s)
            c->spell_s = SPELL_S;
        return;
    }
    if (++c->disturbed < DISTURBED_MOST)
        return;
    c->disturbed = 0;
    crowded(c, now + c->spell_s);
    c->spell_s = c->spell_s * 2 < SPELL_MOST_S ? c->spell_s * 2 : SPELL_MOST_S;
}
