/* Whose a thing is: what a route is on is looked up before its handler runs. */
#include "api/dispatch.h"
#include "api/remove.h"
#include "base/clock.h"
#include <string.h>

struct found {
    const char *id, *org, *root; /* org NULL: public */
};

static enum err unknown(const struct resource *r, const char *id)
{
    return fail(E_NOT_FOUND, "there is no %s %.60s", r->name, id);
}

static enum err look_up(struct op *op, const struct resource *r, const char *value, struct found *ret)
{
    char *id = arena_take(op->arena, ID_SIZE);
    if (!id_parse(value, id))
        return fail(E_NOT_FOUND, "\"%.60s\" is no id", value); /* an unknown id is unknown, not malformed */
    const char *text =
        arena_fmt(op->arena, "SELECT %s, %s FROM %s WHERE %s = ?1", r->org, r->root ? r->root : "NULL", r->from, r->key);
    AUTO(rows) struct rows *row = NULL;
    TRY(sql_rows_text(op->db, &row, text, VALUES(V((const char *)id))));
    if (!rows_next(row)) {
        TRY(rows_error(row));
        return unknown(r, id);
    }
    if (r->removal || r->root) {
        bool gone = false, all_gone = false;
        TRY(thing_gone(op->db, id, &gone));
        if (r->root && !rows_null(row, 1))
            TRY(thing_gone(op->db, rows_text(row, 1), &all_gone));
        if (gone || all_gone)
            return unknown(r, id);
    }
    *ret = (struct found){ id, rows_null(row, 0) ? NULL : arena_str(op->arena, rows_text(row, 0)),
                           rows_null(row, 1) ? NULL : arena_str(op->arena, rows_text(row, 1)) };
    return OK;
}

static bool reads(const struct route *r)
{
    return r->need == MAY_READ || r->public_too;
}

static enum err reach(struct op *op, const struct resource *r, const char *value, struct found *ret)
{
    TRY(look_up(op, r, value, ret));
    if (!ret->org)
        return reads(op->route) ? OK : fail(E_FORBIDDEN, "a public %s is there for all: it cannot be changed", r->name);
    return op->org && strcmp(ret->org, op->org) == 0 ? OK : unknown(r, ret->id);
}

enum err owner_check(struct op *op)
{
    const struct route *r = op->route;
    struct found f;
    if (!r->on)
        return OK;
    TRY(reach(op, r->on, op->values[0], &f));
    op->id = f.id;
    op->root = f.root;
    op->is_public = !f.org;
    if (!r->on_too)
        return OK;
    TRY(reach(op, r->on_too, op->values[1], &f));
    op->second = f.id;
    return OK;
}
