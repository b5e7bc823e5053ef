#include "api/dispatch.h"
#include <stdlib.h>
#include <string.h>

/* A tree of path segments: a request costs one comparison per segment and sibling, not one per route. */
struct branch {
    char *word; /* "{" for a value, "{*" for the rest */
    struct branch *child, *next;
    struct {
        const struct route **routes;
        size_t n;
    } here;
};
struct router {
    struct branch root;
    struct arena *arena; /* of routes that are not whole in their tables: copies that are */
};

static struct branch *branch_for(struct branch *parent, const char *word, size_t n)
{
    bool value = n && word[0] == '{', rest = value && n > 2 && word[n - 2] == '*';
    char *name = value ? heap_str(rest ? "{*" : "{") : heap_take(n + 1);
    if (!value)
        memcpy(name, word, n);
    struct branch **at = &parent->child;
    for (; *at; at = &(*at)->next)
        if (strcmp((*at)->word, name) == 0) {
            free(name);
            return *at;
        }
    *at = heap_take(sizeof **at);
    (*at)->word = name;
    return *at;
}

/* Whose the things are that the path names. */
static enum err check_owner(const struct route *r, size_t values)
{
    size_t said = r->on_too ? 2 : r->on ? 1 : 0;
    if (r->on_too && !r->on)
        return fail(E_BROKEN, "%s %s has on_too, but no on", r->method, r->path);
    if ((r->on && !r->on->org) || (r->on_too && !r->on_too->org))
        return fail(E_BROKEN, "%s %s is on a resource that does not say whose it is", r->method, r->path);
    if (said > values || (said < values && !r->on_nothing))
        return fail(E_BROKEN, "%s %s does not say what its path is on (or on_nothing, and why)", r->method, r->path);
    if (said == values && r->on_nothing)
        return fail(E_BROKEN, "%s %s is on nothing, and says what it is on", r->method, r->path);
    if (r->on && (r->need == MAY_ANYONE || r->need == MAY_SIGNED))
        return fail(E_BROKEN, "%s %s is on something, but anybody may", r->method, r->path);
    return OK;
}

/* The row itself, or a copy with what it leaves out. */
static enum err complete(struct arena *a, const struct resource *const *all, const struct route *row, const struct route **ret)
{
    *ret = row;
    if (!row->makes && !row->changes && !row->as)
        return OK;
    struct route *whole = arena_take(a, sizeof *whole);
    TRY(route_whole(all, row, whole));
    whole->in = route_inputs(a, whole, &whole->in_n);
    *ret = whole;
    return OK;
}

/* What is said to be made or changed must have members for it. */
static enum err check_inputs(const struct route *r)
{
    unsigned all = 0;
    for (size_t i = 0; r->makes && i < r->makes->n_fields; i++)
        all |= r->makes->fields[i].flags & F_NEW;
    for (size_t i = 0; r->changes && i < r->changes->n_fields; i++)
        all |= r->changes->fields[i].flags & F_EDIT;
    if (all != (r->makes ? F_NEW : 0u) + (r->changes ? F_EDIT : 0u))
        return fail(E_BROKEN, "%s %s makes or changes something of which no member says F_NEW or F_EDIT", r->method, r->path);
    for (size_t i = 0; i < r->in_n; i++) {
        if (!r->in[i].name || !r->in[i].type)
            return fail(E_BROKEN, "%s %s: input field %zu has no name or type", r->method, r->path, i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(r->in[i].name, r->in[k].name) == 0)
                return fail(E_BROKEN, "%s %s: %s stands twice in its input", r->method, r->path, r->in[i].name);
    }
    return OK;
}

/* What a thing that access can be given on answers of itself is reached by that access as well. */
static enum err check_reach(const struct route *r)
{
    const struct resource *of = r->makes ? r->makes : r->answers;
    if (r->on && r->on->root && of && of->org && !of->root)
        return fail(E_BROKEN, "%s %s: %s does not say by .root how access on a %s reaches it", r->method, r->path, of->name,
                    r->on->name);
    return OK;
}

