/* Copies of assets with what belongs to them: a fork into a new version, or into another version of the same dataset. */
#include "api/bulk.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "job/job.h"
#include "query/query.h"

enum { BULK_IDS = 200000, STEP_SHAPES = 500 };

/* What the change's input says. */
struct copy {
    const char *from, *to;
    bool tags, labels, annotations, forks;
};

static const char *input_of(struct op *op, const struct copy *c)
{
    static const char *const words[] = { "false", "true" };
    return arena_fmt(op->arena, "{\"from\":\"%s\",\"to\":\"%s\",\"tags\":%s,\"labels\":%s,\"annotations\":%s,\"forks\":%s}",
                     c->from, c->to, words[c->tags], words[c->labels], words[c->annotations], words[c->forks]);
}

static struct copy copy_of(const struct json *input)
{
    struct copy c = { .from = json_text(json_get(input, "from")), .to = json_text(json_get(input, "to")) };
    json_bool(json_get(input, "tags"), &c.tags);
    json_bool(json_get(input, "labels"), &c.labels);
    json_bool(json_get(input, "annotations"), &c.annotations);
    json_bool(json_get(input, "forks"), &c.forks);
    return c;
}

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

/* ---- one asset */

static enum err copy_tags(struct bulk *b, const struct copy *c, const char *from, const char *to)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(b->db, &r, "SELECT t.name FROM tagged x JOIN tag t ON t.id = x.tag_id WHERE x.target_id = ?1", V(from)));
    while (rows_next(r)) {
        const char *tag;
        TRY(tag_need(b->db, b->arena, b->org, c->to, "ASSET", rows_text(r, 0), &tag));
        TRY(tag_put_on(b->db, tag, to));
    }
    return rows_error(r);
}

static enum err copy_attributes(struct bulk *b, const char *from, const char *annotation)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(b->db, &r, "SELECT id FROM annotation WHERE asset_id = ?1 AND attributes IS NOT NULL", V(from)));
    if (rows_next(r))
        TRY(kept_copy(b->db, rows_text(r, 0), annotation));
    return rows_error(r);
}

/* The copy has the id `made`, so that a further step, or a run after a kill, knows its own. *ret_from NULL: there is none to copy,
 * or the asset has one of its own already. */
static enum err need_annotation(struct bulk *b, const struct copy *c, const char *from, const char *to, const char *made,
                                const char **ret_from)
{
    AUTO(rows) struct rows *r = NULL;
    int64_t mine = 0;
    TRY(sql_run(
        b->db,
        "INSERT INTO annotation_row (id, org, asset_id, dataset_version_id, status, duration, revision, attributes, created_at, "
        "created_by, updated_at, updated_by) SELECT ?1, org, ?3, ?4, status, duration, 1, attributes, ?5, created_by, ?5, "
        "updated_by FROM annotation WHERE asset_id = ?2 AND NOT EXISTS (SELECT 1 FROM annotation n WHERE n.asset_id = ?3)",
        V(made), V(from), V(to), V(c->to), V(clock_now_ms())));
    if (sql_changes(b->db))
        TRY(copy_attributes(b, from, made));
    TRY(sql_int(b->db, &mine, "SELECT count(*) FROM annotation_row WHERE id = ?1", V(made)));
    TRY(sql_rows(b->db, &r, "SELECT id FROM annotation WHERE asset_id = ?1", V(from)));
    *ret_from = rows_next(r) && mine ? arena_str(b->arena, rows_text(r, 0)) : NULL;
    return rows_error(r);
}

static enum err copy_shape(struct bulk *b, const char *shape, const char *annotation, const char *label)
{
    char id[ID_SIZE];
    id_make(id);
    TRY(sql_run(b->db,
                "INSERT INTO shape_row (id, annotation_id, asset_id, dataset_version_id, label_id, kind, position, x, y, w, h, "
                "geometry, area, text, attributes) SELECT ?1, n.id, n.asset_id, n.dataset_version_id, ?3, h.kind, h.position, h.x, "
                "h.y, h.w, h.h, h.geometry, h.area, h.text, h.attributes FROM shape h JOIN annotation_row n ON n.id = ?2 WHERE "
                "h.id = ?4",
                V((const char *)id), V(annotation), V(label), V(shape)));
    return label_count(b->db, label, 1);
}

