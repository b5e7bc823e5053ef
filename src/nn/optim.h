/* optim.h - SGD with momentum, AdamW, learning-rate schedules, and a moving average of the weights. Deterministic. */
#pragma once
#include "base/team.h"
#include "nn/nn.h"

enum optim_kind { OPTIM_SGD, OPTIM_ADAMW };
struct optim_options {
    enum optim_kind kind;
    float momentum;              /* SGD, Nesterov (Sutskever et al. 2013) */
    float beta1, beta2, epsilon; /* AdamW (Loshchilov & Hutter 2019) */
    float weight_decay;          /* SGD: added to the gradient; AdamW: decoupled */
    float clip_norm;             /* gradients are scaled so that their global L2 norm is at most this; 0: not */
    float ema_decay; /* of the averaged weights, at most (1 + step) / (10 + step), so that short runs average too; 0: none */
};
struct optim;
struct optim *optim_new(struct graph *, const struct optim_options *);
void optim_free(struct optim *);
/* One step with the gradients of the graph and of its replicas (summed, then divided by `divide`). Returns the norm before
 * clipping; a norm that is not finite changes nothing. The team shares the work, or NULL; the result is the same. */
double optim_step(struct optim *, struct team *, struct graph *const *replicas, size_t n_replicas, float learning_rate,
                  float divide);
/* Swaps the averaged weights (and running statistics) in, and out again at the second call: for evaluation and export. */
void optim_swap_ema(struct optim *);

/* The averaged weights start again from the present ones: after weights were loaded. */
void optim_reset_ema(struct optim *);
/* What a checkpoint must keep: the slots, each of optim_values() values, parameter after parameter, and the number of steps taken.
 * Like tensors they are the network's memory. */
enum optim_slot { OPTIM_MOMENTUM, OPTIM_SECOND, OPTIM_AVERAGED, OPTIM_SLOTS };
size_t optim_values(const struct optim *, enum optim_slot); /* 0: there is no such slot */
void optim_put(struct optim *, enum optim_slot, size_t first, const float *from, size_t n);
void optim_get(const struct optim *, enum optim_slot, size_t first, float *to, size_t n);
int64_t optim_steps(const struct optim *);
void optim_set_steps(struct optim *, int64_t);

struct schedule {
    enum { LR_CONSTANT, LR_EXPONENTIAL, LR_COSINE } kind;
    double learning_rate;
    int64_t steps, decay_steps, warmup_steps;
    double decay_factor, warmup_lr; /* warm-up is linear from warmup_lr */
    bool staircase;
    double end_factor; /* cosine ends at learning_rate * end_factor */
};
double schedule_at(const struct schedule *, int64_t step);
