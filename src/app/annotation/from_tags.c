/* Tags become classifications: an image with one of the tags is of the label that is called like it. */
#include "app/annotation/annotation.h"
#include "app/dataset/dataset.h"
#include "job/job.h"
#include <string.h>

enum { ASSETS_MOST = 200000, TAGS_MOST = 1000 };

struct conversion {
    int64_t made, several, annotated; /* assets: with a new annotation; with more than one of the tags; annotated before */
};

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

static enum err annotate(struct op *op, const char *asset, const char *label)
{
    AUTO(arena) struct arena *a = arena_new(); /* an asset's memory need not outlive it */
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
    TRY(json_parse(a, o.text.bytes, o.text.n, &shapes));
    return annotation_from_json(op->db, a, op->org, op->user_id, asset, "PENDING", shapes);
}

static enum err convert_all(struct op *op, const char *version, struct value ids, bool of_data, struct conversion *c)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT a.id, min(g.name), count(*), EXISTS (SELECT 1 FROM annotation n WHERE n.asset_id = a.id) FROM asset a"
                 " JOIN tagged x ON x.target_id = CASE WHEN ?3 <> 0 THEN a.data_id ELSE a.id END JOIN tag g ON g.id = x.tag_id"
                 " WHERE a.dataset_version_id = ?1 AND g.id IN " LISTED("?2") " GROUP BY a.id LIMIT ?4",
                 V(version), V(ids), V(of_data), V((int64_t)ASSETS_MOST)));
    while (rows_next(r)) {
        bool several = rows_int(r, 2) > 1, annotated = rows_int(r, 3);
        c->several += several;
        c->annotated += annotated && !several;
        if (several || annotated)
            continue;
        TRY(annotate(op, rows_text(r, 0), rows_text(r, 1)));
        c->made++;
    }
    return rows_error(r);
}

static enum err convert(struct op *op)
{
    const char *type = in_text(op, "tag_type"), *job;
    struct value ids;
    struct conversion c = { 0 };
    TRY(version_check_unlocked(op->db, op->id));
    TRY(in_ids(op, "tag_ids", &ids));
    TRY(check(op, op->id, ids, type));
    TRY(convert_all(op, op->id, ids, strcmp(type, "DATA") == 0, &c));
    TRY(job_add_done(op->db, op->arena, "convert_tags", op->org, op->user_id,
                     arena_fmt(op->arena, "{\"annotated\":%lld,\"more_than_one_tag\":%lld,\"annotated_before\":%lld}",
                               (long long)c.made, (long long)c.several, (long long)c.annotated),
                     &job));
    out_object(&op->out, NULL);
    out_text(&op->out, "id", job);
    out_text(&op->out, "status", "SUCCESS");
    out_end_object(&op->out);
    return OK;
}

static const char *const tag_types[] = { "DATA", "ASSET", NULL };
static const struct field in[] = {
    { "tag_ids", T_IDS, F_NEED, .min = 1, .max = TAGS_MOST },
    { "tag_type", T_TEXT, F_NEED, .words = tag_types },
};

static const struct route routes[] = {
    { "POST", "/api/dataset/version/{id}/tags/convert", convert, MAY_WRITE, WORK_WRITE,
      "labels images that are not annotated by their tags; those with more than one of the tags are left", FIELDS(in),
      .on = &dataset_version_resource },
};

const struct resource from_tags_resource = { .name = "tags to classifications", .routes = routes, .n_routes = COUNT_OF(routes) };