/* So many in a step; those that are there are not copied again. */
static enum err copy_shapes(struct bulk *b, const struct copy *c, const char *from, const char *annotation)
{
    AUTO(rows) struct rows *r = NULL;
    int64_t there = 0, n = 0;
    TRY(sql_int(b->db, &there, "SELECT n_shapes FROM annotation_row WHERE id = ?1", V(annotation)));
    TRY(sql_rows(b->db, &r,
                 "SELECT h.id, t.id FROM shape h JOIN label l ON l.id = h.label_id JOIN label t ON t.name = l.name AND "
                 "t.dataset_version_id = ?2 WHERE h.annotation_id = ?1 ORDER BY h.position, h.id LIMIT ?3 OFFSET ?4",
                 V(from), V(c->to), V((int64_t)STEP_SHAPES), V(there)));
    for (; rows_next(r); n++)
        TRY(copy_shape(b, rows_text(r, 0), annotation, rows_text(r, 1)));
    TRY(rows_error(r));
    b->more = n == STEP_SHAPES;
    return sql_run(b->db, "UPDATE annotation_row SET n_shapes = n_shapes + ?2 WHERE id = ?1", V(annotation), V(n));
}

static enum err copy_annotation(struct bulk *b, const struct copy *c, const char *from, const char *to, const char *made)
{
    const char *source;
    TRY(need_annotation(b, c, from, to, made, &source));
    return source ? copy_shapes(b, c, source, made) : OK;
}

/* An asset that the version has already keeps what it has, and gets the tags. `made` is the copy's id. */
static enum err copy_asset(struct bulk *b, const char *id, const char *made)
{
    const struct copy c = copy_of(b->input);
    TRY(sql_run(b->db,
                "INSERT INTO asset (id, org, dataset_version_id, data_id, created_at, filename) SELECT ?1, org, ?2, data_id, ?4, "
                "filename FROM asset"
                " WHERE id = ?3 ON CONFLICT DO NOTHING",
                V(made), V(c.to), V(id), V(clock_now_ms())));
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(
        b->db, &r, "SELECT t.id FROM asset a JOIN asset t ON t.data_id = a.data_id AND t.dataset_version_id = ?2 WHERE a.id = ?1",
        V(id), V(c.to));
    if (e == E_NOT_FOUND)
        return OK; /* it was deleted meanwhile */
    TRY(e);
    if (c.tags)
        TRY(copy_tags(b, &c, id, rows_text(r, 0)));
    if (c.annotations)
        TRY(copy_annotation(b, &c, id, rows_text(r, 0), made));
    b->counted += !b->more;
    return OK;
}

/* The asset may have been there before, and only its annotation be a copy. */
static enum err take_back(struct bulk *b, const char *id, const char *made)
{
    (void)id;
    TRY(sql_run(b->db, "DELETE FROM asset WHERE id = ?1", V(made)));
    return sql_run(b->db, "DELETE FROM annotation_row WHERE id = ?1", V(made));
}

/* ---- a fork */

static enum err make_version(struct op *op, const struct copy *c)
{
    const char *version = in_text(op, "version");
    enum err e = sql_run(
        op->db,
        "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, attributes, created_at, "
        "updated_at, created_by) SELECT ?1, dataset_id, org, ?3, coalesce(?4, 'Forked from version ''' || version || "
        "''''), CASE WHEN ?5 = 'NOT_CONFIGURED' THEN type ELSE ?5 END, attributes, ?6, ?6, ?7 FROM dataset_version WHERE id = ?2",
        V(c->to), V(c->from), V(version), V(in_text(op, "description")),
        V(in_text(op, "type") ? in_text(op, "type") : "NOT_CONFIGURED"), V(clock_now_ms()), V(op->user_id));
    return e == E_CONFLICT ? fail(e, "the dataset has a version '%s' already", version) : e;
}

static enum err first(struct op *op, const struct json *input)
{
    const struct copy c = copy_of(input);
    if (c.forks)
        TRY(make_version(op, &c));
    return c.labels || c.annotations ? copy_labels(op, &c) : OK;
}

