/* Writing annotations. */
#include "app/annotation/batch.h"
#include "app/dataset/dataset.h"
#include "base/clock.h"
#include "query/query.h"
#include <string.h>

const char *const annotation_statuses[5] = { "PENDING", "SKIPPED", "ACCEPTED", "REFUSED", NULL };
const char *const import_modes[4] = { "REPLACE", "KEEP", "CONCATENATE", NULL };

static enum err insert_shapes(struct sql *db, const struct annotation_save *s, const char *annotation, int64_t position)
{
    for (size_t i = 0; i < s->n; i++) {
        const struct shape *p = &s->shapes[i];
        char id[ID_SIZE];
        id_make(id);
        TRY(sql_run(db,
                    "INSERT INTO shape_row (id, annotation_id, asset_id, dataset_version_id, label_id, kind, position, x, y, w, h, "
                    "geometry, "
                    "area, text, attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
                    V((const char *)id), V(annotation), V(s->asset_id), V(s->version_id), V(p->label_id), V(p->kind->name),
                    V(position + (int64_t)i), V(p->x), V(p->y), V(p->w), V(p->h), V(p->geometry), V(p->area), V(p->text),
                    V(p->attributes)));
    }
    return OK;
}

static enum err make(struct sql *db, const struct annotation_save *s, const char *id)
{
    TRY(sql_run(
        db,
        "INSERT INTO annotation_row (id, org, asset_id, dataset_version_id, status, duration, revision, attributes, created_at, "
        "created_by, updated_at, updated_by) VALUES (?1, ?2, ?3, ?4, coalesce(?5, 'PENDING'), CASE WHEN ?6 < 0 THEN 0 ELSE ?6 END, "
        "1, ?7, ?8, ?9, "
        "?8, ?9)",
        V(id), V(s->org), V(s->asset_id), V(s->version_id), V(s->status), V(s->duration), V(s->attributes), V(clock_now_ms()),
        V(s->user_id)));
    return kept_put(db, s->org, KEPT_ATTRIBUTES, id, s->attributes);
}

static enum err renew(struct sql *db, const struct annotation_save *s, const char *id)
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

enum err annotation_save(struct sql *db, struct arena *a, const struct annotation_save *s, bool *ret_written, const char **ret_id)
{
    const char *id = NULL;
    int64_t position = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        enum err e =
            sql_first(db, &r,
                      "SELECT n.id, (SELECT max(position) + 1 FROM shape h WHERE h.annotation_id = n.id) FROM annotation n "
                      "WHERE n.asset_id = ?1",
                      V(s->asset_id));
        if (e != OK && e != E_NOT_FOUND)
            return e;
        if (e == OK) {
            id = arena_str(a, rows_text(r, 0));
            position = rows_int(r, 1);
        }
    }
    *ret_written = !id || strcmp(s->mode, "KEEP") != 0;
    if (ret_id)
        *ret_id = id;
    if (!*ret_written)
        return OK;
    if (!id) {
        id = id_new(a);
        TRY(make(db, s, id));
    } else {
        if (strcmp(s->mode, "REPLACE") == 0) {
            position = 0;
            TRY(sql_run(db, "DELETE FROM shape_row WHERE annotation_id = ?1 AND kind NOT IN " LISTED("?2"), V(id),
                        V(s->kept_kinds)));
        }
        TRY(renew(db, s, id));
    }
    if (ret_id)
        *ret_id = id;
    return insert_shapes(db, s, id, position);
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
