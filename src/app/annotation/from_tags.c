/* Tags become classifications: an image with one of the tags is of the label that is called like it. */
#include "api/bulk.h"
#include "app/annotation/annotation.h"
#include "app/dataset/dataset.h"
#include "job/job.h"
#include <string.h>

enum { ASSETS_MOST = 200000, TAGS_MOST = 1000 };

static enum err check(struct op *op, const char *version, struct value ids, const char *type)
{
    int64_t fits = 0, unknown = 0;
    TRY(sql_int(op->db, &fits, "SELECT count(*) FROM dataset_version WHERE id = ?1 AND type = 'CLASSIFICATION'", V(version)));
    if (!fits)
        return fail(E_UNMEANT, "the dataset version is not of type CLASSIFICATION");
    TRY(sql_int(
        op->db, &unknown,
        "SELECT count(*) FROM listed j WHERE j.list = ?1 AND NOT EXISTS (SELECT 1 FROM tag g WHERE g.id = j.value AND g.org = ?2"
        " AND g.target_type = ?3)",
        V(ids), V(op->org), V(type)));
    return unknown ? fail(E_NOT_FOUND, "tag_ids: %lld of the ids are no tags of the type %s", (long long)unknown, type) : OK;
}

static enum err annotate(struct bulk *b, const char *asset, const char *label)
{
    AUTO(out) struct out o;
    const struct json *shapes;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_array(&o, "classifications");
    out_object(&o, NULL);
    out_text(&o, "label", label);
    out_end_object(&o);
    out_end_array(&o);
    out_end_object(&o);
    TRY(json_parse(b->arena, o.text.bytes, o.text.n, &shapes));
    return annotation_from_json(b->db, b->arena, b->org, b->user_id, asset, "PENDING", shapes);
}

static bool among(const struct json *ids, const char *id)
{
    for (size_t i = 0; i < json_count(ids); i++)
        if (strcmp(json_text(json_at(ids, i)), id) == 0)
            return true;
    return false;
}

/* What has been annotated or tagged otherwise meanwhile is left. */
static enum err convert_one(struct bulk *b, const char *asset, const char *made)
{
    bool of_data = false;
    const char *name = NULL;
    int tags = 0;
    (void)made;
    json_bool(json_get(b->input, "of_data"), &of_data);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(b->db, &r,
                 "SELECT g.id, g.name FROM asset a"
                 " JOIN tagged x ON x.target_id = CASE WHEN ?2 <> 0 THEN a.data_id ELSE a.id END JOIN tag g ON g.id = x.tag_id"
                 " WHERE a.id = ?1 AND NOT EXISTS (SELECT 1 FROM annotation n WHERE n.asset_id = a.id)",
                 V(asset), V(of_data)));
    while (rows_next(r))
        if (among(json_get(b->input, "tags"), rows_text(r, 0))) {
            name = arena_str(b->arena, rows_text(r, 1));
            tags++;
        }
    TRY(rows_error(r));
    if (tags != 1)
        return OK;
    b->counted++;
    return annotate(b, asset, name);
}

static enum err take_back(struct bulk *b, const char *asset, const char *made)
{
    (void)made;
    return sql_run(b->db, "DELETE FROM annotation_row WHERE asset_id = ?1 AND batch = 0", V(asset));
}
const struct bulk_kind convert_bulk = { "convert_tags", "labelling by tags", NULL, NULL,      convert_one,   take_back,
                                        NULL,           "annotated",         true, "version", VERSION_CALLED };

/* Assets that are not annotated and have one of the tags; the others are told by number. */
static enum err convertible(struct op *op, struct bulk_list *l)
{
    const char *type = in_text(op, "tag_type");
    struct value ids;
    int64_t several = 0, annotated = 0;
    size_t kept = 0;
    TRY(version_check_unlocked(op->db, op->id));
    TRY(in_ids(op, "tag_ids", &ids));
    TRY(check(op, op->id, ids, type));
    const struct value values[] = { V(op->id), V(ids), V(strcmp(type, "DATA") == 0), V((int64_t)ASSETS_MOST) };
    TRY(bulk_rows(op,
                  "SELECT CASE WHEN count(*) > 1 THEN 'several' WHEN EXISTS (SELECT 1 FROM annotation n WHERE n.asset_id = a.id)"
                  " THEN 'annotated' ELSE a.id END FROM asset a"
                  " JOIN tagged x ON x.target_id = CASE WHEN ?3 <> 0 THEN a.data_id ELSE a.id END JOIN tag g ON g.id = x.tag_id"
                  " WHERE a.dataset_version_id = ?1 AND g.id IN " LISTED("?2") " GROUP BY a.id LIMIT ?4",
                  values, 4, l));
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->ids[i], "several") == 0)
            several++;
        else if (strcmp(l->ids[i], "annotated") == 0)
            annotated++;
        else
            l->ids[kept++] = l->ids[i];
    l->n = kept;
    l->tells =
        arena_fmt(op->arena, "\"more_than_one_tag\":%lld,\"annotated_before\":%lld", (long long)several, (long long)annotated);
    return OK;
}

static enum err convert(struct op *op)
{
    struct bulk_done d;
    TRY(bulk_change(op, &convert_bulk, convertible,
                    arena_fmt(op->arena, "{\"version\":\"%s\",\"tags\":%s,\"of_data\":%s}", op->id, bulk_ids_text(op, "tag_ids"),
                              strcmp(in_text(op, "tag_type"), "DATA") == 0 ? "true" : "false"),
                    &d));
    out_object(&op->out, NULL);
    bulk_out_job(op, &d);
    out_end_object(&op->out);
    return OK;
}

static const char *const tag_types[] = { "DATA", "ASSET", NULL };
static const struct field in[] = {
    { "tag_ids", T_IDS, F_NEED, .min = 1, .max = TAGS_MOST },
    { "tag_type", T_TEXT, F_NEED, .words = tag_types },
    BULK_WAIT,
};

static const struct route routes[] = {
    { "POST", "/api/dataset/version/{id}/tags/convert", convert, MAY_WRITE, WORK_FREE,
      "labels images that are not annotated by their tags; those with more than one of the tags are left", FIELDS(in),
      .on = &dataset_version_resource, .answers = &job_short },
};

const struct resource from_tags_resource = { .name = "tags to classifications", .routes = routes, .n_routes = COUNT_OF(routes) };
