/* pool.h - inside infer/: asking a model's process from other files than the pool's own. */
#pragma once
#include "infer/model.h"

struct answer {
    union {
        struct model_reply reply;
        char bytes[ANSWER_SIZE];
    };
};
/* Loads the model if need be and asks; once more if the process went away meanwhile through no fault of the request. fd: what goes
 * along, -1: nothing. */
MUST_USE enum err pool_ask(struct infer_pool *, const char *who, const struct infer_model *, enum model_task, int fd,
                           double min_score, struct answer *);
/* Nothing that a process says is trusted: every count, number and label is looked at. */
MUST_USE enum err answer_detections(const struct answer *, struct arena *, struct detections *ret);
char *answer_text(const struct answer *, struct arena *); /* JSON */
void meanwhile_do(struct meanwhile *);                    /* if it was not done yet; NULL is fine */
