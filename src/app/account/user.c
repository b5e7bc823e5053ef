#include "app/account/account.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>
#include <strings.h>

static const char table[] = "CREATE TABLE user (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), "
                            "username TEXT NOT NULL COLLATE NOCASE UNIQUE, password TEXT NOT NULL, "
                            "role TEXT NOT NULL CHECK (role IN ('viewer', 'member', 'admin', 'owner')), created_at INTEGER NOT "
                            "NULL, last_login_at INTEGER) "
                            "STRICT";

static const char *const role_words[] = { "viewer", "member", "admin", "owner", NULL };

static const struct field fields[] = {
    { "id", T_ID, 0, "u.id" },
    { "username", T_TEXT, F_SORT | F_FILTER, "u.username" },
    { "role", T_TEXT, F_SORT | F_FILTER, "u.role", .words = role_words },
    { "created_at", T_TIME, F_SORT | F_FILTER, "u.created_at" },
    { "last_login_at", T_TIME, F_SORT | F_FILTER, "u.last_login_at" },
};

const char *role_word(enum role r)
{
    return r >= ROLE_VIEWER && r <= ROLE_OWNER ? role_words[r - ROLE_VIEWER] : NULL;
}

enum role role_of(const char *word)
{
    for (int i = 0; word && role_words[i]; i++)
        if (strcmp(word, role_words[i]) == 0)
            return (enum role)(ROLE_VIEWER + i);
    return ROLE_NONE;
}

enum err password_check(const char *password, const char *username)
{
    size_t n = strlen(password);
    if (n < 10)
        return fail(E_INVALID, "password must have at least 10 characters");
    if (n > 200)
        return fail(E_INVALID, "password must have at most 200 bytes");
    if (strcasestr(password, username))
        return fail(E_INVALID, "password must not hold the user's name");
    return OK;
}

enum err account_add_user(struct sql *db, struct arena *a, const char *org, const char *username, const char *password,
                          enum role role, const char **ret_id)
{
    char hash[256];
    TRY(password_hash(password, hash, sizeof hash));
    const char *id = id_new(a);
    enum err e = sql_run(db, "INSERT INTO user (id, org, username, password, role, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                         V(id), V(org), V(username), V(hash), V(role_word(role)), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(e, "there is a user '%s' already", username);
    TRY(e);
    *ret_id = id;
    return OK;
}

enum err account_set_password(struct sql *db, const char *user_id, const char *password)
{
    char hash[256];
    TRY(password_hash(password, hash, sizeof hash));
    TRY(sql_run(db, "UPDATE user SET password = ?2 WHERE id = ?1", V(user_id), V(hash)));
    return sql_run(db, "DELETE FROM session WHERE user_id = ?1", V(user_id));
}

static enum err list(struct op *op)
{
    return reply_page(op, &user_resource, "1");
}

static enum err username_check(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || strchr("<>\"'/\\:;", *s))
            return fail(E_INVALID, "username must not hold control characters or any of < > \" ' / \\ : ;");
    return OK;
}

/* Nobody gives more than they have. */
static enum err may_give(struct op *op, enum role role)
{
    return role <= op->role ? OK
                            : fail(E_FORBIDDEN, "you cannot give the role %s: yours is %s", role_word(role), role_word(op->role));
}

static enum err create(struct op *op)
{
    const char *username = in_text(op, "username"), *password = in_text(op, "password"), *id;
    enum role role = role_of(in_text(op, "role"));
    TRY(username_check(username));
    TRY(password_check(password, username));
    TRY(may_give(op, role));
    TRY(account_add_user(op->db, op->arena, op->org, username, password, role, &id));
    op->status = 201;
    return reply_one(op, &user_resource, id);
}

/* The user named in the path, who must not stand above the caller. */
static enum err target(struct op *op, enum role *ret_role)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT role FROM user WHERE id = ?1", V(op->id)));
    *ret_role = role_of(rows_text(r, 0));
    if (*ret_role > op->role)
        return fail(E_FORBIDDEN, "this user's role, %s, is above yours", role_word(*ret_role));
    return OK;
}

