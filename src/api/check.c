/* At start every resource is tried against the database: what its rows say must be there. */
#include "api/select.h"
#include <string.h>

enum { DEPTH = 8 };

static enum err try_select(struct sql *db, const struct resource *r, const char *name, const char *expression, const char *many)
{
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    if (many)
        text_fmt(&t, "SELECT EXISTS (SELECT %s %s) FROM %s LIMIT 0", expression, many, r->from);
    else
        text_fmt(&t, "SELECT %s FROM %s LIMIT 0", expression, r->from);
    AUTO(rows) struct rows *row = NULL;
    return fail_within(sql_rows_text(db, &row, t.bytes, NULL, 0), "%s: field %s: ", r->name, name);
}

static enum err try_driver(struct sql *db, const struct resource *r, const struct field *f)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    text_init(&t, SELECT_CAP);
    if (f->type == T_OBJECT && f->flags & F_FILTER && (!f->owner || !f->keys))
        return fail(E_BROKEN, "%s: field %s is searched by its members, and does not say what is kept of them", r->name, f->name);
    if (f->most)
        TRY(try_select(db, r, f->name, f->most, NULL));
    if (f->most && f->drive_most)
        TRY(try_select(db, r, f->name, "1", arena_fmt(a, "FROM (%s AND %s > 0) named", f->drive_most, f->most)));
    if (f->owner)
        TRY(try_select(db, r, f->name, f->owner, NULL));
    if (!f->drive && !f->offer)
        return OK;
    text_add(&t, "SELECT 'x' AS id");
    const char *const drivers[] = { f->drive, f->drive_too };
    for (size_t i = 0; i < COUNT_OF(drivers); i++)
        if (drivers[i] && f->keys)
            text_fmt(&t, " UNION ALL SELECT id FROM (%s AND %s AND k.path IS NULL AND m.number IS NULL) named", drivers[i],
                     f->keys);
        else if (drivers[i])
            text_fmt(&t, " UNION ALL SELECT id FROM (%s AND %s IS NULL) named", drivers[i], f->sql);
    if (f->offer)
        text_fmt(&t, " UNION ALL SELECT %s %s", f->sql, f->offer);
    if (f->drive_count)
        text_fmt(&t, " UNION ALL SELECT id FROM (%s > 0) named", f->drive_count);
    text_add(&t, " LIMIT 0");
    AUTO(rows) struct rows *row = NULL;
    enum err e = sql_rows_text(db, &row, t.bytes, NULL, 0);
    return fail_within(e, "%s: field %s, its driver or offer: ", r->name, f->name);
}

static enum err try_fields(struct sql *db, const struct resource *row, const struct resource *r, int depth);

/* What is inside a field, in the same row or in rows of its own. */
static enum err try_inside(struct sql *db, const struct resource *row, const struct field *f, int depth)
{
    bool inlined = field_inlined(f), with = inlined || field_nested(f);
    if (with && !f->of)
        return fail(E_BROKEN, "%s: field %s does not say of what it is", row->name, f->name);
    if (!with)
        return OK;
    if (depth == DEPTH)
        return fail(E_BROKEN, "%s: field %s is nested deeper than %d levels", row->name, f->name, DEPTH);
    if (inlined)
        return try_fields(db, row, f->of, depth + 1);
    if (!f->of->from || !f->of->key)
        return fail(E_BROKEN, "%s: field %s: %s has no rows of its own", row->name, f->name, f->of->name);
    if (f->by)
        TRY(try_select(db, f->of, f->name, f->by, NULL));
    return try_fields(db, f->of, f->of, depth + 1);
}

static enum err try_fields(struct sql *db, const struct resource *row, const struct resource *r, int depth)
{
    for (size_t i = 0; i < r->n_fields; i++) {
        const struct field *f = &r->fields[i];
        if (!f->name || !f->type)
            return fail(E_BROKEN, "%s: field %zu has no name or type", r->name, i);
        if (f->sql || !(field_inlined(f) || field_nested(f)))
            TRY(f->many ? try_select(db, row, f->name, f->sql ? f->sql : f->name, f->many) : column_check(db, row, f));
        TRY(try_driver(db, r, f));
        TRY(try_inside(db, row, f, depth));
    }
    return OK;
}

enum err answer_check(struct sql *db, const struct resource *r)
{
    return try_fields(db, r, r, 0);
}

enum err resource_check(struct sql *db, const struct resource *r)
{
    if (!r->name)
        return fail(E_BROKEN, "a resource has no name");
    if (r->n_fields && (!r->from || !r->key))
        return fail(E_BROKEN, "%s has fields, but does not say where they come from or what its key is", r->name);
    TRY(try_fields(db, r, r, 0));
    TRY(written_check(db, r));
    if (r->n_fields && !r->order && strcmp(r->fields[0].name, "id") != 0)
        return fail(E_BROKEN, "%s: the first field must be id, or an order must be stated", r->name);
    if (r->org)
        TRY(try_select(db, r, "org", r->org, NULL));
    if (r->owner)
        TRY(try_select(db, r, "owner", r->owner, NULL));
    AUTO(arena) struct arena *a = arena_new();
    if (r->behind)
        TRY(try_fields(db, r->meanwhile, r->meanwhile, 0));
    if (r->shown)
        TRY(try_select(db, r, "shown", "1", arena_fmt(a, "%s IN ('')", r->shown)));
    return r->root ? try_select(db, r, "root", r->root, NULL) : OK;
}
