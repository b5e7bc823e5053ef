#include "base/backoff.h"
#include "base/clock.h"
#include <math.h>
#include <unistd.h>

static const double FIRST_S = 0.5, MOST_S = 30;
enum { LOOK_MS = 50, DOUBLINGS = 6 };

double backoff_next(struct backoff *b)
{
    uint32_t chance;
    random_bytes(&chance, sizeof chance);
    double all = fmin(MOST_S, ldexp(FIRST_S, b->failures));
    b->failures += b->failures < DOUBLINGS;
    return all / 2 + all / 2 * (double)chance / UINT32_MAX;
}

bool backoff_sleep(double seconds, bool (*enough)(void))
{
    for (double until = clock_seconds() + seconds, left; (left = until - clock_seconds()) > 0;) {
        if (enough && enough())
            return false;
        usleep((useconds_t)(fmin(left, LOOK_MS / 1000.0) * 1e6) + 1);
    }
    return true;
}
