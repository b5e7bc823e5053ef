#include "app/experiment/train_job.h"
#include "app/account/account.h"
#include "app/experiment/experiment.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_MS = 500,
    STOP_S = 20,      /* from asking the trainer to stop to killing it */
    RESTARTS = 3,     /* after deaths by signal without having come further */
    LOOKS_MOST = 240, /* in a row that failed: two minutes in which the database could not be read */
    TAIL = 1500,      /* bytes of the trainer's last words that are shown */
    TOKEN_DAYS = 30,
};

struct training {
    struct job *job;
    const struct services *services;
    const char *id, *dir, *log;
    const char *token, *token_id;
    char status[16];
    double progress;
    bool gone; /* the experiment was deleted */
};

static enum err look(struct training *t)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(t->job->db, &r, "SELECT status, progress FROM experiment WHERE id = ?1", V(t->id));
    t->gone = e == E_NOT_FOUND;
    if (t->gone)
        return OK;
    TRY(e);
    memcpy(t->status, rows_text(r, 0), strnlen(rows_text(r, 0), sizeof t->status - 1) + 1);
    t->progress = rows_real(r, 1);
    return OK;
}

static bool is(const struct training *t, const char *status)
{
    return strcmp(t->status, status) == 0;
}

static enum err set_status(struct training *t, const char *status, const char *why)
{
    TRY(sql_begin(t->job->db));
    return sql_end(t->job->db, experiment_set_status(t->job->db, t->job->arena, t->id, status, why));
}

static const char *token_name(const struct training *t)
{
    return arena_fmt(t->job->arena, "training %s", t->id);
}

/* Its own token: a member's at most, gone when the training is. A token of an earlier run that was killed goes too. */
static enum err make_token(struct training *t)
{
    struct sql *db = t->job->db;
    const char *name = token_name(t);
    TRY(sql_begin(db));
    enum err e = account_drop_tokens(db, t->job->user_id, name);
    if (e == OK)
        e = account_add_token(db, t->job->arena, t->job->user_id, name, clock_now_ms() + TOKEN_DAYS * 86400000ll, ROLE_MEMBER,
                              &t->token, &t->token_id);
    return sql_end(db, e);
}

static void drop_token(struct training *t)
{
    if (t->token_id && account_drop_tokens(t->job->db, t->job->user_id, token_name(t)) != OK)
        log_failure("revoking a training's token");
}

/* The child: nothing but calls that are safe after fork() in a process with threads. */
static void become(const char *const *argv, char *const *env, int log)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGINT, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execve(argv[0], (char *const *)(uintptr_t)argv, env);
    _exit(127);
}

static enum err start(struct training *t, pid_t *ret)
{
    struct arena *a = t->job->arena;
    const char *const argv[] = {
        t->services->self_path, "train", "--host", t->services->local_url, "--experiment", t->id, "--work", t->dir, NULL
    };
    extern char **environ;
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    char **env = arena_new_array(a, char *, n + 2);
    for (size_t i = 0; i < n; i++)
        if (strncmp(environ[i], "SACCADE_TOKEN=", 14) != 0)
            env[kept++] = environ[i];
    env[kept] = arena_fmt(a, "SACCADE_TOKEN=%s", t->token); /* not an argument: those can be read by every user of the machine */
    AUTO(fd) int log = open(t->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log < 0)
        return fail(E_BROKEN, "cannot open %s", t->log);
    *ret = fork();
    if (*ret < 0)
        return fail(E_BROKEN, "cannot start the trainer: %s", strerror(errno));
    if (*ret == 0)
        become(argv, env, log);
    return OK;
}

static void nap(void)
{
    struct timespec t = { LOOK_MS / 1000, LOOK_MS % 1000 * 1000000L };
    nanosleep(&t, NULL);
}

