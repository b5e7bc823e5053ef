/* The contract's logins for predictions and monitoring: an API token becomes a login token for one deployment, for an hour. */
#include "app/account/account.h"
#include "app/deployment/deployment.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>

enum { LIFE_S = 3600 };

static enum err login(struct op *op)
{
    struct identity who;
    const char *id = in_text(op, "deployment_id"), *org;
    enum role role;
    bool guest;
    TRY(account_by_token(op->db, op->arena, in_text(op, "api_token"), &who));
    if (who.only_on && strcmp(who.only_on, id) != 0)
        return fail(E_FORBIDDEN, "the token is for another deployment");
    op->user_id = who.user_id;
    op->limit = who.limit;
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(op->db, &r, "SELECT d.org FROM deployment d WHERE d.id = ?1", V(id));
        if (e == E_NOT_FOUND)
            return fail(e, "there is no deployment %s", id);
        TRY(e);
        org = arena_str(op->arena, rows_text(r, 0));
    }
    TRY(role_in(op, org, id, &role, &guest));
    if (role == ROLE_NONE)
        return fail(E_NOT_FOUND, "there is no deployment %s", id);
    if (role < ROLE_MEMBER)
        return fail(E_FORBIDDEN, "predictions need the role member");
    const struct jwt jwt = { id, org, who.token_id, clock_now_ms() / 1000 + LIFE_S };
    out_object(&op->out, NULL);
    out_text(&op->out, "jwt", sign_jwt(op->services->key, op->arena, &jwt));
    out_int(&op->out, "expires", jwt.expires_s);
    out_end_object(&op->out);
    return OK;
}

static const struct field login_in[] = { { "api_token", T_TEXT, F_NEED, .max = 500 }, { "deployment_id", T_ID, F_NEED } };

DESCRIBED(login_answer, "login", { "jwt", T_TEXT }, { "expires", T_INT });

static const struct route routes[] = {
    { "POST", "/api/login", login, MAY_ANYONE, WORK_FREE, "a login token for predictions of one deployment", FIELDS(login_in),
      .answers = &login_answer },
    { "POST", "/api/auth/login", login, MAY_ANYONE, WORK_FREE, "the same for monitoring", FIELDS(login_in),
      .answers = &login_answer },
};

const struct resource login_resource = { .name = "login", .routes = routes, .n_routes = COUNT_OF(routes) };
