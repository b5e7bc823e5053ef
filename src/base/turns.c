#include "base/turns.h"
#include <assert.h>
#include <string.h>
#include <time.h>

static uint64_t party_of(const char *who)
{
    uint64_t h = 14695981039346656037u;
    for (; who && *who; who++)
        h = (h ^ (unsigned char)*who) * 1099511628211u;
    return h;
}

void turns_init(struct turns *t, int places)
{
    assert(places >= 1 && places <= TURNS_PLACES);
    memset(t, 0, sizeof *t);
    t->places = places;
}

void turns_join(struct turns *t, struct turn *turn, const char *who)
{
    *turn = (struct turn){ .party = party_of(who), .number = ++t->numbers, .next = t->waiting };
    t->waiting = turn;
}

int turns_waiting(const struct turns *t, const char *who)
{
    int n = 0;
    for (const struct turn *w = t->waiting; w; w = w->next)
        n += w->party == party_of(who);
    return n;
}

static int running_of(const struct turns *t, uint64_t party, int *ret_all)
{
    int n = 0;
    *ret_all = 0;
    for (int i = 0; i < t->places; i++) {
        *ret_all += t->running[i] != NULL;
        n += t->running[i] && t->running[i]->party == party;
    }
    return n;
}

static uint64_t went(const struct turns *t, uint64_t party)
{
    size_t i = party % TURNS_REMEMBERED;
    return t->last[i].party == party ? t->last[i].went : 0;
}

static bool has_place(const struct turns *t, const struct turn *turn)
{
    int all, own = running_of(t, turn->party, &all);
    return all < t->places && (t->places == 1 || own < t->places - 1);
}

static bool before(const struct turns *t, const struct turn *a, const struct turn *b)
{
    int all, running_a = running_of(t, a->party, &all), running_b = running_of(t, b->party, &all);
    if (running_a != running_b)
        return running_a < running_b;
    uint64_t went_a = went(t, a->party), went_b = went(t, b->party);
    return went_a != went_b ? went_a < went_b : a->number < b->number;
}

bool turns_may_go(const struct turns *t, const struct turn *turn)
{
    if (!has_place(t, turn))
        return false;
    for (const struct turn *w = t->waiting; w; w = w->next)
        if (w != turn && !w->blocked && has_place(t, w) && before(t, w, turn))
            return false;
    return true;
}

struct turn *turns_next(const struct turns *t)
{
    struct turn *first = NULL;
    for (struct turn *w = t->waiting; w; w = w->next)
        if (!w->blocked && has_place(t, w) && (!first || before(t, w, first)))
            first = w;
    return first;
}

void turns_leave(struct turns *t, struct turn *turn)
{
    for (struct turn **at = &t->waiting; *at; at = &(*at)->next)
        if (*at == turn) {
            *at = turn->next;
            return;
        }
}

void turns_go(struct turns *t, struct turn *turn)
{
    turns_leave(t, turn);
    int i = 0;
    while (t->running[i])
        i++;
    assert(i < t->places);
    t->running[i] = turn;
    size_t k = turn->party % TURNS_REMEMBERED;
    t->last[k].party = turn->party;
    t->last[k].went = ++t->numbers;
}

void turns_done(struct turns *t, struct turn *turn)
{
    for (int i = 0; i < t->places; i++)
        if (t->running[i] == turn)
            t->running[i] = NULL;
}

void gate_init(struct gate *g, int places)
{
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->change, NULL);
    turns_init(&g->turns, places);
}

void gate_done(struct gate *g)
{
    pthread_cond_destroy(&g->change);
    pthread_mutex_destroy(&g->lock);
}

static bool wait_for_turn(struct gate *g, struct turn *turn, int wait_s)
{
    struct timespec until;
    int code = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_s;
    while (!turns_may_go(&g->turns, turn) && code == 0)
        code = pthread_cond_timedwait(&g->change, &g->lock, &until);
    return turns_may_go(&g->turns, turn);
}

enum err gate_enter(struct gate *g, struct turn *turn, const char *who, int most, int wait_s, const char *what)
{
    pthread_mutex_lock(&g->lock);
    bool comes = turns_waiting(&g->turns, who) < most;
    if (comes) {
        turns_join(&g->turns, turn, who);
        comes = wait_for_turn(g, turn, wait_s);
        if (comes)
            turns_go(&g->turns, turn);
        else
            turns_leave(&g->turns, turn);
        pthread_cond_broadcast(&g->change);
    }
    pthread_mutex_unlock(&g->lock);
    return comes ? OK : fail(E_BUSY, "too many %s are waiting", what);
}

void gate_leave(struct gate *g, struct turn *turn)
{
    pthread_mutex_lock(&g->lock);
    turns_done(&g->turns, turn);
    pthread_cond_broadcast(&g->change);
    pthread_mutex_unlock(&g->lock);
}