static enum err keep_an_owner(struct op *op)
{
    int64_t n = 0;
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM user WHERE org = ?1 AND role = 'owner'", V(op->org)));
    return n ? OK : fail(E_CONFLICT, "the last owner must stay one");
}

static enum err update(struct op *op)
{
    const char *role = in_text(op, "role"), *password = in_text(op, "password");
    enum role now;
    TRY(target(op, &now));
    if (!role && !password)
        return fail(E_INVALID, "nothing was sent that can be changed");
    if (role) {
        TRY(may_give(op, role_of(role)));
        TRY(sql_run(op->db, "UPDATE user SET role = ?2 WHERE id = ?1", V(op->id), V(role)));
    }
    if (password) {
        TRY(password_check(password, "\1"));
        TRY(account_set_password(op->db, op->id, password));
    }
    TRY(keep_an_owner(op));
    return reply_one(op, &user_resource, op->id);
}

static enum err delete_user(struct op *op)
{
    enum role role;
    TRY(target(op, &role));
    TRY(sql_run(op->db, "DELETE FROM user WHERE id = ?1", V(op->id)));
    TRY(keep_an_owner(op));
    op->status = 204;
    return OK;
}

static enum err own_password(struct op *op)
{
    const char *password = in_text(op, "password");
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT password FROM user WHERE id = ?1", V(op->user_id)));
    TRY(login_allowed(op->user_name, http_peer(op->call)));
    if (!password_fits(in_text(op, "old_password"), rows_text(r, 0))) {
        login_failed(op->user_name, http_peer(op->call));
        return fail(E_FORBIDDEN, "old_password is not right");
    }
    TRY(password_check(password, op->user_name));
    return account_set_password(op->db, op->user_id, password);
}

/* Rights are given by organization: whoever belongs to it sees all of it, as far as their role goes. */
enum err account_list_users(struct op *op, const char *username)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT id, username, role FROM user WHERE org = ?1 AND (?2 IS NULL OR username = ?2) ORDER BY username",
                 V(op->org), V(username)));
    out_object(&op->out, NULL);
    out_array(&op->out, "users");
    while (rows_next(r)) {
        out_object(&op->out, NULL);
        out_text(&op->out, "id", rows_text(r, 0));
        out_text(&op->out, "username", rows_text(r, 1));
        out_text(&op->out, "role", rows_text(r, 2));
        out_end_object(&op->out);
    }
    out_end_array(&op->out);
    out_end_object(&op->out);
    return rows_error(r);
}

static enum err organization_users(struct op *op)
{
    return account_list_users(op, in_text(op, "username"));
}

static const struct field create_in[] = {
    { "username", T_TEXT, F_NEED, .min = 1, .max = 100 },
    { "password", T_TEXT, F_NEED },
    { "role", T_TEXT, F_NEED, .words = role_words },
};
static const struct field update_in[] = { { "role", T_TEXT, 0, .words = role_words }, { "password", T_TEXT } };
static const struct field password_in[] = { { "old_password", T_TEXT, F_NEED }, { "password", T_TEXT, F_NEED } };
static const struct field users_in[] = { { "username", T_TEXT } };

static const struct route routes[] = {
    { "GET", "/api/users", list, MAY_READ, WORK_READ, "the users of the organization", .answers = &user_resource },
    { "POST", "/api/users", create, MAY_ADMIN, WORK_WRITE, "adds a user", FIELDS(create_in), &user_resource },
    { "PATCH", "/api/user/{id}", update, MAY_ADMIN, WORK_WRITE, "changes a user's role or password", FIELDS(update_in),
      &user_resource, .on = &user_resource },
    { "DELETE", "/api/user/{id}", delete_user, MAY_ADMIN, WORK_WRITE, "removes a user with their tokens and sessions",
      .on = &user_resource },
    { "POST", "/api/user/password", own_password, MAY_READ, WORK_WRITE, "changes one's own password", FIELDS(password_in) },
    { "GET", "/api/access/organization/{id}/users", organization_users, MAY_READ, WORK_READ, "who may use the organization",
      FIELDS(users_in), .on = &organization_resource },
};

const struct resource user_resource = {
    "user", table, FIELDS(fields), "user u", "u.id", "u.org", "u.username", ROUTES(routes),
};
