#include "app/account/account.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>

enum { TOKEN_BYTES = 32 };

static const char table[] =
    "CREATE TABLE api_token (id TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE, name TEXT NOT "
    "NULL, "
    "hash TEXT NOT NULL UNIQUE, hint TEXT NOT NULL, role TEXT, created_at INTEGER NOT NULL, expires_at INTEGER, "
    "last_used_at INTEGER, thing_id TEXT) STRICT;"
    "CREATE INDEX api_token_thing ON api_token (thing_id) WHERE thing_id IS NOT NULL";

static const struct field fields[] = {
    { "id", T_ID, 0, "t.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED, "t.name", .min = 1, .max = 100 },
    { "hint", T_TEXT, 0, "t.hint" }, /* the last characters, to tell tokens apart */
    { "role", T_TEXT, F_FILTER | F_NEW,
      "coalesce(t.role, (SELECT m.role FROM member m WHERE m.person_id = u.id AND m.org = u.home))", .words = role_words },
    { "username", T_TEXT, F_FILTER, "u.username" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "t.created_at" },
    { "expires_at", T_TIME, F_SORT | F_FILTER | F_NULL | F_NEW, "t.expires_at" },
    { "last_used_at", T_TIME, F_SORT | F_FILTER | F_NULL, "t.last_used_at" },
    { "thing_id", T_ID, F_FILTER | F_NULL, "t.thing_id" }, /* it may predict on that deployment, and nothing else */
};

static const struct resource own_token = {
    .name = "token",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "api_token t JOIN person u ON u.id = t.user_id",
    .key = "t.id",
    .owner = "t.user_id",
};

static enum err add_token(struct sql *db, struct arena *a, const char *user_id, const char *name, int64_t expires_at,
                          enum role role, const char *thing_id, const char **ret_token, const char **ret_id)
{
    const char *id = id_new(a), *token = secret_new(a, "sac_", TOKEN_BYTES);
    char hash[65];
    sha256_hex(token, strlen(token), hash);
    TRY(sql_run(db,
                "INSERT INTO api_token (id, user_id, name, hash, hint, role, created_at, expires_at, thing_id) "
                "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, nullif(?8, 0), ?9)",
                V(id), V(user_id), V(name), V(hash), V(token + strlen(token) - 4), V(role_word(role)), V(clock_now_ms()),
                V(expires_at), V(thing_id)));
    *ret_token = token;
    *ret_id = id;
    return OK;
}

enum err account_add_token(struct sql *db, struct arena *a, const char *user_id, const char *name, int64_t expires_at,
                           enum role role, const char **ret_token, const char **ret_id)
{
    return add_token(db, a, user_id, name, expires_at, role, NULL, ret_token, ret_id);
}

enum err account_add_token_on(struct sql *db, struct arena *a, const char *user_id, const char *name, int64_t expires_at,
                              const char *thing_id, const char **ret_token, const char **ret_id)
{
    return add_token(db, a, user_id, name, expires_at, ROLE_MEMBER, thing_id, ret_token, ret_id);
}

enum err account_drop_token(struct sql *db, const char *id)
{
    return sql_run(db, "DELETE FROM api_token WHERE id = ?1", V(id));
}

enum err account_drop_tokens(struct sql *db, const char *user_id, const char *name)
{
    return sql_run(db, "DELETE FROM api_token WHERE user_id = ?1 AND name = ?2", V(user_id), V(name));
}

static enum err known(struct arena *a, struct rows *r, struct identity *ret)
{
    if (!rows_null(r, 4) && rows_int(r, 4) <= clock_now_ms())
        return fail(E_UNKNOWN_USER, "the API token has expired");
    *ret = (struct identity){ arena_str(a, rows_text(r, 0)),
                              arena_str(a, rows_text(r, 1)),
                              arena_str(a, rows_text(r, 2)),
                              rows_null(r, 3) ? ROLE_OWNER : role_of(rows_text(r, 3)),
                              rows_int(r, 4),
                              arena_str(a, rows_text(r, 5)),
                              rows_null(r, 6) ? NULL : arena_str(a, rows_text(r, 6)) };
    account_note_use(ret->token_id);
    return OK;
}

#define WHO                                                                                                                        \
    "SELECT u.id, u.username, u.home, t.role, t.expires_at, t.id, t.thing_id FROM api_token t JOIN person u ON u.id = t.user_id "  \
    "WHERE "

enum err account_by_token(struct sql *db, struct arena *a, const char *token, struct identity *ret)
{
    char hash[65];
    sha256_hex(token, strlen(token), hash);
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r, WHO "t.hash = ?1", V(hash));
    if (e == E_NOT_FOUND)
        return fail(E_UNKNOWN_USER, "the API token is not known here, or was revoked");
    TRY(e);
    return known(a, r, ret);
}

