/* Assets: data in a dataset version. What is annotated is the asset, so the same image can be annotated differently elsewhere. */
#include "api/bulk.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "job/job.h"
#include "query/query.h"
#include <string.h>

enum { LIST_IDS = 10000, BULK_IDS = 200000, PLAIN = 6, CONDITION = 1 << 16 };

#define LAST_CHARACTER "\U0010FFFF" /* sorts after every other */

static const char table[] =
    "CREATE TABLE asset (id TEXT PRIMARY KEY, org TEXT NOT NULL, "
    "dataset_version_id TEXT NOT NULL REFERENCES dataset_version(id) ON DELETE CASCADE, "
    "data_id TEXT NOT NULL REFERENCES data(id) ON DELETE CASCADE, created_at INTEGER NOT NULL, "
    /* what lists are sorted by and searched for most, kept from the data and from the annotation that is shown */
    "filename TEXT NOT NULL DEFAULT '', n_shapes INTEGER NOT NULL DEFAULT 0, status TEXT, "
    "UNIQUE (dataset_version_id, data_id)) STRICT;"
    "CREATE INDEX asset_of_version ON asset (dataset_version_id, org, id);"
    "CREATE INDEX asset_of_data ON asset (data_id);"
    "CREATE INDEX asset_created ON asset (dataset_version_id, created_at, id);"
    "CREATE INDEX asset_filename ON asset (dataset_version_id, filename, id);"
    "CREATE INDEX asset_shapes ON asset (dataset_version_id, n_shapes, id);"
    "CREATE INDEX asset_status ON asset (dataset_version_id, status, id);"
    "CREATE TRIGGER asset_made AFTER INSERT ON asset BEGIN "
    "UPDATE dataset_version SET n_assets = n_assets + 1 WHERE id = new.dataset_version_id; "
    "INSERT INTO version_tag (dataset_version_id, tag_id, n) SELECT new.dataset_version_id, x.tag_id, 1 FROM tagged x "
    "WHERE x.target_id = new.data_id ON CONFLICT (dataset_version_id, tag_id) DO UPDATE SET n = version_tag.n + 1; END;"
    "CREATE TRIGGER asset_gone AFTER DELETE ON asset BEGIN DELETE FROM tagged WHERE target_id = old.id; "
    "UPDATE dataset_version SET n_assets = n_assets - 1 WHERE id = old.dataset_version_id; "
    "UPDATE version_tag SET n = n - 1 WHERE dataset_version_id = old.dataset_version_id AND tag_id IN (SELECT x.tag_id FROM "
    "tagged x WHERE x.target_id = old.data_id); END";

#define BY_DATA .drive = OF_DATA("asset", "dataset_version_id")
#define BY_SOURCE .offer = SOURCE_NAMES, .drive = OF_SOURCE("asset", "dataset_version_id")
#define SOURCE "s.name", "FROM data_source s WHERE s.id = d.data_source_id"
/* Those with such a label; and those with so many shapes, which those with so many of one label are among. */
#define LABELLED                                                                                                                   \
    .offer = "FROM label l WHERE l.org = ?1",                                                                                      \
    .drive = "SELECT h.asset_id AS id FROM label l CROSS JOIN shape h WHERE h.label_id = l.id AND l.dataset_version_id = ?1",      \
    .drive_count = "SELECT n.asset_id AS id FROM annotation n WHERE n.dataset_version_id = ?1 AND n.n_shapes"
#define BY_ANNOTATION .drive = "SELECT n.asset_id AS id FROM annotation n WHERE n.dataset_version_id = ?1"
#define SHAPES(kind_) "FROM shape h JOIN label l ON l.id = h.label_id WHERE h.asset_id = a.id AND h.kind = '" kind_ "'", LABELLED
#define BY_VERSION .drive = "SELECT a.id AS id FROM asset a WHERE a.dataset_version_id = ?1"
#define STATUS_OF "(SELECT n.status FROM annotation n WHERE n.asset_id = a.id)"
#define COUNT_OF_SHAPES "coalesce((SELECT n.n_shapes FROM annotation n WHERE n.asset_id = a.id), 0)"

