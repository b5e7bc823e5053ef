/* Access: a role on one thing and what is below it, given to one person, whatever their role in the organization is. */
#include "app/account/account.h"
#include "base/clock.h"
#include <string.h>
#include <strings.h>

static const char table[] =
    "CREATE TABLE access (person_id TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE, thing_id TEXT NOT NULL, kind TEXT NOT "
    "NULL, org TEXT NOT NULL REFERENCES organization(id), role TEXT NOT NULL CHECK (role IN ('viewer', 'annotator', 'member', "
    "'admin')), given_by TEXT, created_at INTEGER NOT NULL, PRIMARY KEY (person_id, thing_id)) STRICT;"
    "CREATE INDEX access_thing ON access (thing_id)";

enum err account_reach(struct sql *db, const char *user_id, const char *org, const char *root, struct reach *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r,
                  "SELECT (SELECT m.role FROM member m WHERE m.person_id = ?1 AND m.org = ?2),"
                  " (SELECT g.role FROM access g WHERE g.person_id = ?1 AND g.thing_id = ?3)",
                  V(user_id), V(org), V(root)));
    *ret = (struct reach){ role_of(rows_text(r, 0)), role_of(rows_text(r, 1)) };
    return OK;
}

/* The words of the published client's platform mean these. */
static enum role role_called(const char *word)
{
    static const struct {
        const char *theirs;
        enum role ours;
    } words[] = { { "LABELER", ROLE_ANNOTATOR }, { "REVIEWER", ROLE_ANNOTATOR }, { "USER", ROLE_MEMBER } };
    for (int i = 0; role_words[i]; i++)
        if (strcasecmp(word, role_words[i]) == 0)
            return role_of(role_words[i]);
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (strcasecmp(word, words[i].theirs) == 0)
            return words[i].ours;
    return ROLE_NONE;
}

/* given: on this thing; otherwise it is the role in the organization. guest: does not belong to the organization. */
DESCRIBED(user_with_access, "user with access", { "id", T_ID }, { "username", T_TEXT }, { "role", T_TEXT, .words = role_words },
          { "given", T_BOOL }, { "guest", T_BOOL });
static const struct field users_fields[] = { { "users", T_MANY, .of = &user_with_access } };
const struct resource users_answer = { .name = "users with access", .fields = users_fields, .n_fields = 1 };

/* Members reach the thing by their role, or by what was given to them if that is more; guests by that alone. */
enum err access_list(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT u.id, u.username, (SELECT m.role FROM member m WHERE m.person_id = u.id AND m.org = ?1),"
                 " (SELECT g.role FROM access g WHERE g.person_id = u.id AND g.thing_id = ?2) FROM person u"
                 " WHERE (u.id IN (SELECT m.person_id FROM member m WHERE m.org = ?1)"
                 " OR u.id IN (SELECT g.person_id FROM access g WHERE g.thing_id = ?2)) AND (u.id = ?3 OR ?3 IS NULL) ORDER BY "
                 "lower(u.username)",
                 V(op->org), V(op->id), V(op->guest ? op->user_id : NULL))); /* guests do not see who else there is */
    out_object(&op->out, NULL);
    out_array(&op->out, "users");
    while (rows_next(r)) {
        enum role in_org = role_of(rows_text(r, 2)), on_thing = role_of(rows_text(r, 3));
        out_object(&op->out, NULL);
        out_text(&op->out, "id", rows_text(r, 0));
        out_text(&op->out, "username", rows_text(r, 1));
        out_text(&op->out, "role", role_word(on_thing > in_org ? on_thing : in_org));
        out_bool(&op->out, "given", on_thing != ROLE_NONE);
        out_bool(&op->out, "guest", in_org == ROLE_NONE);
        out_end_object(&op->out);
    }
    out_end_array(&op->out);
    out_end_object(&op->out);
    return rows_error(r);
}

enum err access_give(struct op *op)
{
    const char *person = in_text(op, "user_id"), *word = in_text(op, "role");
    enum role role = word ? role_called(word) : ROLE_MEMBER;
    int64_t known = 0;
    if (role == ROLE_NONE || role == ROLE_OWNER)
        return fail(E_INVALID, "role must be viewer, annotator, member or admin");
    TRY(role_check_gift(op, role));
    TRY(sql_int(op->db, &known, "SELECT count(*) FROM person WHERE id = ?1", V(person)));
    if (!known)
        return fail(E_NOT_FOUND, "there is no user %s", person);
    TRY(sql_run(
        op->db,
        "INSERT INTO access (person_id, thing_id, kind, org, role, given_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT (person_id, thing_id) DO UPDATE SET role = excluded.role, given_by = excluded.given_by",
        V(person), V(op->id), V(op->route->on->name), V(op->org), V(role_word(role)), V(op->user_id), V(clock_now_ms())));
    return access_list(op);
}

enum err access_take(struct op *op)
{
    TRY(sql_run(op->db, "DELETE FROM access WHERE person_id = ?1 AND thing_id = ?2", V(in_text(op, "user_id")), V(op->id)));
    if (!sql_changes(op->db))
        return fail(E_NOT_FOUND, "nothing was given to user %s on this", in_text(op, "user_id"));
    return access_list(op);
}

enum err access_forget(struct sql *db, const char *thing_id)
{
    TRY(sql_run(db, "DELETE FROM api_token WHERE thing_id = ?1", V(thing_id)));
    return sql_run(db, "DELETE FROM access WHERE thing_id = ?1", V(thing_id));
}

const struct field access_give_in[ACCESS_GIVE_FIELDS] = { { "user_id", T_ID, F_NEED }, { "role", T_TEXT, F_NULL, .max = 20 } };
const struct field access_take_in[ACCESS_TAKE_FIELDS] = { { "user_id", T_ID, F_NEED } };

static const char *const given_words[] = { "viewer", "annotator", "member", "admin", NULL };

/* What was given to the caller, wherever: how a guest finds it. */
static const struct field fields[] = {
    { "thing_id", T_ID, 0, "g.thing_id" },
    { "kind", T_TEXT, F_SORT | F_FILTER, "g.kind" },
    { "role", T_TEXT, F_SORT | F_FILTER, "g.role", .words = given_words },
    { "organization_id", T_ID, 0, "g.org" },
    { "organization", T_TEXT, F_SORT | F_FILTER, "o.name" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "g.created_at" },
};

static enum err mine(struct op *op)
{
    return reply_page(op, &access_resource, "1 = 1");
}

static const struct route routes[] = {
    { "GET", "/api/access", mine, MAY_READ, WORK_READ, "what access was given to the caller on", .answers = &access_resource,
      .gives = GIVES_PAGE },
};

const struct resource access_resource = {
    .name = "access",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "access g JOIN organization o ON o.id = g.org",
    .key = "g.thing_id",
    .order = "g.created_at DESC, g.thing_id",
    .owner = "g.person_id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
