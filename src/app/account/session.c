/* Browser sessions: a random cookie, stored hashed. */
#include "app/account/account.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <pthread.h>
#include <string.h>

enum { COOKIE_BYTES = 32, LIFE_S = 14 * 24 * 3600 };

static const char table[] =
    "CREATE TABLE session (hash TEXT PRIMARY KEY, user_id TEXT NOT NULL REFERENCES person(id) ON DELETE CASCADE, "
    "created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, org TEXT REFERENCES organization(id)) STRICT";

enum err account_by_session(struct sql *db, struct arena *a, const char *cookie, struct identity *ret)
{
    char hash[65];
    sha256_hex(cookie, strlen(cookie), hash);
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(
        db, &r,
        "SELECT u.id, u.username, coalesce((SELECT m.org FROM member m WHERE m.person_id = u.id AND m.org = s.org), u.home)"
        " FROM session s JOIN person u ON u.id = s.user_id "
        "WHERE s.hash = ?1 AND s.expires_at > ?2",
        V(hash), V(clock_now_ms()));
    if (e == E_NOT_FOUND)
        return fail(E_UNKNOWN_USER, "the session has ended; log in again");
    TRY(e);
    *ret = (struct identity){
        arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), arena_str(a, rows_text(r, 2)), ROLE_OWNER, 0, NULL
    };
    return OK;
}

static void set_cookie(struct op *op, const char *value, int life_s)
{
    bool secure = strncmp(op->host_url, "https:", 6) == 0;
    http_answer_header(op->call, "Set-Cookie",
                       arena_fmt(op->arena, "saccade=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Strict%s", value, life_s,
                                 secure ? "; Secure" : ""));
}

/* {"user":{…},"organization":{…},"datalake":{…},"last_event":n} of whom op names. */
static enum err reply_session(struct op *op)
{
    out_object(&op->out, NULL);
    out_object(&op->out, "user");
    out_text(&op->out, "id", op->user_id);
    out_text(&op->out, "username", op->user_name);
    out_text(&op->out, "role", role_word(op->role));
    out_end_object(&op->out);
    TRY(reply_member(op, "organization", &organization_resource, op->org));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT id, name FROM datalake WHERE org = ?1 ORDER BY created_at LIMIT 1", V(op->org)));
    out_object(&op->out, "datalake");
    out_text(&op->out, "id", rows_text(r, 0));
    out_text(&op->out, "name", rows_text(r, 1));
    out_end_object(&op->out);
    int64_t last_event;
    TRY(event_last(op->db, &last_event));
    out_int(&op->out, "last_event", last_event);
    out_end_object(&op->out);
    return OK;
}

/* Passwords are hashed outside of any transaction, and few at once: each takes 19 MiB and a core's attention. */
static bool fits(const char *password, const char *hash)
{
    static pthread_mutex_t few[2] = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER };
    static char unknown[256]; /* of no password: an unknown name takes as long as a wrong password */
    pthread_mutex_t *m = &few[clock_now_ms() & 1];
    pthread_mutex_lock(m);
    if (!hash) {
        static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_lock(&once);
        AUTO(arena) struct arena *a = arena_new();
        if (!*unknown && password_hash(secret_new(a, "", 32), unknown, sizeof unknown) != OK)
            *unknown = 0;
        pthread_mutex_unlock(&once);
    }
    bool yes = password_fits(password, hash ? hash : unknown) && hash;
    pthread_mutex_unlock(m);
    return yes;
}

static enum err begin_session(struct op *op)
{
    const char *cookie = secret_new(op->arena, "", COOKIE_BYTES);
    char hash[65];
    sha256_hex(cookie, strlen(cookie), hash);
    int64_t now = clock_now_ms();
    TRY(sql_run(op->db, "DELETE FROM session WHERE expires_at < ?1", V(now)));
    TRY(sql_run(op->db, "INSERT INTO session (hash, user_id, created_at, expires_at) VALUES (?1, ?2, ?3, ?4)", V(hash),
                V(op->user_id), V(now), V(now + LIFE_S * 1000LL)));
    TRY(sql_run(op->db, "UPDATE person SET last_login_at = ?2 WHERE id = ?1", V(op->user_id), V(now)));
    TRY(reply_session(op));
    op->state = arena_str(op->arena, cookie); /* a header is for what was committed: this may be done again */
    return OK;
}

