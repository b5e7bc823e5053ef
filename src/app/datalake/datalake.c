#include "app/datalake/datalake.h"
#include "app/account/account.h"
#include "base/clock.h"
#include <string.h>

static const char table[] =
    "CREATE TABLE datalake (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), name TEXT NOT NULL, "
    "connector_id TEXT NOT NULL, created_at INTEGER NOT NULL, custom_metadata_schema TEXT, "
    "allow_extra_custom_metadata INTEGER NOT NULL DEFAULT 1, UNIQUE (org, name)) STRICT";

static const struct field fields[] = {
    { "id", T_ID, 0, "l.id" },
    { "name", T_TEXT, F_SORT | F_NEW | F_NEED | F_EDIT | F_NAME, "l.name", .min = 1, .max = 100 },
    { "connector_id", T_ID, F_NEW | F_EDIT, "l.connector_id" }, /* where its uploads go */
    { "created_at", T_TIME, F_SORT, "l.created_at" },
    { "nb_data", T_INT, 0, "(SELECT count(*) FROM data d WHERE d.datalake_id = l.id)" },
};

static enum err of_organization(struct op *op)
{
    const char *id = in_text(op, "id"), *name = in_text(op, "name");
    return reply_find(op, &datalake_resource, "there is no such datalake",
                      "l.id = coalesce(?1, (SELECT id FROM datalake WHERE org = ?3 AND name = coalesce(?2, name) "
                      "ORDER BY created_at LIMIT 1))",
                      V(id), V(name), V(op->org));
}

static enum err list(struct op *op)
{
    return reply_list(op, &datalake_resource, "1 = 1");
}

static enum err get(struct op *op)
{
    return reply_one(op, &datalake_resource, op->id);
}

PART_OF_ROW(schema_answer, "schema of custom metadata", "datalake l", "l.id",
            { "custom_metadata_schema", T_OBJECT, F_NULL, "l.custom_metadata_schema" },
            { "allow_extra_custom_metadata", T_BOOL, 0, "l.allow_extra_custom_metadata" });

static enum err get_schema(struct op *op)
{
    return reply_one(op, &schema_answer, op->id);
}

static enum err allow_extra(struct op *op)
{
    TRY(sql_run(op->db, "UPDATE datalake SET allow_extra_custom_metadata = ?2 WHERE id = ?1", V(op->id),
                V(in_bool(op, "allow_extra_custom_metadata", true))));
    return reply_one(op, &schema_answer, op->id);
}

/* Keys are named in queries. */
static enum err schema_key(struct op *op, const char **ret)
{
    const char *key = op->values[1];
    size_t n = strlen(key);
    if (!n || n > 100 || strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") != n)
        return fail(E_INVALID, "a key must have 1 to 100 letters, digits, '_', '-' or '.'");
    *ret = key;
    return OK;
}

static enum err read_schema(struct op *op, const char *id, const struct json **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT coalesce(custom_metadata_schema, '{}') FROM datalake WHERE id = ?1", V(id)));
    return json_parse(op->arena, rows_text(r, 0), strlen(rows_text(r, 0)), ret);
}

/* rule NULL: the key goes. */
static enum err write_rule(struct op *op, const char *id, const struct json *schema, const char *key, const struct json *rule)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_json(&o, key, rule);
    out_end_object(&o);
    const struct json *change;
    TRY(json_parse(op->arena, o.text.bytes, o.text.n, &change));
    return sql_run(op->db, "UPDATE datalake SET custom_metadata_schema = ?2 WHERE id = ?1", V(id),
                   V(json_over(op->arena, schema, change)));
}

static enum err put_key(struct op *op)
{
    const char *key;
    const struct json *schema;
    TRY(schema_key(op, &key));
    const char *type = in_text(op, "input_type");
    if (in_has(op, "choices") && (in_has(op, "min") || in_has(op, "max")))
        return fail(E_INVALID, "choices and min/max exclude each other");
    if (in_has(op, "choices") && strcmp(type, "BOOLEAN") == 0)
        return fail(E_INVALID, "choices make no sense for BOOLEAN");
    TRY(read_schema(op, op->id, &schema));
    TRY(write_rule(op, op->id, schema, key, op->body));
    return reply_one(op, &schema_answer, op->id);
}

