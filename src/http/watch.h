/* watch.h - connections that hold a thread without getting on are cut off.
 *
 * The library ends connections on which nothing moves at all. A peer that sends or reads a byte now and then (the slow-header and
 * slow-read attacks) would stay for ever: this watches that headers are complete within 20 s of their first byte, and that bodies
 * and answers move at least 4 KiB a minute. */
#pragma once
#include "base/fail.h"

enum phase {
    PHASE_WAIT, /* between requests, or in the headers of one */
    PHASE_BODY, /* the peer sends */
    PHASE_SEND, /* the peer reads */
    PHASE_FREE, /* a handler works, or an endless answer is being sent */
};

struct watch;
struct watched;
MUST_USE enum err watch_start(struct watch **ret);
void watch_stop(struct watch *);
struct watched *watch_add(struct watch *, int socket);
void watch_remove(struct watch *, struct watched *); /* before the socket is closed */
void watch_phase(struct watched *, enum phase);      /* NULL is fine */
