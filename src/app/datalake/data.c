/* Data: one image in a datalake. Its bytes are an object; what the image is was found out by decoding it in the sandbox. */
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "query/query.h"
#include <string.h>

enum { LIST_IDS = 10000, PLAIN = 8, CONDITION = 1 << 16 };

#define THUMBNAIL(side) "old.org || '/thumbnail/' || old.hash || '/" side ".jpg'"

static const char table[] =
    "CREATE TABLE data (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), "
    "datalake_id TEXT NOT NULL REFERENCES datalake(id), object_name TEXT NOT NULL UNIQUE REFERENCES object(name), "
    "filename TEXT NOT NULL, type TEXT NOT NULL, content_type TEXT NOT NULL, "
    "upload_status TEXT NOT NULL CHECK (upload_status IN ('PENDING', 'COMPUTING', 'ERROR', 'DONE')), error TEXT, "
    "width INTEGER, height INTEGER, orientation INTEGER, size INTEGER NOT NULL, hash TEXT NOT NULL, "
    "data_source_id TEXT REFERENCES data_source(id) ON DELETE SET NULL, metadata TEXT, custom_metadata TEXT, "
    "created_at INTEGER NOT NULL, created_by TEXT) STRICT;"
    "CREATE INDEX data_lake ON data (datalake_id, org, id);" /* a page and its count need nothing else */
    "CREATE INDEX data_filename ON data (datalake_id, filename, id);"
    "CREATE INDEX data_hash ON data (hash);"
    "CREATE INDEX data_source_of ON data (data_source_id, id);"
    "CREATE INDEX data_created ON data (datalake_id, created_at, id);"
    "CREATE INDEX data_size ON data (datalake_id, size, id);"
    "CREATE INDEX data_width ON data (datalake_id, width, id);"
    "CREATE INDEX data_height ON data (datalake_id, height, id);"
    "CREATE INDEX data_kind ON data (datalake_id, content_type, id);"
    "CREATE INDEX data_status ON data (datalake_id, upload_status, id);"
    "CREATE TRIGGER data_gone AFTER DELETE ON data BEGIN DELETE FROM tagged WHERE target_id = old.id; " KEPT_GOES
    " DELETE FROM object WHERE name = old.object_name; "
    "DELETE FROM object WHERE name IN (" THUMBNAIL("128") ", " THUMBNAIL("256") ", " THUMBNAIL("512") ", " THUMBNAIL(
        "1024") ") "
                "AND NOT EXISTS (SELECT 1 FROM data WHERE hash = old.hash AND org = old.org); END";

const char *const data_statuses[] = { "PENDING", "COMPUTING", "ERROR", "DONE", NULL };
const char *const data_types[] = { "IMAGE", "VIDEO", NULL };

#define OF_DATASETS                                                                                                                \
    "FROM asset a JOIN dataset_version v ON v.id = a.dataset_version_id JOIN dataset s ON s.id = v.dataset_id WHERE a.data_id = "  \
    "d.id"

static const struct field size_fields[] = { { "width", T_INT, F_NULL, "d.width" }, { "height", T_INT, F_NULL, "d.height" } };
const struct resource image_size = { .name = "image size", .fields = size_fields, .n_fields = COUNT_OF(size_fields) };

static const struct field source_fields[] = { { "id", T_ID, 0, "s.id" }, { "name", T_TEXT, 0, "s.name" } };
static const struct resource source_short = { .name = "short data source",
                                              .fields = source_fields,
                                              .n_fields = COUNT_OF(source_fields),
                                              .from = "data_source s",
                                              .key = "s.id" };

#define META                                                                                                                       \
    {                                                                                                                              \
        "meta", T_PART, F_NULL, "nullif(d.width, 0)", .of = &image_size                                                            \
    }
#define THUMBNAIL_URL                                                                                                              \
    {                                                                                                                              \
        "thumbnail_url", T_TEXT, 0, "'/api/data/' || d.id || '/thumbnail'"                                                         \
    }
