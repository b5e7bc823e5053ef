/* The feedback loop: reviewed predictions become annotated assets of the attached dataset versions. */
#include "app/annotation/annotation.h"
#include "app/dataset/dataset.h"
#include "app/deployment/candidate.h"
#include "base/clock.h"
#include <string.h>

enum { AT_ONCE = 20000, NAMED_MOST = 1000 };

static const struct field dataset_fields[] = {
    { "dataset_version", T_ONE, 0, "f.dataset_version_id", .of = &dataset_version_short },
};
static const struct resource fl_dataset = {
    .name = "feedback dataset version",
    .fields = dataset_fields,
    .n_fields = COUNT_OF(dataset_fields),
    .from = "fl_dataset f JOIN deployment o ON o.id = f.deployment_id",
    .key = "f.dataset_version_id",
    .org = "o.org",
    .root = "o.id",
    .order = "f.created_at, f.dataset_version_id",
};

const struct version_user feedback_uses_versions = {
    "feedback loop", "SELECT o.id, o.name FROM deployment o WHERE EXISTS (SELECT 1 FROM fl_dataset f WHERE f.deployment_id = o.id"
                     " AND f.dataset_version_id IN " VERSIONS_OF_1 ") ORDER BY o.name"
};

/* ---- the pipeline */

static enum err change(struct op *op, const char *id)
{
    TRY(deployment_tell(op->db, op->arena, id, "{\"kind\":\"pipeline\"}"));
    return reply_one(op, &deployment_resource, id);
}

static enum err setup(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET fl_set = 1, fl_active = 1 WHERE deployment_id = ?1", V(op->id)));
    return change(op, op->id);
}

static enum err toggle(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE pipeline SET fl_active = ?2 WHERE deployment_id = ?1 AND fl_set <> 0", V(op->id),
                V(in_bool(op, "active", false))));
    if (!sql_changes(op->db))
        return fail(E_CONFLICT, "set the feedback loop up first");
    return change(op, op->id);
}

static enum err attach(struct op *op)
{
    const char *version = in_text(op, "dataset_version_id"), *tested_on;
    TRY(resource_need_to_change(op, &dataset_version_resource, version));
    TRY(tested_with(op->db, op->arena, op->id, &tested_on));
    if (tested_on && strcmp(tested_on, version) == 0)
        return fail(E_CONFLICT, "the models of this deployment are tested on this version: they must not learn from it");
    enum err e = sql_run(op->db, "INSERT INTO fl_dataset (deployment_id, dataset_version_id, created_at) VALUES (?1, ?2, ?3)",
                         V(op->id), V(version), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(E_CONFLICT, "the dataset version is attached already");
    TRY(e);
    return change(op, op->id);
}

static enum err detach(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    TRY(sql_run(op->db, "DELETE FROM fl_dataset WHERE deployment_id = ?1 AND dataset_version_id IN " LISTED("?2"), V(op->id),
                V(ids)));
    return change(op, op->id);
}

static enum err list(struct op *op)
{
    return reply_list(op, &fl_dataset, "f.deployment_id = ?1", V(op->id));
}

/* ---- submitting */

struct submit {
    struct op *op;
    const char *deployment;
    const char **versions;
    size_t n_versions;
    const char **left_out;
    size_t n_left_out;
    const char **stayed; /* every version had them */
    size_t n_stayed;
    struct duplicate *duplicates; /* the first NAMED_MOST */
    size_t n_duplicates;
    int64_t sent, measured, duplicated;
};

/* An image whose bytes the version has already, as another Data. */
struct duplicate {
    const char *predicted_asset, *version, *asset;
};

/* The member that holds the geometry of a kind of shape, as annotations have it. */
static void write_shape(struct out *o, const struct shape_kind *kind, struct rows *r)
{
    out_object(o, NULL);
    out_text(o, "label", rows_text(r, 1));
    if (strcmp(kind->name, "rectangle") == 0) {
        out_int(o, "x", rows_int(r, 2));
        out_int(o, "y", rows_int(r, 3));
        out_int(o, "w", rows_int(r, 4));
        out_int(o, "h", rows_int(r, 5));
    } else if (kind->member) {
        out_raw(o, kind->member, rows_text(r, 6));
    }
    out_end_object(o);
}

static enum err reviewed_shapes(struct submit *s, const char *asset, const struct json **ret)
{
    AUTO(out) struct out o;
    out_init(&o, 64 << 20);
    out_object(&o, NULL);
    for (const struct shape_kind *const *k = shape_kinds; *k; k++) {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(
            s->op->db, &r,
            "SELECT h.kind, l.name, h.x, h.y, h.w, h.h, h.geometry FROM review v JOIN review_shape h ON h.review_id = v.id"
            " JOIN deployment_label l ON l.id = h.label_id WHERE v.predicted_asset_id = ?1 AND h.kind = ?2 ORDER BY h.position",
            V(asset), V((*k)->name)));
        out_array(&o, (*k)->plural);
        while (rows_next(r))
            write_shape(&o, *k, r);
        out_end_array(&o);
        TRY(rows_error(r));
    }
    out_end_object(&o);
    return json_parse(s->op->arena, o.text.bytes, o.text.n, ret);
}

