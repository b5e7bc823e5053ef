/* Deliveries: what was told to webhooks and mailboxes, or waits to be; for administrators to read and to send again. */
#include "app/account/told.h"
#include "base/clock.h"

const char *const delivery_states[] = { "WAITING", "DELIVERED", "FAILED", NULL };

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "v.id" },
    { "webhook_id", T_ID, F_NULL | F_FILTER, "v.webhook_id" },
    { "address", T_TEXT, F_NULL | F_FILTER, "v.address" },
    { "event", T_TEXT, F_FILTER, "v.event" },
    { "subject", T_TEXT, F_NULL, "v.subject" },
    { "body", T_TEXT, F_ONE, "v.body" },
    { "state", T_TEXT, F_SORT | F_FILTER, "v.state", .words = delivery_states },
    { "tries", T_INT, F_FILTER, "v.tries" },
    { "next_at", T_TIME, F_NULL, "CASE WHEN v.state = 'WAITING' THEN v.next_at END" },
    { "status", T_INT, F_NULL | F_FILTER, "v.status" },
    { "answer", T_TEXT, F_NULL | F_ONE, "v.answer" },
    { "error", T_TEXT, F_NULL, "v.error" },
    { "created_at", T_TIME, F_SORT, "v.created_at" },
    { "ended_at", T_TIME, F_SORT | F_NULL, "v.ended_at" },
};

enum err delivery_add(struct sql *db, const struct delivery_new *n)
{
    int64_t waiting = 0, now = clock_now_ms();
    TRY(sql_int(db, &waiting,
                "SELECT count(*) FROM (SELECT 1 AS one FROM delivery WHERE target = coalesce(?1, " MAIL_TARGET(
                    "?2") ") AND state ="
                          " 'WAITING' LIMIT ?3) w",
                V(n->webhook_id), V(n->org), V((int64_t)WAITING_MOST)));
    const char *why = n->hindrance ? n->hindrance : waiting >= WAITING_MOST ? "too many wait already" : NULL;
    return sql_run(db,
                   "INSERT INTO delivery (id, org, target, webhook_id, address, event, subject, body, state, tries, next_at, error,"
                   " created_at, ended_at) VALUES (?1, ?2, coalesce(?3, " MAIL_TARGET("?2") "), ?3, ?4, ?5, ?6, ?7,"
                                                                                            " ?10, 0, ?9, ?8, ?9, ?11)",
                   V(n->id), V(n->org), V(n->webhook_id), V(n->address), V(n->event), V(n->subject), V(n->body), V(why), V(now),
                   V(why ? "FAILED" : "WAITING"), why ? V(now) : V((const char *)NULL));
}

/* Those that ended long ago, or more of one target than are kept. */
enum err told_sweep(struct sql *db)
{
    return sql_run(db,
                   "DELETE FROM delivery WHERE state <> 'WAITING' AND id <= (SELECT o.id FROM delivery o WHERE o.target ="
                   " delivery.target ORDER BY o.id DESC LIMIT 1 OFFSET ?1)",
                   V((int64_t)KEPT_ENDED));
}

static enum err of_webhook(struct op *op)
{
    return reply_page(op, &delivery_resource, "v.webhook_id = ?1", V(op->id));
}

static enum err letters(struct op *op)
{
    return reply_page(op, &delivery_resource, "v.target = " MAIL_TARGET("?1"), V(op->org));
}

static enum err get(struct op *op)
{
    return reply_one(op, &delivery_resource, op->id);
}

/* Under the same id: whoever has had it already knows it by that. */
static enum err redeliver(struct op *op)
{
    TRY(sql_run(op->db,
                "UPDATE delivery SET state = 'WAITING', tries = 0, next_at = ?2, ended_at = NULL, error = NULL, status = NULL,"
                " answer = NULL WHERE id = ?1 AND (webhook_id IS NULL OR webhook_id IN (SELECT id FROM webhook WHERE active <> 0))",
                V(op->id), V(clock_now_ms())));
    if (sql_changes(op->db) != 1)
        return fail(E_CONFLICT, "the webhook is switched off");
    return reply_one(op, &delivery_resource, op->id);
}

#define DELIVERY .answers = &delivery_resource
static const struct route routes[] = {
    { "GET", "/api/webhook/{id}/deliveries", of_webhook, MAY_ADMIN, WORK_READ, "what a webhook was told, newest first", DELIVERY,
      .on = &webhook_resource, .gives = GIVES_PAGE },
    { "GET", "/api/organization/{id}/letters", letters, MAY_ADMIN, WORK_READ, "the letters that were sent, newest first", DELIVERY,
      .on = &organization_resource, .gives = GIVES_PAGE },
    { "GET", "/api/delivery/{id}", get, MAY_ADMIN, WORK_READ, "one delivery, with what was sent and what was answered", DELIVERY,
      .on = &delivery_resource },
    { "POST", "/api/delivery/{id}/redeliver", redeliver, MAY_ADMIN, WORK_WRITE, "sends it again, under the same id", DELIVERY,
      .on = &delivery_resource },
};

const struct resource delivery_resource = {
    .name = "delivery",
    .table = DELIVERY_TABLE,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "delivery v",
    .key = "v.id",
    .org = "v.org",
    .order = "v.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
