/* Sending what was written down to be told. Several threads of the worker take turns: one looks for what is due, one target is sent
 * to at a time, and an organization has two of the threads at most, so that slow receivers of one do not keep others waiting. */
#include "app/account/told.h"
#include "base/clock.h"
#include "base/log.h"
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { OF_ONE_ORGANIZATION = 2, TARGETS_LOOKED_AT = 500, PAUSE_MOST_S = 3600 };

struct place {
    bool taken;
    char org[ID_SIZE], target[ID_SIZE + 16];
};
static struct {
    pthread_mutex_t lock;
    struct place places[COURIERS];
} at = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* After so many failures: 1 s, 2 s, 4 s … an hour at most; each by chance between the half of that and all of it. */
int64_t courier_pause_ms(int64_t failures)
{
    uint32_t chance;
    random_bytes(&chance, sizeof chance);
    double all = fmin(PAUSE_MOST_S, ldexp(1, (int)(failures < 13 ? failures - 1 : 12)));
    return (int64_t)(1000 * (all / 2 + all / 2 * chance / UINT32_MAX));
}

static bool is_free(const char *target, const char *org)
{
    int n = 0;
    for (size_t i = 0; i < COURIERS; i++) {
        const struct place *p = &at.places[i];
        if (p->taken && strcmp(p->target, target) == 0)
            return false;
        n += p->taken && strcmp(p->org, org) == 0;
    }
    return n < OF_ONE_ORGANIZATION;
}

static struct place *take_place(const char *target, const char *org)
{
    for (size_t i = 0; i < COURIERS; i++)
        if (!at.places[i].taken) {
            struct place *p = &at.places[i];
            p->taken = true;
            snprintf(p->org, sizeof p->org, "%s", org);
            snprintf(p->target, sizeof p->target, "%s", target);
            return p;
        }
    return NULL;
}

static enum err read_due(struct sql *db, struct arena *a, const char *target, struct sending *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r,
                  "SELECT id, org, target, webhook_id, address, event, subject, body, tries, created_at FROM delivery"
                  " WHERE target = ?1 AND state = 'WAITING' AND next_at <= ?2 ORDER BY next_at, id LIMIT 1",
                  V(target), V(clock_now_ms())));
    const char *texts[8];
    for (int i = 0; i < 8; i++)
        texts[i] = arena_str(a, rows_text(r, i));
    *ret = (struct sending){ texts[0], texts[1], texts[2], texts[3],       texts[4],
                             texts[5], texts[6], texts[7], rows_int(r, 8), rows_int(r, 9) };
    return OK;
}

/* The oldest that is due of those whose target is free; the lock is held. */
static enum err pick(struct sql *db, struct arena *a, struct sending *ret, struct place **ret_place)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT target, org, min(next_at) FROM delivery WHERE state = 'WAITING' AND next_at <= ?1 GROUP BY target, org"
                 " ORDER BY 3 LIMIT ?2",
                 V(clock_now_ms()), V((int64_t)TARGETS_LOOKED_AT)));
    while (rows_next(r))
        if (is_free(rows_text(r, 0), rows_text(r, 1))) {
            TRY(read_due(db, a, rows_text(r, 0), ret));
            *ret_place = take_place(ret->target, ret->org);
            return OK;
        }
    return rows_error(r);
}

struct written {
    const struct sending *d;
    const struct sent *s;
};

static enum err write_down(struct sql *db, void *with)
{
    const struct sending *d = ((struct written *)with)->d;
    const struct sent *s = ((struct written *)with)->s;
    int64_t now = clock_now_ms(), tries = d->tries + 1;
    const char *state = s->delivered ? "DELIVERED" : s->for_good || tries >= TRIES_MOST ? "FAILED" : "WAITING";
    bool ended = strcmp(state, "WAITING") != 0;
    TRY(sql_run(db,
                "UPDATE delivery SET state = ?2, tries = ?3, next_at = ?4, status = nullif(?5, 0), answer = ?6, error = ?7,"
                " ended_at = ?8 WHERE id = ?1 AND state = 'WAITING'",
                V(d->id), V(state), V(tries), V(now + courier_pause_ms(tries)), V((int64_t)s->status), V(s->answer), V(s->error),
                ended ? V(now) : V((const char *)NULL)));
    if (d->webhook_id)
        TRY(webhook_note(db, d->webhook_id, s));
    AUTO(arena) struct arena *a = arena_new();
    return event_tell(db, &organization_resource, d->org, "delivery",
                      arena_fmt(a, "{\"id\":\"%s\",\"state\":\"%s\"}", d->id, state));
}

static enum err send_it(struct sql *db, const struct services *s, struct arena *a, const struct sending *d)
{
    struct sent sent;
    (d->webhook_id ? webhook_send : mail_send)(db, s, a, d, &sent);
    return sql_write(db, write_down, &(struct written){ d, &sent });
}

enum err courier_turn(struct sql *db, const struct services *s, bool *ret_sent)
{
    AUTO(arena) struct arena *a = arena_new();
    struct sending d;
    struct place *place = NULL;
    pthread_mutex_lock(&at.lock);
    enum err e = pick(db, a, &d, &place);
    pthread_mutex_unlock(&at.lock);
    *ret_sent = place != NULL;
    if (!place)
        return e;
    e = send_it(db, s, a, &d);
    pthread_mutex_lock(&at.lock);
    place->taken = false;
    pthread_mutex_unlock(&at.lock);
    return e;
}
