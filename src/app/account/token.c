#include "app/account/account.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>

enum { TOKEN_BYTES = 32, USE_NOTED_MS = 60000 };

static const char table[] =
    "CREATE TABLE api_token (id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES user(id) ON DELETE CASCADE, name TEXT NOT NULL, "
    "hash TEXT NOT NULL UNIQUE, hint TEXT NOT NULL, role TEXT, created_at INTEGER NOT NULL, expires_at INTEGER, "
    "last_used_at INTEGER) STRICT";

static const char *const role_words[] = { "viewer", "member", "admin", "owner", NULL };

static const struct field fields[] = {
    { "id", T_ID, 0, "t.id" },
    { "name", T_TEXT, F_SORT | F_FILTER, "t.name" },
    { "hint", T_TEXT, 0, "t.hint" }, /* the last characters, to tell tokens apart */
    { "role", T_TEXT, F_FILTER, "coalesce(t.role, u.role)" },
    { "username", T_TEXT, F_FILTER, "u.username" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "t.created_at" },
    { "expires_at", T_TIME, F_SORT | F_FILTER, "t.expires_at" },
    { "last_used_at", T_TIME, F_SORT | F_FILTER, "t.last_used_at" },
};

enum err account_add_token(struct sql *db, struct arena *a, const char *user_id, const char *name, int64_t expires_at,
                           enum role role, const char **ret_token, const char **ret_id)
{
    const char *id = id_new(a), *token = secret_new(a, "sac_", TOKEN_BYTES);
    char hash[65];
    sha256_hex(token, strlen(token), hash);
    TRY(sql_run(db,
                "INSERT INTO api_token (id, user_id, name, hash, hint, role, created_at, expires_at) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0))",
                V(id), V(user_id), V(name), V(hash), V(token + strlen(token) - 4), V(role_word(role)), V(clock_now_ms()),
                V(expires_at)));
    *ret_token = token;
    *ret_id = id;
    return OK;
}

enum err account_drop_tokens(struct sql *db, const char *user_id, const char *name)
{
    return sql_run(db, "DELETE FROM api_token WHERE user_id = ?1 AND name = ?2", V(user_id), V(name));
}

/* When it was used last is a convenience: a database that is busy at the moment must not refuse the request for it. */
static void note_use(struct sql *db, const char *hash, int64_t last, int64_t now)
{
    if (now - last > USE_NOTED_MS && sql_run(db, "UPDATE api_token SET last_used_at = ?2 WHERE hash = ?1", V(hash), V(now)) != OK)
        return;
}

enum err account_by_token(struct sql *db, struct arena *a, const char *token, struct identity *ret)
{
    char hash[65];
    sha256_hex(token, strlen(token), hash);
    int64_t now = clock_now_ms(), last;
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(db, &r,
                               "SELECT u.id, u.username, u.org, u.role, t.role, t.expires_at, t.last_used_at "
                               "FROM api_token t JOIN user u ON u.id = t.user_id WHERE t.hash = ?1",
                               V(hash));
        if (e == E_NOT_FOUND)
            return fail(E_UNKNOWN_USER, "the API token is not known here, or was revoked");
        TRY(e);
        if (!rows_null(r, 5) && rows_int(r, 5) <= now)
            return fail(E_UNKNOWN_USER, "the API token has expired");
        enum role own = role_of(rows_text(r, 3)), limit = rows_null(r, 4) ? own : role_of(rows_text(r, 4));
        *ret = (struct identity){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), arena_str(a, rows_text(r, 2)),
                                  limit < own ? limit : own };
        last = rows_int(r, 6);
    }
    note_use(db, hash, last, now);
    return OK;
}

static enum err list(struct op *op)
{
    if (op->role >= ROLE_ADMIN)
        return reply_page(op, &token_resource, "1");
    return reply_page(op, &token_resource, "t.user_id = ?1", V(op->user_id));
}

static enum err create(struct op *op)
{
    enum role role = role_of(in_text(op, "role"));
    if (role > op->role)
        return fail(E_FORBIDDEN, "a token cannot have the role %s: yours is %s", role_word(role), role_word(op->role));
    int64_t expires = 0;
    const struct json *at = in_json(op, "expires_at");
    if (!json_absent(at) && !json_int(at, &expires) && !clock_parse_iso(json_text(at), &expires))
        return fail(E_INVALID, "expires_at must be a time in ISO 8601");
    if (expires && expires <= clock_now_ms())
        return fail(E_INVALID, "expires_at lies in the past");
    const char *token, *id;
    /* a token made with a limited token stays as limited */
    TRY(account_add_token(op->db, op->arena, op->user_id, in_text(op, "name"), expires, role ? role : op->role, &token, &id));
    op->status = 201;
    out_object(&op->out, NULL);
    out_text(&op->out, "id", id);
    out_text(&op->out, "name", in_text(op, "name"));
    out_text(&op->out, "role", role_word(role ? role : op->role));
    out_text(&op->out, "username", op->user_name);
    out_text(&op->out, "expires_at", expires ? clock_iso(op->arena, expires) : NULL);
    out_text(&op->out, "token", token);
    out_end_object(&op->out);
    return OK;
}

static enum err revoke(struct op *op)
{
    TRY(sql_run(op->db,
                "DELETE FROM api_token WHERE id = ?1 AND user_id IN (SELECT id FROM user WHERE org = ?2 AND (id = ?3 OR ?4))",
                V(op->id), V(op->org), V(op->user_id), V(op->role >= ROLE_ADMIN)));
    if (!sql_changes(op->db))
        return fail(E_NOT_FOUND, "there is no token %s", op->id);
    op->status = 204;
    return OK;
}

static const struct field create_in[] = {
    { "name", T_TEXT, F_NEED, .min = 1, .max = 100 },
    { "expires_at", T_TIME, F_NULL },
    { "role", T_TEXT, F_NULL, .words = role_words },
};

static const struct route routes[] = {
    { "GET", "/api/tokens", list, MAY_READ, WORK_READ, "API tokens: one's own, for administrators all",
      .answers = &token_resource },
    { "POST", "/api/tokens", create, MAY_READ, WORK_WRITE, "makes an API token; its secret is shown this once", FIELDS(create_in) },
    { "DELETE", "/api/token/{id}", revoke, MAY_READ, WORK_WRITE, "revokes an API token", .on = &token_resource },
};

const struct resource token_resource = {
    "token", table,   FIELDS(fields),   "api_token t JOIN user u ON u.id = t.user_id",
    "t.id",  "u.org", .routes = routes, .n_routes = COUNT_OF(routes),
};
