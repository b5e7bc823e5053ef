/* peers.h - how many connections each address has, so that one cannot take them all.
 * An IPv6 peer is counted by its network (the first 64 bits): a single machine has all addresses of it. */
#pragma once
#include "base/fail.h"
#include <sys/socket.h>

struct peers;
struct peers *peers_new(int most); /* connections of one address */
void peers_free(struct peers *);
bool peers_may_come(struct peers *, const struct sockaddr *);
void peers_came(struct peers *, const struct sockaddr *);
void peers_went(struct peers *, const struct sockaddr *);
