/* Times whole training steps of one of our networks, for bench/training: a replica for each thread, each with its part of the
 * batch. Reads a number of steps a line from standard input, makes them, and answers the median milliseconds of a step by the clock
 * and of the processors' time. */
#include "nn/optim.h"
#include "replicas.h"
#include <stdio.h>
#include <time.h>

enum { STEPS_MOST = 10000 };

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

static void answer(struct team *team)
{
    static double times[STEPS_MOST], busy[STEPS_MOST];
    struct graph *graphs[THREADS_MOST];
    for (int i = 0; i < team_size(team); i++)
        graphs[i] = networks[i].graph;
    struct optim *sgd = optim_new(graphs[0], &(struct optim_options){ .kind = OPTIM_SGD, .momentum = 0.9f, .weight_decay = 5e-4f });
    for (int steps; scanf("%d", &steps) == 1 && steps > 0 && steps <= STEPS_MOST;) {
        for (int s = 0; s < steps; s++) {
            double at = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
            replicas_run(team);
            optim_step(sgd, team, graphs, (size_t)team_size(team), 0.01f, (float)(team_size(team) * networks[0].batch));
            times[s] = (seconds(CLOCK_MONOTONIC) - at) * 1e3;
            busy[s] = (seconds(CLOCK_PROCESS_CPUTIME_ID) - used) * 1e3;
        }
        qsort(times, (size_t)steps, sizeof *times, by_value);
        qsort(busy, (size_t)steps, sizeof *busy, by_value);
        printf("%.3f %.3f\n", times[steps / 2], busy[steps / 2]);
        fflush(stdout);
    }
    optim_free(sgd);
}

int main(int argc, char **argv)
{
    struct team *team;
    if (argc != 1 + REPLICA_ARGUMENTS) {
        fprintf(stderr, "usage: training_step MODEL THREADS BATCH SIZE auto|f32|bf16\n");
        return 64;
    }
    enum err e = replicas_open(argv + 1, &team);
    if (e != OK) {
        fprintf(stderr, "%s\n", fail_text());
        return err_exit_code(e);
    }
    answer(team);
    replicas_close(team);
    return 0;
}
