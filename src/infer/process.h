/* process.h - inside infer/: a process that holds one model. Whoever has it asks it; nothing that it says is trusted. */
#pragma once
#include "infer/pool.h"

struct process {
    struct child child;
    char key[HASH_SIZE];        /* of the model that it has, or is about to have (its file and what is told about it); "": none */
    int threads;                /* that a run takes */
    bool busy, ready;           /* somebody has it; the model is loaded */
    double used_at, quickest_s; /* its quickest run of late (calm.h); 0: none yet */
    uint64_t party;             /* who used it last */
    bool left;                  /* and has asked another model since */
};
void process_forget(struct process *);
void process_forget_gone(struct process *); /* if nobody has it, and it has ended */
MUST_USE enum err process_load(struct process *, const char *self_path, const struct infer_model *, double limit_s, struct answer *,
                               bool *ret_late);

struct question {
    enum model_task task;
    int fd; /* goes along; -1: none */
    double min_score, limit_s;
    const char *hash, *text;     /* of the file that goes along; what is said with it. NULL: nothing */
    struct meanwhile *meanwhile; /* done while the process works; NULL: nothing */
    int image, slot;             /* of KEEP, TELL and SEE (trial.h) */
};
/* *ret_late: it did not answer in time, and was ended. E_BUSY: it was stopped from outside, through no fault of the question. */
MUST_USE enum err process_ask(struct process *, const struct question *, struct answer *, bool *ret_late);

/* Its own descriptors and texts, on the heap, for who asks later. false: there are no descriptors left. */
bool model_copy(const struct infer_model *, struct infer_model *ret);
void model_copy_free(struct infer_model *);
