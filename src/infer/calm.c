#include "infer/calm.h"

enum { THREADS_MOST = 8, DISTURBED_MOST = 4 };
static const double COMPANY_S = 2, SPELL_S = 1, SPELL_MOST_S = 60;
static const double SLOWER = 1.3; /* than the quickest */
static const double LOST_S = 0.1;
static const double LONG_S = 0.05, OWN_SHARE = 0.75; /* of a long run's processors */

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

double pace_after(double quickest_s, double run_s)
{
    double forgotten_s = quickest_s * 1.003;
    return !(quickest_s > 0) || run_s < forgotten_s ? run_s : forgotten_s;
}

static bool was_disturbed(const struct paced *r, const struct paces *p)
{
    bool waited = r->run_s > LONG_S && r->cpu_s < OWN_SHARE * r->threads * r->run_s;
    return waited || (p->all_s > 0 && r->run_s > SLOWER * p->all_s) || (p->one_s > 0 && r->run_s > p->one_s);
}

/* What the run took more than it might have. */
static double lost(const struct paced *r, const struct paces *p)
{
    double least = p->all_s > 0 && p->all_s < r->run_s ? p->all_s : r->run_s / r->threads;
    return r->run_s - least;
}

/* Four disturbed runs that lost a tenth of a second begin a spell with one thread; each further spell is twice as long as the one
 * before, until many runs were left alone. Runs that still take more within a spell, while a process of one thread is started, say
 * nothing new. */
void calm_ran(struct calm *c, const struct paced *r, const struct paces *before, double now)
{
    if (r->threads < 2 || now < c->crowded_until)
        return;
    if (!was_disturbed(r, before)) {
        c->disturbed -= c->disturbed > 0;
        c->lost_s /= 2;
        if (now > c->crowded_until + c->spell_s)
            c->spell_s = SPELL_S;
        return;
    }
    c->lost_s += lost(r, before);
    if (++c->disturbed < DISTURBED_MOST || c->lost_s < LOST_S)
        return;
    c->disturbed = 0;
    c->lost_s = 0;
    crowded(c, now + c->spell_s);
    c->spell_s = c->spell_s * 2 < SPELL_MOST_S ? c->spell_s * 2 : SPELL_MOST_S;
}
