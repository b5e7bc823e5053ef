#include "base/confine.h"
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ULL << 13)
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif

/* Before the second version a file cannot be renamed into another folder at all; the object store does. */
enum { LANDLOCK_LEAST = 2, LANDLOCK_TRUNCATES = 3 };

static const uint64_t file_writes = LANDLOCK_ACCESS_FS_WRITE_FILE;
static const uint64_t folder_writes = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
                                      LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |
                                      LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                                      LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;

void confine_privileges(void)
{
    static const uint32_t kept = 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH;
    struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
    struct __user_cap_data_struct rights[2] = { { 0 } };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    for (unsigned c = 0; prctl(PR_CAPBSET_READ, c) >= 0; c++) /* or else a program that root starts has them all again */
        if (c >= 32 || !(kept >> c & 1))
            prctl(PR_CAPBSET_DROP, c, 0, 0, 0);
    if (syscall(SYS_capget, &head, rights) != 0)
        return;
    for (int i = 0; i < 2; i++) {
        uint32_t keep = rights[i].permitted & (i == 0 ? kept : 0);
        rights[i] = (struct __user_cap_data_struct){ .effective = keep, .permitted = keep, .inheritable = 0 };
    }
    syscall(SYS_capset, &head, rights);
}

static void allow(int rules, const char *path, uint64_t writes)
{
    struct stat st;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0) {
        struct landlock_path_beneath_attr beneath = {
            .parent_fd = fd, .allowed_access = S_ISDIR(st.st_mode) ? writes : writes & (file_writes | LANDLOCK_ACCESS_FS_TRUNCATE)
        };
        syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &beneath, 0);
    }
    close(fd);
}

void confine_writes(const char *const *folders, size_t n)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < LANDLOCK_LEAST)
        return;
    struct landlock_ruleset_attr attr = { .handled_access_fs =
                                              folder_writes | (version >= LANDLOCK_TRUNCATES ? LANDLOCK_ACCESS_FS_TRUNCATE : 0) };
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0)
        return;
    allow(rules, "/dev/null", attr.handled_access_fs);
    for (size_t i = 0; i < n; i++)
        if (folders[i])
            allow(rules, folders[i], attr.handled_access_fs);
    syscall(SYS_landlock_restrict_self, rules, 0);
    close(rules);
}

void confine_offer_to_die(int score)
{
    char text[16];
    int n = snprintf(text, sizeof text, "%d", score), fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t ignored = fd >= 0 ? write(fd, text, (size_t)n) : 0;
    (void)ignored;
    if (fd >= 0)
        close(fd);
}
