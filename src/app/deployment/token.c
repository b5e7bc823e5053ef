/* Tokens of one deployment: for the program that sends it images. They may predict there, whatever else their maker may, and are
 * seen and revoked by all who may change the deployment. */
#include "app/account/account.h"
#include "app/deployment/deployment.h"

static const struct field fields[] = {
    { "id", T_ID, 0, "t.id" },
    { "deployment_id", T_ID, 0, "d.id" },
    { "name", T_TEXT, F_SORT | F_FILTER, "t.name" },
    { "hint", T_TEXT, 0, "t.hint" }, /* the last characters */
    { "username", T_TEXT, F_FILTER, "u.username" },
    { "created_at", T_TIME, F_SORT | F_FILTER, "t.created_at" },
    { "expires_at", T_TIME, F_SORT | F_FILTER | F_NULL, "t.expires_at" },
    { "last_used_at", T_TIME, F_SORT | F_FILTER | F_NULL, "t.last_used_at" },
};

static enum err list(struct op *op)
{
    return reply_page(op, &deployment_token_resource, "t.thing_id = ?1", V(op->id));
}

static enum err create(struct op *op)
{
    int64_t expires;
    const char *token, *id;
    TRY(token_expiry(op, &expires));
    TRY(account_add_token_on(op->db, op->arena, op->user_id, in_text(op, "name"), expires, op->id, &token, &id));
    token_write(op, id, ROLE_MEMBER, expires, token);
    return OK;
}

static enum err revoke(struct op *op)
{
    op->status = 204;
    return account_drop_token(op->db, op->id);
}

static const struct field create_in[] = { { "name", T_TEXT, F_NEED, .min = 1, .max = 100 }, { "expires_at", T_TIME, F_NULL } };

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/tokens", list, MAY_WRITE, WORK_READ, "the tokens that are for this deployment alone",
      .on = &deployment_resource, .answers = &deployment_token_resource, .gives = GIVES_PAGE },
    { "POST", "/api/deployment/{id}/tokens", create, MAY_WRITE, WORK_WRITE,
      "makes a token that may predict on this deployment and nothing else; its secret is shown this once", FIELDS(create_in),
      .on = &deployment_resource, .answers = &new_token_answer },
    { "DELETE", "/api/deployment-token/{id}", revoke, MAY_WRITE, WORK_WRITE, "revokes a token of a deployment",
      .on = &deployment_token_resource, .gives = GIVES_NOTHING },
};

const struct resource deployment_token_resource = {
    .name = "deployment token",
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "api_token t JOIN person u ON u.id = t.user_id JOIN deployment d ON d.id = t.thing_id",
    .key = "t.id",
    .org = "d.org",
    .root = "d.id",
    .order = "t.id DESC",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
