#include "app/account/account.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "blob/sign.h"
#include <stdlib.h>

static struct sql *fresh(struct arena *a, struct first_start *ret)
{
    struct sql *db = NULL;
    MUST(sql_open(":memory:", &db));
    MUST(api_make_schema(db));
    MUST(account_first_start(db, a, ret));
    return db;
}

static int64_t count(struct sql *db, const char *text)
{
    int64_t n = 0;
    MUST(sql_int_text(db, &n, text, NULL, 0));
    return n;
}

TEST(the_first_start_makes_an_owner_once_and_keeps_only_hashes)
{
    AUTO(arena) struct arena *a = arena_new();
    struct first_start first, again;
    struct sql *db = fresh(a, &first);
    CHECK(first.made);
    MUST(account_first_start(db, a, &again));
    CHECK(!again.made && !again.password && !again.token);
    CHECK_INT(count(db, "SELECT count(*) FROM organization"), 1);
    CHECK_INT(count(db, "SELECT count(*) FROM datalake l JOIN organization o ON l.connector_id = o.default_connector_id"), 1);
    struct rows *r = NULL;
    MUST(sql_first(db, &r, "SELECT password, (SELECT hash FROM api_token) FROM person"));
    CHECK(!strstr(rows_text(r, 0), first.password) && password_fits(first.password, rows_text(r, 0)));
    CHECK(!strstr(rows_text(r, 1), first.token));
    rows_done(r);
    struct identity who;
    MUST(account_by_token(db, a, first.token, &who));
    CHECK_TEXT(who.user_name, "admin");
    CHECK_INT(who.limit, ROLE_OWNER);
    sql_close(db);
}

TEST(tokens_expire_can_be_revoked_and_never_give_more_than_their_user_has)
{
    AUTO(arena) struct arena *a = arena_new();
    struct first_start first;
    struct sql *db = fresh(a, &first);
    const char *org, *user, *old, *viewer, *owner, *id;
    struct identity who;
    MUST(account_default_org(db, a, &org));
    MUST(account_add_user(db, a, org, "ann", "a good password", ROLE_MEMBER, &user));
    MUST_FAIL(account_add_user(db, a, org, "ANN", "a good password", ROLE_MEMBER, &user), E_CONFLICT, "already");
    MUST(account_add_token(db, a, user, "old", clock_now_ms() - 1, ROLE_NONE, &old, &id));
    MUST(account_add_token(db, a, user, "viewer", 0, ROLE_VIEWER, &viewer, &id));
    MUST(account_add_token(db, a, user, "owner", 0, ROLE_OWNER, &owner, &id));
    MUST_FAIL(account_by_token(db, a, old, &who), E_UNKNOWN_USER, "expired");
    MUST_FAIL(account_by_token(db, a, "sac_nothing", &who), E_UNKNOWN_USER, "not known");
    MUST_FAIL(account_by_token(db, a, "", &who), E_UNKNOWN_USER, "not known");
    struct reach reach;
    MUST(account_by_token(db, a, viewer, &who));
    CHECK_INT(who.limit, ROLE_VIEWER);
    MUST(account_by_token(db, a, owner, &who));
    MUST(account_reach(db, who.user_id, org, NULL, &reach));
    CHECK_INT(reach.in_org, ROLE_MEMBER);
    MUST(sql_run(db, "DELETE FROM person WHERE id = ?1", V(user)));
    MUST_FAIL(account_by_token(db, a, owner, &who), E_UNKNOWN_USER, "not known");
    sql_close(db);
}

TEST(a_changed_password_ends_the_sessions)
{
    AUTO(arena) struct arena *a = arena_new();
    struct first_start first;
    struct sql *db = fresh(a, &first);
    struct identity who;
    char hash[65];
    sha256_hex("cookie", 6, hash);
    MUST(sql_run(db, "INSERT INTO session (hash, user_id, created_at, expires_at) SELECT ?1, id, 0, ?2 FROM person",
                 V((const char *)hash), V(clock_now_ms() + 1000)));
    MUST(account_by_session(db, a, "cookie", &who));
    MUST_FAIL(account_by_session(db, a, hash, &who), E_UNKNOWN_USER, "log in"); /* what is stored is no way in */
    MUST(account_set_password(db, who.user_id, "hash", false));
    MUST_FAIL(account_by_session(db, a, "cookie", &who), E_UNKNOWN_USER, "log in");
    sql_close(db);
}

