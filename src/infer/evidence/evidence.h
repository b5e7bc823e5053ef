/* evidence.h - how a model file must be described so that what it says agrees best with annotated pictures: plausible descriptions
 * are tried on some twenty of them, ranked, and taken if one leads clearly. It runs the model in a sandboxed process of its own,
 * and knows no database. */
#pragma once
#include "infer/description.h"
#include "infer/infer.h"
#include "learn/task/metrics.h"

enum { EVIDENCE_PICTURES = 24 };

struct evidence_picture {
    const struct metrics_truth *truth; /* labels by their place among the names */
    size_t n;
    bool fractions; /* the boxes are parts of the picture */
    int label;      /* of the whole picture, where these are wanted; -1: none */
};

struct evidence_question {
    const char *self_path;
    struct infer_model model; /* told: type and labels; what stands under "onnx" there is taken for true and not tried */
    enum wanted wanted;
    const char *const *names; /* of the pictures' labels and the model's, each once */
    int n_names;
    /* The model's labels: the numbers that its version has them under, and their places among the names. */
    const int *number, *name;
    size_t n_numbers;
    const struct evidence_picture *pictures;
    size_t n; /* at most EVIDENCE_PICTURES are used */
    int threads;
    enum err (*open)(void *with, size_t picture, int *ret_fd); /* the caller of it closes */
    bool (*go_on)(void *with, double part, const char *doing); /* false: stop, E_CANCELLED */
    void *with;
};

enum evidence_state { EVIDENCE_FOUND, EVIDENCE_UNCLEAR, EVIDENCE_NOTHING };
extern const char *const evidence_states[]; /* "FOUND", "UNCLEAR", "NOTHING", NULL */
struct evidence {
    enum evidence_state state;
    const char *json; /* docs/bring-your-model.md; the arena's */
};
/* E_UNMEANT: no description makes the file servable, and why. E_CANCELLED. */
MUST_USE enum err evidence_find(const struct evidence_question *, struct arena *, struct evidence *ret);
