/* sdk.h - what the published client 6.1.2 calls, under its own paths (/sdk/…).
 *
 * Most of its calls are those of today's client by another name: rows of names.c. Where it sends or expects another form, a handler
 * here turns one into the other around the route's own handler; no rule is written twice. */
#pragma once
#include "api/resource.h"

enum { SDK_PAGE = 10000, SDK_ALL = 100000 }; /* items: it pages by 10000 and believes what it gets, or does not page at all */

extern const struct resource sdk_names_resource, sdk_ping_resource, sdk_list_resource, sdk_tag_resource, sdk_worker_resource,
    sdk_annotation_resource, sdk_point_resource, sdk_model_resource, sdk_experiment_resource, sdk_private_resource,
    sdk_deployment_resource, sdk_upload_resource, sdk_gone_resource;

/* "points": [...]: each with its place in an order as an attribute, where today's client has none. */
void sdk_points(struct op *, struct out *, const struct json *list);
/* {"ids": [...]} or {"data_ids": [...]}: the body, which is a list, under a name. */
MUST_USE enum err sdk_under(struct op *, const char *name, struct out *ret);
