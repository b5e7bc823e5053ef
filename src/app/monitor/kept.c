/* What reviews say of a long range takes thousands of images to compute: kept for a minute, or until there is another review. */
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { KEPT = 32, MINUTE_MS = 60 * 1000, TEXT_CAP = 16 << 20 };

static struct kept {
    char deployment[ID_SIZE];
    int64_t from_minute, reviewed; /* the latter: how many images were, when it was computed */
    int64_t at_ms;
    char *json;
} kept[KEPT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct kept *place_of(const struct selection *s)
{
    struct kept *oldest = kept;
    for (struct kept *k = kept; k < kept + KEPT; k++) {
        if (strcmp(k->deployment, s->deployment_id) == 0 && k->from_minute == s->from_ms / MINUTE_MS)
            return k;
        if (k->at_ms < oldest->at_ms)
            oldest = k;
    }
    return oldest;
}

static bool find(struct arena *a, const struct selection *s, int64_t reviewed, const char **ret)
{
    pthread_mutex_lock(&lock);
    struct kept *k = place_of(s);
    bool good = strcmp(k->deployment, s->deployment_id) == 0 && k->from_minute == s->from_ms / MINUTE_MS &&
                k->reviewed == reviewed && clock_now_ms() - k->at_ms < MINUTE_MS;
    if (good)
        *ret = arena_str(a, k->json);
    pthread_mutex_unlock(&lock);
    return good;
}

static void keep(const struct selection *s, int64_t reviewed, const char *json)
{
    pthread_mutex_lock(&lock);
    struct kept *k = place_of(s);
    free(k->json);
    *k = (struct kept){
        .from_minute = s->from_ms / MINUTE_MS, .reviewed = reviewed, .at_ms = clock_now_ms(), .json = heap_str(json)
    };
    id_parse(s->deployment_id, k->deployment);
    pthread_mutex_unlock(&lock);
}

enum err long_reviews_write(struct op *op, const struct selection *s)
{
    int64_t reviewed = 0;
    const char *json;
    TRY(sql_int(op->db, &reviewed,
                "SELECT count(*) FROM predicted_asset WHERE deployment_id = ?1 AND status IN ('REVIEWED', 'SUBMITTED')",
                V(s->deployment_id)));
    if (!find(op->arena, s, reviewed, &json)) {
        AUTO(out) struct out o;
        out_init(&o, TEXT_CAP);
        out_object(&o, NULL);
        TRY(reviewed_write(op->db, op->arena, &o, s));
        out_end_object(&o);
        json = arena_str(op->arena, o.text.bytes);
        keep(s, reviewed, json);
    }
    out_raw(&op->out, "reviews", json);
    return OK;
}