static const struct field short_fields[] = {
    { "id", T_ID, 0, "d.id" },
    { "object_name", T_TEXT, 0, "d.object_name" },
    { "filename", T_TEXT, 0, "d.filename" },
    { "type", T_TEXT, 0, "d.type", .words = data_types },
    { "content_type", T_TEXT, 0, "d.content_type" },
    { "upload_status", T_TEXT, 0, "d.upload_status", .words = data_statuses },
    { "presigned_url", T_LINK, 0, "d.object_name" },
    META,
    { "metadata", T_OBJECT, F_NULL, "d.metadata" },
    { "custom_metadata", T_OBJECT, F_NULL, "d.custom_metadata" },
    { "datalake_id", T_ID, 0, "d.datalake_id" },
    { "size", T_INT, 0, "d.size" },
    { "created_at", T_TIME, 0, "d.created_at" },
    THUMBNAIL_URL,
    TAGS("d.id"),
};
const struct resource data_short = {
    .name = "short data", .fields = short_fields, .n_fields = COUNT_OF(short_fields), .from = "data d", .key = "d.id"
};

#define BY "SELECT d.id AS id FROM data d WHERE d.datalake_id = ?1"
#define SOURCE "s.name", "FROM data_source s WHERE s.id = d.data_source_id"
#define BY_SOURCE                                                                                                                  \
    "SELECT d.id AS id FROM data_source s CROSS JOIN data d WHERE d.data_source_id = s.id" /* an index leads from source           \
                                                                                                       to data: no other one is    \
                                                                                                       wanted */
#define MEMBERS_OF(document)                                                                                                       \
    .owner = "d.id", .keys = KEPT_KEYS(document), .drive = "SELECT m.owner_id AS id" KEPT_FROM("datalake") " WHERE " KEPT_WITHIN
static const struct field fields[] = {
    { "id", T_ID, F_FILTER | F_SORT, "d.id" },
    { "object_name", T_TEXT, F_FILTER, "d.object_name" },
    { "filename", T_TEXT, F_FILTER | F_SORT, "d.filename", .drive = BY, .offer = FILE_NAMES },
    { "type", T_TEXT, F_FILTER, "d.type", .words = data_types },
    { "content_type", T_TEXT, F_FILTER | F_SORT, "d.content_type", .drive = BY },
    { "upload_status", T_TEXT, F_FILTER | F_SORT, "d.upload_status", .drive = BY, .words = data_statuses },
    { "error", T_TEXT, F_FILTER | F_NULL, "d.error" },
    { "presigned_url", T_LINK, 0, "d.object_name" },
    META,
    { "metadata", T_OBJECT, F_FILTER | F_NULL, "d.metadata", MEMBERS_OF(KEPT_METADATA) },
    { "custom_metadata", T_OBJECT, F_FILTER | F_NULL, "d.custom_metadata", MEMBERS_OF(KEPT_CUSTOM) },
    { "datalake_id", T_ID, 0, "d.datalake_id" },
    { "size", T_INT, F_FILTER | F_SORT, "d.size", .drive = BY },
    { "width", T_INT, F_FILTER | F_SORT | F_HIDE, "d.width", .drive = BY },
    { "height", T_INT, F_FILTER | F_SORT | F_HIDE, "d.height", .drive = BY },
    { "created_at", T_TIME, F_FILTER | F_SORT, "d.created_at", .drive = BY },
    { "created_by", T_TEXT, F_FILTER | F_NULL, "(SELECT username FROM person u WHERE u.id = d.created_by)" },
    TAGS("d.id"),
    { "tags.name", T_TEXT, F_FILTER, "t.name", HAS_TAG("d.id"), .drive = TAGGED, .offer = TAG_NAMES("DATA") },
    { "data_source", T_ONE, F_NULL, "d.data_source_id", .of = &source_short },
    { "data_source.name", T_TEXT, F_FILTER | F_HIDE, SOURCE, .drive = BY_SOURCE, .offer = SOURCE_NAMES },
    { "source", T_TEXT, F_FILTER | F_HIDE, SOURCE, .drive = BY_SOURCE, .offer = SOURCE_NAMES },
    { "datasets.name", T_TEXT, F_FILTER, "s.name", OF_DATASETS },
    { "datasets.version", T_TEXT, F_FILTER, "v.version", OF_DATASETS },
    THUMBNAIL_URL,
    { "nb_assets", T_INT, F_ONE, "(SELECT count(*) FROM asset a WHERE a.data_id = d.id)" },
};

/* ---- rows */

enum err data_tell(struct sql *db, const char *lake)
{
    AUTO(out) struct out o;
    out_init(&o, 200);
    out_object(&o, NULL);
    out_text(&o, "datalake_id", lake);
    out_end_object(&o);
    return event_tell(db, &datalake_resource, lake, "data", o.text.bytes);
}

