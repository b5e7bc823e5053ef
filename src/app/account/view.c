/* Saved views: a query and an order that a person keeps under a name for one page. Private: nobody else sees them. */
#include "app/account/account.h"

static const char table[] =
    "CREATE TABLE saved_view (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), person_id TEXT NOT NULL "
    "REFERENCES "
    "person(id) ON DELETE CASCADE, page TEXT NOT NULL, name TEXT NOT NULL, q TEXT NOT NULL, order_by TEXT, created_at INTEGER NOT "
    "NULL, UNIQUE (org, person_id, page, name)) STRICT";

static const struct field fields[] = {
    { "id", T_ID, 0, "w.id" },
    { "page", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED, "w.page", .min = 1, .max = 100 },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT, "w.name", .min = 1, .max = 100 },
    { "q", T_TEXT, F_FILTER | F_NEW | F_NEED | F_EDIT, "w.q", .max = 4000 },
    { "order_by", T_TEXT, F_NULL | F_NEW | F_EDIT, "w.order_by", .max = 100 },
    { "created_at", T_TIME, F_SORT | F_FILTER, "w.created_at" },
};

static enum err list(struct op *op)
{
    return reply_page(op, &view_resource, "w.page = ?1 OR ?1 IS NULL", V(in_text(op, "page")));
}

static enum err taken(struct op *op, enum err e)
{
    return e == E_CONFLICT ? fail(e, "there is a view '%s' for that page already", in_text(op, "name")) : e;
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(taken(op, resource_add(op, &view_resource, &id, { "person_id", V(op->user_id) })));
    op->status = 201;
    return reply_one(op, &view_resource, id);
}

static enum err get(struct op *op)
{
    return reply_one(op, &view_resource, op->id);
}

static enum err update(struct op *op)
{
    TRY(taken(op, resource_update(op, &view_resource, op->id)));
    return reply_one(op, &view_resource, op->id);
}

static enum err delete_view(struct op *op)
{
    op->status = 204;
    return sql_run(op->db, "DELETE FROM saved_view WHERE id = ?1", V(op->id));
}

static const struct field list_in[] = { { "page", T_TEXT, .max = 100 } };

#define VIEW .answers = &view_resource
static const struct route routes[] = {
    { "GET", "/api/organization/{id}/views", list, MAY_READ, WORK_READ, "one's saved views, of one page or all", FIELDS(list_in),
      VIEW, .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/views", create, MAY_READ, WORK_WRITE, "saves a view", MAKES(&view_resource),
      .on = &organization_resource },
    { "GET", "/api/view/{id}", get, MAY_READ, WORK_READ, "one saved view", VIEW, .on = &view_resource },
    { "PATCH", "/api/view/{id}", update, MAY_READ, WORK_WRITE, "changes a saved view", CHANGES(&view_resource),
      .on = &view_resource },
    { "DELETE", "/api/view/{id}", delete_view, MAY_READ, WORK_WRITE, "forgets a saved view", .on = &view_resource,
      .gives = GIVES_NOTHING },
};

const struct resource view_resource = {
    .name = "saved view",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "saved_view w",
    .key = "w.id",
    .org = "w.org",
    .owner = "w.person_id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
