/* Routes that are another name, or another form, of a route: for clients that call the same things by other paths and words. */
#include "api/dispatch.h"
#include <string.h>

static const struct route *called(const struct resource *const *all, const char *method, const char *path)
{
    for (; *all; all++)
        for (size_t i = 0; i < (*all)->n_routes; i++) {
            const struct route *r = &(*all)->routes[i];
            if (!r->as && strcmp(r->path, path) == 0 && strcmp(r->method, method) == 0)
                return r;
        }
    return NULL;
}

enum err route_whole(const struct resource *const *all, const struct route *row, struct route *ret)
{
    *ret = *row;
    if (!row->as)
        return OK;
    const struct route *base = called(all, row->method, row->as);
    if (!base)
        return fail(E_BROKEN, "%s %s is another name of %s, which is not there", row->method, row->path, row->as);
    if (row->need || row->on || row->on_too || row->start)
        return fail(E_BROKEN, "%s %s is another name of %s, and may differ in its input and answer only", row->method, row->path,
                    row->as);
    struct route r = *base;
    r.path = row->path;
    r.as = row->as;
    r.page_most = row->page_most;
    r.work = row->work ? row->work : base->work;
    r.says = row->says ? row->says : base->says;
    if (row->run)
        r.run = row->run;
    if (row->in) {
        r.in = row->in;
        r.in_n = row->in_n;
        r.makes = r.changes = NULL;
    }
    if (row->answers || row->gives) {
        r.answers = row->answers;
        r.or_answers = row->or_answers;
        r.gives = row->gives;
    }
    *ret = r;
    return OK;
}

enum err run_route(struct op *op, const char *method, const char *path, const struct out *body)
{
    const struct route *mine = op->route, *base = called(resources, method, path);
    if (!base || base->on != mine->on || base->on_too != mine->on_too || base->need > mine->need || base->start)
        return fail(E_BROKEN, "%s %s cannot run %s %s", mine->method, mine->path, method, path);
    if (body && text_full(&body->text))
        return fail(E_TOO_BIG, "the body is too long");
    if (body)
        TRY(json_parse(op->arena, body->text.bytes, body->text.n, &op->body));
    struct route *there = arena_take(op->arena, sizeof *there);
    *there = *base;
    there->in = route_inputs(op->arena, base, &there->in_n);
    there->page_most = mine->page_most;
    op->route = there;
    enum err e = input_check(op);
    if (e == OK)
        e = base->run(op);
    op->route = mine;
    return e;
}

enum err run_as(struct op *op, const struct out *body)
{
    return run_route(op, op->route->method, op->route->as, body);
}

enum err answered(struct op *op, const struct json **ret)
{
    TRY(json_parse(op->arena, op->out.text.bytes, op->out.text.n, ret));
    text_clear(&op->out.text);
    op->out.comma = false;
    return OK;
}
