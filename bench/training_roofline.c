/* Which share of the processor's peak each kernel of a network reaches in a training step (a roofline, Williams et al. 2009):
 * `training_roofline MODEL THREADS BATCH SIZE auto|f32|bf16 STEPS [shapes]`. Times are processor time of one thread while all work,
 * so that other processes disturb them little. A kernel's least time is that of its arithmetic at the measured peak or of its
 * memory at the measured bandwidth, whichever is longer; the share is least time / time; in bf16 the shares are of f32's peak and
 * bytes still, and a convolution counts as the sum over its window, also where minimal filtering needs fewer multiplications. */
#include "base/clock.h"
#include "nn/profile.h"
#include "replicas.h"
#include <stdio.h>

enum { CHAINS = 12, LOOPS = 2000000, STREAM = 16 << 20, ROUNDS = 5 };

struct peak { /* of one core, while all work */
    double flop_s, bytes_s;
};
static struct peak peaks[THREADS_MOST];
static float sinks[THREADS_MOST];

/* Independent chains of multiply-adds on whole registers, enough of them to hide the latency. */
#define CHAIN_LIST(X) X(a) X(b) X(c) X(d) X(e) X(f) X(g) X(h) X(i) X(j) X(k) X(l)
#define MULTIPLY_ADD(name, floats, features)                                                                                       \
    __attribute__((target(features))) static float name(void)                                                                      \
    {                                                                                                                              \
        typedef float vector __attribute__((vector_size(sizeof(float) * floats)));                                                 \
        vector by = { 0.5f }, plus = { 1 };                                                                                        \
        CHAIN_LIST(CHAIN_BEGIN)                                                                                                    \
        for (int loop = 0; loop < LOOPS; loop++) {                                                                                 \
            CHAIN_LIST(CHAIN_STEP)                                                                                                 \
        }                                                                                                                          \
        return 0 CHAIN_LIST(CHAIN_END);                                                                                            \
    }
#define CHAIN_BEGIN(x) vector x = plus;
#define CHAIN_STEP(x)                                                                                                              \
    x = x * by + plus;                                                                                                             \
    __asm__ volatile("" : "+v"(x));
#define CHAIN_END(x) +x[0]
MULTIPLY_ADD(multiply_add_16, 16, "avx512f,fma")
MULTIPLY_ADD(multiply_add_8, 8, "avx2,fma")

static void measure_peak(void *with, int i, int thread)
{
    (void)with, (void)thread;
    bool wide = __builtin_cpu_supports("avx512f");
    struct peak *p = &peaks[i];
    float *a = heap_take(2 * (size_t)STREAM * sizeof *a);
    for (int k = 0; k < ROUNDS; k++) {
        double at = thread_seconds();
        sinks[i] += wide ? multiply_add_16() : multiply_add_8();
        double flop_s = 2.0 * CHAINS * LOOPS * (wide ? 16 : 8) / (thread_seconds() - at);
        at = thread_seconds();
        memcpy(a + (k & 1 ? STREAM : 0), a + (k & 1 ? 0 : STREAM), STREAM * sizeof *a);
        double bytes_s = 2.0 * STREAM * sizeof *a / (thread_seconds() - at);
        p->flop_s = flop_s > p->flop_s ? flop_s : p->flop_s;
        p->bytes_s = k && bytes_s > p->bytes_s ? bytes_s : p->bytes_s;
    }
    free(a);
}

static double least(const struct peak *p, double flop, double bytes)
{
    double a = flop / p->flop_s, m = bytes / p->bytes_s;
    return a > m ? a : m;
}

static void print_row(const struct peak *p, const struct cost *c)
{
    double s = c->forward_s + c->backward_s, flop = c->forward_flop + c->backward_flop;
    double bound = least(p, c->forward_flop, c->forward_bytes) + least(p, c->backward_flop, c->backward_bytes);
    if (s > 0)
        printf("%-48s %3d  %8.3f %8.3f  %7.3f %7.1f %7.1f  %4.0f %%  %4.0f %%\n", c->what, c->steps, c->forward_s * 1e3,
               c->backward_s * 1e3, flop * 1e-9, flop / s * 1e-9, (c->forward_bytes + c->backward_bytes) / s * 1e-9,
               100 * flop / s / p->flop_s, 100 * bound / s);
}

static void print(struct graph *g, const struct peak *p, bool shapes)
{
    AUTO(arena) struct arena *a = arena_new();
    struct cost *costs, all = { .what = "all" };
    int n = graph_costs(g, a, shapes, &costs);
    double over, bytes = (double)graph_value_bytes(g, &over);
    printf("values and gradients: %.1f MB, %.3f times what is in use at one time\n", bytes * 1e-6, over);
    printf("peak of one core: %.0f GFLOP/s, %.1f GB/s\n", p->flop_s * 1e-9, p->bytes_s * 1e-9);
    printf("%-48s %3s  %8s %8s  %7s %7s %7s  %6s  %6s\n", "", "", "ms forth", "ms back", "GFLOP", "GFLOP/s", "GB/s", "peak",
           "bound");
    for (int i = 0; i < n; i++) {
        const struct cost *c = &costs[i];
        print_row(p, c);
        all.steps += c->steps;
        all.forward_s += c->forward_s;
        all.backward_s += c->backward_s;
        all.forward_flop += c->forward_flop;
        all.backward_flop += c->backward_flop;
        all.forward_bytes += c->forward_bytes;
        all.backward_bytes += c->backward_bytes;
    }
    print_row(p, &all);
}

int main(int argc, char **argv)
{
    struct team *team;
    if (argc < 2 + REPLICA_ARGUMENTS) {
        fprintf(stderr, "usage: training_roofline MODEL THREADS BATCH SIZE auto|f32|bf16 STEPS [shapes]\n");
        return 64;
    }
    bool shapes = argc > 2 + REPLICA_ARGUMENTS;
    enum err e = replicas_open(argv + 1, &team);
    if (e != OK) {
        fprintf(stderr, "%s\n", fail_text());
        return err_exit_code(e);
    }
    AUTO(arena) struct arena *a = arena_new();
    struct cost *none;
    team_run(team, team_size(team), measure_peak, NULL);
    replicas_run(team);
    graph_costs(networks[0].graph, a, shapes, &none); /* the first step's are forgotten */
    for (int s = (int)strtol(argv[1 + REPLICA_ARGUMENTS], NULL, 10); s > 0; s--)
        replicas_run(team);
    print(networks[0].graph, &peaks[0], shapes);
    replicas_close(team);
    return 0;
}
