/* Times whole training steps of one of our networks, for bench/training: a replica for each thread, each with its part of the
 * batch. Reads a number of steps a line from standard input, makes them, and answers the median milliseconds of a step by the clock
 * and of the processors' time. */
#include "base/team.h"
#include "lite0_fpn.h"
#include "nn/graph.h"
#include "nn/optim.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { THREADS_MOST = 64, STEPS_MOST = 10000 };
static const float PULL = 1e-3f; /* the loss is PULL / 2 times the sum of the squared outputs */

static struct network networks[THREADS_MOST];

static void back_through(struct tensor *y)
{
    for (size_t i = 0; i < tensor_count(y); i++)
        y->grad[i] = PULL * y->data[i];
}

static void work(void *with, int i, int thread)
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

static double seconds(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static enum err run(const char *name, int threads, int batch, int size, const struct plan_options *o)
{
    struct graph *graphs[THREADS_MOST];
    struct team *team;
    static double times[STEPS_MOST], busy[STEPS_MOST];
    const struct model *model = bench_model(name);
    if (!model || threads < 1 || threads > THREADS_MOST || batch % threads)
        return fail(E_INVALID, "no model '%s', or a batch of %d is not for %d threads", name, batch, threads);
    for (int i = 0; i < threads; i++) {
        struct network *n = &networks[i];
        TRY(network_new_with(model, batch / threads, (struct frame){ size, size }, 2, 1, o, i ? &networks[0] : NULL, n));
        for (size_t k = 0; k < tensor_count(n->input); k++)
            n->input->data[k] = (float)(k * 7919 % 255) / 128 - 1;
        graphs[i] = n->graph;
    }
    team = team_new(threads);
    struct optim *sgd = optim_new(graphs[0], &(struct optim_options){ .kind = OPTIM_SGD, .momentum = 0.9f, .weight_decay = 5e-4f });
    for (int steps; scanf("%d", &steps) == 1 && steps > 0 && steps <= STEPS_MOST;) {
        for (int s = 0; s < steps; s++) {
            double at = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
            team_run(team, threads, work, NULL);
            optim_step(sgd, team, graphs, (size_t)threads, 0.01f, (float)batch);
            times[s] = (seconds(CLOCK_MONOTONIC) - at) * 1e3;
            busy[s] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - used) * 1e3;
        }
        qsort(times, (size_t)steps, sizeof *times, by_value);
        qsort(busy, (size_t)steps, sizeof *busy, by_value);
        printf("%.3f %.3f\n", times[steps / 2], busy[steps / 2]);
        fflush(stdout);
    }
    optim_free(sgd);
    team_free(team);
    for (int i = threads; i-- > 0;)
        network_done(&networks[i]);
    return OK;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: training_step MODEL THREADS BATCH SIZE auto|f32|bf16\n");
        return 64;
    }
    bool f32 = strcmp(argv[5], "f32") == 0, bf16 = strcmp(argv[5], "bf16") == 0;
    struct plan_options o = { .precision = f32 ? PRECISION_F32 : bf16 ? PRECISION_BF16 : PRECISION_AUTO };
    enum err e = run(argv[1], (int)strtol(argv[2], NULL, 10), (int)strtol(argv[3], NULL, 10), (int)strtol(argv[4], NULL, 10), &o);
    if (e != OK)
        fprintf(stderr, "%s\n", fail_text());
    return err_exit_code(e);
}
