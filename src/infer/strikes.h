/* strikes.h - models that took too long: each would hold a process and the processors again and again. After the first time such a
 * model is not tried for 30 s, after each further one for twice as long, an hour at most. Thread-safe. */
#pragma once
#include "blob/blob.h"
#include <pthread.h>

enum { STRIKES = 64 }; /* models remembered; the one whose time ends first makes room */
struct strikes {
    pthread_mutex_t lock;
    struct strike {
        char hash[HASH_SIZE];
        double seconds, until; /* clock_seconds(); 0: none */
    } items[STRIKES];
};
void strikes_init(struct strikes *);
void strikes_done(struct strikes *);
MUST_USE enum err strikes_may_try(struct strikes *, const char *hash); /* E_UNMEANT says when again */
void strikes_slow(struct strikes *, const char *hash);
void strikes_fast(struct strikes *, const char *hash); /* it ran in time: forgotten */
