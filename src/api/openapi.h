/* openapi.h - inside api/: the parts of the API's description. What writes one adds it to the object that is open. */
#pragma once
#include "api/dispatch.h"

/* Schemas (openapi_schema.c). The resources that answers are made of are components, each once. */
struct components;
struct components *components_new(struct arena *); /* of all routes */
void components_write(struct components *, struct out *);
/* Of what a resource describes: its component's name, or what it is where it has no members. */
void schema_reference(struct components *, struct out *, const char *key, const struct resource *, bool null);
void schema_type(struct out *, enum type, bool null); /* "type" and "format" */
void schema_words(struct out *, const struct field *, bool null);
void schema_input(struct out *, const char *key, const struct field *, bool null); /* a value that comes in, with its limits */
void schema_body(struct out *, const struct route *);

/* A route with its parameters, body and answers (openapi_operation.c). */
void operation_write(struct arena *, struct components *, struct out *, const struct resource *of, const struct route *);