/* The asset of the version that shows the same bytes as another Data; NULL: none. */
static enum err same_bytes(struct submit *s, const char *version, const char *data, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(s->op->db, &r,
                 "SELECT a.id FROM data x JOIN data y ON y.hash = x.hash AND y.id <> x.id JOIN asset a ON a.data_id = y.id"
                 " AND a.dataset_version_id = ?2 WHERE x.id = ?1 LIMIT 1",
                 V(data), V(version)));
    *ret = rows_next(r) ? arena_str(s->op->arena, rows_text(r, 0)) : NULL;
    return rows_error(r);
}

/* One image into one version, which learns nothing from a second copy of what it has. */
static enum err submit_into(struct submit *s, const char *predicted, const char *data, const char *version,
                            const struct json *shapes, bool *ret_new)
{
    struct op *op = s->op;
    const char *made, *twin;
    TRY(same_bytes(s, version, data, &twin));
    *ret_new = !twin;
    if (twin && s->n_duplicates < NAMED_MOST)
        s->duplicates[s->n_duplicates++] = (struct duplicate){ predicted, version, twin };
    if (twin)
        return OK;
    TRY(asset_need(op->db, op->arena, op->org, version, data, &made));
    return annotation_from_json(op->db, op->arena, op->org, op->user_id, made, "ACCEPTED", shapes);
}

static enum err submit_one(struct submit *s, const char *asset)
{
    struct op *op = s->op;
    const struct json *shapes;
    const char *data;
    size_t taken = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT data_id FROM predicted_asset WHERE id = ?1", V(asset)));
        data = arena_str(op->arena, rows_text(r, 0));
    }
    TRY(reviewed_shapes(s, asset, &shapes));
    for (size_t i = 0; i < s->n_versions; i++) {
        bool new;
        TRY(submit_into(s, asset, data, s->versions[i], shapes, &new));
        taken += new;
    }
    s->duplicated += taken < s->n_versions;
    s->sent += taken > 0;
    if (!taken) {
        s->stayed[s->n_stayed++] = asset;
        return OK;
    }
    return sql_run(op->db, "UPDATE predicted_asset SET status = 'SUBMITTED', submitted_at = ?2 WHERE id = ?1", V(asset),
                   V(clock_now_ms()));
}