static enum err delete_key(struct op *op)
{
    const char *key;
    const struct json *schema;
    TRY(schema_key(op, &key));
    TRY(read_schema(op, op->id, &schema));
    if (!json_get(schema, key))
        return fail(E_NOT_FOUND, "the schema has no key '%s'", key);
    TRY(write_rule(op, op->id, schema, key, NULL));
    return reply_one(op, &schema_answer, op->id);
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "there is a datalake '%s' already", in_text(op, "name")) : e;
}

/* Uploads go to the organization's own storage, unless a bucket is named. */
static enum err create(struct op *op)
{
    const char *id = id_new(op->arena), *name = in_text(op, "name"), *connector = in_text(op, "connector_id");
    if (connector)
        TRY(resource_need(op, &connector_resource, connector));
    TRY(taken(op, sql_run(op->db,
                          "INSERT INTO datalake (id, org, name, connector_id, created_at) "
                          "SELECT ?1, id, ?3, coalesce(?5, default_connector_id), ?4 FROM organization WHERE id = ?2",
                          V(id), V(op->org), V(name), V(clock_now_ms()), V(connector))));
    op->status = 201;
    return reply_one(op, &datalake_resource, id);
}

/* What it holds stays where it is. */
static enum err update(struct op *op)
{
    if (in_has(op, "connector_id"))
        TRY(resource_need(op, &connector_resource, in_text(op, "connector_id")));
    TRY(taken(op, resource_update(op, &datalake_resource, op->id)));
    return reply_one(op, &datalake_resource, op->id);
}

static const char *const input_types[] = { "STRING", "INTEGER", "FLOAT", "DATETIME", "BOOLEAN", NULL };
static const struct field find_in[] = { { "id", T_ID }, { "name", T_TEXT } };
static const struct field extra_in[] = { { "allow_extra_custom_metadata", T_BOOL, F_NEED } };
static const struct field key_in[] = {
    { "input_type", T_TEXT, F_NEED, .words = input_types },
    { "required", T_BOOL },
    { "archived", T_BOOL },
    { "display_name", T_TEXT, F_NULL, .max = 256 },
    { "choices", T_ARRAY, F_NULL, .min = 1, .max = 64 },
    { "allow_multiple", T_BOOL, F_NULL },
    { "min", T_JSON, F_NULL },
    { "max", T_JSON, F_NULL },
};

static const struct route routes[] = {
    ACCESS_ROUTES("datalake", &datalake_resource),
    { "GET", "/api/organization/{id}/datalake", of_organization, MAY_READ, WORK_READ,
      "the datalake of that id or name, or the default one", FIELDS(find_in), &datalake_resource, .on = &organization_resource },
    { "GET", "/api/organization/{id}/datalakes", list, MAY_READ, WORK_READ, "all datalakes", .answers = &datalake_resource,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/datalakes", create, MAY_ADMIN, WORK_WRITE, "makes a datalake", MAKES(&datalake_resource),
      .on = &organization_resource },
    { "GET", "/api/datalake/{id}", get, MAY_READ, WORK_READ, "one datalake", .answers = &datalake_resource,
      .on = &datalake_resource },
    { "PATCH", "/api/datalake/{id}", update, MAY_ADMIN, WORK_WRITE,
      "renames a datalake, or says where what is uploaded from now on is kept", CHANGES(&datalake_resource),
      .on = &datalake_resource },
    { "GET", "/api/datalake/{id}/custom-metadata", get_schema, MAY_READ, WORK_READ, "the schema of custom metadata",
      .on = &datalake_resource, .answers = &schema_answer },
    { "PATCH", "/api/datalake/{id}/custom-metadata", allow_extra, MAY_WRITE, WORK_WRITE,
      "allows or refuses keys outside the schema", FIELDS(extra_in), .on = &datalake_resource, .answers = &schema_answer },
    { "POST", "/api/datalake/{id}/custom-metadata/keys/{key}", put_key, MAY_WRITE, WORK_WRITE,
      "adds or changes a key of the schema", FIELDS(key_in), .on = &datalake_resource,
      .on_nothing = "a key is a word of the schema", .answers = &schema_answer },
    { "DELETE", "/api/datalake/{id}/custom-metadata/keys/{key}", delete_key, MAY_WRITE, WORK_WRITE, "removes a key of the schema",
      .on = &datalake_resource, .on_nothing = "a key is a word of the schema", .answers = &schema_answer },
};

const struct resource datalake_resource = {
    "datalake", table, FIELDS(fields), "datalake l", "l.id", "l.org", "l.created_at", ROUTES(routes), .root = "l.id",
};
