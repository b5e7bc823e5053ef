/* What was found: the best description, whether it leads clearly, and what its labels are. */
#include "base/clock.h"
#include "infer/evidence/search.h"
#include <math.h>
#include <string.h>

const char *const evidence_states[] = { "FOUND", "UNCLEAR", "NOTHING", NULL };

enum { JSON_CAP = 1 << 20, TABLE_MOST = 40 };
/* An agreement below is none. Accuracy is compared with what the commonest label alone would have. */
static const double LEAST_AGREEMENT = 0.02;

struct verdict_of {
    struct search *s;
    const struct variant *best, *second; /* second: whom it leads least clearly; NULL: there is no other */
    double lead;
    enum evidence_state state;
};

static bool of_whole(const struct search *s)
{
    return s->q->wanted == WANT_LABELS;
}

/* ---- the best one */

/* What is slight, and what comes to the same, is as it is usually, unless the pictures clearly tell otherwise. */
static const struct variant *settle(struct search *s)
{
    const struct variant *best = &s->tried[0];
    for (enum axis x = 0; x < AXES; x++) {
        struct choice c = best->choice;
        c.of[x] = 0;
        for (size_t i = 0; i < s->n_tried && best->choice.of[x]; i++) {
            const struct variant *usual = &s->tried[i];
            if (choice_same(usual->choice, c) && (axes[x].slight || variant_near(best, usual)) && variant_lead(best, usual) < LEADS)
                best = usual;
        }
    }
    return best;
}

/* Near it, and not clearly behind: it comes to the same. */
static bool passed_over(const struct verdict_of *v, const struct variant *other)
{
    return variant_near(v->best, other) && variant_lead(v->best, other) < LEADS;
}

static bool only_scores(struct choice a, struct choice b)
{
    b.of[AXIS_SCORE] = a.of[AXIS_SCORE];
    return choice_same(a, b);
}

static void find_second(struct verdict_of *v)
{
    struct search *s = v->s;
    v->second = NULL;
    v->lead = 1;
    for (size_t i = 0; i < s->n_tried; i++) {
        const struct variant *other = &s->tried[i];
        bool counts = other != v->best && other->works && !variant_alike(v->best, other) && !passed_over(v, other) &&
                      choice_changes(v->best->choice, other->choice, false);
        double lead = counts ? variant_lead(v->best, other) : 2;
        if (lead >= LEADS && only_scores(v->best->choice, other->choice))
            continue; /* their scores mean something else, and less: that is no other description of note */
        if (lead < v->lead || (counts && !v->second)) {
            v->second = other;
            v->lead = lead;
        }
    }
}

/* What saying always the same would reach. */
static double by_chance(const struct search *s)
{
    size_t most = 0;
    for (size_t i = 0; of_whole(s) && i < s->n; i++) {
        size_t n = 0;
        for (size_t k = 0; k < s->n; k++)
            n += s->pictures[k].label == s->pictures[i].label;
        most = n > most ? n : most;
    }
    return (double)most / (double)s->n;
}

static void decide(struct verdict_of *v)
{
    double best = v->best->score.best_order;
    find_second(v);
    v->state = !v->best->works || best < LEAST_AGREEMENT || (of_whole(v->s) && best <= by_chance(v->s)) ? EVIDENCE_NOTHING
               : v->lead >= LEADS                                                                       ? EVIDENCE_FOUND
                                                                                                        : EVIDENCE_UNCLEAR;
}

/* ---- as JSON */

static void write_interval(struct search *s, struct out *o, const struct draws *d)
{
    double *values = arena_new_array(s->arena, double, d->n + 1);
    if (!d->n) {
        out_null(o, "interval");
        return;
    }
    memcpy(values, d->ap, sizeof *values * (size_t)d->n);
    struct interval in = interval_of(values, d->n, 0.95);
    out_array(o, "interval");
    out_number(o, NULL, in.low);
    out_number(o, NULL, in.high);
    out_end_array(o);
}