static enum err open_loop(struct submit *s)
{
    struct op *op = s->op;
    int64_t active = 0;
    TRY(sql_int(op->db, &active, "SELECT fl_active FROM pipeline WHERE deployment_id = ?1", V(s->deployment)));
    if (!active)
        return fail(E_CONFLICT, "the feedback loop is not active");
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT dataset_version_id FROM fl_dataset WHERE deployment_id = ?1 ORDER BY created_at LIMIT 100",
                 V(s->deployment)));
    s->versions = arena_new_array(op->arena, const char *, 100);
    while (rows_next(r))
        s->versions[s->n_versions++] = arena_str(op->arena, rows_text(r, 0));
    TRY(rows_error(r));
    if (!s->n_versions)
        return fail(E_CONFLICT, "no dataset version is attached to the feedback loop");
    return OK;
}

/* Those of the ids that cannot be submitted refuse the lot and are named. */
static enum err check_reviewed(struct submit *s, struct value ids)
{
    struct op *op = s->op;
    int64_t n = 0;
    AUTO(out) struct out o;
    AUTO(rows) struct rows *r = NULL;
    out_init(&o, 1 << 20);
    TRY(sql_rows(op->db, &r,
                 "SELECT DISTINCT j.value FROM listed j WHERE j.list = ?1 AND NOT EXISTS (SELECT 1 FROM predicted_asset a"
                 " WHERE a.id = j.value AND a.deployment_id = ?2 AND a.status = 'REVIEWED')",
                 V(ids), V(s->deployment)));
    out_array(&o, NULL);
    for (; rows_next(r); n++)
        out_text(&o, NULL, rows_text(r, 0));
    out_end_array(&o);
    TRY(rows_error(r));
    if (!n)
        return OK;
    enum err e = fail(E_UNMEANT, "%lld of the predictions are not reviewed (or were submitted already)", (long long)n);
    fail_set_detail(o.text.bytes);
    return e;
}

/* The ids that were named, all of them REVIEWED; or the reviewed ones that the query finds. */
static enum err chosen(struct submit *s, const char ***ret, size_t *ret_n)
{
    struct op *op = s->op;
    const char *q = in_text(op, "q");
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    if (ids.kind == VALUE_NULL && !q)
        return fail(E_INVALID, "say which: ids, or q");
    if (ids.kind == VALUE_NULL)
        return resource_ids(op, &predicted_asset_resource, q, "a.deployment_id = ?1 AND a.status = 'REVIEWED'",
                            VALUES(V(s->deployment)), ret, ret_n);
    TRY(check_reviewed(s, ids));
    return resource_ids(op, &predicted_asset_resource, NULL, "a.deployment_id = ?1 AND a.id IN " LISTED("?2"),
                        VALUES(V(s->deployment), V(ids)), ret, ret_n);
}

/* Those that models are measured on are told of, and left out where that was asked for. */
static enum err submit_all(struct submit *s, const char **ids, size_t n)
{
    bool leave = in_bool(s->op, "leave_measured", false);
    s->left_out = arena_new_array(s->op->arena, const char *, n + 1);
    s->stayed = arena_new_array(s->op->arena, const char *, n + 1);
    s->duplicates = arena_new_array(s->op->arena, struct duplicate, NAMED_MOST);
    for (size_t i = 0; i < n; i++) {
        bool measured;
        TRY(measured_on(s->op->db, s->deployment, ids[i], &measured));
        s->measured += measured;
        if (measured && leave) {
            s->left_out[s->n_left_out++] = ids[i];
            continue;
        }
        TRY(submit_one(s, ids[i]));
    }
    return OK;
}

static void write_ids(struct out *o, const char *key, const char **ids, size_t n)
{
    out_array(o, key);
    for (size_t i = 0; i < n; i++)
        out_text(o, NULL, ids[i]);
    out_end_array(o);
}