enum err data_add_quietly(struct sql *db, struct arena *a, const struct data_new *n, const char **ret_id)
{
    const char *id = id_new(a);
    TRY(sql_run(db,
                "INSERT INTO data VALUES (?1, ?2, ?3, ?4, ?5, 'IMAGE', ?6, ?7, ?8, nullif(?9, 0), nullif(?10, 0), ?11, ?12, ?13, "
                "?14, ?15, ?16, ?17, ?18)",
                V(id), V(n->org), V(n->datalake_id), V(n->object_name), V(n->filename), V(n->content_type),
                V(n->error ? "ERROR" : "DONE"), V(n->error), V(n->width), V(n->height), V(n->orientation), V((int64_t)n->size),
                V(n->hash), V(n->source_id), V(n->metadata), V(n->custom_metadata), V(clock_now_ms()), V(n->user_id)));
    TRY(kept_put(db, n->org, KEPT_METADATA, id, n->metadata));
    TRY(kept_put(db, n->org, KEPT_CUSTOM, id, n->custom_metadata));
    *ret_id = id;
    return OK;
}

enum err data_add(struct sql *db, struct arena *a, const struct data_new *n, const char **ret_id)
{
    TRY(data_add_quietly(db, a, n, ret_id));
    return data_tell(db, n->datalake_id);
}

/* Both are set by these two alone, with what is kept of their members. */
static enum err set_metadata(struct sql *db, const char *org, const char *id, const char *json)
{
    TRY(sql_run(db, "UPDATE data SET metadata = ?2 WHERE id = ?1", V(id), V(json)));
    return kept_replace(db, org, KEPT_METADATA, id, json);
}

static enum err set_custom(struct sql *db, const char *org, const char *id, const char *json)
{
    TRY(sql_run(db, "UPDATE data SET custom_metadata = ?2 WHERE id = ?1", V(id), V(json)));
    return kept_replace(db, org, KEPT_CUSTOM, id, json);
}

enum err data_complete(struct sql *db, const char *id, const char *source_id, const char *metadata, const char *custom_metadata)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *org;
    bool has_metadata, has_custom;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(db, &r, "SELECT org, metadata, custom_metadata FROM data WHERE id = ?1", V(id)));
        org = arena_str(a, rows_text(r, 0));
        has_metadata = !rows_null(r, 1);
        has_custom = !rows_null(r, 2);
    }
    if (metadata && !has_metadata)
        TRY(set_metadata(db, org, id, metadata));
    if (custom_metadata && !has_custom)
        TRY(set_custom(db, org, id, custom_metadata));
    return sql_run(db, "UPDATE data SET data_source_id = coalesce(data_source_id, ?2) WHERE id = ?1", V(id), V(source_id));
}

enum err custom_check(struct op *op, const char *lake, const struct json *custom)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT custom_metadata_schema, allow_extra_custom_metadata FROM datalake WHERE id = ?1", V(lake)));
    const struct json *schema = NULL;
    if (!rows_null(r, 0))
        TRY(json_parse(op->arena, rows_text(r, 0), strlen(rows_text(r, 0)), &schema));
    return metadata_check(schema, rows_int(r, 1) != 0, custom);
}

/* ---- lists */

/* The list under that name, or no value when it names all the words there are: the client always sends them all. */
static enum err some_of(struct op *op, const char *name, const char *const *words, struct value *ret)
{
    const struct json *list = in_json(op, name);
    *ret = value_text(NULL);
    for (; !json_absent(list) && *words; words++) {
        bool named = false;
        for (size_t i = 0; i < json_count(list) && !named; i++)
            named = strcmp(json_text(json_at(list, i)), *words) == 0;
        if (!named)
            return in_texts(op, name, ret);
    }
    return OK;
}

/* A condition under construction. */
struct asked {
    struct text text;
    struct value values[PLAIN + QUERY_VALUES];
    size_t n;
};

/* Only what was asked for: a condition that is always true would still keep the database from its indexes. */
static void within(struct asked *a, const char *sql, struct value list)
{
    if (list.kind == VALUE_NULL)
        return;
    a->values[a->n++] = list;
    text_fmt(&a->text, " AND %s IN (SELECT value FROM listed WHERE list = ?%zu)", sql, a->n);
}

static void also(struct asked *a, const struct where *w)
{
    text_fmt(&a->text, " AND (%s)", w->sql);
    memcpy(a->values + a->n, w->values, w->n * sizeof *w->values);
    a->n += w->n;
}

