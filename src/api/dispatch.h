/* dispatch.h - from a request's bytes to a handler and back. Knows no resource: everything comes from the tables in `resources`. */
#pragma once
#include "api/resource.h"
#include "api/schema.h"
#include <stdatomic.h>

/* Who is asking. Strings live in the request's arena. */
struct identity {
    const char *user_id, *user_name, *org;
    enum role role;
};

/* What api/ needs from the accounts without knowing them; set by cli/serve.c before api_open(). Both answer E_UNKNOWN_USER for a
 * credential that is unknown, expired or revoked. */
struct api_hooks {
    enum err (*by_token)(struct sql *, struct arena *, const char *token, struct identity *ret);
    enum err (*by_session)(struct sql *, struct arena *, const char *cookie, struct identity *ret);
    enum err (*page)(struct http_call *); /* answers GET of paths that are no API: the browser's pages */
};

/* Checks the tables (every route has a right and a kind of work, no two on one path, every field has its column) and gives the
 * callbacks for http_server_start(). E_BROKEN names what is wrong. Starts the thread that feeds event streams. */
MUST_USE enum err api_open(struct services *, const struct api_hooks *, struct http_app *ret);
void api_quiet(void); /* ends the event streams, so that the server can stop */
void api_close(void); /* after the server has stopped */

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
void op_here(struct op *);                  /* what this thread does from here on is done for that request */
MUST_USE enum err owner_check(struct op *); /* looks up what route->on and on_too name: fills id, second, is_public */
MUST_USE enum err resource_check(struct sql *, const struct resource *);
MUST_USE enum err input_read(struct op *, const char *bytes, size_t n); /* body and query → op->body, op->query, checked */
MUST_USE enum err events_start(struct sql_pool *);
void events_stop(void);
extern const struct resource event_resource, openapi_resource;
