/* What there is of a dataset version elsewhere: who uses it, asked before it is deleted, and which of its images another version
 * holds too, asked before one is learnt from and the other measured on. */
#include "app/dataset/dataset.h"
#include "job/job.h"

enum { NAMES_MOST = 20 };

/* {"kind":…,"count":n,"items":[{"id","name"}…]} of one kind of user, if there is any. */
static enum err write_users(struct op *op, const struct version_user *u, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows_text(op->db, &r, u->sql, VALUES(V(id))));
    int64_t n = 0;
    for (; rows_next(r); n++) {
        if (!n) {
            out_object(&op->out, NULL);
            out_text(&op->out, "kind", u->kind);
            out_array(&op->out, "items");
        }
        if (n >= NAMES_MOST || op->guest) /* a guest learns how many, not which */
            continue;
        out_object(&op->out, NULL);
        out_text(&op->out, "id", rows_text(r, 0));
        out_text(&op->out, "name", rows_text(r, 1));
        out_end_object(&op->out);
    }
    TRY(rows_error(r));
    if (!n)
        return OK;
    out_end_array(&op->out);
    out_int(&op->out, "count", n);
    out_end_object(&op->out);
    return OK;
}

static enum err check_user(struct op *op, const struct version_user *u, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    AUTO(text) struct text names;
    int n = 0;
    text_init(&names, 800);
    TRY(sql_rows_text(op->db, &r, u->now, VALUES(V(id))));
    for (; rows_next(r); n++)
        if (n < 5)
            text_fmt(&names, "%s\"%.80s\"", n ? ", " : "", rows_text(r, 1));
    TRY(rows_error(r));
    return n ? fail(E_IN_USE, "%d %s%s work with it now (%s): stop them first, or say force=true", n, u->kind, n > 1 ? "s" : "",
                    op->guest ? "not shown to you" : names.bytes)
             : OK;
}

enum err version_check_unused(struct op *op, const char *id)
{
    for (const struct version_user *const *u = version_users; *u && !in_bool(op, "force", false); u++)
        if ((*u)->now)
            TRY(check_user(op, *u, id));
    return OK;
}

static enum err users(struct op *op)
{
    out_object(&op->out, NULL);
    out_array(&op->out, "items");
    for (const struct version_user *const *u = version_users; *u; u++)
        TRY(write_users(op, *u, op->id));
    out_end_array(&op->out);
    out_end_object(&op->out);
    return OK;
}

/* Images are the same when their bytes are: one that was uploaded twice is known to both. */
static enum err common(struct op *op)
{
    const char *with = in_text(op, "with");
    int64_t all = 0, shared = 0;
    TRY(resource_need(op, &dataset_version_resource, with));
    TRY(sql_int(op->db, &all, "SELECT count(*) FROM asset WHERE dataset_version_id = ?1", V(op->id)));
    TRY(sql_int(op->db, &shared,
                "SELECT count(*) FROM asset a JOIN data x ON x.id = a.data_id WHERE a.dataset_version_id = ?1 AND x.hash IN"
                " (SELECT y.hash FROM asset b JOIN data y ON y.id = b.data_id WHERE b.dataset_version_id = ?2)",
                V(op->id), V(with)));
    out_object(&op->out, NULL);
    out_int(&op->out, "count", shared);
    out_int(&op->out, "of", all);
    out_end_object(&op->out);
    return OK;
}

enum err version_job(struct sql *db, const char *job_id, const char *version_id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, VERSION_CALLED, V(version_id)));
    return job_about(db, job_id, version_id, rows_text(r, 0));
}

static const struct field with_in[] = { { "with", T_ID, F_NEED } };

DESCRIBED(user_answer, "user of a version", { "id", T_ID }, { "name", T_TEXT });
DESCRIBED(use_answer, "use of a version", { "kind", T_TEXT }, { "items", T_MANY, .of = &user_answer }, { "count", T_INT });
DESCRIBED(uses_answer, "uses of a version", { "items", T_MANY, .of = &use_answer });
DESCRIBED(common_answer, "common images", { "count", T_INT }, { "of", T_INT });

static const struct route routes[] = {
    { "GET", "/api/dataset/version/{id}/users", users, MAY_READ, WORK_READ, "what a version is used by",
      .on = &dataset_version_resource, .answers = &uses_answer },
    { "GET", "/api/dataset/{id}/users", users, MAY_READ, WORK_READ, "what the versions of a dataset are used by",
      .on = &dataset_resource, .answers = &uses_answer },
    { "GET", "/api/dataset/version/{id}/common", common, MAY_READ, WORK_READ, "how many of its images another version holds too",
      FIELDS(with_in), .on = &dataset_version_resource, .answers = &common_answer },
};

const struct resource dataset_use_resource = { .name = "use of a dataset version", .routes = routes, .n_routes = COUNT_OF(routes) };
