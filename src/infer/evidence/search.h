/* search.h - inside evidence/: what is tried, and what came of it. */
#pragma once
#include "infer/evidence/evidence.h"
#include "infer/trial.h"
#include "learn/task/resample.h"
#include "json/json.h"

/* What descriptions differ in. Those that stand first become another input of the network: each costs runs. The others only read
 * its answer otherwise. */
enum axis {
    AXIS_PIXELS,
    AXIS_RESIZE,
    AXIS_COLOUR,
    AXIS_PAD,
    AXIS_BOXES,
    AXIS_UNIT,
    AXIS_COLUMNS,
    AXIS_HEAD,
    AXIS_BACKGROUND,
    AXIS_OFFSET,
    AXIS_SCORE,
    AXES
};
enum { OPTIONS_MOST = 12, FACTS_MOST = 4 };
/* The members of a description that an option tells, as a JSON object; the first is the usual one. One of them only: it is known.
 */
struct options {
    const char *text[OPTIONS_MOST];
    int n;
};
struct axis_row {
    const char *name;
    const char *facts[FACTS_MOST];
    bool slight;  /* it changes little: the usual one is taken unless another leads clearly */
    bool telling; /* it is said where its options cannot be told apart */
};
extern const struct axis_row axes[AXES];
/* look: what the file is taken for with nothing told but its labels. fixed: what stands under "onnx" and is not tried. */
void options_find(struct arena *, const struct json *look, const struct json *fixed, enum wanted, struct options ret[AXES]);

struct choice {
    uint8_t of[AXES];
};
/* What is told for a choice: {"type", "labels", "onnx": {…}}. base: without it. */
const char *choice_told(struct arena *, const struct json *base, const struct options[AXES], struct choice);
/* The members under "onnx" alone. */
const char *choice_onnx(struct arena *, const struct json *base, const struct options[AXES], struct choice);
bool choice_same(struct choice, struct choice);
int choice_changes(struct choice, struct choice, bool with_slight); /* how many axes differ */

/* What a model said of the pictures under one description. */
struct said {
    struct metrics_detection *found[EVIDENCE_PICTURES]; /* best first; labels are places among the names, n_names: none of them */
    size_t n[EVIDENCE_PICTURES];
};
/* How well that agrees. The score is as if the labels were in the best order, so that a wrong order of labels hides nothing else.
 */
struct score {
    double best_order, as_told; /* AP of boxes and outlines, accuracy of whole pictures */
    double sure;                /* how sure the model is of what is there: mean over the pictures of score × overlap; 0 to 1 */
    double off;                 /* squared differences of scores from what is right, a thing: less is better (Brier 1950) */
    int *order;                 /* of each name, as the model says it, the name that it behaves like */
    double *table;              /* names + 1 squared: [said][is], in scores */
    struct draws best_order_draws, as_told_draws, sure_draws;
};
/* The first n pictures. */
void score_find(const struct evidence_question *, const struct said *, size_t n, bool with_draws, struct arena *,
                struct score *ret);

struct variant {
    struct choice choice;
    bool works; /* the file can be read so */
    struct score score;
};
/* 1 if a is better, -1 if b is, 0: nothing tells them apart. */
int variant_compare(const struct variant *a, const struct variant *b);
/* The share of the draws in which a leads, by the first figure that tells them apart; 0.5: none does. */
double variant_lead(const struct variant *a, const struct variant *b);
/* No picture tells them apart, or it cannot matter: in nearly all draws they are within a hundredth of each other. */
bool variant_alike(const struct variant *a, const struct variant *b);
bool variant_near(const struct variant *a, const struct variant *b);

struct search {
    const struct evidence_question *q;
    struct arena *arena;
    struct trial *trial;
    const struct json *base;
    struct options options[AXES];
    struct evidence_picture pictures[EVIDENCE_PICTURES]; /* those that could be decoded, in pixels */
    size_t n;
    struct variant *tried; /* on all pictures */
    size_t n_tried, room, n_screened;
    int64_t runs, to_run; /* pictures shown; about how many there will be */
    double began;
};
enum { TRIED_MOST = 400 };
#define LEADS 0.95 /* a lead in so many of the draws is clear */

/* tell.c */
MUST_USE enum err search_tell(struct search *, struct evidence *ret);