static void write_variant(struct search *s, struct out *o, const char *key, const struct variant *v)
{
    if (!v) {
        out_null(o, key);
        return;
    }
    out_object(o, key);
    out_raw(o, "onnx", choice_onnx(s->arena, s->base, s->options, v->choice));
    out_number(o, "score", v->score.best_order);
    write_interval(s, o, &v->score.best_order_draws);
    out_number(o, "as_labelled", v->score.as_told);
    out_number(o, "sure", v->score.sure);
    out_end_object(o);
}

static void write_differs(const struct verdict_of *v, struct out *o)
{
    out_array(o, "differ");
    for (enum axis x = 0; v->second && x < AXES; x++)
        if (v->best->choice.of[x] != v->second->choice.of[x])
            out_text(o, NULL, axes[x].name);
    out_end_array(o);
}

/* What cannot be told apart: with another option of one axis the model says the same of all pictures, or as good as the same. */
static void write_undecided(const struct verdict_of *v, struct out *o)
{
    const struct search *s = v->s;
    out_array(o, "undecided");
    for (enum axis x = 0; x < AXES && v->state != EVIDENCE_NOTHING; x++) {
        bool alike = false;
        for (size_t i = 0; i < s->n_tried; i++) {
            struct choice c = s->tried[i].choice;
            c.of[x] = v->best->choice.of[x];
            alike |= choice_same(c, v->best->choice) && !choice_same(s->tried[i].choice, v->best->choice) &&
                     (variant_alike(v->best, &s->tried[i]) || passed_over(v, &s->tried[i]));
        }
        if (alike && axes[x].telling)
            out_text(o, NULL, axes[x].name);
    }
    out_end_array(o);
}

/* ---- the labels */

static const char *called(const struct search *s, int name)
{
    return name < s->q->n_names ? s->q->names[name] : NULL;
}

static double weight(const struct search *s, const struct score *score, int said, int is)
{
    return score->table[(size_t)said * (size_t)(s->q->n_names + 1) + (size_t)is];
}

static double weight_of(const struct search *s, const struct score *score, int said)
{
    double sum = 0;
    for (int i = 0; i < s->q->n_names; i++)
        sum += weight(s, score, said, i);
    return sum;
}

/* Whether a class of the model behaves like another label than the one it is called by, by most of what it says. */
static bool behaves_like_another(const struct search *s, const struct score *score, int said)
{
    int is = score->order[said];
    return is != said && is < s->q->n_names && weight(s, score, said, is) > weight_of(s, score, said) / 2;
}

static bool in_another_order(const struct verdict_of *v)
{
    const struct score *x = &v->best->score;
    int n = x->best_order_draws.n < x->as_told_draws.n ? x->best_order_draws.n : x->as_told_draws.n;
    bool any = false;
    for (size_t i = 0; i < v->s->q->n_numbers; i++)
        any |= behaves_like_another(v->s, x, v->s->q->name[i]);
    return any && share_better(x->best_order_draws.ap, x->as_told_draws.ap, n, 0) >= LEADS;
}

static void write_suggested(const struct search *s, struct out *o, const struct score *score, bool other)
{
    if (!other) {
        out_null(o, "suggested");
        return;
    }
    out_object(o, "suggested");
    for (size_t i = 0; i < s->q->n_numbers; i++)
        out_text(o, arena_fmt(s->arena, "%d", s->q->number[i]),
                 called(s, score->order[s->q->name[i]] < s->q->n_names ? score->order[s->q->name[i]] : s->q->name[i]));
    out_end_object(o);
}

static void write_class(const struct search *s, struct out *o, const struct score *score, size_t i)
{
    int said = s->q->name[i];
    out_object(o, NULL);
    out_int(o, "number", s->q->number[i]);
    out_text(o, "called", called(s, said));
    out_text(o, "behaves_like", weight_of(s, score, said) > 0 ? called(s, score->order[said]) : NULL);
    out_array(o, "says");
    for (int is = 0; is < s->q->n_names && is < TABLE_MOST; is++)
        out_number(o, NULL, round(weight(s, score, said, is) * 100) / 100);
    out_end_array(o);
    out_end_object(o);
}

