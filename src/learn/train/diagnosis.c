#include "learn/train/diagnosis.h"

enum { THINGS_FEW = 30, LABELS_NAMED = 5, EVAL_FEW = 20, UNBALANCED = 20 };
/* A skill under LEARNT: not one in ten is recognized beyond what guessing gives; what such a network says of its data means
 * nothing. Under GOOD nobody would leave the work to it, whatever else is in order. */
static const double LEARNT = 0.1, GOOD = 0.5;
static const double RISING = 0.02, GAP = 0.2, FELL = 0.03, SMALL_SHARE = 0.25, NOISE = 0.02;

struct report {
    const struct facts *facts;
    struct arena *arena;
    struct finding *to;
    int n;
};

#define FIND(r, name, ...)                                                                                                         \
    do {                                                                                                                           \
        if ((r)->n < FINDINGS_MOST)                                                                                                \
            (r)->to[(r)->n++] = (struct finding){ name, arena_fmt((r)->arena, __VA_ARGS__) };                                      \
    } while (0)

/* What the score was when that share of the steps was done. */
static double score_at(const struct facts *f, double share)
{
    double score = f->notes[0].score;
    for (int i = 0; i < f->n_notes && (double)f->notes[i].step <= share * (double)f->notes[f->n_notes - 1].step; i++)
        score = f->notes[i].score;
    return score;
}

static bool gap_is_wide(const struct facts *f)
{
    return f->train_score >= 0 && f->eval_score >= 0 && f->train_score - f->eval_score > GAP;
}

/* What guessing would score: of boxes none, of images the share of the commonest label. */
static double chance(const struct facts *f)
{
    const int64_t *things = f->eval_score >= 0 && f->eval_images ? f->eval_things : f->train_things;
    int64_t most = 0, all = 0;
    for (int i = 0; i < f->n_labels; i++) {
        most = things[i] > most ? things[i] : most;
        all += things[i];
    }
    return f->task->whole && all && most < all ? (double)most / (double)all : 0;
}

/* A score as a share of what can be gained over guessing; -1: not known. */
static double skill(const struct facts *f, double score)
{
    double least = chance(f);
    return score < 0 ? -1 : score < least ? 0 : (score - least) / (1 - least);
}

static bool has_learnt(const struct facts *f)
{
    double known = f->train_score >= 0 ? f->train_score : f->eval_score;
    return known < 0 || skill(f, known) >= LEARNT;
}

static void look_whether_it_learnt(struct report *r)
{
    const struct facts *f = r->facts;
    const char *guess = f->task->whole ? arena_fmt(r->arena, " (guessing gives %.3f)", chance(f)) : "";
    if (!has_learnt(f))
        FIND(r, "not learnt",
             "%s is %.3f even on images that were learnt from%s: the network has not learnt what it was shown, and nothing it says "
             "can be "
             "relied on. After %lld steps that is often too early: try many more. If it stays so, look whether the annotations fit "
             "their "
             "images, and try another learning_rate.",
             f->task->values[0], f->train_score >= 0 ? f->train_score : f->eval_score, guess, (long long)f->steps);
}

/* Where nothing else was found. */
static void judge_as_a_whole(struct report *r)
{
    const struct facts *f = r->facts;
    double known = f->eval_score >= 0 ? f->eval_score : f->train_score;
    if (known >= 0 && skill(f, known) < GOOD)
        FIND(r, "weak",
             "%s is %.3f, and nothing in the training or its data stands out as the cause. More steps, a larger image_size or a "
             "larger "
             "network may help; so do more images of what is missed.",
             f->task->values[0], known);
    else
        FIND(r, "good", "Nothing stands out: the data suffices, and the network learnt without knowing its images by heart.");
}

static void look_for_more_to_learn(struct report *r)
{
    const struct facts *f = r->facts;
    if (f->n_notes < 4 || gap_is_wide(f))
        return;
    const struct note *last = &f->notes[f->n_notes - 1], *middle = &f->notes[f->n_notes / 2];
    double then = score_at(f, 0.75);
    if (last->score - then > RISING)
        FIND(r, "under-trained",
             "%s was still rising at the end (%.3f after three quarters of the steps, %.3f at the end) and the loss fell from %.2f "
             "to "
             "%.2f in the second half: twice as many steps (%lld) should give more.",
             f->task->values[0], then, last->score, middle->loss, last->loss, (long long)(2 * f->steps));
}

