/* dispatch.h - from a request's bytes to a handler and back. Knows no resource: everything comes from the tables in `resources`. */
#pragma once
#include "api/resource.h"
#include "api/schema.h"
#include <stdatomic.h>

/* Who is asking. Strings live in the request's arena. */
struct identity {
    const char *user_id, *user_name, *org; /* org: the one that routes without an id are in */
    enum role limit;                       /* of the token; ROLE_OWNER: none */
    int64_t expires_at;                    /* of the token, milliseconds; 0: never */
    const char *token_id;                  /* NULL for a browser's session */
    const char *only_on;                   /* the one thing that the token is for; NULL: all */
};

/* What a person may: by their membership of an organization, and by what was given to them on one thing. */
struct reach {
    enum role in_org, on_thing;
};

/* What api/ needs from the accounts without knowing them; set by cli/serve.c before api_open(). The by_…() answer E_UNKNOWN_USER
 * for a credential that is unknown, expired or revoked. */
struct api_hooks {
    enum err (*by_token)(struct sql *, struct arena *, const char *token, struct identity *ret);
    enum err (*by_token_id)(struct sql *, struct arena *, const char *id, struct identity *ret);
    enum err (*by_session)(struct sql *, struct arena *, const char *cookie, struct identity *ret);
    enum err (*reach)(struct sql *, const char *user_id, const char *org, const char *root,
                      struct reach *ret); /* root may be NULL */
    const char *given;                    /* "SELECT … =": and a user's id: the ids of what access was given to them on */
    enum err (*page)(struct http_call *); /* answers GET of paths that are no API: the browser's pages */
};
extern struct api_hooks api_hooks;

/* Checks the tables (every route has a right and a kind of work, no two on one path, every field has its column) and gives the
 * callbacks for http_server_start(). E_BROKEN names what is wrong. Starts the thread that feeds event streams. */
MUST_USE enum err api_open(struct services *, const struct api_hooks *, struct http_app *ret);
MUST_USE enum err api_check_tables(struct sql *); /* the fields, against today's tables */
void api_quiet(void);                             /* ends the event streams, so that the server can stop */
void api_close(void);                             /* after the server has stopped */

/* Counters for /metrics. */
enum { LATENCY_BUCKETS = 12 };
extern const double api_latency_bounds[LATENCY_BUCKETS]; /* seconds; the last is +inf */
struct api_counters {
    atomic_llong by_status[6]; /* 1xx … 5xx at their first digit */
    atomic_llong latency[LATENCY_BUCKETS];
    atomic_llong latency_sum_us, bytes_in, in_flight, event_streams;
};
extern struct api_counters api_counters;

/* Inside api/. */
struct router;
MUST_USE enum err router_build(const struct resource *const *, struct router **ret);
/* E_NOT_FOUND, or E_METHOD when the path has routes for other methods. Fills op->values. path is decoded in place. */
MUST_USE enum err router_find(const struct router *, struct arena *, const char *method, const char *path, const char *values[8],
                              const struct route **ret);
void router_free(struct router *);
/* What may be sent to a route: what it makes or changes says, then its own rows. */
const struct field *route_inputs(struct arena *, const struct route *, size_t *ret_n);
/* The row with what it leaves out; E_BROKEN: it is another name of a route that is not there. */
MUST_USE enum err route_whole(const struct resource *const *, const struct route *, struct route *ret);
MUST_USE enum err input_check(struct op *);   /* what was read against op->route */
void op_here(struct op *);                    /* what this thread does from here on is done for that request */
MUST_USE enum err right_check(struct op *);   /* who asks, and may they; E_UNKNOWN_USER, E_FORBIDDEN, E_NOT_FOUND */
const char *bearer_token(struct http_call *); /* NULL if none was sent */
MUST_USE enum err identify(struct op *, struct identity *ret);
/* The caller's role in an organization or, if that is more, on a thing; a guest does not belong to the organization. */
MUST_USE enum err role_in(struct op *, const char *org, const char *root, enum role *ret, bool *ret_guest);
MUST_USE enum err owner_check(struct op *); /* looks up what route->on and on_too name: fills id, second, is_public */
MUST_USE enum err resource_check(struct sql *, const struct resource *);
/* Is a member of the type, nullability and words of the column that it is read from? And what is written of a resource? */
MUST_USE enum err column_check(struct sql *, const struct resource *, const struct field *);
MUST_USE enum err written_check(struct sql *, const struct resource *);
/* Of a form of a resource that only answers have: the fields alone. */
MUST_USE enum err answer_check(struct sql *, const struct resource *);
MUST_USE enum err input_read(struct op *, const char *bytes, size_t n); /* body and query → op->body, op->query, checked */
MUST_USE enum err events_start(struct sql_pool *);
void events_stop(void);
extern const struct resource event_resource, openapi_resource;

/* The whole description, as GET /api/openapi.json gives it. */
void openapi_write(struct arena *, struct out *, const char *version);