#define MEMBERS_OF(document)                                                                                                       \
    .owner = "a.data_id", .keys = KEPT_KEYS(document),                                                                             \
    .drive = "SELECT a.id AS id" KEPT_FROM("dataset_version") " CROSS JOIN asset a WHERE " KEPT_WITHIN                             \
                                                              " AND a.data_id = m.owner_id AND a.dataset_version_id = ?1"

static const char *const annotation_statuses[] = { "PENDING", "SKIPPED", "ACCEPTED", "REFUSED", NULL };

/* The query language knows the fields of the data with the client's prefix "data." and without it. */
#define DATA_PATH(name, type, sql, ...)                                                                                            \
    { name, type, F_FILTER | F_HIDE, sql, ##__VA_ARGS__ },                                                                         \
    {                                                                                                                              \
        "data." name, type, F_FILTER | F_HIDE, sql, ##__VA_ARGS__                                                                  \
    }
#define PATHS                                                                                                                       \
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("a.id"), .drive = TAGGED, .offer = TAG_NAMES("ASSET") },                     \
        { "data.tags.name",                                                                                                         \
          T_TEXT,                                                                                                                   \
          F_FILTER,                                                                                                                 \
          "t.name",                                                                                                                 \
          HAS_TAG("d.id"),                                                                                                          \
          .drive = OF_TAGGED_DATA("asset", "dataset_version_id"),                                                                   \
          .offer = TAG_NAMES("DATA") },                                                                                             \
        DATA_PATH("object_name", T_TEXT, "d.object_name"), DATA_PATH("content_type", T_TEXT, "d.content_type", BY_DATA),            \
        DATA_PATH("width", T_INT, "d.width", BY_DATA), DATA_PATH("height", T_INT, "d.height", BY_DATA),                             \
        DATA_PATH("size", T_INT, "d.size", BY_DATA), DATA_PATH("metadata", T_OBJECT, "d.metadata", MEMBERS_OF(KEPT_METADATA)),      \
        DATA_PATH("custom_metadata", T_OBJECT, "d.custom_metadata", MEMBERS_OF(KEPT_CUSTOM)),                                       \
        DATA_PATH("source", T_TEXT, SOURCE, BY_SOURCE), DATA_PATH("data_source.name", T_TEXT, SOURCE, BY_SOURCE),                   \
        { "data.id", T_ID, F_FILTER | F_HIDE, "d.id" }, { "data.created_at", T_TIME, F_FILTER | F_HIDE, "d.created_at", BY_DATA },  \
        { "data.filename", T_TEXT, F_FILTER | F_HIDE, "a.filename", BY_VERSION, .offer = NAMES_OFFERED },                           \
        { "annotations.status",        T_TEXT, F_FILTER, "n.status", "FROM annotation n WHERE n.asset_id = a.id", BY_ANNOTATION,    \
          .words = annotation_statuses },                                                                                           \
        { "annotations.created_at", T_TIME, F_FILTER, "n.created_at", "FROM annotation n WHERE n.asset_id = a.id", BY_ANNOTATION }, \
        { "annotations.updated_at", T_TIME, F_FILTER, "n.updated_at", "FROM annotation n WHERE n.asset_id = a.id", BY_ANNOTATION }, \
        { "annotations.label.name",                                                                                                 \
          T_TEXT,                                                                                                                   \
          F_FILTER,                                                                                                                 \
          "l.name",                                                                                                                 \
          "FROM shape h JOIN label l ON l.id = h.label_id WHERE h.asset_id = a.id",                                                 \
          LABELLED },                                                                                                               \
        { "label.name", T_TEXT, F_FILTER, "l.name", "FROM shape h JOIN label l ON l.id = h.label_id WHERE h.asset_id = a.id",       \
          LABELLED },                                                                                                               \
        { "annotations.rectangles.label.name", T_TEXT, F_FILTER, "l.name", SHAPES("rectangle") },                                   \
        { "annotations.polygons.label.name", T_TEXT, F_FILTER, "l.name", SHAPES("polygon") },                                       \
        { "annotations.lines.label.name", T_TEXT, F_FILTER, "l.name", SHAPES("line") },                                             \
        { "annotations.points.label.name", T_TEXT, F_FILTER, "l.name", SHAPES("point") },                                           \
        { "annotations.classifications.label.name", T_TEXT, F_FILTER, "l.name", SHAPES("classification") },                         \
        { "annotations.keypoints.label.name", T_TEXT, F_FILTER, "l.name", SHAPES("keypoints") },                                    \
    {                                                                                                                               \
        "annotations.masks.label.name", T_TEXT, F_FILTER, "l.name", SHAPES("mask")                                                  \
    }
