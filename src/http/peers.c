#include "http/peers.h"
#include "base/arena.h"
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

struct peer {
    uint64_t network;
    int n;
    struct peer *next;
};
struct peers {
    pthread_mutex_t lock;
    int most;
    struct peer *buckets[BUCKETS];
};

struct peers *peers_new(int most)
{
    struct peers *p = heap_take(sizeof *p);
    pthread_mutex_init(&p->lock, NULL);
    p->most = most;
    return p;
}

void peers_free(struct peers *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct peer *q = p->buckets[i], *next; q; q = next) {
            next = q->next;
            free(q);
        }
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* IPv4, also as an IPv6 address of its own: those 32 bits; else the first 64. */
static uint64_t network_of(const struct sockaddr *address)
{
    uint64_t network = 0;
    if (address->sa_family == AF_INET) {
        network = ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr;
    } else if (address->sa_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;
        bool is_v4 = IN6_IS_ADDR_V4MAPPED(a);
        memcpy(&network, a->s6_addr + (is_v4 ? 12 : 0), is_v4 ? 4 : 8);
    }
    return network;
}

static struct peer **find(struct peers *p, uint64_t network)
{
    struct peer **at = &p->buckets[(network * 0x9e3779b97f4a7c15u) >> 54];
    while (*at && (*at)->network != network)
        at = &(*at)->next;
    return at;
}

bool peers_may_come(struct peers *p, const struct sockaddr *address)
{
    pthread_mutex_lock(&p->lock);
    struct peer *q = *find(p, network_of(address));
    bool may = !q || q->n < p->most;
    pthread_mutex_unlock(&p->lock);
    return may;
}

void peers_came(struct peers *p, const struct sockaddr *address)
{
    pthread_mutex_lock(&p->lock);
    struct peer **at = find(p, network_of(address));
    if (!*at) {
        *at = heap_take(sizeof **at);
        (*at)->network = network_of(address);
    }
    (*at)->n++;
    pthread_mutex_unlock(&p->lock);
}

void peers_went(struct peers *p, const struct sockaddr *address)
{
    pthread_mutex_lock(&p->lock);
    struct peer **at = find(p, network_of(address)), *q = *at;
    if (q && --q->n <= 0) {
        *at = q->next;
        free(q);
    }
    pthread_mutex_unlock(&p->lock);
}
