/* What a dashboard is narrowed to: read once, for every panel alike. A filter is a query of the predictions' own language and a
 * range of time, so that whatever a panel shows can be opened as a list. */
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include "query/query.h"
#include <stdlib.h>

const char *const filter_slots[] = { "champion", "shadow", NULL };

enum { QUERY_CAP = 1 << 14, MINUTE = 60 * 1000 };

/* Seconds before now, or a time in ISO 8601; no member: missing. */
static enum err read_time(struct op *op, const char *name, int64_t missing, int64_t *ret)
{
    const char *text = in_text(op, name);
    *ret = missing;
    if (!text)
        return OK;
    char *end;
    double seconds = strtod(text, &end);
    if (*text && !*end && seconds >= 0 && seconds < 1e10) {
        *ret = clock_now_ms() - (int64_t)(seconds * 1000);
        return OK;
    }
    return clock_parse_iso(text, ret) ? OK : fail(E_INVALID, "%s must be seconds before now, or a time in ISO 8601", name);
}

static void add_and(struct text *t)
{
    if (t->n)
        text_add(t, " and ");
}

/* path = "text", with what would end the text escaped. */
static void add_equal(struct text *t, const char *path, const char *value)
{
    if (!value)
        return;
    add_and(t);
    text_fmt(t, "%s = \"", path);
    for (const char *c = value; *c; c++)
        text_fmt(t, *c == '"' || *c == '\\' ? "\\%c" : "%c", *c);
    text_add(t, "\"");
}

static void add_time(struct op *op, struct text *t, const char *operator, int64_t ms)
{
    add_and(t);
    text_fmt(t, "created_at %s \"%s\"", operator, clock_iso(op->arena, ms));
}

static enum err put_together(struct op *op, struct filter *f)
{
    AUTO(text) struct text t;
    const char *q = in_text(op, "q");
    struct where alone;
    text_init(&t, QUERY_CAP);
    if (q && *q) /* what is wrong with it is told by its own places */
        TRY(query_where(op->arena, &predicted_asset_resource, q, 0, &alone));
    add_equal(&t, f->shadow ? "shadow.model_version_id" : "champion.model_version_id", in_text(op, "model_version_id"));
    if (f->shadow && !in_has(op, "model_version_id"))
        text_add(&t, "shadow.model_version_id != None");
    add_equal(&t, "source", in_text(op, "source"));
    add_equal(&t, "tags.name", in_text(op, "tag"));
    if (q && *q) {
        add_and(&t);
        text_fmt(&t, "(%s)", q);
    }
    f->query = t.n ? arena_str(op->arena, t.bytes) : NULL;
    if (f->from_ms)
        add_time(op, &t, ">=", f->from_ms);
    if (f->to_ms != INT64_MAX)
        add_time(op, &t, "<=", f->to_ms);
    if (text_full(&t))
        return fail(E_TOO_BIG, "the filter is too long");
    f->all = t.n ? arena_str(op->arena, t.bytes) : "";
    return OK;
}

static int64_t minute(int64_t ms)
{
    return ms == INT64_MAX ? -1 : ms / MINUTE;
}

enum err filter_read(struct op *op, struct filter *ret)
{
    const char *slot = in_text(op, "slot");
    *ret = (struct filter){ .shadow = slot && *slot == 's' };
    TRY(read_time(op, "since", 0, &ret->from_ms));
    TRY(read_time(op, "until", INT64_MAX, &ret->to_ms));
    if (ret->to_ms < ret->from_ms)
        return fail(E_INVALID, "until is before since");
    TRY(put_together(op, ret));
    ret->mark = arena_fmt(op->arena, "%s %lld %lld %s", op->id, (long long)minute(ret->from_ms), (long long)minute(ret->to_ms),
                          ret->query ? ret->query : "");
    return OK;
}

