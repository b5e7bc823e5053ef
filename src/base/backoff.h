/* backoff.h - pauses between tries of something that another process must do: half a second, twice as long each time, at most half
 * a minute; each by chance between the half of that and all of it, so that many who wait do not all come back at once (Brooker
 * 2015, "Exponential backoff and jitter"). */
#pragma once
#include <stdbool.h>

struct backoff { /* {0}: nothing has failed yet */
    int failures;
};
/* After another failure: seconds until the next try. */
double backoff_next(struct backoff *);
/* Sleeps so long. False: enough() said so meanwhile (NULL: nobody can), and it slept no longer. */
bool backoff_sleep(double seconds, bool (*enough)(void));
