#include "cli/keeper.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ARGS = 32, LONGEST_PAUSE_S = 30, STEADY_S = 60 };

struct keeper {
    char *argv[ARGS];
    char *name;
    pthread_t thread;
    pthread_mutex_t lock;
    pid_t pid;
    bool ending;
};

static pid_t start(struct keeper *c)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    execv(c->argv[0], c->argv);
    _exit(127);
}

static bool pause_or_end(struct keeper *c, double seconds)
{
    for (double until = clock_seconds() + seconds; clock_seconds() < until; usleep(20000)) {
        pthread_mutex_lock(&c->lock);
        bool ending = c->ending;
        pthread_mutex_unlock(&c->lock);
        if (ending)
            return true;
    }
    return false;
}

/* PR_SET_PDEATHSIG follows the thread that forked: this one lives as long as the child does. */
static void *watch(void *with)
{
    struct keeper *c = with;
    for (double pause = 0.25;;) {
        double began = clock_seconds();
        pthread_mutex_lock(&c->lock);
        pid_t pid = c->ending ? -1 : start(c);
        c->pid = pid;
        bool ending = c->ending;
        pthread_mutex_unlock(&c->lock);
        if (ending)
            return NULL;
        int status = 0;
        while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        pthread_mutex_lock(&c->lock);
        c->pid = 0;
        ending = c->ending;
        pthread_mutex_unlock(&c->lock);
        if (ending)
            return NULL;
        log_line(LOG_WARN, NULL, "%s ended (%s %d) and is started again in %.2g s", c->name,
                 WIFSIGNALED(status) ? "signal" : "exit", WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), pause);
        if (pause_or_end(c, pause))
            return NULL;
        pause = clock_seconds() - began > STEADY_S ? 0.25 : pause * 2 < LONGEST_PAUSE_S ? pause * 2 : LONGEST_PAUSE_S;
    }
}

static void free_keeper(struct keeper *c)
{
    for (size_t i = 0; c->argv[i]; i++)
        free(c->argv[i]);
    free(c->name);
    free(c);
}

enum err keeper_start(const char *const *argv, const char *name, struct keeper **ret)
{
    struct keeper *c = heap_take(sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    c->name = heap_str(name);
    for (size_t i = 0; argv[i] && i + 1 < ARGS; i++)
        c->argv[i] = heap_str(argv[i]);
    if (pthread_create(&c->thread, NULL, watch, c) != 0) {
        free_keeper(c);
        return fail(E_BROKEN, "cannot watch over %s", name);
    }
    *ret = c;
    return OK;
}

void keeper_stop(struct keeper *c, double grace_s)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->ending = true;
    if (c->pid > 0)
        kill(c->pid, SIGTERM);
    pthread_mutex_unlock(&c->lock);
    bool gone = false;
    for (double until = clock_seconds() + grace_s; !gone && clock_seconds() < until; usleep(5000)) {
        pthread_mutex_lock(&c->lock);
        gone = c->pid <= 0;
        pthread_mutex_unlock(&c->lock);
    }
    pthread_mutex_lock(&c->lock);
    if (c->pid > 0)
        kill(c->pid, SIGKILL);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    free_keeper(c);
}