#define MEMBERS                                                                                                                    \
    { "id", T_ID, F_FILTER, "a.id" }, { "data", T_PART, 0, .of = &data_short }, TAGS("a.id"),                                      \
        { "dataset_version_id", T_ID, 0, "a.dataset_version_id" }, { "created_at", T_TIME, F_FILTER | F_SORT, "a.created_at" },    \
        { "filename", T_TEXT, F_FILTER | F_SORT | F_HIDE, "a.filename", BY_VERSION, .offer = NAMES_OFFERED },                      \
        { "nb_objects", T_INT, 0, COUNT_OF_SHAPES },                                                                               \
    {                                                                                                                              \
        "status", T_TEXT, F_NULL, STATUS_OF, .words = annotation_statuses                                                          \
    }
/* What is shown is always the annotation's; what is sorted by and searched for is kept with the asset, */
#define KEPT                                                                                                                       \
    { "nb_objects", T_INT, F_FILTER | F_SORT | F_HIDE, "a.n_shapes", BY_VERSION },                                                 \
    {                                                                                                                              \
        "status", T_TEXT, F_FILTER | F_SORT | F_HIDE, "a.status", BY_VERSION, .words = annotation_statuses                         \
    }
/* unless an import has just been shown: then what is kept follows it in slices. */
#define LOOKED_UP                                                                                                                  \
    { "nb_objects", T_INT, F_FILTER | F_SORT | F_HIDE, COUNT_OF_SHAPES },                                                          \
    {                                                                                                                              \
        "status", T_TEXT, F_FILTER | F_SORT | F_HIDE, STATUS_OF, .words = annotation_statuses                                      \
    }
#define BEHIND "SELECT count(*) FROM batch WHERE dataset_version_id = ?1 AND shown <> 0"
#define WITH_ANNOTATION                                                                                                            \
    {                                                                                                                              \
        "annotation", T_ONE, F_NULL, "a.id", .of = &annotation_in_asset, .by = "n.asset_id"                                        \
    }

static const struct field fields[] = { MEMBERS, KEPT, PATHS };
static const struct field meanwhile_fields[] = { MEMBERS, LOOKED_UP, PATHS };
static const struct field annotated_fields[] = { MEMBERS, WITH_ANNOTATION, KEPT, PATHS };
static const struct field annotated_meanwhile_fields[] = { MEMBERS, WITH_ANNOTATION, LOOKED_UP, PATHS };
static const struct field extended_fields[] = {
    MEMBERS,
    { "annotations", T_MANY, 0, "a.id", .of = &annotation_in_asset, .by = "n.asset_id" },
};

static const struct field listed_fields[] = { MEMBERS, { "annotation", T_ONE, F_NULL | F_WHEN, .of = &annotation_in_asset } };

/* LEFT: there always is a data, and a count that does not look at it need not fetch it. */
#define FROM                                                                                                                       \
    .from = "asset a LEFT JOIN data d ON d.id = a.data_id", .key = "a.id", .org = "a.org",                                         \
    .root = "(SELECT v.dataset_id FROM dataset_version v WHERE v.id = a.dataset_version_id)"
