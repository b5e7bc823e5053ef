/* Experiments side by side: parameters (which differ), last and best values of metrics, and lines over one another. */
#include "app/experiment/experiment.h"
#include "base/clock.h"
#include <stdlib.h>
#include <string.h>

enum { MOST = 20, POINTS_A_LINE = 500, NAMES_MOST = 500 };

struct side {
    struct op *op;
    const char **ids;
    size_t n;
};

static enum err check(struct side *s)
{
    const struct json *sent = in_json(s->op, "ids");
    s->n = json_count(sent);
    s->ids = arena_new_array(s->op->arena, const char *, s->n);
    for (size_t i = 0; i < s->n; i++) {
        char *id = arena_take(s->op->arena, ID_SIZE);
        id_parse(json_text(json_at(sent, i)), id);
        TRY(resource_need(s->op, &experiment_resource, id));
        s->ids[i] = id;
    }
    return OK;
}

/* Names that at least one of them has, in order. A last value is not told beside the curve that it ends (mAP50, eval/mAP50). */
static enum err names(struct side *s, struct value ids, const char ***ret, size_t *ret_n)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        s->op->db, &r,
        "SELECT DISTINCT name FROM log l WHERE experiment_id IN " LISTED(
            "?1") " AND (type = 'LINE' OR"
                  " type = 'VALUE' AND NOT EXISTS (SELECT 1 FROM log k WHERE k.experiment_id = l.experiment_id AND k.type = 'LINE'"
                  " AND k.name = 'eval/' || l.name)) ORDER BY name LIMIT ?2",
        V(ids), V((int64_t)NAMES_MOST)));
    *ret = arena_new_array(s->op->arena, const char *, NAMES_MOST);
    *ret_n = 0;
    while (rows_next(r))
        (*ret)[(*ret_n)++] = arena_str(s->op->arena, rows_text(r, 0));
    return rows_error(r);
}

static enum err parameter(struct side *s, const char *name, const struct json *const *parameters)
{
    struct out *o = &s->op->out;
    bool differs = false;
    const char *first = NULL;
    out_object(o, NULL);
    out_text(o, "name", name);
    out_array(o, "values");
    for (size_t i = 0; i < s->n; i++) {
        const struct json *v = json_get(parameters[i], name);
        const char *text = v ? json_print(s->op->arena, v) : "";
        differs |= i && strcmp(text, first) != 0;
        if (!i)
            first = text;
        out_json(o, NULL, v);
    }
    out_end_array(o);
    out_bool(o, "differs", differs);
    out_end_object(o);
    return OK;
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The names of all their parameters, in order. */
static size_t parameter_names(struct side *s, const struct json *const *of, const char **ret)
{
    size_t n = 0;
    for (size_t i = 0; i < s->n; i++)
        for (struct json_member m = json_first(of[i]); m.key && n < NAMES_MOST; m = json_next(of[i], m)) {
            bool before = false;
            for (size_t k = 0; k < i && !before; k++)
                before = json_get(of[k], m.key);
            if (!before)
                ret[n++] = m.key;
        }
    qsort(ret, n, sizeof *ret, by_name);
    return n;
}

static enum err parameters(struct side *s)
{
    const struct json **of = arena_new_array(s->op->arena, const struct json *, s->n);
    for (size_t i = 0; i < s->n; i++) {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(s->op->db, &r, "SELECT data FROM log WHERE experiment_id = ?1 AND name = 'parameters' AND type = 'TABLE'",
                     V(s->ids[i])));
        if (rows_next(r))
            TRY(json_parse(s->op->arena, rows_text(r, 0), strlen(rows_text(r, 0)), &of[i]));
        TRY(rows_error(r));
    }
    const char *all[NAMES_MOST];
    size_t n = parameter_names(s, of, all);
    out_array(&s->op->out, "parameters");
    for (size_t i = 0; i < n; i++)
        TRY(parameter(s, all[i], of));
    out_end_array(&s->op->out);
    return OK;
}

/* Every k-th point and the last, so that no line has more than POINTS_A_LINE. */
static enum err points(struct side *s, const char *log)
{
    struct out *o = &s->op->out;
    AUTO(rows) struct rows *r = NULL;
    AUTO(out) struct out values;
    out_init(&values, 1 << 16);
    TRY(sql_rows(s->op->db, &r,
                 "WITH q AS (SELECT step, value, row_number() OVER (ORDER BY step) AS n, count(*) OVER () AS c FROM log_point"
                 " WHERE log_id = ?1) SELECT step, value FROM q WHERE n % (c / ?2 + 1) = 0 OR n = c ORDER BY step",
                 V(log), V((int64_t)POINTS_A_LINE)));
    out_array(o, "steps");
    out_array(&values, NULL);
    while (rows_next(r)) {
        out_raw(o, NULL, rows_text(r, 0));
        out_raw(&values, NULL, rows_text(r, 1));
    }
    out_end_array(o);
    out_end_array(&values);
    out_raw(o, "values", values.text.bytes);
    return rows_error(r);
}

