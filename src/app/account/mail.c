/* Letters: by the mail server that an organization's administrators set, or else by the one that who runs the server has named. */
#include "app/account/told.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/sign.h"
#include "http/outward.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PASSWORD_MOST = 500, LINE = 57 /* bytes that make 76 letters of base64 */ };

static const char *const securities[] = { "TLS", "STARTTLS", "NONE", NULL }; /* in the order of enum mail_security */

static const char table[] =
    "CREATE TABLE mail_server (org TEXT PRIMARY KEY REFERENCES organization(id), host TEXT NOT NULL, port INTEGER NOT NULL,"
    " security TEXT NOT NULL CHECK (security IN ('TLS', 'STARTTLS', 'NONE')), username TEXT, password TEXT, sender TEXT NOT NULL,"
    " updated_at INTEGER NOT NULL) STRICT";

/* ---- the server's own */

static struct {
    struct mail_server server;
    const char *sender; /* NULL: there is none */
} own;

static enum err read_password(struct arena *a, const char *file)
{
    const char *given = getenv("SACCADE_SMTP_PASSWORD");
    char *bytes = NULL;
    size_t n = 0;
    if (file) {
        TRY(fail_within(file_read(a, file, PASSWORD_MOST, &bytes, &n), "--smtp-password: "));
        bytes[strcspn(bytes, "\r\n")] = 0;
        given = bytes;
    }
    own.server.password = given;
    return OK;
}

static enum err read_place(struct arena *a, const char *url)
{
    static const struct {
        const char *begin;
        enum mail_security security;
        int port;
    } kinds[] = { { "smtps://", MAIL_TLS, 465 }, { "smtp://", MAIL_STARTTLS, 587 }, { "smtp-plain://", MAIL_PLAIN, 25 } };
    size_t k = 0;
    while (k < COUNT_OF(kinds) && strncmp(url, kinds[k].begin, strlen(kinds[k].begin)) != 0)
        k++;
    if (k == COUNT_OF(kinds))
        return fail(E_INVALID, "--smtp must be smtps://USER@HOST:PORT, smtp:// (STARTTLS) or smtp-plain://; it is \"%s\"", url);
    const char *at = url + strlen(kinds[k].begin), *host = strrchr(at, '@') ? strrchr(at, '@') + 1 : at;
    size_t n = *host == '[' ? strcspn(host, "]") : strcspn(host, ":"), skip = *host == '[';
    const char *rest = host + n + (skip && host[n]);
    char *end = NULL;
    long port = *rest == ':' ? strtol(rest + 1, &end, 10) : kinds[k].port;
    if (n <= skip || strchr(host, '/') || (*rest && (*rest != ':' || !end || *end)) || port < 1 || port > 65535)
        return fail(E_INVALID, "--smtp: \"%s\" names no host and port", url);
    own.server = (struct mail_server){ .host = arena_copy(a, host + skip, n - skip),
                                       .port = (int)port,
                                       .security = kinds[k].security,
                                       .user = host > at ? arena_copy(a, at, (size_t)(host - at - 1)) : NULL,
                                       .trusted = true };
    return OK;
}

enum err mail_use(struct arena *a, const char *url, const char *sender, const char *password_file)
{
    if (!url)
        return sender || password_file ? fail(E_INVALID, "--smtp-from and --smtp-password need --smtp") : OK;
    if (!sender)
        return fail(E_INVALID, "--smtp needs --smtp-from: the address that letters are from");
    TRY(fail_within(address_check(sender), "--smtp-from: "));
    TRY(read_place(a, url));
    TRY(read_password(a, password_file));
    own.sender = sender;
    return OK;
}

/* ---- which server */

struct post {
    struct mail_server server;
    const char *sender;
};

#define PURPOSE(a, org) arena_fmt(a, "mail server %s", org)

static enum mail_security security_called(const char *word)
{
    return strcmp(word, "TLS") == 0 ? MAIL_TLS : strcmp(word, "STARTTLS") == 0 ? MAIL_STARTTLS : MAIL_PLAIN;
}