static void look_for_learning_by_heart(struct report *r)
{
    const struct facts *f = r->facts;
    double best = 0;
    for (int i = 0; i < f->n_notes; i++)
        best = f->notes[i].score > best ? f->notes[i].score : best;
    if (gap_is_wide(f))
        FIND(r, "over-fitted",
             "%s is %.3f on images that were learnt from and %.3f on others: the network knows its images by heart. More and more "
             "varied "
             "images help most; stronger changes of images (mosaic, mixup, rotate, scale) or a smaller network help too.",
             f->task->values[0], f->train_score, f->eval_score);
    if (f->n_notes > 2 && best - f->notes[f->n_notes - 1].score > FELL &&
        f->notes[f->n_notes - 1].loss < f->notes[f->n_notes / 2].loss)
        FIND(r, "over-trained",
             "After step %lld the loss went on falling, but %s on the evaluation images fell from %.3f to %.3f. The weights of "
             "step %lld "
             "are kept.",
             (long long)f->best_step, f->task->values[0], best, f->notes[f->n_notes - 1].score, (long long)f->best_step);
}

static void look_at_amounts(struct report *r)
{
    const struct facts *f = r->facts;
    int few = 0, untested = 0, most = 0, least = -1;
    for (int i = 0; i < f->n_labels; i++) {
        int64_t n = f->train_things[i];
        const char *things = n == 1 ? f->task->thing : f->task->things;
        if (n < THINGS_FEW && few++ < LABELS_NAMED)
            FIND(r, "too little data", "%s has %lld %s to learn from: %s", f->labels[i], (long long)n, things,
                 n ? "some fifty are a beginning, some hundreds are good." : "it cannot be recognized.");
        untested += n > 0 && f->eval_images && f->eval_things[i] == 0;
        most = n > f->train_things[most] ? i : most;
        if (n > 0 && (least < 0 || n < f->train_things[least]))
            least = i;
    }
    if (few > LABELS_NAMED)
        FIND(r, "too little data", "%d more labels have less than %d %s.", few - LABELS_NAMED, THINGS_FEW, f->task->things);
    if (least >= 0 && f->train_things[most] >= UNBALANCED * f->train_things[least])
        FIND(r, "unbalanced labels", "%s has %lld %s, %s has %lld: rare labels are found less often. Add images that show %s.",
             f->labels[most], (long long)f->train_things[most], f->task->things, f->labels[least],
             (long long)f->train_things[least], f->labels[least]);
    if (untested)
        FIND(r, "untested labels", "%d label%s no %s in the evaluation images: how well %s recognized is not known.", untested,
             untested == 1 ? " has" : "s have", f->task->thing, untested == 1 ? "it is" : "they are");
}

static void look_at_evaluation(struct report *r)
{
    const struct facts *f = r->facts;
    if (!f->eval_images)
        FIND(r, "not evaluated",
             "There were no evaluation images, so nobody knows how good the network is. Attach a dataset version of "
             "images that are not trained on.");
    else if (f->eval_images < EVAL_FEW)
        FIND(r, "little evaluation", "%zu evaluation image%s too few for figures to be relied on.", f->eval_images,
             f->eval_images == 1 ? " is" : "s are");
}

static void look_for_shared_images(struct report *r)
{
    const struct facts *f = r->facts;
    if (f->shared_images)
        FIND(r, "evaluated on what was learnt",
             "%zu of the %zu evaluation images %s learnt from too: the figures tell how well they are remembered, not how well "
             "others are "
             "recognized. Attach a dataset version of other images as \"test\".",
             f->shared_images, f->eval_images, f->shared_images == 1 ? "is" : "are");
}

static void look_at_sizes(struct report *r)
{
    const struct facts *f = r->facts;
    if (f->small_share < SMALL_SHARE)
        return;
    if (f->useful_size > f->image_size)
        FIND(r, "small objects",
             "%.0f %% of the boxes are smaller than %d pixels once images are scaled to %d pixels, and such are hard to find: try "
             "image_size %d.",
             100 * f->small_share, SMALL, f->image_size, f->useful_size);
    else
        FIND(r, "small objects",
             "%.0f %% of the boxes are smaller than %d pixels at the %d pixels of the network, and the images are no larger: cut "
             "large "
             "images into tiles, or take them from nearer.",
             100 * f->small_share, SMALL, f->image_size);
}

static void look_at_doubts(struct report *r)
{
    const struct doubts *d = r->facts->doubts;
    if (has_learnt(r->facts) && d->likely && (double)d->likely > NOISE * (double)d->looked_at)
        FIND(r, "doubtful annotations",
             "%lld of %lld annotations look wrong or missing to the trained network. Look at the most suspicious ones; each "
             "corrected one "
             "teaches more than a new image.",
             (long long)d->likely, (long long)d->looked_at);
}

int diagnose(const struct facts *f, struct arena *a, struct finding ret[FINDINGS_MOST])
{
    struct report r = { f, a, ret, 0 };
    look_whether_it_learnt(&r);
    look_at_evaluation(&r);
    look_for_shared_images(&r);
    look_for_more_to_learn(&r);
    look_for_learning_by_heart(&r);
    look_at_amounts(&r);
    look_at_sizes(&r);
    look_at_doubts(&r);
    if (!r.n)
        judge_as_a_whole(&r);
    return r.n;
}
