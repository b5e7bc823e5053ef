/* calm.h - inside infer/: how many threads a run shall take.
 *
 * On a machine that does nothing else, all processors that spin while they wait for each other make one run as short as it can be.
 * As soon as somebody else wants them (another prediction, a training, another program) spinning threads wait for each other's
 * turns with the processor, and a run takes many times as long: then one thread a run, and as many runs at once as there are
 * processors, answers the most and the soonest. Who else is there is seen by the runs themselves: threads that had the processors
 * to themselves used as much time of them as they took by the clock, each. Called with the pool's lock. */
#pragma once
#include <stdbool.h>

struct calm {
    int most; /* threads */
    double crowded_until, spell_s;
    int disturbed; /* of late */
};
void calm_init(struct calm *, int processors);
int calm_threads(const struct calm *, double now);
void calm_company(struct calm *, double now); /* somebody asks while another has not been answered */
void calm_ran(struct calm *, int threads, double run_s, double cpu_s, double now);