static const char *labels_say(const struct verdict_of *v, bool other)
{
    const struct search *s = v->s;
    const struct score *x = &v->best->score;
    const char *text = "";
    int told = 0;
    for (size_t i = 0; i < s->q->n_numbers && other && told < 3; i++) {
        int said = s->q->name[i];
        if (behaves_like_another(s, x, said))
            text = arena_fmt(s->arena, "%s%sclass %d, called \"%s\", behaves like \"%s\"", text, told++ ? "; " : "",
                             s->q->number[i], called(s, said), called(s, x->order[said]));
    }
    return !other ? "the labels are those of the model" : arena_fmt(s->arena, "the labels are not in the model's order: %s", text);
}

static void write_labels(const struct verdict_of *v, struct out *o)
{
    const struct search *s = v->s;
    const struct score *x = &v->best->score;
    bool other = v->state != EVIDENCE_NOTHING && in_another_order(v);
    out_object(o, "labels");
    out_bool(o, "agree", !other);
    out_text(o, "says", v->state == EVIDENCE_NOTHING ? "nothing can be said of the labels" : labels_say(v, other));
    write_suggested(s, o, x, other);
    out_array(o, "names");
    for (int i = 0; i < s->q->n_names && i < TABLE_MOST; i++)
        out_text(o, NULL, s->q->names[i]);
    out_end_array(o);
    out_array(o, "classes");
    for (size_t i = 0; i < s->q->n_numbers && i < TABLE_MOST; i++)
        write_class(s, o, x, i);
    out_end_array(o);
    out_end_object(o);
}

/* ---- in words */

static const char *metric_of(const struct search *s)
{
    return of_whole(s) ? "accuracy" : "AP";
}

static const char *says(const struct verdict_of *v)
{
    struct search *s = v->s;
    double best = v->best->score.best_order;
    if (v->state == EVIDENCE_NOTHING)
        return arena_fmt(s->arena,
                         "no description makes the model agree with the images: at best its %s is %.3f. Are these images of "
                         "what it was trained for?",
                         metric_of(s), best);
    if (!v->second)
        return arena_fmt(s->arena, "its %s is %.3f on %zu images; there was nothing else to try", metric_of(s), best, s->n);
    if (v->state == EVIDENCE_FOUND && best - v->second->score.best_order < 0.005)
        return arena_fmt(s->arena,
                         "its %s is %.3f on %zu images; by the next best it is about the same, but the model is less sure of what "
                         "is there (in %.1f %% of the resamples)",
                         metric_of(s), best, s->n, v->lead * 100);
    return arena_fmt(s->arena, "its %s is %.3f on %zu images, %s the next best, %.3f (ahead in %.1f %% of the resamples)",
                     metric_of(s), best, s->n, v->state == EVIDENCE_FOUND ? "clearly before" : "not clearly before",
                     v->second->score.best_order, v->lead * 100);
}

enum err search_tell(struct search *s, struct evidence *ret)
{
    AUTO(out) struct out o = { 0 };
    struct verdict_of v = { .s = s, .best = settle(s) };
    decide(&v);
    out_init(&o, JSON_CAP);
    out_object(&o, NULL);
    out_text(&o, "state", evidence_states[v.state]);
    out_text(&o, "says", says(&v));
    out_text(&o, "metric", metric_of(s));
    out_int(&o, "pictures", (int64_t)s->n);
    out_int(&o, "tried", (int64_t)(s->n_screened + s->n_tried));
    out_int(&o, "runs", s->runs);
    out_number(&o, "seconds", round((clock_seconds() - s->began) * 10) / 10);
    write_variant(s, &o, "best", v.best);
    write_variant(s, &o, "second", v.second);
    out_number(&o, "lead", v.lead);
    write_differs(&v, &o);
    write_undecided(&v, &o);
    write_labels(&v, &o);
    out_end_object(&o);
    *ret = (struct evidence){ v.state, arena_str(s->arena, o.text.bytes) };
    return text_full(&o.text) ? fail(E_TOO_BIG, "what was found is over 1 MiB") : OK;
}
