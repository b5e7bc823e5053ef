#include "app/account/account.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>
#include <strings.h>

static const char table[] =
    "CREATE TABLE person (id TEXT PRIMARY KEY, home TEXT NOT NULL REFERENCES organization(id), "
    "username TEXT NOT NULL COLLATE NOCASE UNIQUE, password TEXT NOT NULL, created_at INTEGER NOT NULL, last_login_at INTEGER) "
    "STRICT;"
    "CREATE UNIQUE INDEX person_name ON person (lower(username));"
    "CREATE TABLE member (person_id TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE, org TEXT NOT NULL REFERENCES "
    "organization(id), role TEXT NOT NULL CHECK (role IN ('viewer', 'annotator', 'member', 'admin', 'owner')), created_at INTEGER "
    "NOT NULL, PRIMARY KEY (person_id, org)) STRICT;"
    "CREATE INDEX member_org ON member (org)";

const char *const role_words[] = { "viewer", "annotator", "member", "admin", "owner", NULL };

/* A person as one organization sees them: whoever belongs to two is there twice. */
static const struct field fields[] = {
    { "id", T_ID, 0, "u.id" },
    { "username", T_TEXT, F_SORT | F_FILTER, "u.username" },
    { "role", T_TEXT, F_SORT | F_FILTER, "m.role", .words = role_words },
    { "home", T_BOOL, 0, "u.home = m.org" }, /* the account is managed here */
    { "created_at", T_TIME, F_SORT | F_FILTER, "m.created_at" },
    { "last_login_at", T_TIME, F_SORT | F_FILTER | F_NULL, "u.last_login_at" },
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

/* Each takes 19 MiB and a core's attention. */
enum err account_hash(struct arena *a, const char *password, const char **ret)
{
    char hash[256];
    TRY(password_hash(password, hash, sizeof hash));
    *ret = arena_str(a, hash);
    return OK;
}

enum err account_add_member(struct sql *db, const char *person_id, const char *org, enum role role)
{
    enum err e = sql_run(db, "INSERT INTO member (person_id, org, role, created_at) VALUES (?1, ?2, ?3, ?4)", V(person_id), V(org),
                         V(role_word(role)), V(clock_now_ms()));
    return e == E_CONFLICT ? fail(e, "this user belongs to the organization already") : e;
}

enum err account_add_user(struct sql *db, struct arena *a, const char *org, const char *username, const char *hash, enum role role,
                          const char **ret_id)
{
    const char *id = id_new(a);
    enum err e = sql_run(db, "INSERT INTO person (id, home, username, password, created_at) VALUES (?1, ?2, ?3, ?4, ?5)", V(id),
                         V(org), V(username), V(hash), V(clock_now_ms()));
    if (e == E_CONFLICT)
        return fail(e, "there is a user '%s' already", username);
    TRY(e);
    *ret_id = id;
    return account_add_member(db, id, org, role);
}

enum err account_set_password(struct sql *db, const char *user_id, const char *hash, bool revoke_tokens)
{
    TRY(sql_run(db, "UPDATE person SET password = ?2 WHERE id = ?1", V(user_id), V(hash)));
    if (revoke_tokens)
        TRY(sql_run(db, "DELETE FROM api_token WHERE user_id = ?1", V(user_id)));
    return sql_run(db, "DELETE FROM session WHERE user_id = ?1", V(user_id));
}

static enum err username_check(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < ' ' || strchr("<>\"'/\\:;", *s))
            return fail(E_INVALID, "username must not hold control characters or any of < > \" ' / \\ : ;");
    return OK;
}

enum err role_check_gift(struct op *op, enum role role)
{
    return role <= op->role ? OK
                            : fail(E_FORBIDDEN, "you cannot give the role %s: yours is %s", role_word(role), role_word(op->role));
}

static enum err insert(struct op *op)
{
    const char *id;
    TRY(account_add_user(op->db, op->arena, op->org, in_text(op, "username"), op->state, role_of(in_text(op, "role")), &id));
    op->status = 201;
    return reply_one(op, &user_resource, id);
}

static enum err create(struct op *op)
{
    const char *username = in_text(op, "username"), *password = in_text(op, "password"), *hash;
    TRY(username_check(username));
    TRY(password_check(password, username));
    TRY(role_check_gift(op, role_of(in_text(op, "role"))));
    TRY(account_hash(op->arena, password, &hash));
    op->state = (void *)(uintptr_t)hash;
    return op_write(op, insert);
}

/* ---- a person in the organization */

/* Nobody changes who stands above them; the account itself is its home's to manage. */
static enum err check_target(struct op *op, bool *ret_home)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r,
                  "SELECT m.role, u.home = m.org FROM member m JOIN person u ON u.id = m.person_id WHERE u.id = ?1 AND m.org = ?2",
                  V(op->id), V(op->org)));
    enum role role = role_of(rows_text(r, 0));
    *ret_home = rows_int(r, 1) != 0;
    return role <= op->role ? OK : fail(E_FORBIDDEN, "this user's role, %s, is above yours", role_word(role));
}