static enum err login(struct op *op)
{
    const char *name = in_text(op, "username"), *address = http_peer(op->call), *hash = NULL;
    TRY(login_begins(name, address));
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(op->db, &r,
                               "SELECT u.id, u.username, u.home, m.role, u.password FROM person u JOIN member m ON m.person_id = "
                               "u.id AND m.org = u.home"
                               " WHERE lower(u.username) = lower(?1)",
                               V(name));
        if (e != E_NOT_FOUND)
            TRY(e);
        if (e == OK) {
            op->user_id = arena_str(op->arena, rows_text(r, 0));
            op->user_name = arena_str(op->arena, rows_text(r, 1));
            op->org = arena_str(op->arena, rows_text(r, 2));
            op->role = role_of(rows_text(r, 3));
            hash = arena_str(op->arena, rows_text(r, 4));
        }
    }
    if (!fits(in_text(op, "password"), hash)) {
        op->user_id = op->org = NULL;
        return fail(E_UNKNOWN_USER, "user name or password is wrong");
    }
    login_succeeded(name, address);
    TRY(op_write(op, begin_session));
    set_cookie(op, op->state, LIFE_S);
    return OK;
}

static enum err logout(struct op *op)
{
    const char *cookie = http_cookie(op->call, "saccade");
    if (cookie) {
        char hash[65];
        sha256_hex(cookie, strlen(cookie), hash);
        TRY(sql_run(op->db, "DELETE FROM session WHERE hash = ?1", V(hash)));
    }
    set_cookie(op, "", 0);
    http_answer_header(op->call, "Clear-Site-Data", "\"cache\""); /* pictures that the browser has kept */
    op->status = 204;
    return OK;
}

/* The organization that the browser is in from now on. */
static enum err switch_organization(struct op *op)
{
    const char *cookie = http_cookie(op->call, "saccade");
    bool guest;
    char hash[65];
    if (!cookie)
        return fail(E_INVALID, "only a browser's session has an organization; with a token, send the header X-Organization");
    TRY(role_in(op, in_text(op, "organization_id"), NULL, &op->role, &guest));
    if (op->role == ROLE_NONE)
        return fail(E_NOT_FOUND, "there is no organization %s", in_text(op, "organization_id"));
    sha256_hex(cookie, strlen(cookie), hash);
    op->org = in_text(op, "organization_id");
    TRY(sql_run(op->db, "UPDATE session SET org = ?2 WHERE hash = ?1", V((const char *)hash), V(op->org)));
    return reply_session(op);
}

static const struct field switch_in[] = { { "organization_id", T_ID, F_NEED } };
static const struct field login_in[] = { { "username", T_TEXT, F_NEED, .max = 100 }, { "password", T_TEXT, F_NEED, .max = 200 } };

DESCRIBED(session_user, "user of a session", { "id", T_ID }, { "username", T_TEXT }, { "role", T_TEXT });
DESCRIBED(session_lake, "datalake of a session", { "id", T_ID }, { "name", T_TEXT });
DESCRIBED(session_answer, "session", { "user", T_PART, .of = &session_user },
          { "organization", T_PART, .of = &organization_resource }, { "datalake", T_PART, .of = &session_lake },
          { "last_event", T_INT });

static const struct route routes[] = {
    { "POST", "/api/session", login, MAY_ANYONE, WORK_FREE, "logs a browser in", FIELDS(login_in), .answers = &session_answer },
    { "GET", "/api/session", reply_session, MAY_READ, WORK_READ, "who is logged in", .answers = &session_answer },
    { "PATCH", "/api/session", switch_organization, MAY_READ, WORK_WRITE, "goes to another of one's organizations",
      FIELDS(switch_in), .answers = &session_answer },
    { "DELETE", "/api/session", logout, MAY_ANYONE, WORK_WRITE, "logs out", .gives = GIVES_NOTHING },
};

const struct resource session_resource = { .name = "session", .table = table, .routes = routes, .n_routes = COUNT_OF(routes) };
