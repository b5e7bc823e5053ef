/* Workers: the people of the organization that a dataset is of. Here an asset has one annotation, whoever works on it. */
#include "app/dataset/dataset.h"
#include "app/sdk/sdk.h"

static const struct field person_fields[] = { { "id", T_ID, 0, "u.id" }, { "username", T_TEXT, 0, "u.username" } };
static const struct resource collaborator = { .name = "collaborator",
                                              .fields = person_fields,
                                              .n_fields = COUNT_OF(person_fields) };
static const struct field fields[] = { { "id", T_ID, F_FILTER, "u.id" }, { "collaborator", T_PART, 0, .of = &collaborator } };

static enum err list(struct op *op)
{
    return reply_list(op, &sdk_worker_resource, "1 = 1");
}

static enum err find(struct op *op)
{
    return reply_find(op, &sdk_worker_resource, "there is no worker of that name", "lower(u.username) = lower(?1)",
                      V(in_text(op, "username")));
}

static enum err get(struct op *op)
{
    return reply_one(op, &sdk_worker_resource, op->id);
}

static const struct field name_in[] = { { "username", T_TEXT, F_NEED, .min = 1, .max = 200 } };

static const struct route routes[] = {
    { "GET", "/sdk/dataset/{id}/workers", list, MAY_READ, WORK_READ, "the people who may work on a dataset",
      .answers = &sdk_worker_resource, .on = &dataset_resource, .gives = GIVES_PAGE },
    { "GET", "/sdk/dataset/{id}/workers/find", find, MAY_READ, WORK_READ, "one of them by name", FIELDS(name_in),
      .answers = &sdk_worker_resource, .on = &dataset_resource },
    { "GET", "/sdk/worker/{id}", get, MAY_READ, WORK_READ, "one of them", .answers = &sdk_worker_resource,
      .on = &sdk_worker_resource },
};

const struct resource sdk_worker_resource = {
    .name = "worker",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "member m JOIN person u ON u.id = m.person_id",
    .key = "u.id",
    .org = "m.org",
    .root = "NULL", /* guests see no members */
    .order = "u.username",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