TEST(passwords_have_a_least_length_and_do_not_hold_the_name)
{
    MUST_FAIL(password_check("short", "ann"), E_INVALID, "at least 10");
    MUST_FAIL(password_check("dear ANNabel", "annabel"), E_INVALID, "user's name");
    MUST(password_check("dear old horse", "ann"));
}

TEST(failed_logins_are_limited_by_name_and_address)
{
    for (int i = 0; i < 10; i++)
        MUST(login_begins("limited", "10.0.0.1"));
    MUST_FAIL(login_begins("LIMITED", "10.0.0.1"), E_TOO_MANY, "minutes");
    MUST(login_begins("limited", "10.0.0.2")); /* the owner of the name, elsewhere, is not locked out */
    MUST(login_begins("other", "10.0.0.1"));
    login_succeeded("limited", "10.0.0.1");
    MUST(login_begins("limited", "10.0.0.1"));
    for (int i = 0; i < 100; i++) {
        const char name[] = { (char)('a' + i / 10), 0 };
        MUST(login_begins(name, "10.0.0.3"));
    }
    MUST_FAIL(login_begins("fresh", "10.0.0.3"), E_TOO_MANY, "minutes");
}

TEST(access_on_one_thing_counts_beside_the_role_in_its_organization)
{
    AUTO(arena) struct arena *a = arena_new();
    struct first_start first;
    struct sql *db = fresh(a, &first);
    const char *org, *other, *user;
    struct reach reach;
    MUST(account_default_org(db, a, &org));
    MUST(account_add_organization(db, a, "other", &other));
    MUST_FAIL(account_add_organization(db, a, "other", &other), E_CONFLICT, "already");
    MUST(account_add_user(db, a, other, "bob", "hash", ROLE_VIEWER, &user));
    MUST_FAIL(account_add_member(db, user, other, ROLE_OWNER), E_CONFLICT, "already");
    MUST(account_reach(db, user, org, "thing", &reach));
    CHECK(reach.in_org == ROLE_NONE && reach.on_thing == ROLE_NONE);
    MUST(sql_run(db,
                 "INSERT INTO access (person_id, thing_id, kind, org, role, created_at) VALUES (?1, 'thing', 'dataset', ?2, "
                 "'annotator', 0)",
                 V(user), V(org)));
    MUST(account_reach(db, user, org, "thing", &reach));
    CHECK(reach.in_org == ROLE_NONE && reach.on_thing == ROLE_ANNOTATOR);
    MUST(access_forget(db, "thing"));
    MUST(account_reach(db, user, other, "thing", &reach));
    CHECK(reach.in_org == ROLE_VIEWER && reach.on_thing == ROLE_NONE);
    sql_close(db);
}

TEST(when_tokens_were_used_is_written_later_and_not_lost_at_the_end)
{
    AUTO(arena) struct arena *a = arena_new();
    struct first_start first;
    char dir[] = "/tmp/saccade_uses_XXXXXX";
    struct sql_pool *pool = NULL;
    struct sql *db = NULL;
    struct identity who;
    CHECK(mkdtemp(dir));
    MUST(sql_pool_open(arena_fmt(a, "%s/db", dir), &pool));
    MUST(sql_pool_take(pool, &db));
    MUST(api_make_schema(db));
    MUST(account_first_start(db, a, &first));
    MUST(account_uses_start(pool));
    MUST(account_by_token(db, a, first.token, &who));
    CHECK_INT(count(db, "SELECT count(*) FROM api_token WHERE last_used_at IS NOT NULL"), 0);
    account_uses_stop();
    CHECK_INT(count(db, "SELECT count(*) FROM api_token WHERE last_used_at IS NOT NULL"), 1);
    sql_pool_give(pool, db);
    sql_pool_close(pool);
    MUST(file_remove_tree(dir));
}