static const struct resource meanwhile = {
    .name = "asset", .fields = meanwhile_fields, .n_fields = COUNT_OF(meanwhile_fields), FROM
};
static const struct resource annotated_meanwhile = {
    .name = "asset", .fields = annotated_meanwhile_fields, .n_fields = COUNT_OF(annotated_meanwhile_fields), FROM
};
static const struct resource annotated_resource = { .name = "asset",
                                                    .called = "annotated asset",
                                                    .fields = annotated_fields,
                                                    .n_fields = COUNT_OF(annotated_fields),
                                                    FROM,
                                                    .behind = BEHIND,
                                                    .meanwhile = &annotated_meanwhile };
/* For the description: a list has the annotations if they are asked for. */
static const struct resource listed_resource = {
    .name = "asset", .called = "listed asset", .fields = listed_fields, .n_fields = COUNT_OF(listed_fields)
};
static const struct resource extended_resource = {
    .name = "asset", .called = "extended asset", .fields = extended_fields, .n_fields = COUNT_OF(extended_fields), FROM
};

/* ---- adding */

enum err asset_need(struct sql *db, struct arena *a, const char *org, const char *version, const char *data, const char **ret_id)
{
    TRY(sql_run(db,
                "INSERT INTO asset (id, org, dataset_version_id, data_id, created_at, filename) SELECT ?1, ?2, ?3, d.id, ?5, "
                "d.filename FROM data d WHERE d.id = ?4 ON CONFLICT DO NOTHING",
                V(id_new(a)), V(org), V(version), V(data), V(clock_now_ms())));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT id FROM asset WHERE dataset_version_id = ?1 AND data_id = ?2", V(version), V(data)));
    *ret_id = arena_str(a, rows_text(r, 0));
    return OK;
}

static enum err check_tags(struct op *op, const char *version, struct value tags)
{
    int64_t unknown = 0;
    TRY(sql_int(
        op->db, &unknown,
        "SELECT count(*) FROM listed j LEFT JOIN tag g ON g.id = j.value AND g.scope = ?2 WHERE j.list = ?1 AND g.id IS NULL",
        V(tags), V(version)));
    return unknown ? fail(E_NOT_FOUND, "asset_tag_ids: %lld of the ids are no tags of this version", (long long)unknown) : OK;
}

/* Data that are missing or not usable refuse the lot. */
static enum err check_data(struct op *op, const char *const *ids, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (op->guest)
            TRY(fail_within(resource_need(op, &data_resource, ids[i]), "data_ids: "));
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(op->db, &r, "SELECT filename, upload_status FROM data WHERE id = ?1 AND org = ?2", V(ids[i]), V(op->org)));
        if (!rows_next(r)) {
            TRY(rows_error(r));
            return fail(E_NOT_FOUND, "data_ids: there is no data %s", ids[i]);
        }
        if (strcmp(rows_text(r, 1), "DONE") != 0)
            return fail(E_UNMEANT, "data_ids: '%s' is no usable image (%s)", rows_text(r, 0), rows_text(r, 1));
    }
    return OK;
}

/* What q selects in a datalake, or the ids that were sent. */
static enum err wanted_data(struct op *op, struct bulk_list *l)
{
    const char *q = in_text(op, "q"), *lake = in_text(op, "datalake_id");
    struct value tags;
    TRY(version_check_unlocked(op->db, op->id));
    TRY(in_ids(op, "asset_tag_ids", &tags));
    TRY(check_tags(op, op->id, tags));
    if (in_has(op, "data_ids") == (q != NULL))
        return fail(E_INVALID, "say which: data_ids, or q with datalake_id");
    if (!q) {
        bulk_ids(op, "data_ids", l);
        return check_data(op, l->ids, l->n);
    }
    if (!lake)
        return fail(E_INVALID, "datalake_id is missing");
    const struct value values[] = { V(lake) };
    return resource_ids(op, &data_resource, q, "d.datalake_id = ?1 AND d.upload_status = 'DONE'", values, 1, &l->ids, &l->n);
}

