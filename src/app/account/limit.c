/* How often a login may fail. A fixed table: strangers cannot make it grow; when two keys share a slot the older one is forgotten,
 * which lets through a few tries more at worst. */
#include "app/account/account.h"
#include "base/clock.h"
#include <ctype.h>
#include <pthread.h>
#include <string.h>

enum { SLOTS = 4096, WINDOW_S = 900, PER_NAME = 10, PER_ADDRESS = 100 };

static struct slot {
    uint64_t key;
    double since;
    int failures;
} slots[SLOTS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static uint64_t key_of(const char *name, const char *address)
{
    static uint64_t salt; /* so that nobody outside can choose names that share a slot */
    static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
    pthread_mutex_lock(&once);
    if (!salt)
        random_bytes(&salt, sizeof salt);
    uint64_t h = 14695981039346656037u ^ salt;
    pthread_mutex_unlock(&once);
    for (const char *p = name; *p; p++)
        h = (h ^ (uint64_t)tolower((unsigned char)*p)) * 1099511628211u;
    h = (h ^ 0xff) * 1099511628211u;
    for (const char *p = address; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    return h ^ h >> 29;
}

static struct slot *slot_of(uint64_t key)
{
    struct slot *s = &slots[key % SLOTS];
    if (s->key != key || clock_seconds() - s->since > WINDOW_S)
        *s = (struct slot){ .key = key, .since = clock_seconds() };
    return s;
}

enum err login_begins(const char *username, const char *address)
{
    pthread_mutex_lock(&lock);
    bool many = slot_of(key_of(username, address))->failures >= PER_NAME || slot_of(key_of("", address))->failures >= PER_ADDRESS;
    if (!many) {
        slot_of(key_of(username, address))->failures++;
        slot_of(key_of("", address))->failures++;
    }
    pthread_mutex_unlock(&lock);
    return many ? fail(E_TOO_MANY, "too many failed logins; try again in %d minutes", WINDOW_S / 60) : OK;
}

void login_succeeded(const char *username, const char *address)
{
    pthread_mutex_lock(&lock);
    slot_of(key_of(username, address))->failures = 0;
    struct slot *by_address = slot_of(key_of("", address));
    by_address->failures -= by_address->failures > 0;
    pthread_mutex_unlock(&lock);
}
