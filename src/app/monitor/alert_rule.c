/* What a rule says in words, and its states. */
#include "app/monitor/alert.h"
#include <math.h>
#include <string.h>

const char *const alert_states[] = { "OK", "PENDING", "FIRING", NULL };

static bool holds(const struct alert_rule *r, double is)
{
    bool equal = r->operator[1] == '=' && is == r->value;
    return equal || (r->operator[0] == '<' ? is < r->value : is> r->value);
}

static bool become(struct alert_at *at, enum alert_state state, int64_t now)
{
    *at = (struct alert_at){ state, now };
    return true;
}

bool alert_step(const struct alert_rule *r, bool known, double value, int64_t now, struct alert_at *at)
{
    if (!known || !holds(r, value))
        return at->state != ALERT_OK && become(at, ALERT_OK, now);
    if (at->state == ALERT_OK)
        return become(at, r->hold_seconds ? ALERT_PENDING : ALERT_FIRING, now);
    return at->state == ALERT_PENDING && now - at->since >= r->hold_seconds * 1000 && become(at, ALERT_FIRING, now);
}

const struct alert_metric *alert_metric_called(const char *name)
{
    for (const struct alert_metric *m = alert_metrics; m->name; m++)
        if (strcmp(m->name, name) == 0)
            return m;
    return NULL;
}

/* ---- in words */

static const char *duration(struct arena *a, double seconds)
{
    static const struct {
        double s;
        const char *word;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    size_t i = 0;
    while (i + 1 < COUNT_OF(units) && (seconds < units[i].s || fmod(seconds, units[i].s) != 0))
        i++;
    return arena_fmt(a, "%g %s", round(seconds / units[i].s * 10) / 10, units[i].word);
}

const char *alert_amount(struct arena *a, const struct alert_metric *m, double v)
{
    if (strcmp(m->unit, "s") == 0)
        return duration(a, round(v));
    v = v >= 100 ? round(v) : v;
    if (strcmp(m->unit, "%") == 0)
        return arena_fmt(a, "%.3g %%", v);
    if (v >= 1000 && v < 1e7)
        return arena_fmt(a, "%.0f%s%s", v, *m->unit ? " " : "", m->unit);
    return arena_fmt(a, "%.3g%s%s", v, *m->unit ? " " : "", m->unit);
}

static const char *window(struct arena *a, const struct alert_rule *r)
{
    const char *things = r->metric->supervised ? "reviewed images" : "predictions";
    if (r->window_predictions == 1)
        return r->metric->supervised ? " of the last reviewed image" : " of the last prediction";
    if (r->window_predictions)
        return arena_fmt(a, " of the last %lld %s", (long long)r->window_predictions, things);
    return r->window_seconds ? arena_fmt(a, " in the last %s", duration(a, (double)r->window_seconds)) : "";
}

const char *alert_sentence(struct arena *a, const struct alert_rule *r)
{
    const char *is = r->operator[0] == '<' ? (r->operator[1] ? "at most" : "below") : r->operator[1] ? "at least" : "above";
    const char *hold = r->hold_seconds ? arena_fmt(a, " for %s", duration(a, (double)r->hold_seconds)) : "";
    const char *what = r->metric->of_label ? arena_fmt(a, "%s “%s”", r->metric->says, r->label) : r->metric->says;
    return arena_fmt(a, "%s%s is %s %s%s", what, window(a, r), is, alert_amount(a, r->metric, r->value), hold);
}
