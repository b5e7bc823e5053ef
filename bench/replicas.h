/* replicas.h - what the programs that time training share: a network with a replica for each thread, each with its part of the
 * batch, that go forward and backward. Of the arguments MODEL THREADS BATCH SIZE auto|f32|bf16. */
#pragma once
#include "base/team.h"
#include "lite0_fpn.h"
#include "nn/graph.h"
#include <stdlib.h>
#include <string.h>

enum { THREADS_MOST = 64, REPLICA_ARGUMENTS = 5 };
static const float PULL = 1e-3f; /* the loss is PULL / 2 times the sum of the squared outputs */

static struct network networks[THREADS_MOST];

static void back_through(struct tensor *y)
{
    for (size_t i = 0; i < tensor_count(y); i++)
        y->grad[i] = PULL * y->data[i];
}

static void replica_work(void *with, int i, int thread)
{
    (void)with, (void)thread;
    struct network *n = &networks[i];
    graph_zero_grad(n->graph);
    graph_forward(n->graph);
    for (int t = 0; t < n->graph->n_tensors; t++)
        if (n->graph->tensors[t]->is_output)
            back_through(n->graph->tensors[t]);
    graph_backward(n->graph);
}

/* Sets networks[0] …, one for each thread of the team. */
static enum err replicas_open(char **argv, struct team **ret)
{
    const struct model *model = bench_model(argv[0]);
    int threads = (int)strtol(argv[1], NULL, 10), batch = (int)strtol(argv[2], NULL, 10), size = (int)strtol(argv[3], NULL, 10);
    bool f32 = strcmp(argv[4], "f32") == 0, bf16 = strcmp(argv[4], "bf16") == 0;
    struct plan_options o = { .precision = f32 ? PRECISION_F32 : bf16 ? PRECISION_BF16 : PRECISION_AUTO };
    if (!model || threads < 1 || threads > THREADS_MOST || batch % threads)
        return fail(E_INVALID, "no model '%s', or a batch of %d is not for %d threads", argv[0], batch, threads);
    for (int i = 0; i < threads; i++) {
        struct network *n = &networks[i];
        TRY(network_new_with(model, batch / threads, (struct frame){ size, size }, 2, 1, &o, i ? &networks[0] : NULL, n));
        for (size_t k = 0; k < tensor_count(n->input); k++)
            n->input->data[k] = (float)(k * 7919 % 255) / 128 - 1;
    }
    *ret = team_new(threads);
    return OK;
}

static void replicas_run(struct team *t)
{
    team_run(t, team_size(t), replica_work, NULL);
}

static void replicas_close(struct team *t)
{
    for (int i = team_size(t); i-- > 0;)
        network_done(&networks[i]);
    team_free(t);
}
