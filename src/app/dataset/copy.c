/* Copies of assets with what belongs to them: a fork into a new version, or into another version of the same dataset. */
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "job/job.h"

enum { BULK_IDS = 200000 };

struct copy {
    const char *from, *to;
    struct value asset_ids; /* a list; NULL: all */
    bool tags, labels, annotations;
    int64_t copied;
};

static enum err copy_labels(struct op *op, const struct copy *c)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT name, skeleton, attributes FROM label WHERE dataset_version_id = ?1 ORDER BY position",
                 V(c->from)));
    while (rows_next(r)) {
        const char *id;
        TRY(label_need(op->db, op->arena, op->org, c->to, rows_text(r, 0), &id));
        TRY(sql_run(op->db,
                    "UPDATE label SET skeleton = coalesce(skeleton, ?2), attributes = coalesce(attributes, ?3) WHERE id = ?1",
                    V(id), V(rows_text(r, 1)), V(rows_text(r, 2))));
    }
    return rows_error(r);
}

static enum err copy_tags(struct op *op, const struct copy *c, const char *from, const char *to)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT t.name FROM tagged x JOIN tag t ON t.id = x.tag_id WHERE x.target_id = ?1", V(from)));
    while (rows_next(r)) {
        const char *tag;
        TRY(tag_need(op->db, op->arena, op->org, c->to, "ASSET", rows_text(r, 0), &tag));
        TRY(tag_put_on(op->db, tag, to));
    }
    return rows_error(r);
}

static enum err copy_annotation(struct op *op, const struct copy *c, const char *from, const char *to)
{
    const char *id = id_new(op->arena);
    int64_t now = clock_now_ms();
    TRY(sql_run(
        op->db,
        "INSERT INTO annotation_row (id, org, asset_id, dataset_version_id, status, duration, revision, attributes, created_at, "
        "created_by, updated_at, updated_by) SELECT ?1, org, ?3, ?4, status, duration, 1, attributes, ?5, created_by, ?5, "
        "updated_by FROM annotation WHERE asset_id = ?2 AND NOT EXISTS (SELECT 1 FROM annotation n WHERE n.asset_id = ?3)",
        V(id), V(from), V(to), V(c->to), V(now)));
    if (!sql_changes(op->db))
        return OK; /* none to copy, or the asset has one of its own already */
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT h.id, t.id FROM shape h JOIN label l ON l.id = h.label_id JOIN label t ON t.name = l.name AND "
                 "t.dataset_version_id = ?2 WHERE h.asset_id = ?1",
                 V(from), V(c->to)));
    while (rows_next(r)) {
        char shape[ID_SIZE];
        id_make(shape);
        TRY(sql_run(
            op->db,
            "INSERT INTO shape_row (id, annotation_id, asset_id, dataset_version_id, label_id, kind, position, x, y, w, h, "
            "geometry, "
            "area, text, attributes) SELECT ?1, ?2, ?3, ?4, ?5, kind, position, x, y, w, h, geometry, area, text, attributes "
            "FROM shape WHERE id = ?6",
            V((const char *)shape), V(id), V(to), V(c->to), V(rows_text(r, 1)), V(rows_text(r, 0))));
    }
    return rows_error(r);
}

static enum err copy_assets(struct op *op, struct copy *c)
{
    if (c->labels || c->annotations)
        TRY(copy_labels(op, c));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT id, data_id FROM asset WHERE dataset_version_id = ?1 AND (?2 IS NULL OR id IN " LISTED("?2") ") "
                                                                                                                      "ORDER BY id",
                 V(c->from), V(c->asset_ids)));
    while (rows_next(r)) {
        const char *to;
        TRY(asset_need(op->db, op->arena, op->org, c->to, rows_text(r, 1), &to));
        if (c->tags)
            TRY(copy_tags(op, c, rows_text(r, 0), to));
        if (c->annotations)
            TRY(copy_annotation(op, c, rows_text(r, 0), to));
        c->copied++;
    }
    return rows_error(r);
}

static enum err reply_job(struct op *op, const char *kind, const struct copy *c)
{
    const char *job;
    TRY(job_add_done(op->db, op->arena, kind, op->org, op->user_id, arena_fmt(op->arena, "{\"copied\":%lld}", (long long)c->copied),
                     &job));
    out_object(&op->out, "job");
    out_text(&op->out, "id", job);
    out_text(&op->out, "status", "SUCCESS");
    out_end_object(&op->out);
    return OK;
}

