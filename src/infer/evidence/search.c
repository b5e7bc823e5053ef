/* The order in which descriptions are tried. All of them would be some ten thousand; this comes to one or two hundred, of which
 * most share their runs, since only the first four axes change what the network sees:
 *
 *   1. with nothing told: what is the file taken for, and what is left open?
 *   2. on the first pictures: every range with every rule of resizing, and every reading of the answer under each. With a wrong
 * range a network finds nothing, with a wrong rule its boxes lie elsewhere, and with a wrong reading they are no boxes: these three
 * cannot be found one after the other. Colours and pads it can do without, so that they wait;
 *   3. on all pictures: the best of these, with each order of colours;
 *   4. from the best one on every axis by itself, and again from what was better, until nothing is.
 *
 * In the end the best one is compared with every other, draw by draw of the same pictures. */
#include "infer/evidence/search.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_PICTURES = 8, KEPT_MOST = 5, ROUNDS_MOST = 3, BOXES_MOST = 100 };
#define LEAST_SCORE 0.02

static enum err go_on(struct search *s, const char *doing)
{
    double part = s->to_run > 0 ? (double)s->runs / (double)s->to_run : 0;
    return s->q->go_on(s->q->with, part < 0.99 ? part : 0.99, doing) ? OK : fail(E_CANCELLED, "it was stopped");
}

/* ---- pictures */

static void to_pixels(struct arena *a, struct evidence_picture *p, int width, int height)
{
    struct metrics_truth *all = arena_new_array(a, struct metrics_truth, p->n + 1);
    for (size_t i = 0; i < p->n; i++) {
        const struct metrics_truth *t = &p->truth[i];
        double kx = p->fractions ? width : 1, ky = p->fractions ? height : 1;
        all[i] = metrics_truth_of(t->label, t->x * kx, t->y * ky, t->w * kx, t->h * ky);
        all[i].crowd = t->crowd;
    }
    p->truth = all;
    p->fractions = false;
}

/* One that cannot be decoded is left out. */
static enum err keep_pictures(struct search *s)
{
    for (size_t i = 0; i < s->q->n && s->n < EVIDENCE_PICTURES; i++) {
        int width, height, fd = -1;
        TRY(go_on(s, "reading pictures"));
        TRY(s->q->open(s->q->with, i, &fd));
        enum err e = trial_keep(s->trial, (int)s->n, fd, &width, &height);
        close(fd);
        if (e == E_INVALID || e == E_TOO_BIG)
            continue;
        TRY(e);
        s->pictures[s->n] = s->q->pictures[i];
        to_pixels(s->arena, &s->pictures[s->n++], width, height);
    }
    return s->n >= 2 ? OK : fail(E_UNMEANT, "%zu annotated pictures are too few to tell anything; twenty are usual", s->n);
}

/* ---- some descriptions on some pictures */

static bool prepares(enum axis x)
{
    return x <= AXIS_PAD;
}

static bool shares_run(struct choice a, struct choice b)
{
    for (enum axis x = 0; x < AXES; x++)
        if (prepares(x) && a.of[x] != b.of[x])
            return false;
    return true;
}

static int place_of(const struct evidence_question *q, int number)
{
    for (size_t i = 0; i < q->n_numbers; i++)
        if (q->number[i] == number)
            return q->name[i];
    return q->n_names;
}

static int by_score(const void *a, const void *b)
{
    const struct metrics_detection *x = a, *y = b;
    return x->score < y->score ? 1 : x->score > y->score ? -1 : 0;
}

static void take(const struct evidence_question *q, struct arena *a, const struct detections *d, struct said *to, size_t picture)
{
    struct metrics_detection *all = arena_new_array(a, struct metrics_detection, d->n + 1);
    for (size_t i = 0; i < d->n; i++) {
        const struct detection *x = &d->items[i];
        all[i] = (struct metrics_detection){ place_of(q, x->label), (double)x->score, (double)x->x,
                                             (double)x->y,          (double)x->w,     (double)x->h };
    }
    qsort(all, d->n, sizeof *all, by_score);
    to->found[picture] = all;
    to->n[picture] = d->n < BOXES_MOST ? d->n : BOXES_MOST;
}

static enum err tell(struct search *s, struct arena *a, struct variant *v, int slot)
{
    char *text;
    const struct json *look;
    TRY(trial_tell(s->trial, slot, choice_told(a, s->base, s->options, v->choice), a, &text));
    TRY(json_parse(a, text, strlen(text), &look));
    v->works = json_absent(json_get(look, "problem"));
    return OK;
}

/* What cannot be read after all does not work. */
static enum err see(struct search *s, struct arena *a, struct variant *v, int slot, size_t picture, struct said *to)
{
    struct detections d = { 0 };
    double least = s->q->wanted == WANT_LABELS ? -1e9 : LEAST_SCORE;
    enum err e = v->works ? trial_see(s->trial, slot, (int)picture, least, a, &d) : OK;
    if (e == E_UNMEANT || e == E_INVALID) {
        v->works = false;
        return OK;
    }
    TRY(e);
    take(s->q, a, &d, to, picture);
    return OK;
}

