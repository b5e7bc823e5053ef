#include "base/sandbox.h"
#include "base/child.h"
#include "base/confine.h"
#include <errno.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifndef ASAN
#define ASAN 0
#endif

static const int allowed[] = {
    /* the descriptors that are there. No call that takes a path, not even newfstatat() with an empty one: the filter sees numbers,
     * not the text. fd_stat() is the C library's fstat() without it. */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(recvmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    /* memory; mmap and mprotect below */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    /* time and waiting */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(alarm),
    SCMP_SYS(setitimer),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    /* facts about itself */
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(getcpu),
    SCMP_SYS(getrusage),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(membarrier),
    /* its own signals and end */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

/* No decoder and no model has business with these: whoever calls them runs somebody else's code. */
static const int deadly[] = {
    SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
    SCMP_SYS(socket), SCMP_SYS(connect),  SCMP_SYS(bind), SCMP_SYS(ptrace),
};

static int add_rules(scmp_filter_ctx f)
{
    int code = 0;
    for (size_t i = 0; i < COUNT_OF(allowed) && code == 0; i++)
        code = seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < COUNT_OF(deadly) && code == 0 && !ASAN; i++)
        code = seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
    static const int mapping[] = { SCMP_SYS(mmap), SCMP_SYS(mprotect) };
    for (size_t i = 0; i < COUNT_OF(mapping) && code == 0; i++)
        code = seccomp_rule_add(f, SCMP_ACT_ALLOW, mapping[i], 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    if (code == 0) /* abort() */
        code = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return code;
}

static enum err limit(int what, uint64_t most)
{
    struct rlimit l = { most, most };
    return setrlimit((__rlimit_resource_t)what, &l) == 0 ? OK : fail(E_BROKEN, "cannot limit a child: %s", strerror(errno));
}

enum err sandbox_enter_writing(uint64_t memory, uint64_t file_bytes)
{
    confine_offer_to_die(700);
    confine_privileges();
    confine_writes(NULL, 0);
    close_range(CHILD_SHARED + 1, ~0U, 0); /* whatever a library has opened for itself */
    TRY(limit(RLIMIT_CORE, 0));
    TRY(limit(RLIMIT_FSIZE, file_bytes));
    TRY(limit(RLIMIT_NOFILE, 32));
    if (!ASAN)
        TRY(limit(RLIMIT_AS, memory));
    if (prctl(PR_SET_DUMPABLE, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return fail(E_BROKEN, "cannot give up privileges: %s", strerror(errno));
    scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!f)
        return fail(E_BROKEN, "cannot make a system call filter");
    int code = seccomp_attr_set(f, SCMP_FLTATR_CTL_TSYNC, 1);
    if (code == 0)
        code = add_rules(f);
    if (code == 0)
        code = seccomp_load(f);
    seccomp_release(f);
    return code == 0 ? OK : fail(E_BROKEN, "cannot load the system call filter: %s", strerror(-code));
}

enum err sandbox_enter(uint64_t memory)
{
    return sandbox_enter_writing(memory, 0);
}
