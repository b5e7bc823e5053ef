#include "base/child.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "base/test.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs in a forked child: tries what must not work; the exit code says what did. 0 is all well. */
static int try_everything(void)
{
    struct stat st;
    int opened = open("/dev/null", O_WRONLY), inherited = dup2(opened, CHILD_SHARED), more = dup2(opened, CHILD_SHARED + 1);
    if (sandbox_enter(64ULL << 20) != OK)
        return 1;
    if (open("/etc/passwd", O_RDONLY) >= 0 || errno != EPERM)
        return 2;
    if (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        return 3;
    if (unlink("/tmp/saccade-none") == 0 || errno != EPERM)
        return 4;
    if (kill(getppid(), 0) == 0)
        return 5;
    if (prctl(PR_SET_DUMPABLE, 1) == 0)
        return 6;
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || (page[0] = 1, page[0]) != 1)
        return 7;
    if (write(inherited, "x", 1) != 1)
        return 8;
    if (syscall(SYS_newfstatat, AT_FDCWD, "/etc/passwd", &st, AT_EMPTY_PATH) == 0 || errno != EPERM)
        return 9;
    if (syscall(SYS_newfstatat, inherited, "/etc/passwd", &st, AT_EMPTY_PATH) == 0 || errno != EPERM)
        return 10;
    if (fd_stat(inherited, &st) != 0 || !S_ISCHR(st.st_mode))
        return 11;
    if (fd_stat(more, &st) == 0)
        return 12;
    return 0;
}

static int status_of(int (*run)(void))
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(run());
    int status = -1;
    CHECK_INT(waitpid(pid, &status, 0), pid);
    return status;
}

TEST(a_sandboxed_process_can_only_compute)
{
    int status = status_of(try_everything);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
}

static const char *confined_folder;

static bool can_write(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    return fd >= 0 && close(fd) == 0;
}

static int try_writing(void)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *const folders[] = { NULL, "/no/such/folder", confined_folder };
    const char *inside = arena_fmt(a, "%s/inside", confined_folder), *sub = arena_fmt(a, "%s/sub", confined_folder);
    confine_privileges();
    confine_writes(folders, COUNT_OF(folders));
    if (can_write("/tmp/saccade_outside") || errno != EACCES)
        return 1;
    if (!can_write(inside) || mkdir(sub, 0700) != 0 || rename(inside, arena_fmt(a, "%s/moved", sub)) != 0)
        return 2;
    if (file_remove_tree(sub) != OK || !can_write("/dev/null"))
        return 3;
    if (open("/etc/passwd", O_RDONLY) < 0)
        return 4;
    if (prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) != 0 && getuid() == 0)
        return 5;
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1 || (getuid() == 0 && setuid(12345) == 0))
        return 6;
    return 0;
}

TEST(a_confined_process_changes_files_in_its_folder_only)
{
    char folder[] = "/tmp/saccade_confined_XXXXXX";
    CHECK(mkdtemp(folder));
    confined_folder = folder;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) >= 2) {
        int status = status_of(try_writing);
        CHECK(WIFEXITED(status));
        CHECK_INT(WEXITSTATUS(status), 0);
    }
    MUST(file_remove_tree(folder));
}

static int make_a_socket(void)
{
    if (sandbox_enter(64ULL << 20) != OK)
        return 1;
    return syscall(SYS_socket, AF_INET, SOCK_STREAM, 0) >= 0 ? 2 : 0;
}

TEST(a_sandboxed_process_makes_no_socket)
{
    int status = status_of(make_a_socket);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

static void echo(void)
{
    char bytes[64];
    size_t n;
    int fds[1];
    while (message_receive(CHILD_SOCKET, 0, bytes, sizeof bytes, &n, fds, 1) == OK) {
        if (n == 4 && memcmp(bytes, "exit", 4) == 0)
            _exit(7);
        bytes[0] = (char)(fds[0] >= 0 ? 'f' : bytes[0]);
        if (message_send(CHILD_SOCKET, bytes, n, fds, fds[0] >= 0 ? 1 : 0) != OK)
            break;
    }
    _exit(0);
}

TEST(a_child_answers_says_how_it_ended_and_its_descriptors_are_dropped)
{
    struct child c;
    char answer[64];
    size_t n;
    int status, fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    MUST(child_start(NULL, echo, -1, &c));
    int free_number = dup(fd);
    close(free_number);
    MUST(child_ask(&c, "hello", 5, NULL, 0, 5, answer, sizeof answer, &n, &status));
    CHECK(n == 5 && memcmp(answer, "hello", 5) == 0);
    MUST(child_ask(&c, "hello", 5, &fd, 1, 5, answer, sizeof answer, &n, &status));
    CHECK(n == 5 && memcmp(answer, "fello", 5) == 0);
    int after = dup(fd);
    close(after);
    CHECK_INT(after, free_number); /* what it sent took no number here */
    close(fd);
    MUST_FAIL(child_ask(&c, "exit", 4, NULL, 0, 5, answer, sizeof answer, &n, &status), E_CANCELLED, "ended");
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK_INT(c.pid, 0);
}
