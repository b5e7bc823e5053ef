#include "base/child.h"
#include "base/sandbox.h"
#include "base/test.h"
#include <errno.h>
#include <fcntl.h>
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
    int inherited = open("/dev/null", O_WRONLY);
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
