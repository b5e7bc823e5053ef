/* Webhooks: addresses that an organization's administrators name, which are told of what happens there. Each call is signed with a
 * secret that only the receiver and, sealed, the server have. */
#include "app/account/told.h"
#include "base/clock.h"
#include "blob/sign.h"
#include "http/outward.h"
#include <string.h>

enum { SECRET_BYTES = 32 };

/* What there is to be told; `says` for the form. */
static const struct {
    const char *name, *says;
} events[] = {
    { "alert_firing", "An alert fires" },
    { "alert_ended", "An alert has ended" },
    { "model_deployed", "A model becomes champion or shadow of a deployment" },
    { "continuous_training_finished", "A continuous training has ended" },
    { "experiment_status_changed", "An experiment has another status" },
    { "job_status_changed", "A job has another status" },
};
#define TEST_EVENT "ping"

static const char table[] =
    "CREATE TABLE webhook (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), url TEXT NOT NULL,"
    " events TEXT NOT NULL, secret TEXT NOT NULL, hint TEXT NOT NULL, active INTEGER NOT NULL, last_at INTEGER,"
    " last_status INTEGER, last_error TEXT, created_at INTEGER NOT NULL, created_by TEXT) STRICT;"
    "CREATE INDEX webhook_of ON webhook (org)";

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "w.id" },
    { "url", T_TEXT, F_FILTER | F_NEW | F_NEED | F_EDIT, "w.url", .min = 1, .max = 2000 },
    { "events", T_ARRAY, F_NEW | F_NEED | F_EDIT, "w.events", .min = 1, .max = 20, .of = &text_value },
    { "active", T_BOOL, F_FILTER | F_NEW | F_EDIT, "w.active" },
    { "hint", T_TEXT, 0, "w.hint" }, /* the last characters of the secret */
    { "last_at", T_TIME, F_NULL, "w.last_at" },
    { "last_status", T_INT, F_NULL, "w.last_status" },
    { "last_error", T_TEXT, F_NULL, "w.last_error" },
    { "created_at", T_TIME, F_SORT, "w.created_at" },
    { "created_by", T_TEXT, F_NULL, USER_NAME("w.created_by") },
};

/* ---- telling */

static const char *body_of(struct arena *a, const char *id, const char *org, const char *event, const char *data)
{
    AUTO(out) struct out o;
    out_init(&o, BODY_MOST);
    out_object(&o, NULL);
    out_text(&o, "id", id);
    out_text(&o, "event", event);
    out_text(&o, "created_at", clock_iso(a, clock_now_ms()));
    out_text(&o, "organization_id", org);
    out_raw(&o, "data", data);
    out_end_object(&o);
    return arena_str(a, o.text.bytes);
}

static enum err tell_one(struct sql *db, struct arena *a, const char *org, const char *webhook, const char *event, const char *data)
{
    const char *id = id_new(a);
    const struct delivery_new n = {
        .id = id, .org = org, .webhook_id = webhook, .event = event, .body = body_of(a, id, org, event, data)
    };
    return delivery_add(db, &n);
}

enum err webhooks_tell(struct sql *db, struct arena *a, const char *org, const char *event, const char *data)
{
    const char *ids[WEBHOOKS_MOST], *quoted = arena_fmt(a, "\"%s\"", event);
    size_t n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT id, events FROM webhook WHERE org = ?1 AND active <> 0", V(org)));
    while (n < WEBHOOKS_MOST && rows_next(r))
        if (strstr(rows_text(r, 1), quoted))
            ids[n++] = arena_str(a, rows_text(r, 0));
    TRY(rows_error(r));
    for (size_t i = 0; i < n; i++)
        TRY(tell_one(db, a, org, ids[i], event, data));
    return OK;
}

/* ---- sending */

#define PURPOSE(a, id) arena_fmt(a, "webhook %s", id)

static enum err read_target(struct sql *db, const struct services *s, struct arena *a, const char *id, const char **ret_url,
                            const char **ret_secret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT url, secret, active FROM webhook WHERE id = ?1", V(id)));
    if (!rows_int(r, 2))
        return fail(E_CONFLICT, "the webhook is switched off");
    *ret_url = arena_str(a, rows_text(r, 0));
    return unseal(s->key, a, PURPOSE(a, id), rows_text(r, 1), ret_secret);
}