static void write_submitted(struct out *o, const struct submit *s)
{
    out_object(o, NULL);
    out_int(o, "count", s->sent);
    out_int(o, "measured", s->measured);
    write_ids(o, "left_out", s->left_out, s->n_left_out);
    out_int(o, "duplicated", s->duplicated);
    write_ids(o, "stayed", s->stayed, s->n_stayed);
    out_array(o, "duplicates");
    for (const struct duplicate *d = s->duplicates; d < s->duplicates + s->n_duplicates; d++) {
        out_object(o, NULL);
        out_text(o, "predicted_asset_id", d->predicted_asset);
        out_text(o, "dataset_version_id", d->version);
        out_text(o, "asset_id", d->asset);
        out_end_object(o);
    }
    out_end_array(o);
    out_end_object(o);
}

static enum err submit(struct op *op)
{
    struct submit s = { .op = op };
    const char **ids;
    size_t n;
    s.deployment = op->id;
    TRY(open_loop(&s));
    TRY(chosen(&s, &ids, &n));
    if (n > AT_ONCE)
        return fail(E_TOO_BIG, "%zu predictions; at most %d at once", n, AT_ONCE);
    TRY(submit_all(&s, ids, n));
    if (s.sent)
        TRY(retraining_consider(op->db, op->arena, s.deployment, op->user_id));
    TRY(deployment_tell(op->db, op->arena, s.deployment, "{\"kind\":\"submitted\"}"));
    write_submitted(&op->out, &s);
    return OK;
}

static const struct field active_in[] = { { "active", T_BOOL, F_NEED } };
static const struct field version_in[] = { { "dataset_version_id", T_ID, F_NEED } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };
static const struct field submit_in[] = { { "ids", T_IDS, F_NULL, .max = AT_ONCE },
                                          { "q", T_TEXT, F_NULL, .max = 4000 },
                                          { "leave_measured", T_BOOL, F_NULL } };

DESCRIBED(duplicate_answer, "image that a dataset version has already", { "predicted_asset_id", T_ID },
          { "dataset_version_id", T_ID }, { "asset_id", T_ID });
/* duplicated: images that a version had already, as other data of the same bytes. They were not added there; those that no
 * version took stayed reviewed. */
DESCRIBED(submit_answer, "submitted predictions", { "count", T_INT }, { "measured", T_INT }, { "left_out", T_IDS },
          { "duplicated", T_INT }, { "stayed", T_IDS }, { "duplicates", T_MANY, .of = &duplicate_answer });

static const struct route routes[] = {
    { "POST", "/api/deployment/{id}/pipeline/fl/setup", setup, MAY_WRITE, WORK_WRITE, "sets the feedback loop up",
      .on = &deployment_resource, .answers = &deployment_resource },
    { "PUT", "/api/deployment/{id}/pipeline/fl", toggle, MAY_WRITE, WORK_WRITE, "switches the feedback loop", FIELDS(active_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "GET", "/api/deployment/{id}/fl/datasets", list, MAY_READ, WORK_READ, "the dataset versions that the feedback loop fills",
      .on = &deployment_resource, .answers = &fl_dataset, .gives = GIVES_PAGE },
    { "POST", "/api/deployment/{id}/fl/datasets", attach, MAY_WRITE, WORK_WRITE, "attaches one", FIELDS(version_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "DELETE", "/api/deployment/{id}/fl/datasets", detach, MAY_WRITE, WORK_WRITE, "detaches some", FIELDS(ids_in),
      .on = &deployment_resource, .answers = &deployment_resource },
    { "POST", "/api/deployment/{id}/feedback-loop/submit", submit, MAY_WRITE, WORK_WRITE,
      "turns reviewed predictions into annotated assets: all or none", FIELDS(submit_in), .body_cap = 4 << 20,
      .on = &deployment_resource, .answers = &submit_answer },
};

const struct resource feedback_resource = {
    .name = "feedback loop",
    .table = "CREATE TABLE fl_dataset (deployment_id TEXT NOT NULL REFERENCES deployment(id) ON DELETE CASCADE,"
             " dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, created_at INTEGER NOT NULL,"
             " PRIMARY KEY (deployment_id, dataset_version_id)) STRICT, WITHOUT ROWID",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
