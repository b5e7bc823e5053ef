/* Who is asking, and whether they may: before a handler runs. Whose the things in the path are is owner.c's part. */
#include "api/dispatch.h"
#include "base/clock.h"
#include "blob/sign.h"
#include <string.h>
#include <strings.h>

const char *bearer_token(struct http_call *c)
{
    const char *h = http_header(c, "Authorization");
    if (!h)
        return NULL;
    if (strncasecmp(h, "Bearer ", 7) == 0)
        return h + 7;
    return strncasecmp(h, "Token ", 6) == 0 ? h + 6 : NULL;
}

/* A login token of a deployment stands for the API token that it was given for, and falls with it. */
static enum err by_login_token(struct op *op, const char *jwt, struct identity *ret)
{
    struct jwt claims;
    TRY(sign_jwt_check(op->services->key, op->arena, jwt, &claims));
    TRY(api_hooks.by_token_id(op->db, op->arena, claims.token_id, ret));
    ret->only_on = claims.subject;
    return OK;
}

static enum err by_cookie(struct op *op, const char *cookie, struct identity *ret)
{
    const char *with = http_header(op->call, "X-Requested-With");
    TRY(api_hooks.by_session(op->db, op->arena, cookie, ret));
    if (strcmp(op->route->method, "GET") != 0 && (!with || strcmp(with, "saccade") != 0))
        return fail(E_FORBIDDEN, "a change by cookie needs the header \"X-Requested-With: saccade\"");
    return OK;
}

enum err identify(struct op *op, struct identity *ret)
{
    const char *token = bearer_token(op->call), *cookie = http_cookie(op->call, "saccade");
    if (token)
        return strchr(token, '.') ? by_login_token(op, token, ret) : api_hooks.by_token(op->db, op->arena, token, ret);
    if (http_header(op->call, "Authorization"))
        return fail(E_UNKNOWN_USER, "send the token as \"Authorization: Bearer …\"");
    return cookie ? by_cookie(op, cookie, ret) : fail(E_UNKNOWN_USER, "log in, or send an API token");
}

/* The organization of routes that are on nothing: what a header names (ours, or the published client's), else the caller's own. */
static enum err choose_organization(struct op *op, const char *own)
{
    const char *sent = http_header(op->call, "X-Organization");
    if (!sent)
        sent = http_header(op->call, "X-Picsellia-Organization");
    op->org = own;
    if (!sent)
        return OK;
    char *id = arena_take(op->arena, ID_SIZE);
    if (!id_parse(sent, id))
        return fail(E_INVALID, "the header X-Organization must be an id");
    op->org = id;
    return OK;
}

enum err role_in(struct op *op, const char *org, const char *root, enum role *ret, bool *ret_guest)
{
    struct reach r = { 0 };
    TRY(api_hooks.reach(op->db, op->user_id, org, root, &r));
    enum role role = r.on_thing > r.in_org ? r.on_thing : r.in_org;
    *ret = role < op->limit ? role : op->limit;
    *ret_guest = r.in_org == ROLE_NONE;
    return OK;
}

static enum err stand_in_organization(struct op *op)
{
    TRY(role_in(op, op->org, NULL, &op->role, &op->guest));
    return op->role > ROLE_NONE || op->route->on ? OK : fail(E_NOT_FOUND, "there is no organization %s", op->org);
}

static enum err check_role(struct op *op)
{
    static const enum role least[] = {
        [MAY_READ] = ROLE_VIEWER,    [MAY_ANNOTATE] = ROLE_ANNOTATOR, [MAY_WRITE] = ROLE_MEMBER,
        [MAY_PREDICT] = ROLE_MEMBER, [MAY_ADMIN] = ROLE_ADMIN,        [MAY_OWN] = ROLE_OWNER,
    };
    static const char *const names[] = { "nobody", "viewer", "annotator", "member", "admin", "owner" };
    const struct route *r = op->route;
    enum role need = r->need == MAY_PREDICT && strcmp(r->method, "GET") == 0 ? ROLE_VIEWER : least[r->need];
    return op->role >= need ? OK : fail(E_FORBIDDEN, "this needs the role %s; yours is %s", names[need], names[op->role]);
}

/* A token of one deployment is for predictions there, whatever whoever made it may. */
static enum err check_only_on(struct op *op)
{
    if (!op->only_on)
        return OK;
    if (op->route->need != MAY_PREDICT)
        return fail(E_FORBIDDEN, "a deployment's token is for predictions only");
    return op->root && strcmp(op->only_on, op->root) == 0 ? OK : fail(E_FORBIDDEN, "the token is for another deployment");
}

enum err right_check(struct op *op)
{
    struct identity who = { 0 };
    if (op->route->need == MAY_ANYONE || op->route->need == MAY_SIGNED)
        return OK;
    TRY(identify(op, &who));
    op->user_id = who.user_id;
    op->user_name = who.user_name;
    op->limit = who.limit;
    op->expires_at = who.expires_at;
    op->only_on = who.only_on;
    TRY(choose_organization(op, who.org));
    TRY(stand_in_organization(op));
    TRY(owner_check(op));
    TRY(check_only_on(op));
    return check_role(op);
}