static enum err post_of(struct sql *db, const struct services *s, struct arena *a, const char *org, struct post *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT host, port, security, username, password, sender FROM mail_server WHERE org = ?1", V(org)));
    if (!rows_next(r)) {
        TRY(rows_error(r));
        *ret = (struct post){ own.server, own.sender };
        return own.sender ? OK : fail(E_UNMEANT, "no mail server is set up");
    }
    *ret = (struct post){ .server = { .host = arena_str(a, rows_text(r, 0)),
                                      .port = (int)rows_int(r, 1),
                                      .security = security_called(rows_text(r, 2)),
                                      .user = arena_str(a, rows_text(r, 3)) },
                          .sender = arena_str(a, rows_text(r, 5)) };
    return rows_null(r, 4) ? OK : unseal(s->key, a, PURPOSE(a, org), rows_text(r, 4), &ret->server.password);
}

/* ---- a letter */

/* RFC 2047: encoded words of at most 75 letters, none of which cuts a character. */
static void write_subject(struct text *t, const char *s)
{
    text_add(t, "Subject:");
    for (size_t n; *s; s += n) {
        for (n = strlen(s) < 39 ? strlen(s) : 39; s[n] && ((unsigned char)s[n] & 0xc0) == 0x80;)
            n--;
        text_add(t, " =?utf-8?B?");
        text_base64(t, s, n);
        text_add(t, s[n] ? "?=\r\n" : "?=");
    }
    text_add(t, "\r\n");
}

static void write_letter(struct text *t, const struct post *p, const struct sending *d)
{
    char date[64];
    struct tm tm;
    time_t at = (time_t)(d->created_at / 1000);
    gmtime_r(&at, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    const char *host = strchr(p->sender, '@') + 1;
    text_fmt(t, "From: Saccade <%s>\r\nTo: <%s>\r\nDate: %s\r\nMessage-ID: <%s@%s>\r\n", p->sender, d->address, date, d->id, host);
    write_subject(t, d->subject);
    text_add(t, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
                "Content-Transfer-Encoding: base64\r\n\r\n");
    size_t n = strlen(d->body);
    for (size_t i = 0; i < n; i += LINE) {
        text_base64(t, d->body + i, n - i < LINE ? n - i : LINE);
        text_add(t, "\r\n");
    }
}

void mail_send(struct sql *db, const struct services *s, struct arena *a, const struct sending *d, struct sent *ret)
{
    struct post post;
    AUTO(text) struct text letter;
    *ret = (struct sent){ 0 };
    text_init(&letter, 4 * BODY_MOST);
    enum err e = post_of(db, s, a, d->org, &post);
    if (e == OK) {
        write_letter(&letter, &post, d);
        e = outward_mail(&post.server, post.sender, d->address, letter.bytes);
    }
    ret->delivered = e == OK;
    ret->for_good = e == E_INVALID || e == E_UNMEANT || e == E_BROKEN;
    ret->error = e == OK ? NULL : arena_str(a, fail_text());
}

enum err mail_tell(struct sql *db, struct arena *a, const char *org, const char *to, const char *event, const char *subject,
                   const char *text)
{
    int64_t set = own.sender != NULL;
    if (!set)
        TRY(sql_int(db, &set, "SELECT count(*) FROM mail_server WHERE org = ?1", V(org)));
    const struct delivery_new n = { .id = id_new(a),
                                    .org = org,
                                    .address = to,
                                    .event = event,
                                    .subject = subject,
                                    .body = text,
                                    .hindrance = set ? NULL : "no mail server is set up" };
    return delivery_add(db, &n);
}

/* ---- routes */

static enum err get(struct op *op)
{
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT host, security, username, sender, port, password IS NOT NULL FROM mail_server WHERE org = ?1",
                 V(op->org)));
    bool set = rows_next(r);
    static const char *const names[] = { "host", "security", "username", "sender" };
    out_object(o, NULL);
    out_bool(o, "set", set);
    out_bool(o, "default", own.sender != NULL);
    for (int i = 0; i < 4; i++)
        out_text(o, names[i], set ? rows_text(r, i) : NULL);
    if (set)
        out_int(o, "port", rows_int(r, 4));
    else
        out_null(o, "port");
    out_bool(o, "has_password", set && rows_int(r, 5));
    out_end_object(o);
    return rows_error(r);
}