static enum err fork_version(struct op *op)
{
    const char *parent = in_text(op, "parent_id"), *id = id_new(op->arena), *version = in_text(op, "version");
    int64_t there = 0, now = clock_now_ms();
    TRY(sql_int(op->db, &there, "SELECT count(*) FROM dataset_version WHERE id = ?1 AND dataset_id = ?2 AND org = ?3", V(parent),
                V(op->id), V(op->org)));
    if (!there)
        return fail(E_NOT_FOUND, "parent_id: the dataset has no version %s", parent);
    TRY(name_check("version", version));
    enum err e = sql_run(
        op->db,
        "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, attributes, created_at, "
        "updated_at, created_by) SELECT ?1, dataset_id, org, ?3, coalesce(?4, 'Forked from version ''' || version || "
        "''''), CASE WHEN ?5 = 'NOT_CONFIGURED' THEN type ELSE ?5 END, attributes, ?6, ?6, ?7 FROM dataset_version WHERE id = ?2",
        V(id), V(parent), V(version), V(in_text(op, "description")),
        V(in_text(op, "type") ? in_text(op, "type") : "NOT_CONFIGURED"), V(now), V(op->user_id));
    if (e == E_CONFLICT)
        return fail(e, "the dataset has a version '%s' already", version);
    TRY(e);
    struct copy c = { .from = parent,
                      .to = id,
                      .tags = in_bool(op, "with_tags", false),
                      .labels = in_bool(op, "with_labels", false),
                      .annotations = in_bool(op, "with_annotations", false) };
    TRY(in_ids(op, "asset_ids", &c.asset_ids));
    TRY(copy_assets(op, &c));
    op->status = 201;
    out_object(&op->out, NULL);
    TRY(reply_member(op, "dataset_version", &dataset_version_resource, id));
    TRY(reply_job(op, "fork_version", &c));
    out_end_object(&op->out);
    return OK;
}

static enum err copy_to(struct op *op)
{
    const char *to = in_text(op, "destination_id");
    int64_t same = 0;
    TRY(sql_int(op->db, &same,
                "SELECT count(*) FROM dataset_version a JOIN dataset_version b ON b.dataset_id = a.dataset_id AND b.id <> a.id "
                "WHERE a.id = ?1 AND b.id = ?2",
                V(op->id), V(to)));
    if (!same)
        return fail(E_NOT_FOUND, "destination_id: the dataset has no other version %s", to);
    TRY(version_check_unlocked(op->db, to));
    struct copy c = {
        .from = op->id, .to = to, .tags = in_bool(op, "with_tags", false), .annotations = in_bool(op, "with_annotations", false)
    };
    TRY(in_ids(op, "asset_ids", &c.asset_ids));
    TRY(copy_assets(op, &c));
    out_object(&op->out, NULL);
    TRY(reply_job(op, "copy_assets", &c));
    out_end_object(&op->out);
    return OK;
}

static const struct field fork_in[] = {
    { "parent_id", T_ID, F_NEED },
    { "version", T_TEXT, F_NEED, .min = 1, .max = 100 },
    { "description", T_TEXT, F_NULL, .max = 4000 },
    { "type", T_TEXT, F_NULL, .words = inference_types },
    { "with_tags", T_BOOL },
    { "with_labels", T_BOOL },
    { "with_annotations", T_BOOL },
    { "asset_ids", T_IDS, F_NULL, .max = BULK_IDS },
};
static const struct field copy_in[] = {
    { "destination_id", T_ID, F_NEED },
    { "asset_ids", T_IDS, F_NEED, .max = BULK_IDS },
    { "with_tags", T_BOOL },
    { "with_annotations", T_BOOL },
};

static const struct route routes[] = {
    { "POST", "/api/dataset/{id}/fork", fork_version, MAY_WRITE, WORK_WRITE,
      "a new version with assets of another one, and what is asked for", FIELDS(fork_in), .body_cap = 16 << 20,
      .on = &dataset_resource },
    { "POST", "/api/dataset/version/{id}/assets/copy", copy_to, MAY_WRITE, WORK_WRITE,
      "copies assets to another version of the dataset", FIELDS(copy_in), .body_cap = 16 << 20, .on = &dataset_version_resource },
};

const struct resource dataset_copy_resource = { .name = "copy of a dataset version",
                                                .routes = routes,
                                                .n_routes = COUNT_OF(routes) };
