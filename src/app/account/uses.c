/* When API tokens were used last: noted in memory, written every half minute. A convenience: of more tokens than there is room for
 * in half a minute, some are noted the next time. */
#include "app/account/account.h"
#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROOM = 1024, EVERY_S = 30 };

struct use {
    char token_id[ID_SIZE];
    int64_t at;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t woken;
    pthread_t thread;
    struct sql_pool *pool;
    struct use uses[ROOM];
    bool running, stop;
} notes = { .lock = PTHREAD_MUTEX_INITIALIZER, .woken = PTHREAD_COND_INITIALIZER };

static size_t place_of(const char *id)
{
    uint64_t h = 14695981039346656037u;
    for (; *id; id++)
        h = (h ^ (unsigned char)*id) * 1099511628211u;
    return h % ROOM;
}

void account_note_use(const char *token_id)
{
    struct use *u = &notes.uses[place_of(token_id)];
    pthread_mutex_lock(&notes.lock);
    snprintf(u->token_id, sizeof u->token_id, "%s", token_id);
    u->at = clock_now_ms();
    pthread_mutex_unlock(&notes.lock);
}

static enum err write_all(struct sql *db, void *with)
{
    const struct use *uses = with;
    for (size_t i = 0; i < ROOM; i++)
        if (uses[i].at)
            TRY(sql_run(db, "UPDATE api_token SET last_used_at = ?2 WHERE id = ?1", V((const char *)uses[i].token_id),
                        V(uses[i].at)));
    return OK;
}

static enum err flush(struct arena *a)
{
    struct use *uses = arena_take(a, sizeof notes.uses);
    bool any = false;
    pthread_mutex_lock(&notes.lock);
    memcpy(uses, notes.uses, sizeof notes.uses);
    memset(notes.uses, 0, sizeof notes.uses);
    pthread_mutex_unlock(&notes.lock);
    for (size_t i = 0; i < ROOM; i++)
        any |= uses[i].at != 0;
    if (!any)
        return OK;
    struct sql *db = NULL;
    TRY(sql_pool_take(notes.pool, &db));
    enum err e = sql_write(db, write_all, uses);
    sql_pool_give(notes.pool, db);
    return e;
}

static bool wait_a_while(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += EVERY_S;
    pthread_mutex_lock(&notes.lock);
    while (!notes.stop && pthread_cond_timedwait(&notes.woken, &notes.lock, &t) == 0)
        ;
    bool stop = notes.stop;
    pthread_mutex_unlock(&notes.lock);
    return !stop;
}

static void *write_now_and_then(void *with)
{
    (void)with;
    for (bool more = true; more;) {
        AUTO(arena) struct arena *a = arena_new();
        more = wait_a_while();
        if (flush(a) != OK)
            log_failure("noting when tokens were used");
    }
    return NULL;
}

enum err account_uses_start(struct sql_pool *pool)
{
    notes.pool = pool;
    notes.stop = false;
    if (pthread_create(&notes.thread, NULL, write_now_and_then, NULL) != 0)
        return fail(E_BROKEN, "cannot start the thread that notes when tokens were used");
    notes.running = true;
    return OK;
}

void account_uses_stop(void)
{
    if (!notes.running)
        return;
    pthread_mutex_lock(&notes.lock);
    notes.stop = true;
    pthread_cond_broadcast(&notes.woken);
    pthread_mutex_unlock(&notes.lock);
    pthread_join(notes.thread, NULL);
    notes.running = false;
}
