/* What takes thousands of images to compute is kept for a minute, or until there is another review or another model. */
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 64, MINUTE_MS = 60 * 1000, TEXT_CAP = 16 << 20 };

static struct kept {
    char *name, *json;
    int64_t at_ms;
} kept[KEPT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct kept *place_of(const char *name)
{
    struct kept *oldest = kept;
    for (struct kept *k = kept; k < kept + KEPT; k++) {
        if (k->name && strcmp(k->name, name) == 0)
            return k;
        if (k->at_ms < oldest->at_ms)
            oldest = k;
    }
    return oldest;
}

static bool find(struct arena *a, const char *name, const char **ret)
{
    pthread_mutex_lock(&lock);
    struct kept *k = place_of(name);
    bool good = k->name && strcmp(k->name, name) == 0 && clock_now_ms() - k->at_ms < MINUTE_MS;
    if (good)
        *ret = arena_str(a, k->json);
    pthread_mutex_unlock(&lock);
    return good;
}

static void keep(const char *name, const char *json)
{
    pthread_mutex_lock(&lock);
    struct kept *k = place_of(name);
    free(k->name);
    free(k->json);
    *k = (struct kept){ heap_str(name), heap_str(json), clock_now_ms() };
    pthread_mutex_unlock(&lock);
}

/* Whatever it is computed of is another after a review and after a change of the models. */
static enum err name_of(struct op *op, const char *key, const char *mark, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT n_reviewed + n_submitted, coalesce(model_version_id, ''), coalesce(shadow_model_version_id, '')"
                  " FROM deployment WHERE id = ?1",
                  V(op->id)));
    *ret = arena_fmt(op->arena, "%s %lld %s %s %s", key, (long long)rows_int(r, 0), rows_text(r, 1), rows_text(r, 2), mark);
    return OK;
}

enum err kept_write(struct op *op, const char *key, const char *mark, kept_make *make, void *with)
{
    const char *name, *json;
    TRY(name_of(op, key, mark, &name));
    if (!find(op->arena, name, &json)) {
        AUTO(out) struct out o;
        out_init(&o, TEXT_CAP);
        out_object(&o, NULL);
        TRY(make(op, &o, with));
        out_end_object(&o);
        json = arena_str(op->arena, o.text.bytes);
        keep(name, json);
    }
    out_raw(&op->out, key, json);
    return OK;
}
