/* Whose a thing is: what a route is on is looked up before its handler runs. A person reaches a thing by their role in its
 * organization, or by access that was given to them on the thing or on what it belongs to; what they do not reach is not there. */
#include "api/dispatch.h"
#include "api/remove.h"
#include "base/clock.h"
#include <string.h>

struct found {
    const char *id, *org, *root; /* org NULL: public */
    enum role role;
    bool guest;
};

static enum err unknown(const struct resource *r, const char *id)
{
    return fail(E_NOT_FOUND, "there is no %s %.60s", r->name, id);
}

/* Some things are part of others: who reaches those may look at these. */
static enum err shown_to_guest(struct op *op, const struct resource *r, struct found *f)
{
    int64_t yes = 0;
    if (!r->shown || op->route->need != MAY_READ)
        return OK;
    const char *text = arena_fmt(op->arena, "SELECT EXISTS (SELECT 1 FROM %s WHERE %s = ?1 AND EXISTS (SELECT 1 %s IN (%s ?2)))",
                                 r->from, r->key, r->shown, api_hooks.given);
    TRY(sql_int_text(op->db, &yes, text, VALUES(V(f->id), V(op->user_id))));
    f->role = yes ? ROLE_VIEWER : f->role;
    return OK;
}

/* What is being deleted is there for nobody, nor is what is below it. */
static enum err check_gone(struct op *op, const struct resource *r, const struct found *f)
{
    bool gone = false, all_gone = false;
    if (r->removal || r->root)
        TRY(thing_gone(op->db, f->id, &gone));
    if (gone && r->removal)
        TRY(thing_check_made(op->db, f->id, r->name));
    if (f->root)
        TRY(thing_gone(op->db, f->root, &all_gone));
    return gone || all_gone ? unknown(r, f->id) : OK;
}

/* One row of the thing's: a person is a thing of each organization that they belong to. */
static enum err weigh(struct op *op, const struct resource *r, struct rows *row, struct found *f)
{
    f->org = rows_null(row, 0) ? NULL : arena_str(op->arena, rows_text(row, 0));
    f->root = rows_null(row, 1) ? NULL : arena_str(op->arena, rows_text(row, 1));
    f->role = ROLE_NONE;
    f->guest = false;
    if (r->owner && (rows_null(row, 2) || strcmp(rows_text(row, 2), op->user_id) != 0))
        return OK;
    if (!f->org) {
        f->role = op->role;
        return OK;
    }
    TRY(role_in(op, f->org, f->root, &f->role, &f->guest));
    return f->role == ROLE_NONE ? shown_to_guest(op, r, f) : OK;
}

static enum err look_up(struct op *op, const struct resource *r, const char *value, struct found *ret)
{
    char *id = arena_take(op->arena, ID_SIZE);
    if (!id_parse(value, id))
        return fail(E_NOT_FOUND, "\"%.60s\" is no id", value); /* an unknown id is unknown, not malformed */
    const char *text = arena_fmt(op->arena, "SELECT %s, %s, %s FROM %s WHERE %s = ?1", r->org, r->root ? r->root : "NULL",
                                 r->owner ? r->owner : "NULL", r->from, r->key);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, text, VALUES(V((const char *)id))));
    *ret = (struct found){ .id = id };
    while (rows_next(row)) {
        struct found f = { .id = id };
        TRY(weigh(op, r, row, &f));
        bool chosen = f.org && op->org && strcmp(f.org, op->org) == 0;
        if (f.role > ROLE_NONE && (ret->role == ROLE_NONE || chosen))
            *ret = f;
    }
    TRY(rows_error(row));
    return ret->role > ROLE_NONE ? check_gone(op, r, ret) : unknown(r, id);
}

/* What a name is that stands where an id could. A token of one thing knows the name of that one. */
static enum err id_of(struct op *op, const struct resource *r, const char *value, const char **ret)
{
    char id[ID_SIZE];
    *ret = value;
    if (!op->route->by_name || id_parse(value, id))
        return OK;
    const char *text = arena_fmt(op->arena, "SELECT %s FROM %s WHERE %s = ?1 AND (%s = ?2 OR %s = ?3) LIMIT 1", r->key, r->from,
                                 op->route->by_name, r->org, r->key);
    AUTO(rows) struct rows *row = NULL;
    const struct value in = op->only_on ? V((const char *)NULL) : V(op->org);
    TRY(sql_rows_text(op->db, &row, text, VALUES(V(value), in, V(op->only_on))));
    if (!rows_next(row)) {
        TRY(rows_error(row));
        return fail(E_NOT_FOUND, "there is no %s called \"%.60s\"", r->name, value);
    }
    *ret = arena_str(op->arena, rows_text(row, 0));
    return OK;
}

static enum err first(struct op *op, const struct resource *r)
{
    struct found f;
    const char *value;
    TRY(id_of(op, r, op->values[0], &value));
    TRY(look_up(op, r, value, &f));
    op->id = f.id;
    op->root = f.root;
    op->is_public = !f.org;
    if (f.org) {
        op->org = f.org;
        op->role = f.role;
        op->guest = f.guest;
    } else if (op->route->need != MAY_READ && !op->route->public_too) {
        return fail(E_FORBIDDEN, "a public %s is there for all: it cannot be changed", r->name);
    }
    return OK;
}

enum err resource_need_to_change(struct op *op, const struct resource *r, const char *id)
{
    struct found f;
    TRY(look_up(op, r, id, &f));
    if (!f.org || strcmp(f.org, op->org) != 0)
        return unknown(r, f.id);
    return f.role >= ROLE_MEMBER ? OK
                                 : fail(E_FORBIDDEN, "this changes the %s %s too: there you need the role member", r->name, f.id);
}

enum err organization_need_to_change(struct op *op)
{
    enum role role;
    bool guest;
    TRY(role_in(op, op->org, NULL, &role, &guest));
    return role >= ROLE_MEMBER ? OK : fail(E_FORBIDDEN, "this makes something in the organization: there you need the role member");
}

enum err owner_check(struct op *op)
{
    const struct route *r = op->route;
    struct found f;
    if (!r || !r->on)
        return OK;
    TRY(first(op, r->on));
    if (!r->on_too)
        return OK;
    TRY(look_up(op, r->on_too, op->values[1], &f));
    if (!f.org || strcmp(f.org, op->org) != 0)
        return unknown(r->on_too, f.id);
    op->second = f.id;
    return OK;
}
