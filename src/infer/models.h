/* models.h - inside infer/: the processes that hold models, and who gets one next.
 *
 * Parties (deployments, users) take turns, and within one party who came first goes first; none holds all places. A model that more
 * ask for than one process answers gets more of them, up to the number of processors, started beside the ones that go on answering;
 * those that are not needed for a minute are put down. */
#pragma once
#include "infer/calm.h"
#include "infer/process.h"
#include "infer/strikes.h"

struct models;
MUST_USE enum err models_start(const char *self_path, int most, struct models **ret);
void models_stop(struct models *);
void models_limit(struct models *, double load_s, double predict_s, double wait_s);
void models_sweep(struct models *, double now); /* now and then */
/* E_TOO_MANY: too many wait already, or this one has waited too long. */
MUST_USE enum err models_ask(struct models *, const char *who, const char *key, const struct infer_model *, const struct question *,
                             struct answer *);
/* When one that is turned away may come again: after those who wait, by what an answer took of late (0: not known). 1 to 600. */
int models_retry_s(int waiting, int running, double took_s);
void models_queue(struct models *, struct infer_queue *ret);
int models_running(struct models *, const char *key); /* processes that have the model */
