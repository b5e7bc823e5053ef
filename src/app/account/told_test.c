#include "app/account/told.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/test.h"
#include "blob/sign.h"
#include "http/guard.h"
#include <stdlib.h>

struct scene {
    struct sql *db;
    struct arena *a;
    const char *org;
    struct services services;
    char dir[32];
};

static void open_scene(struct scene *s, struct arena *a)
{
    struct first_start first;
    *s = (struct scene){ .a = a, .dir = "/tmp/saccade_told_XXXXXX" };
    CHECK(mkdtemp(s->dir));
    MUST(sign_key_open(arena_fmt(a, "%s/key", s->dir), &s->services.key));
    s->services.version = "test";
    MUST(sql_open(":memory:", &s->db));
    MUST(api_make_schema(s->db));
    MUST(account_first_start(s->db, a, &first));
    MUST(account_default_org(s->db, a, &s->org));
}

static void close_scene(struct scene *s)
{
    sql_close(s->db);
    sign_key_free(s->services.key);
    MUST(file_remove_tree(s->dir));
}

static const char *text(struct scene *s, const char *sql)
{
    struct rows *r = NULL;
    MUST(sql_first_text(s->db, &r, sql, NULL, 0));
    const char *t = arena_str(s->a, rows_text(r, 0));
    rows_done(r);
    return t ? t : "NULL";
}

static void add_webhook(struct scene *s, const char *id, const char *url, const char *events)
{
    const char *sealed;
    MUST(seal(s->services.key, s->a, arena_fmt(s->a, "webhook %s", id), "secret", &sealed));
    MUST(sql_run(
        s->db, "INSERT INTO webhook (id, org, url, events, secret, hint, active, created_at) VALUES (?1, ?2, ?3, ?4, ?5, '', 1, 0)",
        V(id), V(s->org), V(url), V(events), V(sealed)));
}

static bool turn(struct scene *s)
{
    bool sent = false;
    MUST(courier_turn(s->db, &s->services, &sent));
    return sent;
}

TEST(a_secret_that_is_sealed_is_had_back_for_its_purpose_only)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    const char *sealed, *again, *plain;
    MUST(seal(s.services.key, a, "a", "pass word é", &sealed));
    MUST(seal(s.services.key, a, "a", "pass word é", &again));
    CHECK(strcmp(sealed, again) != 0 && !strstr(sealed, "pass"));
    MUST(unseal(s.services.key, a, "a", sealed, &plain));
    CHECK_TEXT(plain, "pass word é");
    MUST_FAIL(unseal(s.services.key, a, "b", sealed, &plain), E_BROKEN, "another key");
    char *changed = arena_str(a, sealed);
    changed[30] = changed[30] == 'a' ? 'b' : 'a';
    MUST_FAIL(unseal(s.services.key, a, "a", changed, &plain), E_BROKEN, "another key");
    MUST_FAIL(unseal(s.services.key, a, "a", "abc", &plain), E_BROKEN, "damaged");
    close_scene(&s);
}

TEST(a_signature_is_the_one_of_rfc_4231)
{
    char got[65];
    hmac_hex("Jefe", "what do ya want for nothing?", got);
    CHECK_TEXT(got, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(only_webhooks_that_asked_for_an_event_are_told_of_it)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    add_webhook(&s, "1", "https://hook.invalid/", "[\"alert_firing\",\"job_status_changed\"]");
    add_webhook(&s, "2", "https://hook.invalid/", "[\"alert_ended\"]");
    MUST(webhooks_tell(s.db, a, s.org, "alert_firing", "{\"x\":1}"));
    MUST(webhooks_tell(s.db, a, "another", "alert_firing", "{}"));
    CHECK_TEXT(text(&s, "SELECT count(*) || max(webhook_id) FROM delivery"), "11");
    CHECK(strstr(text(&s, "SELECT body FROM delivery"), "\"event\":\"alert_firing\"") &&
          strstr(text(&s, "SELECT body FROM delivery"), "{\"x\":1}"));
    CHECK(strstr(text(&s, "SELECT body FROM delivery"), text(&s, "SELECT '\"id\":\"' || id || '\"' FROM delivery")));
    MUST(sql_run(s.db, "UPDATE webhook SET active = 0"));
    MUST(webhooks_tell(s.db, a, s.org, "alert_firing", "{}"));
    CHECK_TEXT(text(&s, "SELECT count(*) FROM delivery"), "1");
    close_scene(&s);
}

TEST(what_cannot_be_sent_waits_longer_each_time_and_is_given_up_in_the_end)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    MUST(guard_allow(NULL));
    add_webhook(&s, "1", "http://127.0.0.1:1/", "[\"alert_firing\"]");
    MUST(webhooks_tell(s.db, a, s.org, "alert_firing", "{}"));
    CHECK(turn(&s));
    CHECK_TEXT(text(&s, "SELECT state || tries FROM delivery"), "WAITING1");
    CHECK(strstr(text(&s, "SELECT error FROM delivery"), "not allowed") &&
          strstr(text(&s, "SELECT last_error FROM webhook"), "not allowed"));
    CHECK(!turn(&s)); /* it is not due */
    for (int i = 2; i <= TRIES_MOST; i++) {
        MUST(sql_run(s.db, "UPDATE delivery SET next_at = 0"));
        CHECK(turn(&s));
    }
    CHECK_TEXT(text(&s, "SELECT state || tries FROM delivery"), "FAILED18");
    MUST(sql_run(s.db, "UPDATE delivery SET next_at = 0"));
    CHECK(!turn(&s));
    close_scene(&s);
}