/* No organization that the person belongs to may be left without an owner. */
static enum err keep_owners(struct op *op, const char *org)
{
    int64_t n = 0;
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM member m WHERE m.org = ?1 AND m.role = 'owner'", V(org)));
    return n ? OK : fail(E_CONFLICT, "the last owner must stay one");
}

static enum err write_changes(struct op *op)
{
    const char *role = in_text(op, "role");
    bool home;
    TRY(check_target(op, &home));
    if (role)
        TRY(sql_run(op->db, "UPDATE member SET role = ?3 WHERE person_id = ?1 AND org = ?2", V(op->id), V(op->org), V(role)));
    if (op->state && !home)
        return fail(E_FORBIDDEN, "another organization manages this account and its password");
    if (op->state)
        TRY(account_set_password(op->db, op->id, op->state, in_bool(op, "revoke_tokens", true)));
    TRY(keep_owners(op, op->org));
    return reply_one(op, &user_resource, op->id);
}

static enum err update(struct op *op)
{
    const char *role = in_text(op, "role"), *password = in_text(op, "password"), *hash = NULL;
    if (!role && !password)
        return fail(E_INVALID, "nothing was sent that can be changed");
    if (role)
        TRY(role_check_gift(op, role_of(role)));
    if (password) {
        TRY(password_check(password, "\1"));
        TRY(account_hash(op->arena, password, &hash));
    }
    op->state = (void *)(uintptr_t)hash;
    return op_write(op, write_changes);
}

static enum err take_membership(struct op *op)
{
    TRY(sql_run(op->db, "DELETE FROM member WHERE person_id = ?1 AND org = ?2", V(op->id), V(op->org)));
    TRY(sql_run(op->db, "DELETE FROM access WHERE person_id = ?1 AND org = ?2", V(op->id), V(op->org)));
    return keep_owners(op, op->org);
}

static enum err take_account(struct op *op)
{
    int64_t left = 0;
    TRY(sql_int(op->db, &left,
                "SELECT count(*) FROM member m WHERE m.person_id = ?1 AND m.role = 'owner' AND NOT EXISTS"
                " (SELECT 1 FROM member o WHERE o.org = m.org AND o.role = 'owner' AND o.person_id <> m.person_id)",
                V(op->id)));
    if (left)
        return fail(E_CONFLICT, "the last owner of an organization must stay one");
    return sql_run(op->db, "DELETE FROM person WHERE id = ?1", V(op->id));
}

/* Here is their account: it goes, with tokens and sessions. Elsewhere: they only leave this organization. */
static enum err delete_user(struct op *op)
{
    bool home;
    TRY(check_target(op, &home));
    op->status = 204;
    return home ? take_account(op) : take_membership(op);
}

/* ---- oneself */

static enum err write_own_password(struct op *op)
{
    return account_set_password(op->db, op->user_id, op->state, in_bool(op, "revoke_tokens", false));
}

static enum err own_password(struct op *op)
{
    const char *password = in_text(op, "password"), *stored, *hash;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(op->db, &r, "SELECT password FROM person WHERE id = ?1", V(op->user_id)));
        stored = arena_str(op->arena, rows_text(r, 0));
    }
    TRY(login_begins(op->user_name, http_peer(op->call)));
    if (!password_fits(in_text(op, "old_password"), stored))
        return fail(E_FORBIDDEN, "old_password is not right");
    login_succeeded(op->user_name, http_peer(op->call));
    TRY(password_check(password, op->user_name));
    TRY(account_hash(op->arena, password, &hash));
    op->state = (void *)(uintptr_t)hash;
    return op_write(op, write_own_password);
}

static enum err leave(struct op *op)
{
    int64_t home = 0;
    TRY(sql_int(op->db, &home, "SELECT count(*) FROM person WHERE id = ?1 AND home = ?2", V(op->user_id), V(op->org)));
    if (home)
        return fail(E_CONFLICT, "your account is this organization's: an administrator can remove it");
    op->id = op->user_id;
    op->status = 204;
    return take_membership(op);
}

/* ---- members */

static enum err list_members(struct op *op)
{
    return reply_page(op, &user_resource, "1 = 1");
}

/* Somebody who has an account already, of whatever organization. */
static enum err add_member(struct op *op)
{
    const char *id = in_text(op, "user_id"), *name = in_text(op, "username");
    enum role role = role_of(in_text(op, "role"));
    TRY(role_check_gift(op, role));
    if (!id && !name)
        return fail(E_INVALID, "say who: username or user_id");
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(op->db, &r, "SELECT id FROM person WHERE id = ?1 OR lower(username) = lower(?2)", V(id), V(name));
        if (e == E_NOT_FOUND)
            return fail(e, "there is no user %s", name ? name : id);
        TRY(e);
        id = arena_str(op->arena, rows_text(r, 0));
    }
    TRY(account_add_member(op->db, id, op->org, role));
    op->status = 201;
    return reply_one(op, &user_resource, id);
}