static void stop(pid_t child)
{
    int status;
    kill(child, SIGTERM);
    for (int i = 0; i < STOP_S * 1000 / LOOK_MS; i++) {
        if (waitpid(child, &status, WNOHANG) != 0)
            return;
        nap();
    }
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

/* The last lines that the trainer wrote: why it failed. */
static const char *last_words(struct training *t)
{
    char *all;
    size_t n;
    if (file_read(t->job->arena, t->log, 64 << 20, &all, &n) != OK || !n)
        return "the trainer ended without a word";
    while (n && (all[n - 1] == '\n' || all[n - 1] == ' '))
        all[--n] = 0;
    char *from = n > TAIL ? all + n - TAIL : all;
    char *line = strrchr(from, '\n');
    return line ? line + 1 : from;
}

/* Follows the child to its end. *ret_signal: the signal that killed it, 0 if it ended by itself. */
static enum err follow(struct training *t, pid_t child, int *ret_signal)
{
    int status = 0, failed = 0;
    for (;;) {
        pid_t got = waitpid(child, &status, WNOHANG);
        if (got == child || (got < 0 && errno != EINTR))
            break;
        enum err e = look(t);
        failed = e == OK ? 0 : failed + 1;
        if (failed == 1)
            log_failure("looking after a training"); /* a busy disk must not end the work of hours */
        if (failed && failed < LOOKS_MOST) {
            nap();
            continue;
        }
        bool go_on = e == OK && !t->gone && !is(t, "CANCELED") && !is(t, "TERMINATED") &&
                     job_go_on(t->job, t->progress, is(t, "RUNNING") ? "training" : "starting");
        if (!go_on) {
            stop(child);
            TRY(e);
            return fail(E_CANCELLED, "the training was stopped");
        }
        nap();
    }
    *ret_signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return OK;
}

static enum err outcome(struct training *t)
{
    TRY(look(t));
    if (t->gone || is(t, "CANCELED") || is(t, "TERMINATED"))
        return fail(E_CANCELLED, "the training was stopped");
    if (is(t, "SUCCESS"))
        return file_remove_tree(t->dir);
    if (is(t, "FAILED")) {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(t->job->db, &r, "SELECT error FROM experiment WHERE id = ?1", V(t->id)));
        return fail(E_UNMEANT, "%s", rows_text(r, 0) ? rows_text(r, 0) : last_words(t));
    }
    return fail(E_UNMEANT, "%s", last_words(t));
}

static enum err train(struct training *t)
{
    double furthest = t->progress;
    for (int deaths = 0; deaths <= RESTARTS; deaths++) {
        pid_t child;
        int killed_by = 0;
        TRY(start(t, &child));
        TRY(follow(t, child, &killed_by));
        if (!killed_by)
            return outcome(t);
        log_line(LOG_WARN, NULL, "the trainer of %s was killed by signal %d", t->id, killed_by);
        if (t->progress > furthest) /* it goes on from its checkpoint, and will arrive */
            deaths = -1;
        furthest = fmax(furthest, t->progress);
    }
    return fail(E_BROKEN, "the trainer was killed %d times (is there enough memory?)", RESTARTS + 1);
}

static enum err run(struct job *j)
{
    struct training t = { .job = j, .services = j->with, .id = json_text(json_get(j->input, "experiment_id")) };
    if (!t.id || !t.services || !t.services->local_url)
        return fail(E_BROKEN, "the job does not say what to train, or the worker where the server is");
    t.dir = arena_fmt(j->arena, "%s/training/%s", t.services->data_dir, t.id);
    t.log = arena_fmt(j->arena, "%s/trainer.log", t.dir);
    TRY(look(&t));
    if (t.gone)
        TRY(file_remove_tree(t.dir));
    if (t.gone || is(&t, "CANCELED"))
        return fail(E_CANCELLED, "the experiment was cancelled");
    if (is(&t, "SUCCESS")) /* the worker died after the training had ended and before it could say so */
        return file_remove_tree(t.dir);
    TRY(file_make_dirs(t.dir, 0700));
    TRY(make_token(&t));
    enum err e = set_status(&t, "RUNNING", NULL);
    if (e == OK)
        e = train(&t);
    drop_token(&t);
    if (t.gone && file_remove_tree(t.dir) != OK)
        log_failure("removing a deleted experiment's folder");
    return e;
}

/* In the transaction that settles the job. */
static enum err gave_up(struct job *j, const char *why)
{
    const char *id = json_text(json_get(j->input, "experiment_id"));
    int64_t open = 0, cancel = 0;
    TRY(sql_int(j->db, &open, "SELECT count(*) FROM experiment WHERE id = ?1 AND status IN ('WAITING', 'RUNNING')", V(id)));
    TRY(sql_int(j->db, &cancel, "SELECT cancel FROM job WHERE id = ?1", V(j->id)));
    return open ? experiment_set_status(j->db, j->arena, id, cancel ? "CANCELED" : "FAILED", cancel ? NULL : why) : OK;
}

const struct job_kind train_kind = {
    .name = "train", .run = run, .gave_up = gave_up, .tries = 1, .lease_s = 30, .lane = "training"
};