enum err filter_pick(struct op *op, const struct filter *f, enum pick pick, int64_t most, struct picked *ret)
{
    static const char *const only[] = {
        [PICK_REVIEWS] = "status in (\"REVIEWED\", \"SUBMITTED\") and review.counts = True",
        [PICK_DIRECTED] = "status in (\"REVIEWED\", \"SUBMITTED\") and review.counts = False",
    };
    const char *q = !only[pick] ? f->query : f->query ? arena_fmt(op->arena, "%s and %s", only[pick], f->query) : only[pick];
    const char **ids;
    size_t n;
    TRY(resource_first(op, &predicted_asset_resource, q, NULL, most + 1, "a.deployment_id = ?1 AND a.created_at BETWEEN ?2 AND ?3",
                       VALUES(V(op->id), V(f->from_ms), V(f->to_ms)), &ids, &n));
    ret->more = (int64_t)n > most;
    ret->n = ret->more ? most : (int64_t)n;
    return sql_list(op->db, ids, (size_t)ret->n, &ret->ids);
}

void picked_write(struct out *o, const struct picked *p)
{
    out_object(o, "looked_at");
    out_int(o, "predictions", p->n);
    out_bool(o, "all", !p->more);
    out_end_object(o);
}

/* ---- what a filter can be chosen from */

enum { CHOICES = 1000 };

static enum err write_versions(struct op *op)
{
    struct out *o = &op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT v.id, m.name || ' / ' || v.version, h.is_shadow, sum(h.n) FROM prediction_hour h JOIN model_version v"
                 " ON v.id = h.model_version_id JOIN model m ON m.id = v.model_id WHERE h.deployment_id = ?1"
                 " GROUP BY v.id, m.name, v.version, h.is_shadow ORDER BY h.is_shadow, max(h.hour) DESC, v.id DESC LIMIT ?2",
                 V(op->id), V((int64_t)CHOICES)));
    out_array(o, "versions");
    while (rows_next(r)) {
        out_object(o, NULL);
        out_text(o, "model_version_id", rows_text(r, 0));
        out_text(o, "name", rows_text(r, 1));
        out_text(o, "slot", filter_slots[rows_int(r, 2) != 0]);
        out_int(o, "predictions", rows_int(r, 3));
        out_end_object(o);
    }
    out_end_array(o);
    return rows_error(r);
}

static enum err write_names(struct op *op, const char *key, struct rows *r)
{
    out_array(&op->out, key);
    while (rows_next(r))
        out_text(&op->out, NULL, rows_text(r, 0));
    out_end_array(&op->out);
    return rows_error(r);
}

static enum err choices(struct op *op)
{
    AUTO(rows) struct rows *sources = NULL;
    AUTO(rows) struct rows *tags = NULL;
    out_object(&op->out, NULL);
    TRY(write_versions(op));
    TRY(sql_rows(op->db, &sources,
                 "SELECT DISTINCT q.source FROM (SELECT source FROM predicted_asset WHERE deployment_id = ?1"
                 " ORDER BY created_at DESC LIMIT ?2) q WHERE q.source IS NOT NULL ORDER BY q.source LIMIT ?3",
                 V(op->id), V((int64_t)LOOKED_AT_EACH), V((int64_t)CHOICES)));
    TRY(write_names(op, "sources", sources));
    TRY(sql_rows(op->db, &tags, "SELECT name FROM tag WHERE scope = ?1 AND target_type = 'PREDICTED_ASSET' ORDER BY name LIMIT ?2",
                 V(op->id), V((int64_t)CHOICES)));
    TRY(write_names(op, "tags", tags));
    out_end_object(&op->out);
    return OK;
}

DESCRIBED(version_choice, "version that answered", { "model_version_id", T_ID }, { "name", T_TEXT },
          { "slot", T_TEXT, .words = filter_slots }, { "predictions", T_INT });
DESCRIBED(choices_answer, "choices of a filter", { "versions", T_MANY, .of = &version_choice },
          { "sources", T_ARRAY, .of = &text_value }, { "tags", T_ARRAY, .of = &text_value });

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/filters", choices, MAY_READ, WORK_READ,
      "what a dashboard can be narrowed to: versions that answered, sources of its newest predictions, their tags", NULL, 0,
      .on = &deployment_resource, .answers = &choices_answer },
};

const struct resource filter_resource = { .name = "filter", .routes = routes, .n_routes = COUNT_OF(routes) };