TEST(pauses_between_tries_double_up_to_an_hour)
{
    for (int i = 0; i < 100; i++) {
        int64_t first = courier_pause_ms(1), fifth = courier_pause_ms(5), late = courier_pause_ms(18);
        CHECK(first >= 500 && first <= 1000);
        CHECK(fifth >= 8000 && fifth <= 16000);
        CHECK(late >= 1800 * 1000 && late <= 3600 * 1000);
    }
}

TEST(a_webhook_that_was_switched_off_or_cannot_be_read_is_not_tried_again)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    add_webhook(&s, "1", "http://127.0.0.1:1/", "[\"alert_firing\"]");
    MUST(webhooks_tell(s.db, a, s.org, "alert_firing", "{}"));
    MUST(sql_run(s.db, "UPDATE webhook SET active = 0"));
    CHECK(turn(&s));
    CHECK_TEXT(text(&s, "SELECT state || error FROM delivery"), "FAILEDthe webhook is switched off");
    MUST(sql_run(s.db, "DELETE FROM webhook"));
    CHECK_TEXT(text(&s, "SELECT count(*) FROM delivery"), "0");
    close_scene(&s);
}

TEST(more_than_may_wait_is_written_down_as_failed)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    add_webhook(&s, "1", "https://hook.invalid/", "[\"alert_firing\"]");
    for (int i = 0; i <= WAITING_MOST; i++)
        MUST(webhooks_tell(s.db, a, s.org, "alert_firing", "{}"));
    CHECK_TEXT(text(&s, "SELECT count(*) FROM delivery WHERE state = 'WAITING'"), "1000");
    CHECK_TEXT(text(&s, "SELECT error FROM delivery WHERE state = 'FAILED'"), "too many wait already");
    MUST(sql_run(s.db, "UPDATE delivery SET state = 'DELIVERED'"));
    MUST(told_sweep(s.db));
    CHECK_TEXT(text(&s, "SELECT count(*) FROM delivery"), "500");
    close_scene(&s);
}

TEST(a_letter_without_a_mail_server_is_written_down_as_failed)
{
    AUTO(arena) struct arena *a = arena_new();
    struct scene s;
    open_scene(&s, a);
    MUST(mail_tell(s.db, a, s.org, "a@example.org", "alert_firing", "subject", "text"));
    CHECK_TEXT(text(&s, "SELECT state || error FROM delivery"), "FAILEDno mail server is set up");
    close_scene(&s);
}

TEST(where_letters_go_is_read_from_one_address)
{
    AUTO(arena) struct arena *a = arena_new();
    MUST_FAIL(mail_use(a, "mail.example.org", "a@b", NULL), E_INVALID, "smtps://");
    MUST_FAIL(mail_use(a, "smtps://host:0", "a@b", NULL), E_INVALID, "no host and port");
    MUST_FAIL(mail_use(a, "smtps://:25", "a@b", NULL), E_INVALID, "no host and port");
    MUST_FAIL(mail_use(a, "smtps://host/x", "a@b", NULL), E_INVALID, "no host and port");
    MUST_FAIL(mail_use(a, "smtps://host", NULL, NULL), E_INVALID, "--smtp-from");
    MUST_FAIL(mail_use(a, "smtps://host", "a", NULL), E_INVALID, "no e-mail address");
    MUST_FAIL(mail_use(a, NULL, "a@b", NULL), E_INVALID, "need --smtp");
    MUST(mail_use(a, NULL, NULL, NULL));
}
