/* Every resource there is. Tables are made in this order: a table stands after those that it refers to. */
#include "api/dispatch.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "query/query.h"

extern const struct resource health_resource;

const struct resource *const resources[] = {
    &organization_resource, &user_resource,   &token_resource, &session_resource, &datalake_resource,
    &object_resource,       &source_resource, &tag_resource,   &data_resource,    &event_resource,
    &openapi_resource,      &job_resource,    &query_resource, &health_resource,  NULL,
};