static enum err asked_for(struct op *op, struct asked *a)
{
    struct value statuses, types, ids, names, filenames;
    const char *custom = in_text(op, "custom_metadata");
    TRY(some_of(op, "upload_statuses", data_statuses, &statuses));
    TRY(some_of(op, "types", data_types, &types));
    TRY(in_ids(op, "ids", &ids));
    TRY(in_texts(op, "object_names", &names));
    TRY(in_names(op, "filenames", &filenames));
    within(a, "d.upload_status", statuses);
    within(a, "d.type", types);
    within(a, "d.id", ids);
    within(a, "d.object_name", names);
    within(a, "d.filename", filenames);
    struct where w = { 0 };
    if (custom) {
        TRY(query_members(op->arena, &data_resource, "custom_metadata", custom, a->n, &w));
        also(a, &w);
    }
    return text_full(&a->text) ? fail(E_TOO_BIG, "the query is too long") : OK;
}

static enum err page(struct op *op, bool whole)
{
    struct asked a = { .values = { V(op->id) }, .n = 1 };
    text_init(&a.text, CONDITION);
    text_add(&a.text, "d.datalake_id = ?1");
    enum err e = asked_for(op, &a);
    if (e == OK)
        e = whole ? reply_list_where(op, &data_resource, a.text.bytes, a.values, a.n)
                  : reply_page_where(op, &data_resource, a.text.bytes, a.values, a.n);
    text_done(&a.text);
    return e;
}

static enum err list(struct op *op)
{
    return page(op, false);
}

static enum err list_of(struct op *op)
{
    return page(op, true);
}

static enum err find(struct op *op)
{
    const char *id = in_text(op, "id"), *filename = in_text(op, "filename"), *name = in_text(op, "object_name");
    if (!id && !filename && !name)
        return fail(E_INVALID, "say which: id, filename or object_name");
    return reply_find(op, &data_resource, "there is no such data in this datalake",
                      "d.datalake_id = ?1 AND (d.id = ?2 OR ?2 IS NULL) AND (d.filename = ?3 OR ?3 IS NULL) "
                      "AND (d.object_name = ?4 OR ?4 IS NULL OR d.object_name = (SELECT b.object_name FROM bucket_object b WHERE "
                      "b.datalake_id = ?1 AND b.object_key = ?4 AND b.state = 'THERE' AND b.object_name IS NOT NULL LIMIT 1))",
                      V(op->id), V(id), V(filename), V(name));
}

/* ---- one */

static enum err get(struct op *op)
{
    return reply_one(op, &data_resource, op->id);
}

PART_OF_ROW(link_answer_of_data, "link", "data d", "d.id", { "presigned_url", T_LINK, 0, "d.object_name" });

static enum err link_of(struct op *op)
{
    return reply_one(op, &link_answer_of_data, op->id);
}

static enum err update(struct op *op)
{
    if (!json_get(op->body, "metadata"))
        return fail(E_INVALID, "metadata is missing");
    TRY(set_metadata(op->db, op->org, op->id, in_print(op, "metadata")));
    return reply_one(op, &data_resource, op->id);
}

PART_OF_ROW(custom_answer, "custom metadata of a data", "data d", "d.id",
            { "custom_metadata", T_OBJECT, F_NULL, "d.custom_metadata" });

static enum err update_custom(struct op *op)
{
    const char *lake;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT datalake_id FROM data WHERE id = ?1", V(op->id)));
        lake = arena_str(op->arena, rows_text(r, 0));
    }
    TRY(custom_check(op, lake, in_json(op, "custom_metadata")));
    TRY(set_custom(op->db, op->org, op->id, in_print(op, "custom_metadata")));
    return reply_one(op, &custom_answer, op->id);
}

/* ---- changing many: {"objects": {id: {"metadata", "custom_metadata", "tags": [names], "data_source": name}}} */

static enum err change_one(struct op *op, const char *lake, const char *key, const struct json *v)
{
    char id[ID_SIZE];
    int64_t there = 0;
    if (id_parse(key, id))
        TRY(sql_int(op->db, &there, "SELECT count(*) FROM data WHERE id = ?1 AND datalake_id = ?2", V(id), V(lake)));
    if (!there)
        return fail(E_NOT_FOUND, "there is no data %.60s in this datalake", key);
    const struct json *metadata = json_get(v, "metadata"), *custom = json_get(v, "custom_metadata"), *tags = json_get(v, "tags");
    const char *source = json_text(json_get(v, "data_source")), *source_id = NULL, *tag;
    if (!json_absent(metadata))
        TRY(set_metadata(op->db, op->org, id, json_print(op->arena, metadata)));
    if (!json_absent(custom)) {
        TRY(custom_check(op, lake, custom));
        TRY(set_custom(op->db, op->org, id, json_print(op->arena, custom)));
    }
    if (source) {
        TRY(source_need(op->db, op->arena, op->org, source, &source_id));
        TRY(sql_run(op->db, "UPDATE data SET data_source_id = ?2 WHERE id = ?1", V(id), V(source_id)));
    }
    for (size_t i = 0; i < json_count(tags); i++) {
        if (!json_text(json_at(tags, i)))
            return fail(E_INVALID, "tags[%zu] must be text", i);
        TRY(tag_need(op->db, op->arena, op->org, lake, "DATA", json_text(json_at(tags, i)), &tag));
        TRY(tag_put_on(op->db, tag, id));
    }
    return OK;
}

