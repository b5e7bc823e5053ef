#include "app/account/account.h"
#include "app/experiment/experiment.h"
#include "app/experiment/train_job.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "job/job.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int looks, failed;

/* The first look is the one before the training; those after it fail for a while. */
static enum err fail_looks(const char *text)
{
    if (!strstr(text, "SELECT status, progress FROM experiment"))
        return OK;
    int n = atomic_fetch_add(&looks, 1);
    if (n < 1 || n > 3)
        return OK;
    atomic_fetch_add(&failed, 1);
    return fail_at(__FILE__, __LINE__, n % 2 ? E_BUSY : E_BROKEN, "no luck");
}

struct world {
    char dir[32];
    const char *path;
    struct services services;
    struct sql *db;
    const char *experiment;
};

static void make_trainer(struct world *w, struct arena *a)
{
    const char *path = arena_fmt(a, "%s/trainer", w->dir);
    static const char script[] = "#!/bin/sh\nsleep 3\n";
    MUST(file_write(path, script, sizeof script - 1, 0700));
    w->services = (struct services){ .data_dir = w->dir, .self_path = path, .local_url = "http://127.0.0.1:1" };
}

static void make_world(struct world *w, struct arena *a)
{
    struct first_start first;
    const char *org, *job, *user, *project = id_new(a);
    AUTO(rows) struct rows *r = NULL;
    snprintf(w->dir, sizeof w->dir, "/tmp/saccade_train_XXXXXX");
    CHECK(mkdtemp(w->dir));
    w->path = arena_fmt(a, "%s/db", w->dir);
    MUST(sql_open(w->path, &w->db));
    MUST(api_make_schema(w->db));
    MUST(account_first_start(w->db, a, &first));
    MUST(account_default_org(w->db, a, &org));
    MUST(sql_first(w->db, &r, "SELECT id FROM person LIMIT 1"));
    user = arena_str(a, rows_text(r, 0));
    MUST(sql_run(w->db, "INSERT INTO project (id, org, name, description, created_at, updated_at) VALUES (?1, ?2, 'p', '', 0, 0)",
                 V(project), V(org)));
    struct experiment_new n = { .project_id = project, .name = "one", .user_id = user };
    MUST(experiment_add(w->db, a, &n, &w->experiment));
    job_use_kinds(job_kinds);
    MUST(job_add(w->db, a, "train", org, user, arena_fmt(a, "{\"experiment_id\":\"%s\"}", w->experiment), &job));
    make_trainer(w, a);
}

/* As the trainer says over HTTP. */
static void *succeed(void *with)
{
    struct world *w = with;
    struct sql *db = NULL;
    sleep(2);
    MUST(sql_open(w->path, &db));
    MUST(sql_run(db, "UPDATE experiment SET status = 'SUCCESS' WHERE id = ?1", V(w->experiment)));
    sql_close(db);
    return NULL;
}

TEST(a_training_goes_on_though_the_database_could_not_be_read_for_a_while)
{
    AUTO(arena) struct arena *a = arena_new();
    static const atomic_bool stop = false;
    struct world w;
    pthread_t trainer;
    bool ran = false;
    int64_t good = 0;
    make_world(&w, a);
    sql_fault = fail_looks;
    CHECK_INT(pthread_create(&trainer, NULL, succeed, &w), 0);
    MUST(job_run_one(w.db, &w.services, "training", &stop, &ran));
    pthread_join(trainer, NULL);
    sql_fault = NULL;
    MUST(sql_int(w.db, &good, "SELECT count(*) FROM job WHERE kind = 'train' AND status = 'SUCCEEDED'"));
    CHECK(ran);
    CHECK_INT(atomic_load(&failed), 3);
    CHECK_INT(good, 1);
    sql_close(w.db);
    MUST(file_remove_tree(w.dir));
}