enum err account_by_token_id(struct sql *db, struct arena *a, const char *id, struct identity *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r, WHO "t.id = ?1", V(id));
    if (e == E_NOT_FOUND)
        return fail(E_UNKNOWN_USER, "the API token that this login was made with was revoked");
    TRY(e);
    return known(a, r, ret);
}

/* Administrators see the tokens of the accounts that their organization manages, all others their own. */
static enum err list(struct op *op)
{
    int64_t home = 0;
    TRY(sql_int(op->db, &home, "SELECT count(*) FROM person WHERE id = ?1 AND home = ?2", V(op->user_id), V(op->org)));
    return home && op->role >= ROLE_ADMIN ? reply_page(op, &token_resource, "1 = 1") : reply_page(op, &own_token, "1 = 1");
}

/* No token makes another that may more, or lives longer, than itself. */
enum err token_expiry(struct op *op, int64_t *ret)
{
    const struct json *at = in_json(op, "expires_at");
    *ret = op->expires_at;
    if (!json_absent(at) && !json_int(at, ret) && !clock_parse_iso(json_text(at), ret))
        return fail(E_INVALID, "expires_at must be a time in ISO 8601");
    if (*ret && *ret <= clock_now_ms())
        return fail(E_INVALID, "expires_at lies in the past");
    if (op->expires_at && (!*ret || *ret > op->expires_at))
        return fail(E_FORBIDDEN, "expires_at: the token that you use expires before that");
    return OK;
}

void token_write(struct op *op, const char *id, enum role role, int64_t expires_at, const char *token)
{
    op->status = 201;
    out_object(&op->out, NULL);
    out_text(&op->out, "id", id);
    out_text(&op->out, "name", in_text(op, "name"));
    out_text(&op->out, "role", role_word(role));
    out_text(&op->out, "username", op->user_name);
    out_text(&op->out, "expires_at", expires_at ? clock_iso(op->arena, expires_at) : NULL);
    out_text(&op->out, "token", token);
    out_end_object(&op->out);
}

static enum err create(struct op *op)
{
    enum role role = role_of(in_text(op, "role")), most = op->limit == ROLE_OWNER ? ROLE_NONE : op->limit;
    if (role > op->role)
        return fail(E_FORBIDDEN, "a token cannot have the role %s: yours is %s", role_word(role), role_word(op->role));
    int64_t expires;
    TRY(token_expiry(op, &expires));
    const char *token, *id;
    TRY(account_add_token(op->db, op->arena, op->user_id, in_text(op, "name"), expires, role ? role : most, &token, &id));
    token_write(op, id, role ? role : op->role, expires, token);
    return OK;
}

/* A token that may less than another cannot take it away; of other people's tokens, administrators of their home may. */
static enum err revoke(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        op->db, &r,
        "SELECT t.user_id, t.role, (SELECT max(CASE m.role WHEN 'owner' THEN 5 WHEN 'admin' THEN 4 WHEN 'member' THEN 3"
        " WHEN 'annotator' THEN 2 ELSE 1 END) FROM member m WHERE m.person_id = t.user_id) FROM api_token t WHERE t.id = ?1",
        V(op->id)));
    enum role limit = rows_null(r, 1) ? ROLE_OWNER : role_of(rows_text(r, 1)), has = (enum role)rows_int(r, 2),
              may = limit < has ? limit : has;
    bool own = strcmp(rows_text(r, 0), op->user_id) == 0;
    if (!own && op->role < ROLE_ADMIN)
        return fail(E_NOT_FOUND, "there is no token %s", op->id);
    if (may > (own ? op->limit : op->role))
        return fail(E_FORBIDDEN, "that token may more than you do here");
    op->status = 204;
    return account_drop_token(op->db, op->id);
}

static const struct field new_fields[] = {
    { "id", T_ID },
    { "name", T_TEXT },
    { "role", T_TEXT, .words = role_words },
    { "username", T_TEXT },
    { "expires_at", T_TIME, F_NULL },
    { "token", T_TEXT },
};
const struct resource new_token_answer = { .name = "new token", .fields = new_fields, .n_fields = COUNT_OF(new_fields) };

static const struct route routes[] = {
    { "GET", "/api/tokens", list, MAY_READ, WORK_READ, "API tokens: one's own, for administrators all", .answers = &token_resource,
      .gives = GIVES_PAGE },
    { "POST", "/api/tokens", create, MAY_READ, WORK_WRITE, "makes an API token; its secret is shown this once",
      .makes = &token_resource, .answers = &new_token_answer },
    { "DELETE", "/api/token/{id}", revoke, MAY_READ, WORK_WRITE, "revokes an API token", .on = &token_resource,
      .gives = GIVES_NOTHING },
};

#define PLACE .from = "api_token t JOIN person u ON u.id = t.user_id", .key = "t.id", .org = "u.home"
const struct resource token_resource = {
    .name = "token",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    PLACE,
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