static enum err add(struct router *r, const struct resource *const *all, const struct resource *resource, const struct route *row)
{
    const struct route *route;
    TRY(complete(r->arena, all, row, &route));
    if (!route->method || !route->path || route->path[0] != '/' || !route->run)
        return fail(E_BROKEN, "%s: a route needs a method, a path and a handler", resource->name);
    if (route->need == MAY_UNSET)
        return fail(E_BROKEN, "%s %s has no right stated", route->method, route->path);
    if (route->work == WORK_UNSET)
        return fail(E_BROKEN, "%s %s does not say whether it reads or writes", route->method, route->path);
    if (route->need == MAY_SIGNED && route->work != WORK_FREE)
        return fail(E_BROKEN, "%s %s: a signed route must be WORK_FREE", route->method, route->path);
    if (!route->answers && route->gives <= GIVES_AS_SENT)
        return fail(E_BROKEN, "%s %s does not say what it answers", route->method, route->path);
    TRY(check_inputs(route));
    struct branch *b = &r->root;
    size_t values = 0;
    for (const char *p = route->path + 1, *end; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, '/');
        values += *p == '{';
        b = branch_for(b, p, (size_t)(end - p));
    }
    if (values > 8)
        return fail(E_BROKEN, "%s has more than 8 values", route->path);
    TRY(check_owner(route, values));
    TRY(check_reach(route));
    for (size_t i = 0; i < b->here.n; i++)
        if (strcmp(b->here.routes[i]->method, route->method) == 0)
            return fail(E_BROKEN, "%s %s is there twice (also as %s)", route->method, route->path, b->here.routes[i]->path);
    b->here.routes = heap_grow(b->here.routes, (b->here.n + 1) * sizeof *b->here.routes);
    b->here.routes[b->here.n++] = route;
    return OK;
}

static void free_branch(struct branch *b)
{
    for (struct branch *c = b->child, *next; c; c = next) {
        next = c->next;
        free_branch(c);
        free(c->word);
        free(c);
    }
    free(b->here.routes);
}

void router_free(struct router *r)
{
    if (!r)
        return;
    free_branch(&r->root);
    arena_free(r->arena);
    free(r);
}

enum err router_build(const struct resource *const *all, struct router **ret)
{
    struct router *r = heap_take(sizeof *r);
    r->arena = arena_new();
    for (const struct resource *const *of = all; *of; of++)
        for (size_t i = 0; i < (*of)->n_routes; i++) {
            enum err e = add(r, all, *of, &(*of)->routes[i]);
            if (e != OK) {
                router_free(r);
                return e;
            }
        }
    *ret = r;
    return OK;
}

/* Fixed words are tried before values, values before the rest: /find wins over /{id}. */
static const struct branch *walk(const struct branch *b, struct arena *a, const char *path, const char *values[8], size_t n)
{
    if (!*path)
        return b->here.n ? b : NULL;
    const char *end = strchrnul(path, '/');
    char *word = arena_copy(a, path, (size_t)(end - path));
    if (!url_decode(word, false))
        return NULL;
    const char *after = *end ? end + 1 : end;
    for (int pass = 0; pass < 3; pass++)
        for (const struct branch *c = b->child; c; c = c->next) {
            bool value = strcmp(c->word, "{") == 0, rest = strcmp(c->word, "{*") == 0;
            if (pass == 0 && !value && !rest && strcmp(c->word, word) == 0) {
                const struct branch *found = walk(c, a, after, values, n);
                if (found)
                    return found;
            } else if (pass == 1 && value && *word && n < 8) {
                values[n] = word;
                const struct branch *found = walk(c, a, after, values, n + 1);
                if (found)
                    return found;
            } else if (pass == 2 && rest && n < 8 && c->here.n) {
                char *all = arena_str(a, path);
                if (!url_decode(all, false))
                    return NULL;
                values[n] = all;
                return c;
            }
        }
    return NULL;
}

enum err router_find(const struct router *r, struct arena *a, const char *method, const char *path, const char *values[8],
                     const struct route **ret)
{
    const struct branch *b = *path == '/' ? walk(&r->root, a, path + 1, values, 0) : NULL;
    if (!b)
        return fail(E_NOT_FOUND, "there is no %s", path);
    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (size_t i = 0; i < b->here.n; i++)
        if (strcmp(b->here.routes[i]->method, method) == 0) {
            *ret = b->here.routes[i];
            return OK;
        }
    return fail(E_METHOD, "%s does not take %s", path, method);
}