void webhook_send(struct sql *db, const struct services *s, struct arena *a, const struct sending *d, struct sent *ret)
{
    const char *url, *secret;
    char signature[65];
    struct outward_answer answer;
    *ret = (struct sent){ .for_good = true };
    if (read_target(db, s, a, d->webhook_id, &url, &secret) != OK) {
        ret->error = arena_str(a, fail_text());
        return;
    }
    const char *at = arena_fmt(a, "%lld", (long long)(clock_now_ms() / 1000));
    hmac_hex(secret, arena_fmt(a, "%s.%s", at, d->body), signature);
    const char *const headers[] = { "Content-Type: application/json",
                                    arena_fmt(a, "User-Agent: saccade/%s", s->version),
                                    arena_fmt(a, "X-Saccade-Event: %s", d->event),
                                    arena_fmt(a, "X-Saccade-Delivery: %s", d->id),
                                    arena_fmt(a, "X-Saccade-Timestamp: %s", at),
                                    arena_fmt(a, "X-Saccade-Signature: sha256=%s", signature) };
    ret->for_good = false;
    if (outward_post(url, headers, COUNT_OF(headers), d->body, &answer) != OK) {
        ret->error = arena_str(a, fail_text());
        return;
    }
    ret->status = answer.status;
    ret->answer = *answer.begin ? arena_str(a, answer.begin) : NULL;
    ret->delivered = answer.status >= 200 && answer.status < 300;
    if (!ret->delivered)
        ret->error = answer.status >= 300 && answer.status < 400 ? "it answers with a redirect, which is not followed"
                                                                 : "it answers that it failed";
}

enum err webhook_note(struct sql *db, const char *id, const struct sent *s)
{
    return sql_run(db, "UPDATE webhook SET last_at = ?2, last_status = nullif(?3, 0), last_error = ?4 WHERE id = ?1", V(id),
                   V(clock_now_ms()), V((int64_t)s->status), V(s->error));
}

/* ---- routes */

static enum err list(struct op *op)
{
    return reply_page(op, &webhook_resource, "1 = 1");
}

static enum err get(struct op *op)
{
    return reply_one(op, &webhook_resource, op->id);
}

static bool is_event(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(events); i++)
        if (strcmp(events[i].name, name) == 0)
            return true;
    return false;
}

static enum err check_input(struct op *op)
{
    const struct json *names = in_json(op, "events");
    for (size_t i = 0; i < json_count(names); i++) {
        const char *name = json_text(json_at(names, i));
        if (!name || !is_event(name))
            return fail(E_INVALID, "events[%zu]: there is no event \"%.60s\"; GET /api/webhooks/events lists them", i,
                        name ? name : "");
    }
    return in_has(op, "url") ? outward_check(in_text(op, "url")) : OK;
}

static enum err new_secret(struct op *op, const char *id, const char **ret)
{
    const char *sealed;
    *ret = secret_new(op->arena, "whsec_", SECRET_BYTES);
    TRY(seal(op->services->key, op->arena, PURPOSE(op->arena, id), *ret, &sealed));
    return sql_run(op->db, "UPDATE webhook SET secret = ?2, hint = ?3 WHERE id = ?1", V(id), V(sealed), V(*ret + strlen(*ret) - 4));
}

static enum err reply_secret(struct op *op, const char *id, const char *secret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT url, events, active FROM webhook WHERE id = ?1", V(id)));
    out_object(&op->out, NULL);
    out_text(&op->out, "id", id);
    out_text(&op->out, "secret", secret);
    out_text(&op->out, "url", rows_text(r, 0));
    out_raw(&op->out, "events", rows_text(r, 1));
    out_bool(&op->out, "active", rows_int(r, 2) != 0);
    out_end_object(&op->out);
    return OK;
}

