/* Deleting data, with the assets that show them. */
#include "api/bulk.h"
#include "app/datalake/datalake.h"

enum { BULK_IDS = 200000 };

/* Locked versions keep what they hold. */
static enum err check_open(struct op *op, const char *const *texts, size_t n)
{
    struct value ids;
    TRY(sql_list(op->db, texts, n, &ids));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT s.name, v.version FROM listed j JOIN asset a ON a.data_id = j.value "
                 "JOIN dataset_version v ON v.id = a.dataset_version_id JOIN dataset s ON s.id = v.dataset_id "
                 "WHERE j.list = ?1 AND v.locked <> 0 LIMIT 1",
                 V(ids)));
    if (rows_next(r))
        return fail(E_LOCKED, "version '%s' of dataset '%s' holds it and is locked", rows_text(r, 1), rows_text(r, 0));
    return rows_error(r);
}

static enum err used(void)
{
    return fail(E_IN_USE, "something else still uses it (a deployment's predictions, for one)");
}

static enum err delete_one(struct op *op)
{
    op->status = 204;
    TRY(check_open(op, &op->id, 1));
    enum err e = sql_run(op->db, "DELETE FROM data WHERE id = ?1", V(op->id));
    return e == E_IN_USE ? used() : e;
}

/* One that something else uses (a deployment's predictions, for one) refuses the lot where they are few; of many it is left. */
static enum err remove_data(struct bulk *b, const char *id, const char *made)
{
    (void)made;
    enum err e = sql_run(b->db, "DELETE FROM data WHERE id = ?1", V(id));
    if (e == E_IN_USE)
        return b->job ? OK : used();
    TRY(e);
    b->counted += sql_changes(b->db);
    return OK;
}

static enum err tell_removed(struct bulk *b, bool done)
{
    (void)done;
    return data_tell(b->db, json_text(json_get(b->input, "lake")));
}
const struct bulk_kind remove_data_bulk = { .name = "remove_data",
                                            .doing = "deleting data",
                                            .apply = remove_data,
                                            .last = tell_removed,
                                            .counts = "removed",
                                            .subject = "lake",
                                            .called = "SELECT name FROM datalake WHERE id = ?1" };

static enum err unwanted(struct op *op, struct bulk_list *l)
{
    const char *q = in_text(op, "q");
    if (!in_has(op, "ids") && !(q && *q))
        return fail(E_INVALID, "say which: ids, or q");
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    TRY(resource_ids(op, &data_resource, q, "d.datalake_id = ?1 AND (CAST(?2 AS INTEGER) IS NULL OR d.id IN " LISTED("?2") ")",
                     VALUES(V(op->id), V(ids)), &l->ids, &l->n));
    return check_open(op, l->ids, l->n);
}

static enum err delete_many(struct op *op)
{
    int64_t count = 0;
    TRY(bulk_change_wait(op, &remove_data_bulk, unwanted, arena_fmt(op->arena, "{\"lake\":\"%s\"}", op->id), &count));
    out_object(&op->out, NULL);
    out_int(&op->out, "count", count);
    out_end_object(&op->out);
    return OK;
}

static const struct field delete_in[] = { { "ids", T_IDS, .max = BULK_IDS }, { "q", T_TEXT, .max = 4000 } };

static const struct route routes[] = {
    { "DELETE", "/api/datalake/{id}/datas", delete_many, MAY_WRITE, WORK_FREE,
      "deletes data with their assets: ids, or all that q selects", FIELDS(delete_in), .body_cap = 16 << 20,
      .on = &datalake_resource, .answers = &count_answer },
    { "DELETE", "/api/data/{id}", delete_one, MAY_WRITE, WORK_WRITE, "deletes a data with its assets", .on = &data_resource,
      .gives = GIVES_NOTHING },
};

const struct resource data_delete_resource = { .name = "deletion of data", .routes = routes, .n_routes = COUNT_OF(routes) };