/* Data that was deleted meanwhile is left out. */
static enum err add_one(struct bulk *b, const char *data, const char *made)
{
    const char *version = json_text(json_get(b->input, "version"));
    const struct json *tags = json_get(b->input, "tags");
    TRY(sql_run(b->db,
                "INSERT INTO asset (id, org, dataset_version_id, data_id, created_at, filename) SELECT ?1, v.org, v.id, d.id, ?4, "
                "d.filename FROM data d"
                " JOIN dataset_version v ON v.id = ?2 WHERE d.id = ?3 ON CONFLICT DO NOTHING",
                V(made), V(version), V(data), V(clock_now_ms())));
    b->counted += sql_changes(b->db);
    for (size_t i = 0; i < json_count(tags); i++)
        TRY(sql_run(b->db,
                    "INSERT INTO tagged (tag_id, target_id) SELECT ?1, a.id FROM asset a WHERE a.dataset_version_id = ?2"
                    " AND a.data_id = ?3 ON CONFLICT DO NOTHING",
                    V(json_text(json_at(tags, i))), V(version), V(data)));
    return OK;
}

static enum err take_back(struct bulk *b, const char *data, const char *made)
{
    (void)data;
    return sql_run(b->db, "DELETE FROM asset WHERE id = ?1", V(made));
}
const struct bulk_kind add_data_bulk = { "add_data", "adding data", NULL, NULL,      add_one,       take_back,
                                         NULL,       "added",       true, "version", VERSION_CALLED };

static enum err add(struct op *op)
{
    struct bulk_done d;
    TRY(bulk_change(op, &add_data_bulk, wanted_data,
                    arena_fmt(op->arena, "{\"version\":\"%s\",\"tags\":%s}", op->id, bulk_ids_text(op, "asset_tag_ids")), &d));
    op->status = 201;
    out_object(&op->out, NULL);
    out_object(&op->out, "job");
    bulk_out_job(op, &d);
    out_end_object(&op->out);
    if (d.done)
        out_int(&op->out, "added", d.count);
    else
        out_null(&op->out, "added"); /* the job's result will tell */
    TRY(reply_member(op, "dataset_version", &dataset_version_resource, op->id));
    out_end_object(&op->out);
    return OK;
}

/* ---- lists */

static enum err page(struct op *op, bool whole)
{
    const char *custom = in_text(op, "custom_metadata");
    struct where w = { 0 };
    AUTO(text) struct text condition;
    text_init(&condition, CONDITION);
    text_add(&condition, "a.dataset_version_id = ?1");
    struct value values[PLAIN + QUERY_VALUES] = { V(op->id) };
    size_t n = 1;
    struct value ids, data, names, filenames, beginnings;
    TRY(in_ids(op, "ids", &ids));
    TRY(in_ids(op, "data_ids", &data));
    TRY(in_texts(op, "object_names", &names));
    TRY(in_names(op, "filenames", &filenames));
    TRY(in_names(op, "filename_startswith", &beginnings));
    const struct {
        const char *before, *after;
        struct value value;
    } plain[] = {
        { "a.id IN (SELECT value FROM listed WHERE list = ", ")", ids },
        { "a.data_id IN (SELECT value FROM listed WHERE list = ", ")", data },
        { "d.object_name IN (SELECT value FROM listed WHERE list = ", ")", names },
        { "a.data_id IN (SELECT p.id FROM listed j CROSS JOIN datalake k CROSS JOIN data p WHERE p.datalake_id = k.id "
          "AND p.filename = j.value AND j.list = ",
          ")", filenames },
        { "a.data_id IN (SELECT p.id FROM listed j CROSS JOIN datalake k CROSS JOIN data p WHERE p.datalake_id = k.id "
          "AND p.filename >= j.value AND p.filename < j.value || '" LAST_CHARACTER "' AND j.list = ",
          ")", beginnings },
    };
    /* upload_statuses and types are of no use here: an asset is always a usable image */
    for (size_t i = 0; i < COUNT_OF(plain); i++)
        if (plain[i].value.kind != VALUE_NULL) {
            values[n++] = plain[i].value;
            text_fmt(&condition, " AND %s?%zu%s", plain[i].before, n, plain[i].after);
        }
    if (custom) {
        TRY(query_members(op->arena, &asset_resource, "custom_metadata", custom, n, &w));
        text_fmt(&condition, " AND %s", w.sql);
        memcpy(values + n, w.values, w.n * sizeof *values);
        n += w.n;
    }
    if (text_full(&condition))
        return fail(E_TOO_BIG, "the query is too long");
    const struct resource *r = in_bool(op, "annotations", false) ? &annotated_resource : &asset_resource;
    return whole ? reply_list_where(op, r, condition.bytes, values, n) : reply_page_where(op, r, condition.bytes, values, n);
}

