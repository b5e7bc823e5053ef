/* replicas.h - one thread for each replica of a network. The threads wait without spinning. */
#pragma once
#include "base/fail.h"

struct replicas;
MUST_USE enum err replicas_new(int threads, struct replicas **ret);
void replicas_free(struct replicas *);
/* Calls work(with, i) on thread i for every i below the number of threads, at once, and waits for all. */
void replicas_run(struct replicas *, void (*work)(void *with, int i), void *with);