static enum err evaluate_some(struct search *s, struct variant *all, size_t n, size_t pictures, bool with_draws)
{
    AUTO(arena) struct arena *a = arena_new();
    struct said *said = arena_new_array(a, struct said, n + 1);
    struct evidence_question q = *s->q;
    q.pictures = s->pictures;
    for (size_t i = 0; i < n; i++)
        TRY(tell(s, a, &all[i], (int)i));
    for (size_t p = 0; p < pictures; p++) {
        TRY(go_on(s, "trying descriptions"));
        for (size_t i = 0; i < n; i++) {
            TRY(see(s, a, &all[i], (int)i, p, &said[i]));
            s->runs += all[i].works && (!i || !all[i - 1].works || !shares_run(all[i - 1].choice, all[i].choice));
        }
    }
    for (size_t i = 0; i < n; i++)
        if (all[i].works)
            score_find(&q, &said[i], pictures, with_draws, with_draws ? s->arena : a, &all[i].score);
    return OK;
}

static int by_preparation(const void *a, const void *b)
{
    return memcmp(((const struct variant *)a)->choice.of, ((const struct variant *)b)->choice.of, AXES);
}

/* Sorted, so that those that share a run come one after the other. */
static enum err evaluate(struct search *s, struct variant *all, size_t n, size_t pictures, bool with_draws)
{
    qsort(all, n, sizeof *all, by_preparation);
    for (size_t i = 0; i < n; i += TRIAL_SLOTS)
        TRY(evaluate_some(s, all + i, n - i < TRIAL_SLOTS ? n - i : TRIAL_SLOTS, pictures, with_draws));
    return OK;
}

/* ---- those that were tried on all pictures */

static struct variant *tried(struct search *s, struct choice c)
{
    for (size_t i = 0; i < s->n_tried; i++)
        if (choice_same(s->tried[i].choice, c))
            return &s->tried[i];
    return NULL;
}

struct wanted_list {
    struct variant items[TRIED_MOST];
    size_t n;
};

static void want(struct search *s, struct wanted_list *l, struct choice c)
{
    for (size_t i = 0; i < l->n; i++)
        if (choice_same(l->items[i].choice, c))
            return;
    if (!tried(s, c) && s->n_tried + l->n < TRIED_MOST)
        l->items[l->n++] = (struct variant){ .choice = c };
}

static enum err try(struct search *s, struct wanted_list *l)
{
    TRY(evaluate(s, l->items, l->n, s->n, true));
    memcpy(s->tried + s->n_tried, l->items, l->n * sizeof *l->items);
    s->n_tried += l->n;
    return OK;
}

static int best_first(const void *a, const void *b)
{
    return -variant_compare(a, b);
}

static void sort_tried(struct search *s)
{
    qsort(s->tried, s->n_tried, sizeof *s->tried, best_first);
}

/* ---- the steps */

/* The next choice of the axes that have a bit, like a clock; false: all were there. */
static bool next_choice(const struct search *s, unsigned bits, struct choice *c)
{
    for (int x = AXES - 1; x >= 0; x--) {
        if (!(bits >> x & 1))
            continue;
        if (++c->of[x] < s->options[x].n)
            return true;
        c->of[x] = 0;
    }
    return false;
}

static size_t choices(const struct search *s, unsigned bits)
{
    size_t n = 1;
    for (int x = 0; x < AXES; x++)
        n *= bits >> x & 1 ? (size_t)s->options[x].n : 1;
    return n;
}

#define BIT(x) (1U << (x))
#define SCREENED_PICTURES (BIT(AXIS_PIXELS) | BIT(AXIS_RESIZE))
#define SCREENED_READINGS (BIT(AXIS_BOXES) | BIT(AXIS_UNIT) | BIT(AXIS_COLUMNS) | BIT(AXIS_HEAD) | BIT(AXIS_BACKGROUND))

/* The readings that the file can have at all: those that no family takes are left out of what follows. */
static enum err readings(struct search *s, struct variant **ret, size_t *ret_n)
{
    size_t n = 0, works = 0, most = choices(s, SCREENED_READINGS);
    struct variant *all = arena_new_array(s->arena, struct variant, most);
    struct choice c = { 0 };
    AUTO(arena) struct arena *a = arena_new();
    do
        all[n++].choice = c;
    while (next_choice(s, SCREENED_READINGS, &c));
    for (size_t i = 0; i < n; i++) {
        TRY(tell(s, a, &all[i], 0));
        if (all[i].works)
            all[works++] = all[i];
    }
    *ret = all;
    *ret_n = works;
    return works ? OK : fail(E_UNMEANT, "no description makes the file readable with these labels");
}

