/* alert.h - inside monitor/: rules over a deployment's figures, and what becomes of them.
 *
 * A rule compares one metric (a row of alert_metrics[]) over a window with a value. It is OK; PENDING while it holds, but not for
 * long enough yet; FIRING; and OK again as soon as it holds no longer. Rules are looked at by the worker every second or so
 * (alert_watch.c), never by a prediction: what a look costs does not depend on how many predictions there are. */
#pragma once
#include "app/monitor/monitor.h"

enum alert_state { ALERT_OK, ALERT_PENDING, ALERT_FIRING };
extern const char *const alert_states[]; /* "OK", "PENDING", "FIRING" */

enum { WINDOW_PREDICTIONS = 1, WINDOW_TIME = 2 };
enum {
    WINDOW_MOST = 1000,            /* predictions, or reviewed images */
    WINDOW_S_MOST = 7 * 24 * 3600, /* as far back as answers and refusals are kept by the minute */
    ALERTS_MOST = 50,              /* of one deployment */
    ALERT_EMAILS = 10,             /* addresses that one tells */
    ALERT_CHANGES_KEPT = 500       /* of one alert's history */
};

struct alert_look;
struct alert_metric {
    const char *name, *says, *unit; /* says: as a sentence begins with it; unit: "ms", "s", "%", "" */
    bool supervised;                /* from reviews; else from images and predictions alone */
    unsigned windows;               /* which it can have: 0: it has none */
    bool of_label;                  /* of one label */
    double most;                    /* of the value that it is compared with */
    /* what a form begins with */
    const char *operator;
    double value;
    int64_t window_predictions, window_seconds, min_count, hold_seconds;
    enum err (*read)(struct alert_look *);
};
extern const struct alert_metric alert_metrics[]; /* ends with an empty row */
const struct alert_metric *alert_metric_called(const char *name);

struct alert_rule {
    const struct alert_metric *metric;
    const char *label, *operator;
    double value;
    int64_t window_predictions, window_seconds; /* one of them is 0 */
    int64_t min_count, hold_seconds;
};
/* "Mean latency of the last 100 predictions is above 500 ms for 5 min" */
const char *alert_sentence(struct arena *, const struct alert_rule *);
const char *alert_amount(struct arena *, const struct alert_metric *, double); /* with its unit; "3 min" for seconds */

/* One look at a rule's metric. */
struct alert_look {
    struct sql *db;
    struct arena *arena;
    const struct alert_rule *rule;
    const char *deployment, *seen; /* seen: what a dear metric was computed of the last time, or NULL */
    int64_t now, looked_at;        /* milliseconds; looked_at: the last time, 0: never */
    double last_value;
    bool had_value;
    /* what it finds; not known: there are too few */
    bool known;
    double value;
    int64_t count; /* predictions, requests or reviewed images in the window */
    const char *now_seen;
};
MUST_USE enum err alert_read(struct alert_look *);

/* The state after a look at that time; whether it changed. since: when the state began. */
struct alert_at {
    enum alert_state state;
    int64_t since;
};
bool alert_step(const struct alert_rule *, bool known, double value, int64_t now, struct alert_at *);

extern const struct resource alert_change_resource;
/* To the pages of that deployment, and to those that show all alerts (topic "alert"). */
MUST_USE enum err alert_tell(struct sql *, struct arena *, const char *deployment_id, const char *json);
