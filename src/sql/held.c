#include "sql/held.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

const double held_bounds[HELD_BUCKETS] = { 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 1e300 };

enum { SLOTS = 512 }; /* more than there are routes and kinds of jobs; what finds no place is not counted */
enum { EMPTY, BEING_NAMED, NAMED };

struct slot {
    atomic_int state;
    char by[HELD_NAME];
    atomic_llong wall[HELD_BUCKETS], cpu[HELD_BUCKETS], wall_us, cpu_us, longest_wall_us, longest_cpu_us;
};

static struct slot own[SLOTS], *slots = own;
static _Thread_local const char *what_now, *which_now;

void held_as(const char *what, const char *which)
{
    what_now = what;
    which_now = which;
}

enum err held_share(const char *path, bool anew)
{
    if (anew && unlink(path) != 0 && errno != ENOENT) /* not emptied: a worker that is on its way out may still count in it */
        return fail(E_BROKEN, "cannot replace %s: %s", path, strerror(errno));
    AUTO(fd) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof own) != 0)
        return fail(err_of_errno(errno), "cannot make %s: %s", path, strerror(errno));
    if (posix_fallocate(fd, 0, sizeof own) != 0)
        return OK; /* a page that found no room later would end the process: this one then counts for itself */
    void *m = mmap(NULL, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (m == MAP_FAILED)
        return fail(E_BROKEN, "cannot map %s: %s", path, strerror(errno));
    slots = m;
    return OK;
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct held_since held_start(void)
{
    return (struct held_since){ clock_seconds(), cpu_seconds() };
}

/* The slot of that name, named now if there is none. A process that died while it named one leaves it unused. */
static struct slot *slot_of(const char *by)
{
    size_t h = 5381;
    for (const char *c = by; *c; c++)
        h = h * 33 ^ (unsigned char)*c;
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *s = &slots[(h + i) % SLOTS];
        int empty = EMPTY;
        if (atomic_compare_exchange_strong(&s->state, &empty, BEING_NAMED)) {
            snprintf(s->by, sizeof s->by, "%s", by);
            atomic_store(&s->state, NAMED);
            return s;
        }
        if (atomic_load(&s->state) == NAMED && strcmp(s->by, by) == 0)
            return s;
    }
    return NULL;
}

static void count(atomic_llong *buckets, atomic_llong *sum_us, atomic_llong *longest_us, double seconds)
{
    long long us = (long long)(seconds * 1e6), longest = atomic_load(longest_us);
    size_t i = 0;
    while (seconds > held_bounds[i])
        i++;
    atomic_fetch_add(&buckets[i], 1);
    atomic_fetch_add(sum_us, us);
    while (us > longest && !atomic_compare_exchange_weak(longest_us, &longest, us))
        ;
}

void held_end(struct held_since since)
{
    char by[HELD_NAME];
    snprintf(by, sizeof by, "%s%s%s", what_now ? what_now : "other", which_now ? " " : "", which_now ? which_now : "");
    double wall = clock_seconds() - since.wall, cpu = cpu_seconds() - since.cpu;
    struct slot *s = slot_of(by);
    if (!s)
        return;
    count(s->wall, &s->wall_us, &s->longest_wall_us, wall);
    count(s->cpu, &s->cpu_us, &s->longest_cpu_us, cpu);
}

void held_each(void (*show)(void *, const struct held *), void *with)
{
    for (struct slot *s = slots; s < slots + SLOTS; s++) {
        if (atomic_load(&s->state) != NAMED)
            continue;
        struct held h = { .by = s->by,
                          .wall_s = (double)atomic_load(&s->wall_us) / 1e6,
                          .cpu_s = (double)atomic_load(&s->cpu_us) / 1e6,
                          .longest_wall_s = (double)atomic_load(&s->longest_wall_us) / 1e6,
                          .longest_cpu_s = (double)atomic_load(&s->longest_cpu_us) / 1e6 };
        for (size_t i = 0; i < HELD_BUCKETS; i++) {
            h.wall[i] = atomic_load(&s->wall[i]);
            h.cpu[i] = atomic_load(&s->cpu[i]);
        }
        show(with, &h);
    }
}