static enum err screen(struct search *s, struct variant **ret, size_t *ret_n)
{
    struct variant *reading;
    size_t n_readings, n = 0;
    TRY(readings(s, &reading, &n_readings));
    size_t pictures = choices(s, SCREENED_PICTURES), most = pictures * n_readings;
    s->to_run = (int64_t)(pictures * FIRST_PICTURES + (2 * KEPT_MOST + 12) * s->n);
    struct variant *all = arena_new_array(s->arena, struct variant, most);
    struct choice c = { 0 };
    do
        for (size_t i = 0; i < n_readings; i++) {
            all[n].choice = reading[i].choice;
            all[n].choice.of[AXIS_PIXELS] = c.of[AXIS_PIXELS];
            all[n++].choice.of[AXIS_RESIZE] = c.of[AXIS_RESIZE];
        }
    while (next_choice(s, SCREENED_PICTURES, &c));
    TRY(evaluate(s, all, n, s->n < FIRST_PICTURES ? s->n : FIRST_PICTURES, false));
    qsort(all, n, sizeof *all, best_first);
    s->n_screened = n;
    *ret = all;
    *ret_n = n;
    return OK;
}

static enum err try_best(struct search *s, const struct variant *screened, size_t n)
{
    struct wanted_list l = { .n = 0 };
    for (size_t i = 0; i < n && i < KEPT_MOST; i++)
        for (int colour = 0; colour < s->options[AXIS_COLOUR].n; colour++) {
            struct choice c = screened[i].choice;
            c.of[AXIS_COLOUR] = (uint8_t)colour;
            want(s, &l, c);
        }
    TRY(try(s, &l));
    sort_tried(s);
    return OK;
}

static enum err try_around(struct search *s, struct choice from, bool *ret_better)
{
    struct wanted_list l = { .n = 0 };
    struct choice best = s->tried[0].choice;
    for (enum axis x = 0; x < AXES; x++)
        for (int i = 0; i < s->options[x].n; i++) {
            struct choice c = from;
            c.of[x] = (uint8_t)i;
            want(s, &l, c);
        }
    TRY(try(s, &l));
    sort_tried(s);
    *ret_better = !choice_same(best, s->tried[0].choice);
    return OK;
}

static enum err search(struct search *s, struct evidence *ret)
{
    struct variant *screened;
    size_t n;
    bool better = true;
    TRY(keep_pictures(s));
    TRY(screen(s, &screened, &n));
    TRY(try_best(s, screened, n));
    for (int i = 0; i < ROUNDS_MOST && better; i++)
        TRY(try_around(s, s->tried[0].choice, &better));
    return search_tell(s, ret);
}

/* ---- the question */

/* Where the file leaves its size open, the usual one is told with everything. */
static enum err base_of(struct arena *a, const char *told, const char *size, const struct json **ret)
{
    const struct json *v, *own;
    AUTO(out) struct out o = { 0 };
    TRY(json_parse(a, told, strlen(told), &v));
    TRY(json_parse(a, size, strlen(size), &own));
    out_init(&o, TOLD_MOST);
    out_object(&o, NULL);
    for (struct json_member m = json_first(v); m.key; m = json_next(v, m))
        if (strcmp(m.key, "onnx") != 0)
            out_json(&o, m.key, m.value);
    out_raw(&o, "onnx", json_over(a, own, json_get(v, "onnx")));
    out_end_object(&o);
    const char *text = arena_str(a, o.text.bytes);
    return json_parse(a, text, strlen(text), ret);
}

static const char *size_for(const struct json *look, enum wanted wanted)
{
    const struct json *missing = json_get(look, "missing");
    for (size_t i = 0; i < json_count(missing); i++)
        if (strcmp(json_text(json_get(json_at(missing, i), "key")), "size") == 0)
            return wanted == WANT_LABELS ? "{\"size\":[224,224]}" : "{\"size\":[640,640]}";
    return "{}";
}

/* With nothing told but its labels; where nobody knows it so, a column more may stand for nothing. */
static enum err look_at(struct search *s, const struct json **ret)
{
    static const char *const more[] = { "{}", "{\"background\":\"first\"}", "{}" };
    char *text;
    for (size_t i = 0; i < COUNT_OF(more); i++) {
        TRY(base_of(s->arena, s->q->model.told, more[i], &s->base));
        TRY(trial_tell(s->trial, 0, json_print(s->arena, s->base), s->arena, &text));
        TRY(json_parse(s->arena, text, strlen(text), ret));
        if (json_text(json_get(*ret, "family")))
            break;
    }
    const char *problem = json_text(json_get(*ret, "problem"));
    if (!json_text(json_get(*ret, "family")) || (problem && !json_count(json_get(*ret, "missing"))))
        return fail(E_UNMEANT, "%s", problem ? problem : "nobody knows how to read the file");
    return base_of(s->arena, s->q->model.told, size_for(*ret, s->q->wanted), &s->base);
}

enum err evidence_find(const struct evidence_question *q, struct arena *a, struct evidence *ret)
{
    AUTO(trial) struct trial *trial = NULL;
    struct search s = { .q = q, .arena = a, .began = clock_seconds() };
    const struct json *look;
    TRY(q->go_on(q->with, 0, "loading the model") ? OK : fail(E_CANCELLED, "it was stopped"));
    TRY(trial_start(q->self_path, &q->model, q->threads, &trial));
    s.trial = trial;
    s.tried = arena_new_array(a, struct variant, TRIED_MOST);
    TRY(look_at(&s, &look));
    options_find(a, look, json_get(s.base, "onnx"), q->wanted, s.options);
    return search(&s, ret);
}
