#include "app/account/account.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>

/* What the published client compares with its own version: a lower or equal one keeps it from warning. */
#define CLIENT_VERSION "6.37.0"

static const char table[] = "CREATE TABLE organization (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
                            "default_connector_id TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT";

static const struct field fields[] = {
    { "id", T_ID, 0, "o.id" },
    { "name", T_TEXT, F_NEW | F_NEED | F_EDIT, "o.name", .min = 1, .max = 100 },
    { "default_connector_id", T_ID, 0, "o.default_connector_id" },
    { "created_at", T_TIME, 0, "o.created_at" },
};

/* The organizations that the caller belongs to, with their role. */
static const struct field own_fields[] = {
    { "id", T_ID, 0, "o.id" },
    { "name", T_TEXT, F_SORT | F_FILTER, "o.name" },
    { "default_connector_id", T_ID, 0, "o.default_connector_id" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "o.created_at" },
    { "role", T_TEXT, F_SORT | F_FILTER, "m.role", .words = role_words },
};
static const struct resource own_organization = {
    .name = "organization",
    .called = "own organization",
    .fields = own_fields,
    .n_fields = COUNT_OF(own_fields),
    .from = "organization o JOIN member m ON m.org = o.id",
    .key = "o.id",
    .order = "o.name",
    .owner = "m.person_id",
};

static enum err ping(struct op *op)
{
    out_object(&op->out, NULL);
    out_text(&op->out, "sdk_version", CLIENT_VERSION);
    out_text(&op->out, "username", op->user_name);
    out_text(&op->out, "default_organization", op->org);
    out_end_object(&op->out);
    return OK;
}

static enum err list(struct op *op)
{
    return reply_page(op, &own_organization, "1 = 1");
}

static enum err find(struct op *op)
{
    return reply_find(op, &own_organization, "there is no organization of that name that you belong to", "o.name = ?1",
                      V(in_text(op, "name")));
}

static enum err get(struct op *op)
{
    return reply_one(op, &organization_resource, op->id);
}

static enum err create(struct op *op)
{
    const char *id;
    TRY(account_add_organization(op->db, op->arena, in_text(op, "name"), &id));
    TRY(account_add_member(op->db, op->user_id, id, ROLE_OWNER));
    op->status = 201;
    return reply_one(op, &own_organization, id);
}

static enum err update(struct op *op)
{
    enum err e = resource_update(op, &organization_resource, op->id);
    if (e == E_CONFLICT)
        return fail(e, "there is an organization '%s' already", in_text(op, "name"));
    TRY(e);
    return reply_one(op, &organization_resource, op->id);
}

enum err account_default_org(struct sql *db, struct arena *a, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r, "SELECT id FROM organization ORDER BY created_at LIMIT 1");
    if (e == E_NOT_FOUND)
        return fail(E_NOT_FOUND, "there is no organization yet: start the server once");
    TRY(e);
    *ret = arena_str(a, rows_text(r, 0));
    return OK;
}

enum err account_add_organization(struct sql *db, struct arena *a, const char *name, const char **ret_id)
{
    const char *id = id_new(a), *connector = id_new(a);
    int64_t now = clock_now_ms();
    enum err e = sql_run(db, "INSERT INTO organization (id, name, default_connector_id, created_at) VALUES (?1, ?2, ?3, ?4)", V(id),
                         V(name), V(connector), V(now));
    if (e == E_CONFLICT)
        return fail(e, "there is an organization '%s' already", name);
    TRY(e);
    *ret_id = id;
    return sql_run(db, "INSERT INTO datalake (id, org, name, connector_id, created_at) VALUES (?1, ?2, 'default', ?3, ?4)",
                   V(id_new(a)), V(id), V(connector), V(now));
}

static enum err first_rows(struct sql *db, struct arena *a, const char *hash, struct first_start *ret)
{
    const char *org, *user, *id;
    TRY(account_add_organization(db, a, "default", &org));
    TRY(account_add_user(db, a, org, ret->username, hash, ROLE_OWNER, &user));
    return account_add_token(db, a, user, "first start", 0, ROLE_NONE, &ret->token, &id);
}

enum err account_first_start(struct sql *db, struct arena *a, struct first_start *ret)
{
    int64_t n = 0;
    struct first_start made = { .made = true, .username = "admin", .password = secret_new(a, "", 15) };
    const char *hash;
    *ret = (struct first_start){ 0 };
    TRY(sql_int(db, &n, "SELECT count(*) FROM organization"));
    if (n)
        return OK;
    TRY(account_hash(a, made.password, &hash));
    TRY(sql_begin(db));
    TRY(sql_end(db, first_rows(db, a, hash, &made)));
    *ret = made;
    return OK;
}

static const struct field find_in[] = { { "name", T_TEXT, F_NEED } };

DESCRIBED(pong, "ping", { "sdk_version", T_TEXT }, { "username", T_TEXT }, { "default_organization", T_TEXT });

static const struct route routes[] = {
    { "GET", "/api/home/ping", ping, MAY_READ, WORK_READ, "who the token belongs to", .answers = &pong },
    { "GET", "/api/organizations", list, MAY_READ, WORK_READ, "the organizations that one belongs to", .answers = &own_organization,
      .gives = GIVES_PAGE },
    { "POST", "/api/organizations", create, MAY_ADMIN, WORK_WRITE, "makes an organization, of which one is the owner",
      .makes = &organization_resource, .answers = &own_organization },
    { "GET", "/api/organizations/find", find, MAY_READ, WORK_READ, "the organization of that name", FIELDS(find_in),
      &own_organization },
    { "GET", "/api/organization/{id}", get, MAY_READ, WORK_READ, "one organization", .answers = &organization_resource,
      .on = &organization_resource },
    { "PATCH", "/api/organization/{id}", update, MAY_ADMIN, WORK_WRITE, "renames the organization", CHANGES(&organization_resource),
      .on = &organization_resource },
};

const struct resource organization_resource = {
    "organization", table, FIELDS(fields), "organization o", "o.id", "o.id", .routes = routes, .n_routes = COUNT_OF(routes),
};
