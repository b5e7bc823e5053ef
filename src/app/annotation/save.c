/* Writing annotations. */
#include "app/annotation/batch.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "query/query.h"
#include <string.h>

const char *const annotation_statuses[5] = { "PENDING", "SKIPPED", "ACCEPTED", "REFUSED", NULL };
const char *const import_modes[4] = { "REPLACE", "KEEP", "CONCATENATE", NULL };

enum err shape_insert(struct sql *db, const struct annotation_save *s, const char *annotation, const struct shape *p,
                      int64_t position, int64_t batch)
{
    char id[ID_SIZE];
    id_make(id);
    return sql_run(
        db,
        "INSERT INTO shape_row (id, annotation_id, asset_id, dataset_version_id, label_id, kind, position, x, y, w, h, geometry, "
        "area, text, attributes, batch) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        V((const char *)id), V(annotation), V(s->asset_id), V(s->version_id), V(p->label_id), V(p->kind->name), V(position),
        V(p->x), V(p->y), V(p->w), V(p->h), V(p->geometry), V(p->area), V(p->text), V(p->attributes), V(batch));
}

static enum err insert_shapes(struct sql *db, const struct annotation_save *s, const char *annotation, int64_t position)
{
    for (size_t i = 0; i < s->n; i++)
        TRY(shape_insert(db, s, annotation, &s->shapes[i], position + (int64_t)i, 0));
    return shapes_come(db, annotation, s->shapes, s->n);
}

enum err annotation_make(struct sql *db, const struct annotation_save *s, const char *id, int64_t batch)
{
    TRY(sql_run(
        db,
        "INSERT INTO annotation_row (id, org, asset_id, dataset_version_id, status, duration, revision, attributes, created_at, "
        "created_by, updated_at, updated_by, batch) VALUES (?1, ?2, ?3, ?4, coalesce(?5, 'PENDING'), CASE WHEN ?6 < 0 THEN 0 ELSE "
        "?6 END, "
        "1, ?7, ?8, ?9, "
        "?8, ?9, ?10)",
        V(id), V(s->org), V(s->asset_id), V(s->version_id), V(s->status), V(s->duration), V(s->attributes), V(clock_now_ms()),
        V(s->user_id), V(batch)));
    return kept_put(db, s->org, KEPT_ATTRIBUTES, id, s->attributes);
}

enum err annotation_renew(struct sql *db, const struct annotation_save *s, const char *id)
{
    if (s->attributes)
        TRY(kept_replace(db, s->org, KEPT_ATTRIBUTES, id, s->attributes));
    return sql_run(
        db,
        "UPDATE annotation_row SET status = coalesce(?2, status), duration = CASE WHEN ?3 < 0 THEN duration ELSE ?3 END, "
        "attributes = coalesce(?4, "
        "attributes), revision = revision + 1, updated_at = ?5, updated_by = ?6 WHERE id = ?1",
        V(id), V(s->status), V(s->duration), V(s->attributes), V(clock_now_ms()), V(s->user_id));
}

enum err annotation_check_revision(const struct annotation_save *s, int64_t there)
{
    if (!s->made_from || *s->made_from == there)
        return OK;
    return fail(E_CONFLICT, "somebody saved this annotation in the meantime: it has revision %lld, yours was made from %lld",
                (long long)there, (long long)*s->made_from);
}

enum err annotation_kept(struct sql *db, const struct annotation_save *s, struct value *ret)
{
    size_t n = 0;
    *ret = V((const char *)NULL);
    while (s->kept_kinds && s->kept_kinds[n])
        n++;
    return n ? sql_list(db, s->kept_kinds, n, ret) : OK;
}

struct there {
    const char *id; /* NULL: none */
    int64_t revision, position;
};

static enum err find(struct sql *db, struct arena *a, const char *asset, struct there *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r,
                           "SELECT n.id, n.revision, (SELECT max(position) + 1 FROM shape h WHERE h.annotation_id = n.id)"
                           " FROM annotation n WHERE n.asset_id = ?1",
                           V(asset));
    *ret = (struct there){ 0 };
    if (e == OK)
        *ret = (struct there){ arena_str(a, rows_text(r, 0)), rows_int(r, 1), rows_int(r, 2) };
    return e == E_NOT_FOUND ? OK : e;
}

