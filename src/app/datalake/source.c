/* Where data came from: a camera, a line, an upload. */
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "base/clock.h"
#include "base/unicode.h"

static const char table[] = "CREATE TABLE data_source (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), "
                            "name TEXT NOT NULL, created_at INTEGER NOT NULL, UNIQUE (org, name)) STRICT";

static const struct field fields[] = {
    { "id", T_ID, 0, "s.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT | F_NAME | F_COMPOSED, "s.name", .min = 1, .max = 100 },
    { "created_at", T_TIME, F_SORT | F_FILTER, "s.created_at" },
    { "nb_data", T_INT, 0, "(SELECT count(*) FROM data d WHERE d.data_source_id = s.id)" },
};

enum err source_need(struct sql *db, struct arena *a, const char *org, const char *name, const char **ret_id)
{
    name = unicode_nfc(a, name);
    TRY(name_check("source", name));
    TRY(sql_run(db, "INSERT INTO data_source VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING", V(id_new(a)), V(org), V(name),
                V(clock_now_ms())));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT id FROM data_source WHERE org = ?1 AND name = ?2", V(org), V(name)));
    *ret_id = arena_str(a, rows_text(r, 0));
    return OK;
}

enum err source_check(struct op *op, const char *id)
{
    int64_t there = 0;
    if (!id)
        return OK;
    TRY(sql_int(op->db, &there, "SELECT count(*) FROM data_source WHERE id = ?1 AND org = ?2", V(id), V(op->org)));
    return there ? OK : fail(E_NOT_FOUND, "data_source_id: there is no data source %s", id);
}

static enum err list(struct op *op)
{
    return reply_list(op, &source_resource, "1 = 1");
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "there is a data source '%s' already", in_composed(op, "name")) : e;
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(taken(op, resource_add(op, &source_resource, &id)));
    op->status = 201;
    return reply_one(op, &source_resource, id);
}

static enum err find(struct op *op)
{
    return reply_find(op, &source_resource, "there is no data source of that name", "s.name = ?1", V(in_text(op, "name")));
}

static enum err get(struct op *op)
{
    return reply_one(op, &source_resource, op->id);
}

static enum err update(struct op *op)
{
    TRY(taken(op, resource_update(op, &source_resource, op->id)));
    return reply_one(op, &source_resource, op->id);
}

const struct removal source_removal = { .table = "data_source",
                                        .named = "name",
                                        .called = "SELECT name FROM data_source WHERE id = ?1" };

static enum err delete_source(struct op *op)
{
    op->status = 204;
    return thing_remove(op, &source_removal, op->id);
}

static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .min = 1, .max = 100 } };

static const struct route routes[] = {
    { "GET", "/api/organization/{id}/datasources", list, MAY_READ, WORK_READ, "all data sources", .answers = &source_resource,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/datasources", create, MAY_WRITE, WORK_WRITE, "makes a data source", MAKES(&source_resource),
      .on = &organization_resource },
    { "GET", "/api/organization/{id}/datasources/find", find, MAY_READ, WORK_READ, "the data source of that name", FIELDS(name_in),
      &source_resource, .on = &organization_resource },
    { "GET", "/api/data/source/{id}", get, MAY_READ, WORK_READ, "one data source", .answers = &source_resource,
      .on = &source_resource },
    { "PATCH", "/api/data/source/{id}", update, MAY_WRITE, WORK_WRITE, "renames a data source", CHANGES(&source_resource),
      .on = &source_resource },
    { "DELETE", "/api/data/source/{id}", delete_source, MAY_WRITE, WORK_WRITE, "removes a data source; its data stay",
      .on = &source_resource, .gives = GIVES_NOTHING },
};

const struct resource source_resource = {
    "data source", table, FIELDS(fields), "data_source s", "s.id", "s.org", "s.name", ROUTES(routes), .removal = &source_removal,
};