static enum err change_member(struct op *op)
{
    enum role role = role_of(in_text(op, "role"));
    bool home;
    op->id = op->second;
    TRY(role_check_gift(op, role));
    TRY(check_target(op, &home));
    TRY(sql_run(op->db, "UPDATE member SET role = ?3 WHERE person_id = ?1 AND org = ?2", V(op->id), V(op->org),
                V(role_word(role))));
    TRY(keep_owners(op, op->org));
    return reply_one(op, &user_resource, op->id);
}

static enum err remove_member(struct op *op)
{
    op->id = op->second;
    return delete_user(op);
}

static const struct field short_fields[] = {
    { "id", T_ID, 0, "u.id" },
    { "username", T_TEXT, 0, "u.username" },
    { "role", T_TEXT, 0, "m.role", .words = role_words },
};
static const struct resource short_user = {
    .name = "short user",
    .fields = short_fields,
    .n_fields = COUNT_OF(short_fields),
    .from = "person u JOIN member m ON m.person_id = u.id",
    .key = "u.id",
    .org = "m.org",
    .order = "u.username",
};

/* The published client's list, by the name that it asks for. */
static enum err organization_users(struct op *op)
{
    out_object(&op->out, NULL);
    TRY(reply_rows(op, "users", &short_user, "lower(u.username) = lower(?1) OR ?1 IS NULL", V(in_text(op, "username"))));
    out_end_object(&op->out);
    return OK;
}

static const struct field create_in[] = {
    { "username", T_TEXT, F_NEED, .min = 1, .max = 100 },
    { "password", T_TEXT, F_NEED },
    { "role", T_TEXT, F_NEED, .words = role_words },
};
static const struct field update_in[] = {
    { "role", T_TEXT, 0, .words = role_words },
    { "password", T_TEXT },
    { "revoke_tokens", T_BOOL },
};
static const struct field password_in[] = {
    { "old_password", T_TEXT, F_NEED },
    { "password", T_TEXT, F_NEED },
    { "revoke_tokens", T_BOOL, F_NEED }, /* whoever changes a password because somebody knows it wants the tokens gone, too */
};
static const struct field users_in[] = { { "username", T_TEXT } };
static const struct field member_in[] = {
    { "username", T_TEXT, .max = 100 },
    { "user_id", T_ID },
    { "role", T_TEXT, F_NEED, .words = role_words },
};
static const struct field new_role_in[] = { { "role", T_TEXT, F_NEED, .words = role_words } };

DESCRIBED(short_users, "users of an organization", { "users", T_MANY, .of = &short_user });

#define MEMBER "/api/organization/{id}/member/{id}"
static const struct route routes[] = {
    { "GET", "/api/users", list_members, MAY_READ, WORK_READ, "who belongs to the organization", .answers = &user_resource,
      .gives = GIVES_PAGE },
    { "POST", "/api/users", create, MAY_ADMIN, WORK_FREE, "makes an account in the organization", FIELDS(create_in),
      &user_resource },
    { "PATCH", "/api/user/{id}", update, MAY_ADMIN, WORK_FREE, "changes a user's role or password", FIELDS(update_in),
      &user_resource, .on = &user_resource },
    { "DELETE", "/api/user/{id}", delete_user, MAY_ADMIN, WORK_WRITE,
      "removes an account with its tokens and sessions; of another organization's account the membership", .on = &user_resource,
      .gives = GIVES_NOTHING },
    { "POST", "/api/user/password", own_password, MAY_READ, WORK_FREE, "changes one's own password", FIELDS(password_in),
      .gives = GIVES_NOTHING },
    { "GET", "/api/organization/{id}/members", list_members, MAY_READ, WORK_READ, "who belongs to the organization",
      .answers = &user_resource, .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/members", add_member, MAY_ADMIN, WORK_WRITE, "takes somebody in who has an account",
      FIELDS(member_in), &user_resource, .on = &organization_resource },
    { "PATCH", MEMBER, change_member, MAY_ADMIN, WORK_WRITE, "changes a member's role", FIELDS(new_role_in), &user_resource,
      .on = &organization_resource, .on_too = &user_resource },
    { "DELETE", MEMBER, remove_member, MAY_ADMIN, WORK_WRITE, "as DELETE /api/user/{id}", .on = &organization_resource,
      .on_too = &user_resource, .gives = GIVES_NOTHING },
    { "POST", "/api/organization/{id}/leave", leave, MAY_READ, WORK_WRITE, "leaves the organization", .on = &organization_resource,
      .gives = GIVES_NOTHING },
    { "GET", "/api/access/organization/{id}/users", organization_users, MAY_READ, WORK_READ, "who may use the organization",
      FIELDS(users_in), .on = &organization_resource, .answers = &short_users },
};

const struct resource user_resource = {
    "user", table, FIELDS(fields), "person u JOIN member m ON m.person_id = u.id", "u.id", "m.org", "u.username", ROUTES(routes),
};
