/* Jobs as the API shows them. The contract has two versions with different words for the status. None is ever the run of a
 * "processing" of the contract, so that the member of that name is always null. */
#include "job/job.h"
#include "app/account/account.h"
#include <string.h>

#define FIELDS_WITH(status, words_)                                                                                                \
    {                                                                                                                              \
        { "id", T_ID, F_FILTER, "j.id" }, { "kind", T_TEXT, F_FILTER | F_SORT, "j.kind" },                                         \
            { "status", T_TEXT, F_FILTER | F_SORT, status, .words = words_ }, { "progress", T_NUMBER, 0, "j.progress" },           \
            { "doing", T_TEXT, F_NULL, "j.doing" }, { "error", T_TEXT, F_FILTER | F_NULL, "j.error" },                             \
            { "result", T_JSON, F_NULL, "j.result" }, { "about", T_TEXT, F_FILTER | F_NULL, "j.about" },                           \
            { "about_id", T_ID, F_FILTER | F_NULL, "j.about_id" }, { "tries", T_INT, 0, "j.tries" },                               \
            { "processing_job", T_JSON, F_NULL, "NULL" }, { "created_at", T_TIME, F_FILTER | F_SORT, "j.created_at" },             \
            { "started_at", T_TIME, F_FILTER | F_SORT | F_NULL, "j.started_at" },                                                  \
            { "ended_at", T_TIME, F_FILTER | F_SORT | F_NULL, "j.ended_at" },                                                      \
            { "created_by", T_TEXT, F_FILTER | F_NULL, "(SELECT username FROM person u WHERE u.id = j.user_id)" },                 \
    }

static const char *const words[] = { "PENDING", "RUNNING", "SUCCEEDED", "FAILED", "KILLED", NULL };
static const char *const v1_words[] = { "RUNNING", "SUCCESS", "FAILED", "TERMINATED", NULL };
static const struct field fields[] = FIELDS_WITH("j.status", words);
static const struct field v1_fields[] =
    FIELDS_WITH("CASE j.status WHEN 'SUCCEEDED' THEN 'SUCCESS' WHEN 'FAILED' THEN 'FAILED' WHEN 'KILLED' THEN 'TERMINATED' "
                "ELSE 'RUNNING' END",
                v1_words);

static const struct resource job_v1 = { "job", NULL, FIELDS(v1_fields), "job j", "j.id", "j.org", .called = "old job" };

static enum err list(struct op *op)
{
    return reply_page(op, &job_resource, "1 = 1");
}

static enum err get_v1(struct op *op)
{
    return reply_one(op, &job_v1, op->id);
}

static enum err get(struct op *op)
{
    return reply_one(op, &job_resource, op->id);
}

static enum err find(struct op *op)
{
    return reply_one(op, &job_resource, in_text(op, "id"));
}

static enum err cancel(struct op *op)
{
    TRY(job_cancel(op->db, op->id));
    return reply_one(op, &job_resource, op->id);
}

static const struct field id_in[] = { { "id", T_ID, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/jobs", list, MAY_READ, WORK_READ, "jobs, newest first", .answers = &job_resource, .gives = GIVES_PAGE },
    { "GET", "/api/job/{id}", get_v1, MAY_READ, WORK_READ, "one job, status in the words of version 1", .answers = &job_v1,
      .on = &job_resource },
    { "GET", "/api/v2/job/{id}", get, MAY_READ, WORK_READ, "one job", .answers = &job_resource, .on = &job_resource },
    { "GET", "/api/organization/{id}/jobv2s/find", find, MAY_READ, WORK_READ, "one job by id", FIELDS(id_in), &job_resource,
      .on = &organization_resource },
    { "POST", "/api/job/{id}/cancel", cancel, MAY_WRITE, WORK_WRITE, "asks a job to stop", .answers = &job_resource,
      .on = &job_resource },
};

const struct resource job_resource = {
    .name = "job",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "job j",
    .key = "j.id",
    .org = "j.org",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
