#include "base/child.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char *const kept[] = { "SACCADE_", "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "OMP_" };

static char **child_environment(struct arena *a)
{
    size_t n = 0, all = 0;
    while (environ[all])
        all++;
    char **ret = arena_new_array(a, char *, all + 1);
    for (size_t i = 0; i < all; i++)
        for (size_t k = 0; k < COUNT_OF(kept); k++)
            if (strncmp(environ[i], kept[k], strlen(kept[k])) == 0) {
                ret[n++] = environ[i];
                break;
            }
    return ret;
}

/* Between fork() and exec() only calls that are safe after a signal: other threads may have held any lock. Both descriptors are
 * first moved out of the way of the numbers they shall have. */
static void arrange_descriptors(int socket, int shared)
{
    enum { AWAY = 64 };
    int s = fcntl(socket, F_DUPFD, AWAY), m = shared >= 0 ? fcntl(shared, F_DUPFD, AWAY) : -1;
    int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, 0);
    dup2(nothing, 1);
    dup2(s, CHILD_SOCKET);
    if (m >= 0)
        dup2(m, CHILD_SHARED);
    close_range(m >= 0 ? CHILD_SHARED + 1 : CHILD_SOCKET + 1, ~0U, 0);
}

static _Noreturn void become_child(const char *const *argv, char **environment, void (*run)(void), int socket, int shared)
{
    static const int quiet[] = { SIGINT, SIGHUP };
    for (int s = 1; s < NSIG; s++)
        signal(s, SIG_DFL);
    for (size_t i = 0; i < COUNT_OF(quiet); i++)
        signal(quiet[i], SIG_IGN); /* a Ctrl-C goes to all; the child ends when its parent does */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    arrange_descriptors(socket, shared);
    if (!argv)
        run();
    else
        execve(argv[0], (char *const *)(uintptr_t)argv, environment);
    _exit(CHILD_NOT_STARTED);
}

enum err child_start(const char *const *argv, void (*run)(void), int shared_fd, struct child *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    char **environment = child_environment(a);
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(E_BROKEN, "cannot make a socket pair: %s", strerror(errno));
    static const int room = 2 * MESSAGE_SIZE;
    for (int i = 0; i < 2; i++)
        setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    pid_t pid = fork();
    if (pid == 0)
        become_child(argv, environment, run, ends[1], shared_fd);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return fail(E_BROKEN, "cannot start a process: %s", strerror(errno));
    }
    *ret = (struct child){ pid, ends[0] };
    return OK;
}

bool child_is_gone(const struct child *c)
{
    struct pollfd p = { .fd = c->socket, .events = POLLIN };
    return poll(&p, 1, 0) != 0; /* an idle child has nothing to say: readable means that its end is closed */
}

int child_end(struct child *c)
{
    int status = 0;
    if (c->pid <= 0)
        return status;
    kill(c->pid, SIGKILL);
    close(c->socket);
    while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
        ;
    *c = (struct child){ 0, -1 };
    return status;
}

/* Its socket is closed, so it ends by itself: let it, to learn how. */
static enum err ended(struct child *c, int *ret_status)
{
    *ret_status = 0;
    for (int i = 0; i < 200; i++) {
        pid_t got = waitpid(c->pid, ret_status, WNOHANG);
        if (got == c->pid) {
            close(c->socket);
            *c = (struct child){ 0, -1 };
            return fail(E_CANCELLED, "the child process ended");
        }
        if (got < 0 && errno != EINTR)
            break;
        usleep(5000);
    }
    *ret_status = child_end(c);
    return fail(E_CANCELLED, "the child process ended");
}

enum err message_send(int socket, const void *message, size_t n, const int *fds, size_t n_fds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 4)];
    } control = { 0 };
    struct iovec part = { (void *)(uintptr_t)message, n };
    struct msghdr m = { .msg_iov = &part, .msg_iovlen = 1 };
    if (n_fds > 4 || n > MESSAGE_SIZE)
        return fail(E_TOO_BIG, "a message of %zu bytes and %zu descriptors", n, n_fds);
    if (n_fds) {
        m.msg_control = control.bytes;
        m.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * n_fds);
    }
    ssize_t put;
    do
        put = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (put < 0 && errno == EINTR);
    if (put < 0)
        return fail(E_CANCELLED, "the other end of the socket: %s", strerror(errno));
    return OK;
}

/* E_BUSY after so many seconds; -1: never. */
static enum err wait_readable(int socket, double seconds)
{
    double end = clock_seconds() + seconds;
    for (;;) {
        double left = end - clock_seconds();
        struct pollfd p = { .fd = socket, .events = POLLIN };
        int got = poll(&p, 1, seconds < 0 ? -1 : left > 0 ? (int)(left * 1000) + 1 : 0);
        if (got > 0)
            return OK;
        if (got == 0)
            return fail(E_BUSY, "no message came for %.1f s", seconds);
        if (errno != EINTR)
            return fail(E_BROKEN, "poll: %s", strerror(errno));
    }
}

enum err message_receive(int socket, int idle_s, void *ret, size_t room, size_t *ret_n, int *ret_fds, size_t max_fds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 4)];
    } control = { 0 };
    struct iovec part = { ret, room };
    struct msghdr m = { .msg_iov = &part,
                        .msg_iovlen = 1,
                        .msg_control = max_fds ? control.bytes : NULL,
                        .msg_controllen = max_fds ? sizeof control.bytes : 0 };
    TRY(wait_readable(socket, idle_s > 0 ? idle_s : -1));
    ssize_t got;
    do
        got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return fail(E_CANCELLED, "the other end of the socket is closed");
    for (size_t i = 0; i < max_fds; i++)
        ret_fds[i] = -1;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (i < max_fds)
                ret_fds[i] = fd;
            else
                close(fd);
        }
    }
    *ret_n = (size_t)got;
    return OK;
}

enum err child_tell(struct child *c, const void *message, size_t n, const int *fds, size_t n_fds)
{
    return message_send(c->socket, message, n, fds, n_fds);
}

enum err child_hear(struct child *c, double seconds, void *ret, size_t room, size_t *ret_n, int *ret_status)
{
    TRY(wait_readable(c->socket, seconds));
    enum err e = message_receive(c->socket, 0, ret, room, ret_n, NULL, 0);
    return e == E_CANCELLED ? ended(c, ret_status) : e;
}

enum err child_ask(struct child *c, const void *message, size_t n, const int *fds, size_t n_fds, double seconds, void *ret,
                   size_t room, size_t *ret_n, int *ret_status)
{
    enum err e = child_tell(c, message, n, fds, n_fds);
    if (e != OK)
        return e == E_CANCELLED ? ended(c, ret_status) : e;
    return child_hear(c, seconds, ret, room, ret_n, ret_status);
}

enum err shared_memory(const char *name, size_t bytes, int *ret_fd, void **ret)
{
    AUTO(fd) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        return fail(E_BROKEN, "cannot make shared memory: %s", strerror(errno));
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        return fail(E_BROKEN, "cannot map shared memory: %s", strerror(errno));
    *ret_fd = fd;
    *ret = at;
    fd = -1;
    return OK;
}
