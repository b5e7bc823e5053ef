/* child.h - a process of our own at the other end of a socket pair that keeps messages apart (SOCK_SEQPACKET).
 *
 * What a child says is not trusted: messages have a cap, and descriptors that it sends are dropped. */
#pragma once
#include "base/fail.h"
#include <sys/types.h>

struct child {
    pid_t pid; /* 0: none */
    int socket;
};
enum {
    CHILD_SOCKET = 3,
    CHILD_SHARED = 4,
    CHILD_NOT_STARTED = 71,  /* exit code: the program or its sandbox could not be started */
    MESSAGE_SIZE = 128 << 10 /* most bytes of a message */
};

/* The child sees its end of the socket as descriptor CHILD_SOCKET, shared_fd (-1: none) as CHILD_SHARED, standard error, and
 * nothing else of ours. argv NULL: a fork that calls run(), which must not return. Otherwise argv[0] is the path of the program; of
 * the environment only what the loader, the sanitizers and SACCADE_* need goes along. */
MUST_USE enum err child_start(const char *const *argv, void (*run)(void), int shared_fd, struct child *ret);
bool child_is_gone(const struct child *); /* it has ended, or closed its socket, while nobody waited for it */

/* OK: a message of *ret_n bytes. E_CANCELLED: the child ended, *ret_status as by waitpid(), and is reaped. E_BUSY: nothing came for
 * so many seconds; the child still runs. */
MUST_USE enum err child_ask(struct child *, const void *message, size_t n, const int *fds, size_t n_fds, double seconds, void *ret,
                            size_t room, size_t *ret_n, int *ret_status);
/* The two halves of it. The first: E_CANCELLED if the child has ended, which the second tells better. */
MUST_USE enum err child_tell(struct child *, const void *message, size_t n, const int *fds, size_t n_fds);
MUST_USE enum err child_hear(struct child *, double seconds, void *ret, size_t room, size_t *ret_n, int *ret_status);
int child_end(struct child *); /* kills and reaps; answers the status; one that is not there is fine */

/* The child's side. E_CANCELLED: the other end has closed. idle_s > 0: E_BUSY when nothing came for so long.
 * ret_fds: room for max_fds descriptors, -1 where none came. */
MUST_USE enum err message_receive(int socket, int idle_s, void *ret, size_t room, size_t *ret_n, int *ret_fds, size_t max_fds);
MUST_USE enum err message_send(int socket, const void *message, size_t n, const int *fds, size_t n_fds);

/* A piece of memory that a process and its child both see. Its size is sealed, so that the child cannot pull it away. Sparse: only
 * pages that were written take memory. */
MUST_USE enum err shared_memory(const char *name, size_t bytes, int *ret_fd, void **ret);