static enum err metric_of(struct side *s, const char *experiment, const char *name)
{
    struct out *o = &s->op->out;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(s->op->db, &r,
                 "SELECT l.id, l.type, CASE l.type WHEN 'VALUE' THEN l.data ELSE (SELECT value FROM log_point WHERE log_id = l.id"
                 " ORDER BY step DESC LIMIT 1) END, (SELECT value FROM log_point WHERE log_id = l.id AND value IS NOT NULL"
                 " ORDER BY CAST(value AS REAL) LIMIT 1), (SELECT value FROM log_point WHERE log_id = l.id"
                 " ORDER BY CAST(value AS REAL) DESC LIMIT 1)"
                 " FROM log l WHERE l.experiment_id = ?1 AND l.name = ?2 AND l.type IN ('LINE', 'VALUE')",
                 V(experiment), V(name)));
    if (!rows_next(r)) {
        out_null(o, NULL);
        return rows_error(r);
    }
    out_object(o, NULL);
    out_text(o, "type", rows_text(r, 1));
    out_raw(o, "last", rows_text(r, 2));
    if (strcmp(rows_text(r, 1), "LINE") == 0) {
        out_raw(o, "min", rows_text(r, 3));
        out_raw(o, "max", rows_text(r, 4));
        TRY(points(s, rows_text(r, 0)));
    }
    out_end_object(o);
    return OK;
}

static enum err metrics(struct side *s, struct value ids)
{
    struct out *o = &s->op->out;
    const char **all;
    size_t n;
    TRY(names(s, ids, &all, &n));
    out_array(o, "metrics");
    for (size_t i = 0; i < n; i++) {
        out_object(o, NULL);
        out_text(o, "name", all[i]);
        out_array(o, "values"); /* one for each experiment, null where it has no such log */
        for (size_t k = 0; k < s->n; k++)
            TRY(metric_of(s, s->ids[k], all[i]));
        out_end_array(o);
        out_end_object(o);
    }
    out_end_array(o);
    return OK;
}

static enum err compare(struct op *op)
{
    struct side s = { .op = op };
    TRY(check(&s));
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    out_object(&op->out, NULL);
    out_array(&op->out, "experiments");
    for (size_t i = 0; i < s.n; i++)
        TRY(reply_member(op, NULL, &experiment_resource, s.ids[i]));
    out_end_array(&op->out);
    TRY(parameters(&s));
    TRY(metrics(&s, ids));
    out_end_object(&op->out);
    return OK;
}

static const struct field ids_in[] = { { "ids", T_IDS, F_NEED, .min = 1, .max = MOST } };

DESCRIBED(any_value, "value", { "*", T_JSON, F_NULL });
DESCRIBED(compared_parameter, "compared parameter", { "name", T_TEXT }, { "values", T_ARRAY, .of = &any_value },
          { "differs", T_BOOL });
DESCRIBED(compared_line, "compared value", { "type", T_TEXT }, { "last", T_JSON, F_NULL }, { "min", T_JSON, F_WHEN | F_NULL },
          { "max", T_JSON, F_WHEN | F_NULL }, { "steps", T_ARRAY, F_WHEN, .of = &any_value },
          { "values", T_ARRAY, F_WHEN, .of = &any_value });
DESCRIBED(maybe_line, "compared value or none", { "*", T_PART, F_NULL, .of = &compared_line });
DESCRIBED(compared_metric, "compared metric", { "name", T_TEXT }, { "values", T_ARRAY, .of = &maybe_line });
DESCRIBED(comparison_answer, "comparison", { "experiments", T_MANY, .of = &experiment_resource },
          { "parameters", T_MANY, .of = &compared_parameter }, { "metrics", T_MANY, .of = &compared_metric });

static const struct route routes[] = {
    { "POST", "/api/experiments/compare", compare, MAY_READ, WORK_READ, "experiments side by side: parameters, metrics, lines",
      FIELDS(ids_in), .answers = &comparison_answer },
};

const struct resource compare_resource = { .name = "comparison", .routes = routes, .n_routes = COUNT_OF(routes) };