static enum err check_host(const char *host)
{
    static const char others[] = ".-:_";
    for (const char *s = host; *s; s++)
        if (!(*s >= '0' && *s <= '9') && !(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') && !strchr(others, *s))
            return fail(E_INVALID, "host is the name or address of a mail server, without anything around it");
    return OK;
}

/* A password that is not sent stays as it is; of another host it does not: it was not meant for that one. */
static enum err keep_password(struct op *op, const char **ret)
{
    const char *sealed = NULL;
    if (in_has(op, "password"))
        TRY(seal(op->services->key, op->arena, PURPOSE(op->arena, op->org), in_text(op, "password"), &sealed));
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT password FROM mail_server WHERE org = ?1 AND host = ?2 AND username = ?3", V(op->org),
                 V(in_text(op, "host")), V(in_text(op, "username"))));
    if (!in_json(op, "password") && rows_next(r))
        sealed = arena_str(op->arena, rows_text(r, 0));
    *ret = sealed;
    return rows_error(r);
}

static enum err set(struct op *op)
{
    const char *password;
    TRY(check_host(in_text(op, "host")));
    TRY(fail_within(address_check(in_text(op, "sender")), "sender: "));
    TRY(keep_password(op, &password));
    if (password && strcmp(in_text(op, "security"), "NONE") == 0)
        return fail(E_UNMEANT, "a password is not sent without encryption: choose TLS or STARTTLS");
    TRY(sql_run(op->db,
                "INSERT INTO mail_server (org, host, port, security, username, password, sender, updated_at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (org) DO UPDATE SET host = ?2, port = ?3, security = ?4,"
                " username = ?5, password = ?6, sender = ?7, updated_at = ?8",
                V(op->org), V(in_text(op, "host")), V(in_int(op, "port", 587)), V(in_text(op, "security")),
                V(in_text(op, "username")), V(password), V(in_text(op, "sender")), V(clock_now_ms())));
    return get(op);
}

static enum err forget(struct op *op)
{
    return sql_run(op->db, "DELETE FROM mail_server WHERE org = ?1", V(op->org));
}

static enum err test(struct op *op)
{
    const char *to = in_text(op, "to");
    TRY(fail_within(address_check(to), "to: "));
    TRY(mail_tell(op->db, op->arena, op->org, to, "test", "A letter from Saccade",
                  arena_fmt(op->arena, "%s asked for this letter, to see whether letters arrive. They do.\n", op->user_name)));
    op->status = 201;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT id FROM delivery WHERE target = " MAIL_TARGET("?1") " ORDER BY id DESC LIMIT 1", V(op->org)));
    return reply_one(op, &delivery_resource, arena_str(op->arena, rows_text(r, 0)));
}

static const struct field set_in[] = {
    { "host", T_TEXT, F_NEED, .min = 1, .max = 253 },     { "port", T_INT, 0, .min = 1, .max = 65535 },
    { "security", T_TEXT, F_NEED, .words = securities },  { "username", T_TEXT, F_NULL, .max = 254 },
    { "password", T_TEXT, F_NULL, .max = PASSWORD_MOST }, { "sender", T_TEXT, F_NEED, .max = 254 },
};
static const struct field test_in[] = { { "to", T_TEXT, F_NEED, .max = 254 } };

DESCRIBED(mail_answer, "mail server of an organization", { "set", T_BOOL }, { "default", T_BOOL }, { "host", T_TEXT, F_NULL },
          { "security", T_TEXT, F_NULL, .words = securities }, { "username", T_TEXT, F_NULL }, { "sender", T_TEXT, F_NULL },
          { "port", T_INT, F_NULL }, { "has_password", T_BOOL });

#define MAIL .answers = &mail_answer, .on = &organization_resource
static const struct route routes[] = {
    { "GET", "/api/organization/{id}/mail", get, MAY_ADMIN, WORK_READ,
      "by which mail server letters go; default: the server has one of its own for all", MAIL },
    { "PUT", "/api/organization/{id}/mail", set, MAY_ADMIN, WORK_WRITE,
      "sets the mail server; a password that is left out stays, if host and user do", FIELDS(set_in), MAIL },
    { "DELETE", "/api/organization/{id}/mail", forget, MAY_ADMIN, WORK_WRITE, "letters go by the server's own again",
      .gives = GIVES_NOTHING, .on = &organization_resource },
    { "POST", "/api/organization/{id}/mail/test", test, MAY_ADMIN, WORK_WRITE, "sends a letter to an address", FIELDS(test_in),
      .answers = &delivery_resource, .on = &organization_resource },
};

const struct resource mail_resource = { .name = "mail server", .table = table, .routes = routes, .n_routes = COUNT_OF(routes) };