static enum err list(struct op *op)
{
    return page(op, false);
}

static enum err list_of(struct op *op)
{
    return page(op, true);
}

static enum err extended(struct op *op)
{
    return reply_page(op, &extended_resource, "a.dataset_version_id = ?1", V(op->id));
}

static enum err find(struct op *op)
{
    const char *id = in_text(op, "id"), *data = in_text(op, "data_id"), *filename = in_text(op, "filename"),
               *name = in_text(op, "object_name");
    if (!id && !data && !filename && !name)
        return fail(E_INVALID, "say which: id, data_id, filename or object_name");
    return reply_find(op, &asset_resource, "the dataset version has no such asset",
                      "a.dataset_version_id = ?1 AND (a.id = ?2 OR ?2 IS NULL) AND (a.data_id = ?3 OR ?3 IS NULL) "
                      "AND (d.filename = ?4 OR ?4 IS NULL) AND (d.object_name = ?5 OR ?5 IS NULL)",
                      V(op->id), V(id), V(data), V(filename), V(name));
}

static enum err get(struct op *op)
{
    return reply_one(op, &annotated_resource, op->id);
}

/* ---- removing */

static enum err delete_one(struct op *op)
{
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT dataset_version_id FROM asset WHERE id = ?1", V(op->id)));
        TRY(version_check_free(op->db, rows_text(r, 0)));
    }
    op->status = 204;
    return sql_run(op->db, "DELETE FROM asset WHERE id = ?1", V(op->id));
}

static enum err remove_asset(struct bulk *b, const char *id, const char *made)
{
    (void)made;
    TRY(sql_run(b->db, "DELETE FROM asset WHERE id = ?1", V(id)));
    b->counted += sql_changes(b->db);
    return OK;
}
const struct bulk_kind remove_assets_bulk = {
    "remove_assets", "removing assets", NULL, NULL, remove_asset, NULL, NULL, "removed", false, "version", VERSION_CALLED
};

/* The assets that are meant, as far as the version has them. */
static enum err unwanted(struct op *op, struct bulk_list *l)
{
    const char *q = in_text(op, "q");
    struct value values[] = { V(op->id), V((const char *)NULL) };
    TRY(version_check_unlocked(op->db, op->id));
    if (!in_has(op, "ids") && !(q && *q))
        return fail(E_INVALID, "say which: ids, or q");
    TRY(in_ids(op, "ids", &values[1]));
    return resource_ids(op, &asset_resource, q,
                        "a.dataset_version_id = ?1 AND (CAST(?2 AS INTEGER) IS NULL OR a.id IN " LISTED("?2") ")", values, 2,
                        &l->ids, &l->n);
}

static enum err delete_many(struct op *op)
{
    int64_t count = 0;
    TRY(bulk_change_wait(op, &remove_assets_bulk, unwanted, arena_fmt(op->arena, "{\"version\":\"%s\"}", op->id), &count));
    out_object(&op->out, NULL);
    out_int(&op->out, "count", count);
    out_end_object(&op->out);
    return OK;
}