static enum err change(struct sql *db, const struct annotation_save *s, struct there *t)
{
    if (strcmp(s->mode, "REPLACE") == 0) {
        struct value kept;
        TRY(annotation_kept(db, s, &kept));
        TRY(shapes_go(db, t->id, kept));
        t->position = 0;
    }
    return annotation_renew(db, s, t->id);
}

enum err annotation_save(struct sql *db, struct arena *a, const struct annotation_save *s, bool *ret_written, const char **ret_id)
{
    struct there t;
    TRY(find(db, a, s->asset_id, &t));
    TRY(annotation_check_revision(s, t.revision));
    *ret_written = !t.id || strcmp(s->mode, "KEEP") != 0;
    bool made = !t.id;
    t.id = made ? id_new(a) : t.id;
    if (ret_id)
        *ret_id = t.id;
    if (!*ret_written)
        return OK;
    TRY(made ? annotation_make(db, s, t.id, 0) : change(db, s, &t));
    return insert_shapes(db, s, t.id, t.position);
}

/* label_id of a shape that only names its label. */
static enum err resolve(struct sql *db, struct arena *a, const char *org, const char *version, const struct json *shape,
                        const char **ret_id)
{
    const struct json *label = json_get(shape, "label");
    const char *name = json_text(label) ? json_text(label) : json_text(json_get(label, "name"));
    if (!name)
        return fail(E_INVALID, "a shape names no label");
    return label_need(db, a, org, version, name, ret_id);
}

static enum err read_named(struct sql *db, struct arena *a, const char *org, const char *version, const struct json *object,
                           int width, int height, struct shape_list *ret)
{
    for (const struct shape_kind *const *k = shape_kinds; *k; k++) {
        const struct json *list = json_get(object, (*k)->plural);
        for (size_t i = 0; i < json_count(list); i++) {
            const struct json *v = json_at(list, i);
            const char *where = arena_fmt(a, "%s[%zu]", (*k)->plural, i), *label = json_text(json_get(v, "label_id"));
            char id[ID_SIZE];
            int64_t known = 0;
            if (label && id_parse(label, id))
                TRY(sql_int(db, &known, "SELECT count(*) FROM label WHERE id = ?1 AND dataset_version_id = ?2", V((const char *)id),
                            V(version)));
            struct shape s = { .kind = *k, .text = json_text(json_get(v, "text")) };
            if (known)
                s.label_id = arena_str(a, id);
            else
                TRY(fail_within(resolve(db, a, org, version, v, &s.label_id), "%s: ", where));
            if (!json_absent(json_get(v, "attributes")))
                s.attributes = json_print(a, json_get(v, "attributes"));
            TRY((*k)->read(a, v, width, height, where, &s));
            shape_add(a, ret, &s);
        }
    }
    return OK;
}

enum err annotation_from_json(struct sql *db, struct arena *a, const char *org, const char *user_id, const char *asset_id,
                              const char *status, const struct json *shapes)
{
    struct shape_list list = { 0 };
    struct annotation_save s = {
        .org = org, .asset_id = asset_id, .user_id = user_id, .mode = "REPLACE", .status = status, .duration = -1
    };
    int width, height;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(db, &r,
                      "SELECT a.dataset_version_id, d.width, d.height FROM asset a JOIN data d ON d.id = a.data_id WHERE a.id = ?1",
                      V(asset_id)));
        s.version_id = arena_str(a, rows_text(r, 0));
        width = (int)rows_int(r, 1);
        height = (int)rows_int(r, 2);
    }
    TRY(annotations_check_open(db, s.version_id));
    TRY(read_named(db, a, org, s.version_id, shapes, width, height, &list));
    s.shapes = list.items;
    s.n = list.n;
    bool written;
    return annotation_save(db, a, &s, &written, NULL);
}
