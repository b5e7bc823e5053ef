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
    { "name", T_TEXT, 0, "o.name" },
    { "default_connector_id", T_ID, 0, "o.default_connector_id" },
    { "created_at", T_TIME, 0, "o.created_at" },
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

static enum err find(struct op *op)
{
    return reply_find(op, &organization_resource, "there is no organization of that name that you belong to", "o.name = ?1",
                      V(in_text(op, "name")));
}

static enum err get(struct op *op)
{
    return reply_one(op, &organization_resource, op->org);
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

static enum err first_rows(struct sql *db, struct arena *a, struct first_start *ret)
{
    int64_t n = 0, now = clock_now_ms();
    TRY(sql_int(db, &n, "SELECT count(*) FROM organization"));
    if (n)
        return OK;
    const char *org = id_new(a), *connector = id_new(a), *lake = id_new(a), *user, *token, *id;
    const char *password = secret_new(a, "", 15);
    TRY(sql_run(db, "INSERT INTO organization VALUES (?1, 'default', ?2, ?3)", V(org), V(connector), V(now)));
    TRY(sql_run(db, "INSERT INTO datalake (id, org, name, connector_id, created_at) VALUES (?1, ?2, 'default', ?3, ?4)", V(lake),
                V(org), V(connector), V(now)));
    TRY(account_add_user(db, a, org, "admin", password, ROLE_OWNER, &user));
    TRY(account_add_token(db, a, user, "first start", 0, ROLE_NONE, &token, &id));
    *ret = (struct first_start){ true, "admin", password, token };
    return OK;
}

enum err account_first_start(struct sql *db, struct arena *a, struct first_start *ret)
{
    *ret = (struct first_start){ 0 };
    TRY(sql_begin(db));
    return sql_end(db, first_rows(db, a, ret));
}

static const struct field find_in[] = { { "name", T_TEXT, F_NEED } };

static const struct route routes[] = {
    { "GET", "/api/home/ping", ping, MAY_READ, WORK_READ, "who the token belongs to" },
    { "GET", "/api/organizations/find", find, MAY_READ, WORK_READ, "the organization of that name", FIELDS(find_in),
      &organization_resource },
    { "GET", "/api/organization/{id}", get, MAY_READ, WORK_READ, "one organization", .answers = &organization_resource,
      .on = &organization_resource },
};

const struct resource organization_resource = {
    "organization", table, FIELDS(fields), "organization o", "o.id", "o.id", .routes = routes, .n_routes = COUNT_OF(routes),
};