static enum err last(struct bulk *b, bool done)
{
    const struct copy c = copy_of(b->input);
    return done || !c.forks ? OK : sql_run(b->db, "DELETE FROM dataset_version WHERE id = ?1", V(c.to));
}
#define COPIES                                                                                                                     \
    .doing = "copying assets", .first = first, .apply = copy_asset, .undo = take_back, .counts = "copied", .tells_job = true,      \
    .subject = "to", .called = VERSION_CALLED, .reads = "from"
const struct bulk_kind fork_bulk = { .name = "fork_version", COPIES, .last = last, .makes = true };
const struct bulk_kind copy_bulk = { .name = "copy_assets", COPIES };

static enum err assets_of(struct op *op, const char *version, struct bulk_list *l)
{
    struct value values[] = { V(version), V((const char *)NULL) };
    TRY(in_ids(op, "asset_ids", &values[1]));
    return bulk_rows(op,
                     "SELECT id FROM asset WHERE dataset_version_id = ?1 AND (CAST(?2 AS INTEGER) IS NULL OR id IN " LISTED(
                         "?2") ") ORDER BY id",
                     values, 2, l);
}

static enum err forked(struct op *op, struct bulk_list *l)
{
    const char *parent = in_text(op, "parent_id");
    int64_t there = 0;
    TRY(sql_int(op->db, &there, "SELECT count(*) FROM dataset_version WHERE id = ?1 AND dataset_id = ?2 AND org = ?3", V(parent),
                V(op->id), V(op->org)));
    if (!there)
        return fail(E_NOT_FOUND, "parent_id: the dataset has no version %s", parent);
    TRY(name_check("version", in_text(op, "version")));
    return assets_of(op, parent, l);
}

static void out_job(struct op *op, const struct bulk_done *d)
{
    out_object(&op->out, "job");
    bulk_out_job(op, d);
    out_end_object(&op->out);
}

static enum err fork_version(struct op *op)
{
    const struct copy c = { .from = in_text(op, "parent_id"),
                            .to = id_new(op->arena),
                            .tags = in_bool(op, "with_tags", false),
                            .labels = in_bool(op, "with_labels", false),
                            .annotations = in_bool(op, "with_annotations", false),
                            .forks = true };
    struct bulk_done d;
    TRY(bulk_change(op, &fork_bulk, forked, input_of(op, &c), &d));
    op->status = 201;
    out_object(&op->out, NULL);
    TRY(reply_member(op, "dataset_version", &dataset_version_resource, c.to));
    out_job(op, &d);
    out_end_object(&op->out);
    return OK;
}

/* ---- a copy into a version that there is */

static enum err copied(struct op *op, struct bulk_list *l)
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
    return assets_of(op, op->id, l);
}

static enum err copy_to(struct op *op)
{
    const struct copy c = { .from = op->id,
                            .to = in_text(op, "destination_id"),
                            .tags = in_bool(op, "with_tags", false),
                            .annotations = in_bool(op, "with_annotations", false) };
    struct bulk_done d;
    TRY(bulk_change(op, &copy_bulk, copied, input_of(op, &c), &d));
    out_object(&op->out, NULL);
    out_job(op, &d);
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
    BULK_WAIT,
};
static const struct field copy_in[] = {
    { "destination_id", T_ID, F_NEED },
    { "asset_ids", T_IDS, F_NEED, .max = BULK_IDS },
    { "with_tags", T_BOOL },
    { "with_annotations", T_BOOL },
    BULK_WAIT,
};

DESCRIBED(fork_answer, "forked version", { "dataset_version", T_PART, .of = &dataset_version_resource },
          { "job", T_PART, .of = &job_short });

static const struct route routes[] = {
    { "POST", "/api/dataset/{id}/fork", fork_version, MAY_WRITE, WORK_FREE,
      "a new version with assets of another one, and what is asked for", FIELDS(fork_in), .body_cap = 16 << 20,
      .on = &dataset_resource, .answers = &fork_answer },
    { "POST", "/api/dataset/version/{id}/assets/copy", copy_to, MAY_WRITE, WORK_FREE,
      "copies assets to another version of the dataset", FIELDS(copy_in), .body_cap = 16 << 20, .on = &dataset_version_resource,
      .answers = &job_answer },
};

const struct resource dataset_copy_resource = { .name = "copy of a dataset version",
                                                .routes = routes,
                                                .n_routes = COUNT_OF(routes) };
