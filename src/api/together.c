/* Write transactions of several requests, and of the server's own threads, that come at once are one: each is undone alone if it
 * fails, and all wait for one sync.
 *
 * The first to come leads: it begins, runs its own work and that of those who came meanwhile, commits, and tells them how each
 * ended. Whoever waits then leads the next. Alone, a request pays nothing for it. All of them write on one connection, the pool's
 * writer: what it has in its cache no other one makes stale. Handlers have no effect outside of the database but on what they
 * answer: where other servers write on the same database, one that got in another's way is done again. */
#include "api/dispatch.h"
#include "base/clock.h"
#include <pthread.h>

enum { TOGETHER_MOST = 64 };
static const double AGAIN_S = 8;   /* less than a connection waits for the lock */
static const double HOLD_S = 0.02; /* after that, those who did not have their turn come next */

enum ticket_state { WAITS, LEADS, ENDED };

struct ticket {
    struct op *op; /* NULL: of a thread that does what no request waits for */
    handler *work;
    enum err (*own_work)(struct sql *, void *with); /* of such a thread */
    void *with;
    enum err result;
    struct failure failure; /* the text belongs to the thread that ran the work */
    enum ticket_state state;
    pthread_cond_t moved; /* each its own: who is done wakes nobody else */
    struct ticket *next;
};

static struct {
    pthread_mutex_t lock;
    struct ticket *first, **last;
    bool led;
} queue = { PTHREAD_MUTEX_INITIALIZER, NULL, &queue.first, false };

/* While the body came, somebody may have deleted what the route is on: within the transaction it is looked for again. */
static enum err checked(struct op *op, handler *work)
{
    TRY(owner_check(op));
    return work(op);
}

static enum err asked(struct ticket *t, struct sql *db)
{
    if (!t->op)
        return t->own_work(db, t->with);
    struct sql *own = t->op->db;
    t->op->db = db;
    op_here(t->op);
    enum err e = checked(t->op, t->work);
    t->op->db = own;
    return e;
}

static enum err within_savepoint(struct ticket *t, struct sql *db)
{
    TRY(sql_run(db, "SAVEPOINT one"));
    enum err e = asked(t, db);
    if (e == OK)
        return sql_run(db, "RELEASE one");
    struct failure why;
    fail_keep(&why);
    if (sql_within(db)) {
        TRY(sql_run(db, "ROLLBACK TO one"));
        TRY(sql_run(db, "RELEASE one"));
    }
    return fail_again(&why);
}

/* On the writer's connection, within its transaction. */
static void run_one(struct ticket *t, struct sql *db, bool alone)
{
    t->result = alone ? asked(t, db) : within_savepoint(t, db);
    if (t->result != OK)
        fail_keep(&t->failure);
}

/* What was done is undone: those whose own work went well failed too. */
static void all_failed(struct ticket *first, enum err e)
{
    for (struct ticket *t = first; t; t = t->next)
        if (t->result == OK) {
            t->result = e;
            fail_keep(&t->failure);
        }
}

/* Cuts off those for whom there was no time. */
static enum err run_each(struct ticket *first, struct sql *db, struct ticket **ret_rest)
{
    double began = clock_seconds();
    bool alone = !first->next;
    struct ticket *last = first;
    for (struct ticket *t = first; t && sql_within(db); t = t->next) {
        run_one(t, db, alone);
        last = t;
        if (t->next && clock_seconds() - began > HOLD_S) {
            *ret_rest = t->next;
            t->next = NULL;
        }
    }
    if (alone)
        return first->result;
    if (sql_within(db))
        return OK;
    return last->result != OK ? fail_again(&last->failure) /* which ended it for all: a full disk, a connection that broke */
                              : fail(E_BROKEN, "the database gave up the transaction of several requests");
}

/* The writer belongs to whoever leads. */
static struct ticket *run_all(struct ticket *first, struct sql_pool *pool)
{
    struct ticket *rest = NULL;
    struct sql *db = NULL;
    enum err e = sql_pool_writer(pool, &db);
    if (e == OK)
        e = sql_begin_beside(db);
    if (e == OK)
        e = sql_end(db, run_each(first, db, &rest));
    if (e != OK)
        all_failed(first, e);
    return rest;
}

static struct ticket *take_waiting(void)
{
    struct ticket *first = queue.first, *t = first;
    for (int n = 1; t->next && n < TOGETHER_MOST; n++)
        t = t->next;
    queue.first = t->next;
    if (!t->next)
        queue.last = &queue.first;
    t->next = NULL;
    return first;
}

static void put_first(struct ticket *rest)
{
    struct ticket *last = rest;
    while (last->next)
        last = last->next;
    last->next = queue.first;
    if (!queue.first)
        queue.last = &last->next;
    queue.first = rest;
}

static void tell(struct ticket *t, enum ticket_state state)
{
    t->state = state;
    pthread_cond_signal(&t->moved);
}

static void lead(struct sql_pool *pool)
{
    struct ticket *first = take_waiting();
    pthread_mutex_unlock(&queue.lock);
    struct ticket *rest = run_all(first, pool);
    pthread_mutex_lock(&queue.lock);
    if (rest)
        put_first(rest);
    if (queue.first)
        tell(queue.first, LEADS);
    else
        queue.led = false;
    for (struct ticket *t = first, *next; t; t = next) {
        next = t->next;
        tell(t, ENDED);
    }
}

static enum err write_once(struct sql_pool *pool, struct ticket *mine)
{
    pthread_cond_init(&mine->moved, NULL);
    pthread_mutex_lock(&queue.lock);
    *queue.last = mine;
    queue.last = &mine->next;
    if (!queue.led) {
        queue.led = true;
        mine->state = LEADS;
    }
    while (mine->state == WAITS)
        pthread_cond_wait(&mine->moved, &queue.lock);
    if (mine->state == LEADS)
        lead(pool);
    pthread_mutex_unlock(&queue.lock);
    pthread_cond_destroy(&mine->moved);
    if (mine->op)
        op_here(mine->op);
    return mine->result == OK ? OK : fail_again(&mine->failure);
}

enum err write_together(struct sql_pool *pool, enum err (*work)(struct sql *, void *with), void *with)
{
    double began = clock_seconds();
    for (int tries = 0;; sql_pause(tries++)) {
        enum err e = write_once(pool, &(struct ticket){ .own_work = work, .with = with });
        if (e != E_BUSY || clock_seconds() - began > AGAIN_S)
            return e;
    }
}

enum err op_write(struct op *op, handler *work)
{
    size_t n = op->out.text.n;
    bool comma = op->out.comma;
    double began = clock_seconds();
    for (int tries = 0;; sql_pause(tries++)) {
        enum err e = write_once(op->services->pool, &(struct ticket){ .op = op, .work = work });
        if (e != E_BUSY || clock_seconds() - began > AGAIN_S)
            return e;
        op->out.text.n = n < op->out.text.n ? n : op->out.text.n; /* what it had begun to answer */
        op->out.comma = comma;
    }
}
