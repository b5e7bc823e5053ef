/* turns.h - who goes next where places are few and many wait: parties (users) take turns, and none holds all places.
 *
 * It keeps no lock and wakes nobody: the caller has a lock and a condition, calls everything with the lock held, and wakes all
 * waiters after turns_go(), turns_leave() and turns_done(), and when a waiter becomes blocked. */
#pragma once
#include "base/fail.h"
#include <pthread.h>

enum { TURNS_PLACES = 64, TURNS_REMEMBERED = 256 };

struct turn {
    uint64_t party, number;
    bool blocked; /* there may be a place, but not for this one now: others need not wait for it */
    struct turn *next;
};
struct turns {
    int places;
    uint64_t numbers; /* goes up with each that joins or goes */
    struct turn *waiting;
    struct turn *running[TURNS_PLACES];
    struct {
        uint64_t party, went;
    } last[TURNS_REMEMBERED]; /* when a party went last; a collision forgets one of the two */
};

void turns_init(struct turns *, int places); /* 1 to TURNS_PLACES */
/* who: any text; NULL is a party too. The turn is the caller's, until turns_leave() or turns_done(). */
void turns_join(struct turns *, struct turn *, const char *who);
int turns_waiting(const struct turns *, const char *who); /* how many of that party wait */
/* Whether it may go: of those that wait and are not blocked it belongs to the party with the fewest running, then to the one that
 * went the longest time ago, then it came first. A party may not take the last place that is left of several. */
bool turns_may_go(const struct turns *, const struct turn *);
struct turn *turns_next(const struct turns *); /* the one that may go, if there is one */
void turns_go(struct turns *, struct turn *);
void turns_leave(struct turns *, struct turn *); /* it gives up waiting */
void turns_done(struct turns *, struct turn *);

/* Turns with a lock: for places that are all alike. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t change;
    struct turns turns;
};
void gate_init(struct gate *, int places);
void gate_done(struct gate *);
/* E_BUSY after so many seconds, or at once when `most` of that party wait already. */
MUST_USE enum err gate_enter(struct gate *, struct turn *, const char *who, int most, int wait_s, const char *what);
void gate_leave(struct gate *, struct turn *);