static enum err create(struct op *op)
{
    const char *id, *secret;
    int64_t n = 0;
    TRY(check_input(op));
    TRY(sql_int(op->db, &n, "SELECT count(*) FROM webhook WHERE org = ?1", V(op->org)));
    if (n >= WEBHOOKS_MOST)
        return fail(E_TOO_BIG, "an organization has at most %d webhooks", WEBHOOKS_MOST);
    TRY(resource_add(op, &webhook_resource, &id, { "org", V(op->org) }, { "secret", V("") }, { "hint", V("") },
                     { "active", V(true) }, { "created_by", V(op->user_id) }));
    TRY(new_secret(op, id, &secret));
    op->status = 201;
    return reply_secret(op, id, secret);
}

static enum err update(struct op *op)
{
    TRY(check_input(op));
    TRY(resource_update(op, &webhook_resource, op->id));
    return reply_one(op, &webhook_resource, op->id);
}

static enum err change_secret(struct op *op)
{
    const char *secret;
    TRY(new_secret(op, op->id, &secret));
    return reply_secret(op, op->id, secret);
}

static enum err delete_webhook(struct op *op)
{
    return sql_run(op->db, "DELETE FROM webhook WHERE id = ?1", V(op->id));
}

/* Answers the delivery, which the worker sends within a second. */
static enum err test(struct op *op)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT active FROM webhook WHERE id = ?1", V(op->id)));
    if (!rows_int(r, 0))
        return fail(E_CONFLICT, "the webhook is switched off");
    const char *id = id_new(op->arena);
    const struct delivery_new n = { .id = id,
                                    .org = op->org,
                                    .webhook_id = op->id,
                                    .event = TEST_EVENT,
                                    .body = body_of(op->arena, id, op->org, TEST_EVENT,
                                                    arena_fmt(op->arena, "{\"webhook_id\":\"%s\"}", op->id)) };
    TRY(delivery_add(op->db, &n));
    op->status = 201;
    return reply_one(op, &delivery_resource, id);
}

static enum err list_events(struct op *op)
{
    out_array(&op->out, NULL);
    for (size_t i = 0; i < COUNT_OF(events); i++) {
        out_object(&op->out, NULL);
        out_text(&op->out, "name", events[i].name);
        out_text(&op->out, "says", events[i].says);
        out_end_object(&op->out);
    }
    out_end_array(&op->out);
    return OK;
}

DESCRIBED(event_answer, "event of webhooks", { "name", T_TEXT }, { "says", T_TEXT });
DESCRIBED(secret_answer, "webhook with its secret", { "id", T_ID }, { "secret", T_TEXT }, { "url", T_TEXT },
          { "events", T_ARRAY, .of = &text_value }, { "active", T_BOOL });

#define WEBHOOK .answers = &webhook_resource
static const struct route routes[] = {
    { "GET", "/api/webhooks/events", list_events, MAY_READ, WORK_READ, "what a webhook may be told of", .answers = &event_answer,
      .gives = GIVES_ROWS },
    { "GET", "/api/organization/{id}/webhooks", list, MAY_ADMIN, WORK_READ, "the organization's webhooks", WEBHOOK,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "POST", "/api/organization/{id}/webhooks", create, MAY_ADMIN, WORK_WRITE, "makes a webhook; its secret is shown this once",
      .makes = &webhook_resource, .answers = &secret_answer, .on = &organization_resource },
    { "GET", "/api/webhook/{id}", get, MAY_ADMIN, WORK_READ, "a webhook", WEBHOOK, .on = &webhook_resource },
    { "PATCH", "/api/webhook/{id}", update, MAY_ADMIN, WORK_WRITE, "changes a webhook", CHANGES(&webhook_resource),
      .on = &webhook_resource },
    { "DELETE", "/api/webhook/{id}", delete_webhook, MAY_ADMIN, WORK_WRITE, "deletes a webhook with what waits for it",
      .on = &webhook_resource, .gives = GIVES_NOTHING },
    { "POST", "/api/webhook/{id}/secret", change_secret, MAY_ADMIN, WORK_WRITE, "a new secret, shown this once; the old one ends",
      .answers = &secret_answer, .on = &webhook_resource },
    { "POST", "/api/webhook/{id}/test", test, MAY_ADMIN, WORK_WRITE, "sends the event ping", .answers = &delivery_resource,
      .on = &webhook_resource },
};

const struct resource webhook_resource = {
    .name = "webhook",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "webhook w",
    .key = "w.id",
    .org = "w.org",
    .order = "w.created_at, w.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
