/* calm.h - inside infer/: how many threads a run shall take.
 *
 * On a machine that does nothing else, all processors that spin while they wait for each other make one run as short as it can be.
 * As soon as somebody else wants them (another prediction, a training, another program) spinning threads wait for each other's
 * turns with the processor, and a run takes many times as long: then one thread a run, and as many runs at once as there are
 * processors, answers the most and the soonest. Who else is there is seen by how long the runs take, against the quickest of the
 * same model and against those of one thread; of long ones also by the processors' time, which the kernel adds up in ticks of some
 * milliseconds. Called with the pool's lock. */
#pragma once
#include <stdbool.h>

struct calm {
    int most; /* threads */
    double crowded_until, spell_s;
    int disturbed; /* of late */
    double lost_s; /* by these */
};
struct paces { /* of a model: how long its quickest runs of late took. 0: none is known */
    double one_s, all_s;
};
struct paced {
    int threads;
    double run_s, cpu_s; /* by the clock, and of the processors */
};
void calm_init(struct calm *, int processors);
int calm_threads(const struct calm *, double now);
void calm_company(struct calm *, double now); /* somebody asks while another has not been answered */
void calm_ran(struct calm *, const struct paced *, const struct paces *before, double now);
/* The quickest run of late; one that is never reached again is forgotten in some hundred runs. */
double pace_after(double quickest_s, double run_s);
