#include "api/dispatch.h"
#include "base/test.h"
#include <pthread.h>
#include <string.h>
#include <unistd.h>

enum { WRITERS = 24, EACH = 20 };

static char path[64];
static struct services services;

struct writer {
    pthread_t thread;
    int number, turn, wrong;
};

/* Each third one fails after it has written, each tenth one in the middle of a statement. */
static enum err write_number(struct op *op)
{
    const struct writer *w = op->state;
    int64_t n = w->number * EACH + w->turn;
    TRY(sql_run(op->db, "INSERT INTO numbers VALUES (?1)", V(n)));
    if (n % 10 == 9)
        return sql_run(op->db, "INSERT INTO numbers VALUES (?1)", V(n));
    return n % 3 == 2 ? fail_at(__FILE__, __LINE__, E_LOCKED, "number %lld is not wanted", (long long)n) : OK;
}

static void *write_all(void *with)
{
    struct writer *w = with;
    struct op op = { .state = w, .services = &services };
    MUST(sql_open(path, &op.db));
    struct sql *own = op.db;
    for (w->turn = 0; w->turn < EACH; w->turn++) {
        int n = w->number * EACH + w->turn;
        enum err e = op_write(&op, write_number), wanted = n % 10 == 9 ? E_CONFLICT : n % 3 == 2 ? E_LOCKED : OK;
        char text[60];
        snprintf(text, sizeof text, "number %d is not wanted", n);
        w->wrong += e != wanted || (e == E_LOCKED && strcmp(fail_text(), text) != 0) || op.db != own;
    }
    sql_close(op.db);
    return NULL;
}

TEST(writes_that_come_together_are_kept_or_undone_each_for_itself)
{
    struct writer writers[WRITERS] = { 0 };
    struct sql *db;
    snprintf(path, sizeof path, "/tmp/together_%d.db", (int)getpid());
    MUST(sql_open(path, &db));
    MUST(sql_pool_open(path, &services.pool));
    MUST(sql_script(db, "CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT"));
    for (int i = 0; i < WRITERS; i++) {
        writers[i].number = i;
        pthread_create(&writers[i].thread, NULL, write_all, &writers[i]);
    }
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(writers[i].thread, NULL);
        assert_int_equal(writers[i].wrong, 0);
    }
    int64_t wanted = 0, kept = 0, strange = 0;
    for (int n = 0; n < WRITERS * EACH; n++)
        wanted += n % 10 != 9 && n % 3 != 2;
    MUST(sql_int(db, &kept, "SELECT count(*) FROM numbers"));
    MUST(sql_int(db, &strange, "SELECT count(*) FROM numbers WHERE n % 10 = 9 OR n % 3 = 2"));
    assert_int_equal(kept, wanted);
    assert_int_equal(strange, 0);
    sql_close(db);
    sql_pool_close(services.pool);
    unlink(path);
}

static enum err write_of_nobody(struct sql *db, void *with)
{
    const int *n = with;
    TRY(sql_run(db, "INSERT INTO numbers VALUES (?1)", V((int64_t)*n)));
    return *n % 2 ? fail_at(__FILE__, __LINE__, E_LOCKED, "number %d is not wanted", *n) : OK;
}

TEST(a_thread_that_no_request_waits_for_writes_with_the_others)
{
    struct sql *db;
    int64_t kept = 0;
    snprintf(path, sizeof path, "/tmp/together_%d.db", (int)getpid());
    MUST(sql_open(path, &db));
    MUST(sql_pool_open(path, &services.pool));
    MUST(sql_script(db, "CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT"));
    struct writer w = { .number = 1 };
    pthread_create(&w.thread, NULL, write_all, &w);
    for (int i = 0; i < EACH; i++) {
        int n = 1000 + i;
        enum err e = write_together(services.pool, write_of_nobody, &n);
        CHECK_INT(e, n % 2 ? E_LOCKED : OK);
    }
    pthread_join(w.thread, NULL);
    CHECK_INT(w.wrong, 0);
    MUST(sql_int(db, &kept, "SELECT count(*) FROM numbers WHERE n >= 1000"));
    CHECK_INT(kept, EACH / 2);
    sql_close(db);
    sql_pool_close(services.pool);
    unlink(path);
}

static enum err fill_the_disk(struct op *op)
{
    MUST(sql_run(op->db, "INSERT INTO numbers VALUES (1)"));
    return sql_run(op->db, "ROLLBACK") == OK ? fail_at(__FILE__, __LINE__, E_BROKEN, "the disk is full")
                                             : OK; /* as a full disk ends a transaction */
}

TEST(a_transaction_that_the_database_ended_is_told_as_failed)
{
    struct op op = { .services = &services };
    snprintf(path, sizeof path, "/tmp/together_%d.db", (int)getpid());
    MUST(sql_open(path, &op.db));
    MUST(sql_pool_open(path, &services.pool));
    MUST(sql_script(op.db, "CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT"));
    MUST_FAIL(op_write(&op, fill_the_disk), E_BROKEN, "the disk is full");
    int64_t n = 0;
    MUST(sql_int(op.db, &n, "SELECT count(*) FROM numbers"));
    assert_int_equal(n, 0);
    sql_close(op.db);
    sql_pool_close(services.pool);
    unlink(path);
}

static int faults;

static enum err busy_at_the_end(const char *text)
{
    if (strcmp(text, "COMMIT") != 0 || faults-- <= 0)
        return OK;
    return fail_at(__FILE__, __LINE__, E_BUSY, "others changed the same");
}

static enum err answer_and_write(struct op *op)
{
    out_text(&op->out, "said", "once");
    return sql_run(op->db, "INSERT INTO numbers VALUES (7)");
}

TEST(a_request_that_another_server_got_in_the_way_of_is_done_again_and_answered_once)
{
    struct op op = { .services = &services };
    snprintf(path, sizeof path, "/tmp/together_%d.db", (int)getpid());
    MUST(sql_open(path, &op.db));
    MUST(sql_pool_open(path, &services.pool));
    MUST(sql_script(op.db, "CREATE TABLE numbers (n INTEGER PRIMARY KEY) STRICT"));
    out_init(&op.out, 1 << 10);
    out_object(&op.out, NULL);
    faults = 2;
    sql_fault = busy_at_the_end;
    MUST(op_write(&op, answer_and_write));
    sql_fault = NULL;
    out_end_object(&op.out);
    assert_string_equal(op.out.text.bytes, "{\"said\":\"once\"}");
    int64_t n = 0;
    MUST(sql_int(op.db, &n, "SELECT count(*) FROM numbers"));
    assert_int_equal(n, 1);
    out_done(&op.out);
    sql_close(op.db);
    sql_pool_close(services.pool);
    unlink(path);
}