static const struct field add_in[] = {
    { "data_ids", T_IDS, 0, .max = BULK_IDS },
    { "asset_tag_ids", T_IDS, F_NULL, .max = 1000 },
    { "q", T_TEXT, 0, .max = 4000 },
    { "datalake_id", T_ID },
    BULK_WAIT,
};
static const struct field list_in[] = {
    { "ids", T_IDS, .max = LIST_IDS },
    { "data_ids", T_IDS, .max = LIST_IDS },
    { "object_names", T_TEXTS, .max = LIST_IDS },
    { "filenames", T_TEXTS, .max = LIST_IDS },
    { "filename_startswith", T_TEXTS, .max = LIST_IDS },
    { "upload_statuses", T_TEXTS, .words = data_statuses },
    { "types", T_TEXTS, .words = data_types },
    { "annotations", T_BOOL },
    { "custom_metadata", T_TEXT, .max = 4000 },
    { "q", T_TEXT, F_NULL, .max = 4000 },
};
static const struct field find_in[] = {
    { "id", T_ID },
    { "data_id", T_ID },
    { "filename", T_TEXT },
    { "object_name", T_TEXT, .max = 2000 },
};
static const struct field delete_in[] = { { "ids", T_IDS, .max = BULK_IDS }, { "q", T_TEXT, .max = 4000 } };

#define ASSET .answers = &asset_resource
DESCRIBED(added_answer, "assets added", { "job", T_PART, .of = &job_short }, { "added", T_INT, F_NULL },
          { "dataset_version", T_PART, .of = &dataset_version_resource });

static const struct route routes[] = {
    { "POST", "/api/dataset/version/{id}/assets", add, MAY_WRITE, WORK_FREE, "adds data: ids, or all that q selects in a datalake",
      FIELDS(add_in), .body_cap = 16 << 20, .on = &dataset_version_resource, .answers = &added_answer },
    { "GET", "/api/dataset/version/{id}/assets", list, MAY_READ, WORK_READ,
      "assets by page; annotations=true adds each one's annotation", FIELDS(list_in), .answers = &listed_resource,
      .on = &dataset_version_resource, .gives = GIVES_PAGE },
    { "XGET", "/api/dataset/version/{id}/assets", list_of, MAY_READ, WORK_READ,
      "assets named by ids, data_ids, object_names, filenames or beginnings of file names", FIELDS(list_in),
      .answers = &listed_resource, .body_cap = 16 << 20, .on = &dataset_version_resource, .gives = GIVES_PAGE },
    { "DELETE", "/api/dataset/version/{id}/assets", delete_many, MAY_WRITE, WORK_FREE, "removes assets: ids, or all that q selects",
      FIELDS(delete_in), .body_cap = 16 << 20, .on = &dataset_version_resource, .answers = &count_answer },
    { "GET", "/api/dataset/version/{id}/assets/extended", extended, MAY_READ, WORK_READ, "assets with a list of annotations",
      .answers = &extended_resource, .on = &dataset_version_resource, .gives = GIVES_PAGE },
    { "GET", "/api/dataset/version/{id}/assets/find", find, MAY_READ, WORK_READ,
      "one asset by id, data_id, filename or object_name", FIELDS(find_in), ASSET, .on = &dataset_version_resource },
    { "GET", "/api/asset/{id}", get, MAY_READ, WORK_READ, "one asset with its annotation", .answers = &annotated_resource,
      .on = &asset_resource },
    { "DELETE", "/api/asset/{id}", delete_one, MAY_WRITE, WORK_WRITE, "removes an asset from its version; the data stays",
      .on = &asset_resource, .gives = GIVES_NOTHING },
};

const struct resource asset_resource = {
    .name = "asset",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    FROM,
    .behind = BEHIND,
    .meanwhile = &meanwhile,
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
