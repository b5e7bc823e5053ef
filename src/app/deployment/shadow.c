/* The shadow model sees every image that the champion saw, and the champion those that a canary answered, later and unseen: a queue
 * in the database and one thread of the server. Nothing that goes wrong here reaches the champion's answer. */
#include "app/deployment/deployment.h"
#include "app/deployment/serve.h"
#include "base/clock.h"
#include "base/log.h"
#include <pthread.h>
#include <time.h>

enum { WAITING_MOST = 10000, AGAIN_S = 5 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t more;
    pthread_t thread;
    const struct services *services;
    bool running, stop, work;
} shadow = { .lock = PTHREAD_MUTEX_INITIALIZER, .more = PTHREAD_COND_INITIALIZER };

/* A shadow that cannot keep up misses images rather than filling the disk. */
enum err shadow_queue(struct sql *db, const char *predicted_asset_id, const char *model_version_id, bool unseen)
{
    int64_t waiting = 0;
    TRY(sql_int(db, &waiting, "SELECT count(*) FROM shadow_todo"));
    if (waiting >= WAITING_MOST && unseen)
        return OK;
    char id[ID_SIZE];
    id_make(id);
    return sql_run(db, "INSERT INTO shadow_todo (id, predicted_asset_id, model_version_id, is_shadow) VALUES (?1, ?2, ?3, ?4)",
                   V((const char *)id), V(predicted_asset_id), V(model_version_id), V(unseen));
}

struct todo {
    const char *id, *asset, *version, *hash, *deployment;
    double threshold;
    bool shadow; /* false: the champion, of an image that the shadow answered */
};

static enum err next(struct sql *db, struct arena *a, struct todo *ret, bool *ret_any)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT q.id, q.predicted_asset_id, q.model_version_id, d.hash, o.id, o.min_threshold, q.is_shadow FROM shadow_todo q"
        " JOIN predicted_asset a ON a.id = q.predicted_asset_id JOIN data d ON d.id = a.data_id"
        " JOIN deployment o ON o.id = a.deployment_id ORDER BY q.id LIMIT 1"));
    *ret_any = rows_next(r);
    if (*ret_any)
        *ret = (struct todo){ arena_str(a, rows_text(r, 0)),
                              arena_str(a, rows_text(r, 1)),
                              arena_str(a, rows_text(r, 2)),
                              arena_str(a, rows_text(r, 3)),
                              arena_str(a, rows_text(r, 4)),
                              rows_real(r, 5),
                              rows_int(r, 6) };
    return rows_error(r);
}

struct answered {
    struct arena *arena;
    struct todo todo;
    enum err asked;
    struct detections found;
    struct predicted_shapes shapes;
};

static enum err keep(struct sql *db, void *with)
{
    const struct answered *w = with;
    const struct todo *t = &w->todo;
    const char *id;
    TRY(sql_run(db, "DELETE FROM shadow_todo WHERE id = ?1", V(t->id)));
    if (w->asked != OK || !sql_changes(db))
        return OK;
    const struct prediction_new n = { t->asset, t->version, t->shadow, w->found.latency_s, &w->shapes };
    int64_t have = 0;
    TRY(sql_int(db, &have, "SELECT count(*) FROM prediction WHERE predicted_asset_id = ?1 AND is_shadow = ?2", V(t->asset),
                V(t->shadow)));
    if (have) /* a client has sent one meanwhile */
        return OK;
    TRY(prediction_add(db, w->arena, t->deployment, &n, &id));
    if (!t->shadow) {
        TRY(disagreement_keep(db, t->asset));
        TRY(deployment_heard(db, w->arena, t->deployment, t->asset));
    }
    return deployment_tell(db, w->arena, t->deployment, "{\"kind\":\"shadow_prediction\"}");
}

static enum err do_one(struct sql *db, const struct services *s, bool *ret_any)
{
    AUTO(arena) struct arena *a = arena_new();
    struct answered w = { .arena = a };
    struct todo *t = &w.todo;
    TRY(next(db, a, t, ret_any));
    if (!*ret_any)
        return OK;
    w.asked = model_ask(db, s, a, "shadow", t->version, t->hash, t->threshold, &w.found, &w.shapes);
    if (w.asked != OK)
        log_failure("asking a shadow model");
    return write_together(s->pool, keep, &w);
}

/* Until there is more to do; after a failure only for a while. */
static void wait_for_work(bool failed)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += AGAIN_S;
    pthread_mutex_lock(&shadow.lock);
    while (!shadow.work && !shadow.stop)
        if (!failed)
            pthread_cond_wait(&shadow.more, &shadow.lock);
        else if (pthread_cond_timedwait(&shadow.more, &shadow.lock, &until) != 0)
            break;
    shadow.work = false;
    pthread_mutex_unlock(&shadow.lock);
}

static bool stopping(void)
{
    pthread_mutex_lock(&shadow.lock);
    bool stop = shadow.stop;
    pthread_mutex_unlock(&shadow.lock);
    return stop;
}

static void *run(void *with)
{
    const struct services *s = with;
    while (!stopping()) {
        struct sql *db = NULL;
        bool any = false;
        enum err e = sql_pool_take(s->pool, &db);
        if (e == OK)
            e = do_one(db, s, &any);
        if (e != OK)
            log_failure("shadow predictions");
        if (db)
            sql_pool_give(s->pool, db);
        if (e != OK || !any)
            wait_for_work(e != OK);
    }
    return NULL;
}

void shadow_wake(const struct services *s)
{
    pthread_mutex_lock(&shadow.lock);
    shadow.work = true;
    if (!shadow.running && !shadow.stop) {
        shadow.services = s;
        shadow.running = pthread_create(&shadow.thread, NULL, run, (void *)(uintptr_t)s) == 0;
    }
    pthread_cond_signal(&shadow.more);
    pthread_mutex_unlock(&shadow.lock);
}

void shadow_stop(void)
{
    pthread_mutex_lock(&shadow.lock);
    bool running = shadow.running;
    shadow.stop = true;
    pthread_cond_broadcast(&shadow.more);
    pthread_mutex_unlock(&shadow.lock);
    if (running)
        pthread_join(shadow.thread, NULL);
}

const struct resource shadow_resource = {
    .name = "shadow queue",
    .table = "CREATE TABLE shadow_todo (id TEXT PRIMARY KEY, predicted_asset_id TEXT NOT NULL REFERENCES predicted_asset(id) ON "
             "DELETE CASCADE,"
             " model_version_id TEXT NOT NULL REFERENCES model_version(id) ON DELETE CASCADE, is_shadow INTEGER NOT NULL DEFAULT "
             "1) STRICT",
};