static enum err change_many(struct op *op)
{
    const struct json *objects = in_json(op, "objects");
    if (json_count(objects) > 1000)
        return fail(E_TOO_BIG, "objects: at most 1000 at once");
    static const struct field object_in[] = { { "metadata", T_OBJECT },
                                              { "custom_metadata", T_OBJECT },
                                              { "tags", T_TEXTS, .max = 100 },
                                              { "data_source", T_TEXT, .max = 100 } };
    for (struct json_member m = json_first(objects); m.key; m = json_next(objects, m)) {
        TRY(fields_check(FIELDS(object_in), m.value, arena_fmt(op->arena, "objects.%.60s", m.key)));
        TRY(fail_within(change_one(op, op->id, m.key, m.value), "objects.%.60s: ", m.key));
    }
    return OK;
}

static const struct field list_in[] = {
    { "upload_statuses", T_TEXTS, .words = data_statuses },
    { "types", T_TEXTS, .words = data_types },
    { "custom_metadata", T_TEXT, .max = 4000 },
    { "ids", T_IDS, .max = LIST_IDS },
    { "object_names", T_TEXTS, .max = LIST_IDS },
    { "filenames", T_TEXTS, .max = LIST_IDS },
    { "q", T_TEXT, F_NULL, .max = 4000 },
};
static const struct field find_in[] = {
    { "id", T_ID },
    { "filename", T_TEXT },
    { "object_name", T_TEXT, .max = 2000 },
    { "upload_statuses", T_TEXTS, .words = data_statuses },
    { "types", T_TEXTS, .words = data_types },
};
static const struct field update_in[] = { { "metadata", T_OBJECT, F_NULL } };
static const struct field custom_in[] = { { "custom_metadata", T_OBJECT, F_NULL } };
static const struct field change_in[] = { { "objects", T_OBJECT, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/datalake/{id}/datas", list, MAY_READ, WORK_READ, "data, by page; q searches", FIELDS(list_in), &data_resource,
      .on = &datalake_resource, .gives = GIVES_PAGE },
    { "XGET", "/api/datalake/{id}/datas", list_of, MAY_READ, WORK_READ, "data named by ids, object_names or filenames",
      FIELDS(list_in), &data_resource, .body_cap = 16 << 20, .on = &datalake_resource, .gives = GIVES_PAGE },
    { "PATCH", "/api/datalake/{id}/data/bulk", change_many, MAY_WRITE, WORK_WRITE, "changes metadata, tags and sources of many",
      FIELDS(change_in), .body_cap = 16 << 20, .on = &datalake_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/datalake/{id}/datas/find", find, MAY_READ, WORK_READ, "one data by id, filename or object_name", FIELDS(find_in),
      &data_resource, .on = &datalake_resource },
    { "GET", "/api/data/{id}", get, MAY_READ, WORK_READ, "one data", .answers = &data_resource, .on = &data_resource },
    { "PATCH", "/api/data/{id}", update, MAY_WRITE, WORK_WRITE, "replaces the metadata", FIELDS(update_in), &data_resource,
      .on = &data_resource },
    { "PATCH", "/api/data/{id}/custom-metadata", update_custom, MAY_WRITE, WORK_WRITE, "replaces the custom metadata",
      FIELDS(custom_in), .on = &data_resource, .answers = &custom_answer },
    { "GET", "/api/data/{id}/presigned-url", link_of, MAY_READ, WORK_READ, "a link that gives the bytes for an hour",
      .on = &data_resource, .answers = &link_answer },
};

const struct resource data_resource = {
    .name = "data",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "data d",
    .key = "d.id",
    .org = "d.org",
    .root = "d.datalake_id",
    .shown = "FROM asset x JOIN dataset_version w ON w.id = x.dataset_version_id WHERE x.data_id = d.id AND w.dataset_id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
