/* Lists that it sends as the whole body, where today's client names them. */
#include "app/sdk/sdk.h"
#include <string.h>

enum { IDS_MOST = 200000, BODY = 16 << 20 };

enum err sdk_under(struct op *op, const char *name, struct out *ret)
{
    const struct json *list = op->body;
    out_init(ret, BODY);
    out_object(ret, NULL);
    out_json(ret, name, list);
    out_end_object(ret);
    return OK;
}

static enum err under(struct op *op, const char *name)
{
    AUTO(out) struct out body = { 0 };
    TRY(sdk_under(op, name, &body));
    return run_as(op, &body);
}

static enum err as_ids(struct op *op)
{
    return under(op, "ids");
}

static enum err as_data_ids(struct op *op)
{
    return under(op, "data_ids");
}

/* ["__all__"]: those that the route of their ids lists. */
static enum err as_ids_or_all(struct op *op)
{
    const char *word = json_text(json_at(op->body, 0));
    if (!word || strcmp(word, "__all__") != 0)
        return as_ids(op);
    const struct json *ids;
    TRY(run_route(op, "GET", arena_fmt(op->arena, "%s/ids", op->route->as), NULL));
    TRY(answered(op, &ids));
    if (!json_count(ids)) {
        op->status = 204;
        return OK;
    }
    op->body = ids;
    return as_ids(op);
}

static const struct field ids_in[] = { { "*", T_IDS, F_NEED, .min = 1, .max = IDS_MOST } };
static const struct field words_in[] = { { "*", T_TEXTS, F_NEED, .min = 1, .max = IDS_MOST } };
#define LIST_OF(method, path, run, fields_)                                                                                        \
    {                                                                                                                              \
        method, "/sdk" path, run, .as = "/api" path, .in = fields_, .in_n = 1                                                      \
    }

static const struct route routes[] = {
    LIST_OF("POST", "/dataset/version/{id}/assets", as_data_ids, ids_in),
    LIST_OF("DELETE", "/dataset/version/{id}/assets", as_ids, ids_in),
    LIST_OF("DELETE", "/datalake/{id}/datas", as_ids, ids_in),
    LIST_OF("DELETE", "/project/{id}/datasets", as_ids, ids_in),
    LIST_OF("DELETE", "/project/{id}/experiments", as_ids_or_all, words_in),
    LIST_OF("DELETE", "/experiment/{id}/datasets", as_ids, ids_in),
    LIST_OF("DELETE", "/experiment/{id}/artifacts", as_ids_or_all, words_in),
    LIST_OF("DELETE", "/experiment/{id}/logs", as_ids_or_all, words_in),
};

const struct resource sdk_list_resource = { .name = "client 6.1.2", .routes = routes, .n_routes = COUNT_OF(routes) };
