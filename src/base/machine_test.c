#include "base/file.h"
#include "base/machine.h"
#include "base/test.h"
#include <stdlib.h>

static void put(const char *root, const char *name, const char *text)
{
    AUTO(arena) struct arena *a = arena_new();
    char *path = arena_fmt(a, "%s/%s", root, name);
    MUST(file_make_dirs(arena_fmt(a, "%.*s", (int)(strrchr(path, '/') - path), path), 0700));
    MUST(file_write(path, text, strlen(text), 0600));
}

TEST(the_machine_is_as_large_as_its_control_groups_allow)
{
    char root[] = "/tmp/machine-XXXXXX";
    CHECK(mkdtemp(root));
    int all = machine_look("").processors;
    CHECK(all >= 1 && machine_look("").memory_free > 1 << 20);
    CHECK_INT(machine_look(root).memory_free, 1 << 30);

    put(root, "proc/meminfo", "MemTotal:  9000 kB\nMemFree:  10 kB\nMemAvailable:  8000 kB\n");
    CHECK_INT(machine_look(root).memory_free, 8000 << 10);
    put(root, "proc/self/cgroup", "0::/outer/inner\n");
    CHECK_INT(machine_look(root).memory_free, 8000 << 10);
    put(root, "sys/fs/cgroup/outer/inner/memory.max", "max\n");
    put(root, "sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n");
    put(root, "sys/fs/cgroup/outer/memory.max", "4096000\n");
    put(root, "sys/fs/cgroup/outer/memory.current", "2096000\n");
    put(root, "sys/fs/cgroup/outer/memory.stat", "anon 5\ninactive_file 1000000\nactive_file 7\n");
    put(root, "sys/fs/cgroup/outer/cpu.max", "50000 100000\n");
    CHECK_INT(machine_look(root).memory_free, 3000000);
    CHECK_INT(machine_look(root).processors, 1);
    put(root, "sys/fs/cgroup/outer/memory.current", "9000000\n"); /* over its limit for a moment */
    CHECK_INT(machine_look(root).memory_free, 0);
    put(root, "sys/fs/cgroup/outer/cpu.max", "90000000 100000\n");
    CHECK_INT(machine_look(root).processors, all);

    put(root, "proc/self/cgroup", "4:memory:/outside/the/container\n3:cpu,cpuacct:/\nnonsense\n");
    put(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "5000000\n");
    put(root, "sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n");
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    CHECK_INT(machine_look(root).memory_free, 4000000);
    CHECK_INT(machine_look(root).processors, all);
    put(root, "sys/fs/cgroup/cpu/cpu.cfs_quota_us", "100000\n");
    CHECK_INT(machine_look(root).processors, 1);
    MUST(file_remove_tree(root));
}
