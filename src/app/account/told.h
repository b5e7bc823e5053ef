/* told.h - inside account/: what is told to addresses outside, webhooks and mailboxes.
 *
 * A delivery is a row that is written in the transaction of what it tells; the worker sends it (courier.c) and writes down what
 * came back, so that a kill at any moment sends it again at worst: at least once, under the same id. */
#pragma once
#include "app/account/account.h"

enum {
    TRIES_MOST = 18,     /* the last one about six hours after the first */
    WAITING_MOST = 1000, /* deliveries of one webhook, or letters of one organization; more are not sent */
    KEPT_ENDED = 500,    /* of a target; older ones are forgotten */
    WEBHOOKS_MOST = 100, /* of an organization */
    BODY_MOST = 64 << 10
};

/* target: the webhook's id, or MAIL_TARGET of the organization: one is sent to at a time. */
#define DELIVERY_TABLE                                                                                                             \
    "CREATE TABLE delivery (id TEXT PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), target TEXT NOT NULL,"             \
    " webhook_id TEXT REFERENCES webhook(id) ON DELETE CASCADE, address TEXT, event TEXT NOT NULL, subject TEXT,"                  \
    " body TEXT NOT NULL, state TEXT NOT NULL CHECK (state IN ('WAITING', 'DELIVERED', 'FAILED')), tries INTEGER NOT NULL,"        \
    " next_at INTEGER NOT NULL, status INTEGER, answer TEXT, error TEXT, created_at INTEGER NOT NULL, ended_at INTEGER) STRICT;"   \
    "CREATE INDEX delivery_due ON delivery (target, next_at, id) WHERE state = 'WAITING';"                                         \
    "CREATE INDEX delivery_of ON delivery (target, id);"                                                                           \
    "CREATE INDEX delivery_of_webhook ON delivery (webhook_id, id)"
#define MAIL_TARGET(org) "'mail of ' || " org

struct delivery_new {
    const char *id, *org, *webhook_id, *address, *event, *subject, *body;
    const char *hindrance; /* why it cannot be sent at all; NULL: it can */
};
MUST_USE enum err delivery_add(struct sql *, const struct delivery_new *);
extern const char *const delivery_states[];

/* One that was taken to be sent, and what came of it. */
struct sending {
    const char *id, *org, *target, *webhook_id, *address, *event, *subject, *body;
    int64_t tries, created_at;
};
struct sent {
    bool delivered, for_good; /* for good: trying again is of no use */
    long status;              /* 0: there was no answer */
    const char *answer, *error;
};
void webhook_send(struct sql *, const struct services *, struct arena *, const struct sending *, struct sent *ret);
void mail_send(struct sql *, const struct services *, struct arena *, const struct sending *, struct sent *ret);
MUST_USE enum err webhook_note(struct sql *, const char *webhook_id, const struct sent *); /* its last call */
