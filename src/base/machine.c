#include "base/machine.h"
#include "base/arena.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_CAP = 1 << 14 };

/* A control group's folder with its files; each version has other names for the same. */
struct group_files {
    const char *controller; /* NULL: of version 2, which has one folder for all */
    const char *mount, *memory_most, *memory_used, *forgettable;
};
static const struct group_files versions[] = {
    { NULL, "", "memory.max", "memory.current", "\ninactive_file " },
    { "memory", "/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "\ntotal_inactive_file " },
    { "cpu", "/cpu", NULL, NULL, NULL },
};

/* Such files say that they have no bytes, and must be read to know better. "": it cannot be read. */
static const char *text_of(struct arena *a, const char *path)
{
    char *text = arena_take(a, FILE_CAP + 1);
    FILE *f = fopen(path, "re");
    text[f ? fread(text, 1, FILE_CAP, f) : 0] = 0;
    if (f)
        fclose(f);
    return text;
}

/* The number after `before` in a file; `missing` where there is none, as in "max". */
static size_t number_in(struct arena *a, const char *dir, const char *name, const char *before, size_t missing)
{
    const char *text = arena_fmt(a, "\n%s", text_of(a, arena_fmt(a, "%s/%s", dir, name))), *at = strstr(text, before);
    char *end;
    if (!at)
        return missing;
    at += strlen(before);
    unsigned long long n = strtoull(at, &end, 10);
    return end == at ? missing : (size_t)n;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Files that were read long ago count as used, but give way. */
static size_t memory_left(struct arena *a, const char *dir, const struct group_files *f)
{
    size_t most = number_in(a, dir, f->memory_most, "\n", SIZE_MAX), used = number_in(a, dir, f->memory_used, "\n", 0);
    size_t gives_way = number_in(a, dir, "memory.stat", f->forgettable, 0);
    used -= smaller(gives_way, used);
    return most == SIZE_MAX ? most : most - smaller(used, most);
}

static size_t processors_of(struct arena *a, const char *dir, const struct group_files *f)
{
    size_t quota, period;
    if (f->controller) {
        quota = number_in(a, dir, "cpu.cfs_quota_us", "\n", 0); /* -1: none */
        period = number_in(a, dir, "cpu.cfs_period_us", "\n", 0);
        return (long long)quota <= 0 || !period ? SIZE_MAX : (quota + period - 1) / period;
    }
    quota = number_in(a, dir, "cpu.max", "\n", 0); /* "max 100000" or "150000 100000" */
    period = quota ? number_in(a, dir, "cpu.max", arena_fmt(a, "\n%zu ", quota), 0) : 0;
    return !period ? SIZE_MAX : (quota + period - 1) / period;
}

static bool lists(struct arena *a, const char *controllers, const char *wanted)
{
    return strstr(arena_fmt(a, ",%s,", controllers), arena_fmt(a, ",%s,", wanted)) != NULL;
}

/* A group and those it lies in, up to the root that is mounted. */
static void look_at_groups(struct arena *a, const char *root, const struct group_files *f, char *path, struct machine *m)
{
    for (;;) {
        const char *dir = arena_fmt(a, "%s/sys/fs/cgroup%s%s", root, f->mount, path);
        if (f->memory_most)
            m->memory_free = smaller(m->memory_free, memory_left(a, dir, f));
        if (!f->controller || !f->memory_most)
            m->processors = (int)smaller((size_t)m->processors, processors_of(a, dir, f));
        char *slash = strrchr(path, '/');
        if (!slash)
            return;
        *slash = 0;
    }
}

struct machine machine_look(const char *root)
{
    AUTO(arena) struct arena *a = arena_new();
    cpu_set_t set;
    struct machine m = { sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1, (size_t)1 << 30 };
    size_t kib = number_in(a, arena_fmt(a, "%s/proc", root), "meminfo", "\nMemAvailable:", 0);
    if (kib)
        m.memory_free = kib << 10;
    char *save, *text = arena_str(a, text_of(a, arena_fmt(a, "%s/proc/self/cgroup", root)));
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) { /* "4:memory:/path", "0::/path" */
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        controllers++;
        for (size_t i = 0; i < COUNT_OF(versions); i++)
            if (versions[i].controller ? lists(a, controllers, versions[i].controller) : !*controllers)
                look_at_groups(a, root, &versions[i], arena_str(a, path), &m);
    }
    return m;
}
