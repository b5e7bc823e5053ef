/* Logs of an experiment, one per name. A LINE is kept as points, so that a long curve is appended to without reading it. */
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "base/clock.h"
#include <math.h>
#include <string.h>

enum { POINTS_A_CALL = 100000, POINTS_A_LINE = 2000000, POINTS_ANSWERED = 10, BODY = 32 << 20 };

static const char *const types[] = { "VALUE", "IMAGE", "LINE", "TABLE", "BAR", "HEATMAP", "LABELMAP", "EVALUATION", NULL };

/* A point's value is the JSON text of the number, as exact as it came; NULL where it was null (no number to plot).
 * object_name: of an IMAGE, what its data names. */
static const char table[] =
    "CREATE TABLE log (id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE,"
    " name TEXT NOT NULL, type TEXT NOT NULL, data TEXT, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
    " object_name TEXT, n_points INTEGER NOT NULL DEFAULT 0, UNIQUE (experiment_id, name)) STRICT;"
    "CREATE TABLE log_point (log_id TEXT NOT NULL REFERENCES log(id) ON DELETE CASCADE, step ANY NOT NULL, value TEXT,"
    " PRIMARY KEY (log_id, step)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER log_gone AFTER DELETE ON log WHEN old.object_name IS NOT NULL BEGIN " OBJECT_FREE(
        "old.object_name") " END;"
                           "CREATE TRIGGER log_replaced AFTER UPDATE OF object_name ON log WHEN old.object_name <> "
                           "coalesce(new.object_name, '') BEGIN " OBJECT_FREE("old.object_name") " END";

static const struct field point_fields[] = { { "steps", T_JSON, 0, "p.step" }, { "values", T_JSON, F_NULL, "p.value" } };
static const struct resource line_points = {
    .name = "points of a line",
    .fields = point_fields,
    .n_fields = COUNT_OF(point_fields),
    .from = "log_point p",
    .key = "p.log_id",
    .order = "p.log_id, p.step",
};

static const struct field fields[] = {
    { "id", T_ID, F_FILTER, "l.id" },
    { "name", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED | F_EDIT, "l.name", .min = 1, .max = 200 },
    { "type", T_TEXT, F_SORT | F_FILTER | F_NEW | F_NEED, "l.type", .words = types },
    /* what was sent; of a line its points, of an image with a link to it */
    { "data", T_JSON, F_WHEN | F_NULL | F_NEW | F_NEED | F_EDIT,
      "CASE WHEN l.type NOT IN ('LINE', 'IMAGE') THEN coalesce(l.data, 'null') END" },
    { "data", T_LINKED, F_WHEN, "CASE WHEN l.type = 'IMAGE' THEN l.data END" },
    { "data", T_COLUMNS, F_WHEN, "CASE WHEN l.type = 'LINE' THEN l.id END", .of = &line_points, .by = "p.log_id" },
    { "experiment_id", T_ID, 0, "l.experiment_id" },
    { "created_at", T_TIME, F_SORT, "l.created_at" },
    { "updated_at", T_TIME, F_SORT, "l.updated_at" },
    { "nb_points", T_INT, 0, "l.n_points" },
};

/* ---- lines */

/* The points of one call, on their way into a line. */
struct line {
    struct sql *db;
    const char *log;
    int64_t added; /* those that replaced another are not */
};

static enum err add_point(struct line *l, struct value step, const struct json *value)
{
    double number;
    bool none = json_absent(value);
    if (!none && !json_number(value, &number))
        return fail(E_INVALID, "data: a line's values must be numbers");
    AUTO(out) struct out o;
    out_init(&o, 100);
    if (!none)
        out_number(&o, NULL, number);
    const char *text = none ? NULL : o.text.bytes;
    TRY(sql_run(l->db, "INSERT INTO log_point (log_id, step, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING", V(l->log), V(step),
                V(text)));
    if (sql_changes(l->db)) {
        l->added++;
        return OK;
    }
    return sql_run(l->db, "UPDATE log_point SET value = ?3 WHERE log_id = ?1 AND step = ?2", V(l->log), V(step), V(text));
}

static enum err add_pairs(struct line *l, const struct json *steps, const struct json *values)
{
    if (json_kind(steps) != J_ARRAY || json_kind(values) != J_ARRAY || json_count(steps) != json_count(values))
        return fail(E_INVALID, "data: a line needs as many steps as values");
    for (size_t i = 0; i < json_count(steps); i++) {
        int64_t whole;
        double real;
        struct value step;
        if (json_int(json_at(steps, i), &whole))
            step = value_int(whole);
        else if (json_number(json_at(steps, i), &real))
            step = value_real(real);
        else
            return fail(E_INVALID, "data: step %zu is no number", i);
        TRY(add_point(l, step, json_at(values, i)));
    }
    return OK;
}

/* How many steps or epochs the parameters of a training announce; 0: they do not say. */
static enum err length_of(struct arena *a, const char *parameters, double *ret)
{
    const struct json *v = NULL;
    if (parameters)
        TRY(json_parse(a, parameters, strlen(parameters), &v));
    if (!json_number(json_get(v, "steps"), ret) && !json_number(json_get(v, "epochs"), ret))
        *ret = 0;
    return OK;
}

/* How far the training is, if its parameters say how long it will be. Pages are told of each half percent. */
static enum err note_progress(struct sql *db, struct arena *a, const char *log)
{
    const char *id;
    double before, now, whole = 0;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_first(
            db, &r,
            "SELECT e.id, e.progress, (SELECT max(p.step) FROM log_point p WHERE p.log_id = l.id), (SELECT k.data FROM log k"
            " WHERE k.experiment_id = e.id AND k.name = 'parameters' AND k.type = 'TABLE'), e.status FROM log l"
            " JOIN experiment e ON e.id = l.experiment_id WHERE l.id = ?1",
            V(log)));
        id = arena_str(a, rows_text(r, 0));
        before = rows_real(r, 1);
        TRY(length_of(a, rows_text(r, 3), &whole));
        now = whole > 0 ? fmin(1, rows_real(r, 2) / whole) : 0;
        if (strcmp(rows_text(r, 4), "RUNNING") != 0 || now <= before)
            return OK;
    }
    TRY(sql_run(db, "UPDATE experiment SET progress = ?2 WHERE id = ?1", V(id), V(now)));
    if (floor(now * 200) <= floor(before * 200))
        return OK;
    return event_tell(db, &experiment_resource, id, arena_fmt(a, "experiment:%s", id),
                      arena_fmt(a, "{\"kind\":\"progress\",\"progress\":%.4f}", now));
}

/* data: a number, a list of values (they follow the last step), or {"steps" or "x": […], "values" or "y": […]} (by step: the same
 * step again replaces its value, so that a resumed training writes no double). */
static enum err append(struct sql *db, struct arena *a, const char *log, const struct json *data)
{
    const struct json *values = json_get(data, "values") ? json_get(data, "values") : json_get(data, "y");
    const struct json *steps = json_get(data, "steps") ? json_get(data, "steps") : json_get(data, "x");
    size_t n = json_kind(data) == J_OBJECT ? json_count(values) : json_kind(data) == J_ARRAY ? json_count(data) : 1;
    int64_t have = 0, last = -1;
    struct line l = { .db = db, .log = log };
    TRY(sql_int(db, &have, "SELECT n_points FROM log WHERE id = ?1", V(log)));
    if (n > POINTS_A_CALL || have + (int64_t)n > POINTS_A_LINE)
        return fail(E_TOO_BIG, "data: a line takes %d points in a call and %d in all", POINTS_A_CALL, POINTS_A_LINE);
    if (json_kind(data) == J_OBJECT) {
        TRY(add_pairs(&l, steps, values));
    } else {
        TRY(sql_int(db, &last, "SELECT coalesce(max(step), -1) FROM log_point WHERE log_id = ?1", V(log)));
        for (size_t i = 0; i < n; i++)
            TRY(add_point(&l, value_int(last + 1 + (int64_t)i), json_kind(data) == J_ARRAY ? json_at(data, i) : data));
    }
    TRY(sql_run(db, "UPDATE log SET updated_at = ?2, n_points = n_points + ?3 WHERE id = ?1", V(log), V(clock_now_ms()),
                V(l.added)));
    return note_progress(db, a, log);
}

/* Of a line, an answer to an append has the last points only: what it costs must not grow with the line. */
static enum err write_last_points(struct op *op, const char *log)
{
    const char *values[POINTS_ANSWERED];
    size_t n = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT step, value FROM (SELECT step, value FROM log_point WHERE log_id = ?1 ORDER BY step DESC LIMIT ?2) p"
                 " ORDER BY step",
                 V(log), V((int64_t)POINTS_ANSWERED)));
    out_object(&op->out, "data");
    out_array(&op->out, "steps");
    for (; rows_next(r); n++) {
        if (rows_kind(r, 0) == VALUE_INT)
            out_int(&op->out, NULL, rows_int(r, 0));
        else
            out_number(&op->out, NULL, rows_real(r, 0));
        values[n] = arena_str(op->arena, rows_text(r, 1));
    }
    out_end_array(&op->out);
    out_array(&op->out, "values");
    for (size_t i = 0; i < n; i++)
        out_raw(&op->out, NULL, values[i]);
    out_end_array(&op->out);
    out_end_object(&op->out);
    return rows_error(r);
}

static enum err answer_line(struct op *op, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT name, experiment_id, created_at, updated_at, n_points FROM log WHERE id = ?1", V(id)));
    out_object(&op->out, NULL);
    out_text(&op->out, "id", id);
    out_text(&op->out, "name", rows_text(r, 0));
    out_text(&op->out, "type", "LINE");
    TRY(write_last_points(op, id));
    out_text(&op->out, "experiment_id", rows_text(r, 1));
    out_text(&op->out, "created_at", clock_iso(op->arena, rows_int(r, 2)));
    out_text(&op->out, "updated_at", clock_iso(op->arena, rows_int(r, 3)));
    out_int(&op->out, "nb_points", rows_int(r, 4));
    out_end_object(&op->out);
    return OK;
}

/* ---- the other types */

static enum err tell(struct sql *db, struct arena *a, const char *experiment, const char *name, const char *type)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "kind", "log");
    out_text(&o, "name", name);
    out_text(&o, "type", type);
    out_end_object(&o);
    return event_tell(db, &experiment_resource, experiment, arena_fmt(a, "experiment:%s", experiment), o.text.bytes);
}

/* The log of that name, made if there is none; E_CONFLICT if it is of another type. */
static enum err get_or_make(struct sql *db, struct arena *a, const char *experiment, const char *name, const char *type,
                            const char **ret_id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r, "SELECT id, type FROM log WHERE experiment_id = ?1 AND name = ?2", V(experiment), V(name)));
    if (rows_next(r)) {
        if (strcmp(rows_text(r, 1), type) != 0)
            return fail(E_CONFLICT, "the log \"%s\" is of type %s; it cannot become %s", name, rows_text(r, 1), type);
        *ret_id = arena_str(a, rows_text(r, 0));
        return OK;
    }
    TRY(rows_error(r));
    *ret_id = id_new(a);
    return sql_run(db, "INSERT INTO log (id, experiment_id, name, type, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                   V(*ret_id), V(experiment), V(name), V(type), V(clock_now_ms()));
}

enum err log_put_text(struct sql *db, struct arena *a, const char *experiment_id, const char *name, const char *type,
                      const char *data)
{
    const char *id;
    TRY(get_or_make(db, a, experiment_id, name, type, &id));
    TRY(sql_run(db, "UPDATE log SET data = ?2, updated_at = ?3 WHERE id = ?1", V(id), V(data), V(clock_now_ms())));
    return tell(db, a, experiment_id, name, type);
}

/* The picture that it had before is freed by the trigger, if nothing else names it. */
static enum err note_object(struct sql *db, const char *id, const char *type, const struct json *data)
{
    if (strcmp(type, "IMAGE") != 0)
        return OK;
    return sql_run(db, "UPDATE log SET object_name = ?2 WHERE id = ?1", V(id), V(json_text(json_get(data, "object_name"))));
}

enum err log_put(struct sql *db, struct arena *a, const char *experiment_id, const char *name, const char *type,
                 const struct json *data, const char **ret_id)
{
    if (strcmp(type, "LINE") == 0) {
        TRY(get_or_make(db, a, experiment_id, name, type, ret_id));
        TRY(append(db, a, *ret_id, data));
        return tell(db, a, experiment_id, name, type);
    }
    /* Clients write a number that is none as null; what is no number is kept as that. */
    if (strcmp(type, "VALUE") == 0 && json_absent(data)) {
        TRY(log_put_text(db, a, experiment_id, name, type, "\"NaN\""));
    } else {
        TRY(log_check(type, data));
        TRY(log_put_text(db, a, experiment_id, name, type, json_print(a, data)));
    }
    TRY(get_or_make(db, a, experiment_id, name, type, ret_id));
    return note_object(db, *ret_id, type, data);
}

/* ---- routes */

/* null is a value here: of a curve, a step at which there was no number to plot. */
static enum err sent_data(struct op *op, const struct json **ret)
{
    *ret = json_get(op->body, "data");
    return *ret ? OK : fail(E_INVALID, "data is missing");
}

static enum err check_image(struct op *op, const char *type, const struct json *data)
{
    const char *object = json_text(json_get(data, "object_name"));
    return strcmp(type, "IMAGE") == 0 && object ? object_is_own(op, object) : OK;
}

static enum err answer_id(struct op *op, const char *id)
{
    out_object(&op->out, NULL);
    out_text(&op->out, "id", id);
    out_end_object(&op->out);
    return OK;
}

static enum err create(struct op *op)
{
    const char *id, *name = in_text(op, "name"), *type = in_text(op, "type");
    const struct json *data;
    TRY(sent_data(op, &data));
    TRY(check_image(op, type, in_json(op, "data")));
    if (in_bool(op, "raise_on_conflict", false)) {
        int64_t have = 0;
        TRY(sql_int(op->db, &have, "SELECT count(*) FROM log WHERE experiment_id = ?1 AND name = ?2", V(op->id), V(name)));
        if (have)
            return fail(E_CONFLICT, "the experiment has a log \"%s\" already", name);
    }
    TRY(log_put(op->db, op->arena, op->id, name, type, data, &id));
    op->status = 201;
    if (in_bool(op, "quiet", false)) /* the trainer does not want a long line back each time */
        return answer_id(op, id);
    return strcmp(type, "LINE") == 0 ? answer_line(op, id) : reply_one(op, &log_resource, id);
}

static enum err list(struct op *op)
{
    return reply_list(op, &log_resource, "l.experiment_id = ?1", V(op->id));
}

static enum err list_ids(struct op *op)
{
    const char **ids;
    size_t n;
    TRY(resource_ids(op, &log_resource, NULL, "l.experiment_id = ?1", VALUES(V(op->id)), &ids, &n));
    out_array(&op->out, NULL);
    for (size_t i = 0; i < n; i++)
        out_text(&op->out, NULL, ids[i]);
    out_end_array(&op->out);
    return OK;
}

static enum err find(struct op *op)
{
    const char *name = in_text(op, "name");
    return reply_find(op, &log_resource, arena_fmt(op->arena, "the experiment has no log \"%s\"", name),
                      "l.experiment_id = ?1 AND l.name = ?2", V(op->id), V(name));
}

static enum err delete_many(struct op *op)
{
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    return sql_run(op->db, "DELETE FROM log WHERE experiment_id = ?1 AND id IN " LISTED("?2"), V(op->id), V(ids));
}

static enum err mine(struct op *op, const char **ret_type, const char **ret_experiment)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT type, experiment_id, name FROM log WHERE id = ?1", V(op->id)));
    *ret_type = arena_str(op->arena, rows_text(r, 0));
    *ret_experiment = arena_str(op->arena, rows_text(r, 1));
    return OK;
}

static enum err get(struct op *op)
{
    return reply_one(op, &log_resource, op->id);
}

static enum err update(struct op *op)
{
    const char *type, *experiment, *name = in_text(op, "name");
    const struct json *data = in_json(op, "data");
    TRY(mine(op, &type, &experiment));
    if (!name && json_absent(data))
        return fail(E_INVALID, "nothing was sent that can be changed");
    if (name) {
        enum err e = sql_run(op->db, "UPDATE log SET name = ?2 WHERE id = ?1", V(op->id), V(name));
        if (e == E_CONFLICT)
            return fail(E_CONFLICT, "the experiment has a log \"%s\" already", name);
        TRY(e);
    }
    if (!json_absent(data) && strcmp(type, "LINE") == 0) {
        TRY(sql_run(op->db, "DELETE FROM log_point WHERE log_id = ?1", V(op->id)));
        TRY(sql_run(op->db, "UPDATE log SET n_points = 0 WHERE id = ?1", V(op->id)));
        TRY(append(op->db, op->arena, op->id, data));
    } else if (!json_absent(data)) {
        TRY(check_image(op, type, data));
        TRY(log_check(type, data));
        TRY(sql_run(op->db, "UPDATE log SET data = ?2 WHERE id = ?1", V(op->id), V(json_print(op->arena, data))));
        TRY(note_object(op->db, op->id, type, data));
    }
    TRY(sql_run(op->db, "UPDATE log SET updated_at = ?2 WHERE id = ?1", V(op->id), V(clock_now_ms())));
    TRY(tell(op->db, op->arena, experiment, name ? name : "", type));
    return reply_one(op, &log_resource, op->id);
}

static enum err append_to(struct op *op)
{
    const char *type, *experiment;
    const struct json *data;
    TRY(mine(op, &type, &experiment));
    if (strcmp(type, "LINE") != 0)
        return fail(E_INVALID, "only a log of type LINE can be appended to; this one is %s", type);
    TRY(sent_data(op, &data));
    TRY(append(op->db, op->arena, op->id, data));
    TRY(tell(op->db, op->arena, experiment, "", type));
    return answer_line(op, op->id);
}

static enum err delete (struct op *op) {
    const char *type, *experiment; TRY(mine(op, &type, &experiment));
    return sql_run(op->db, "DELETE FROM log WHERE id = ?1", V(op->id));
}

static const struct field create_in[] = {
    { "raise_on_conflict", T_BOOL },
    { "quiet", T_BOOL },
};
static const struct field data_in[] = { { "data", T_JSON, F_NULL } };
static const struct field name_in[] = { { "name", T_TEXT, F_NEED, .max = 200 } };
static const struct field ids_in[] = { { "ids", T_IDS, F_NEED } };

DESCRIBED(quiet_answer, "id of a log", { "id", T_ID });

static const struct route routes[] = {
    { "POST", "/api/experiment/{id}/logs", create, MAY_WRITE, WORK_WRITE, "makes or replaces a log; a LINE is appended to",
      FIELDS(create_in), &log_resource, BODY, .makes = &log_resource, .on = &experiment_resource, .or_answers = &quiet_answer },
    { "GET", "/api/experiment/{id}/logs/extended", list, MAY_READ, WORK_READ, "the logs of an experiment", NULL, 0, &log_resource,
      .on = &experiment_resource, .gives = GIVES_PAGE },
    { "GET", "/api/experiment/{id}/logs/ids", list_ids, MAY_READ, WORK_READ, "the ids of an experiment's logs",
      .on = &experiment_resource, .answers = &id_answer, .gives = GIVES_ROWS },
    { "GET", "/api/experiment/{id}/logs/find", find, MAY_READ, WORK_READ, "a log by name", FIELDS(name_in), &log_resource,
      .on = &experiment_resource },
    { "DELETE", "/api/experiment/{id}/logs", delete_many, MAY_WRITE, WORK_WRITE, "deletes logs", FIELDS(ids_in),
      .on = &experiment_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/log/{id}", get, MAY_READ, WORK_READ, "a log", NULL, 0, &log_resource, .on = &log_resource },
    { "PATCH", "/api/log/{id}", update, MAY_WRITE, WORK_WRITE, "renames a log or replaces its data", CHANGES(&log_resource),
      .body_cap = BODY, .on = &log_resource },
    { "POST", "/api/log/{id}/append", append_to, MAY_WRITE, WORK_WRITE, "appends to a LINE", FIELDS(data_in), &log_resource, BODY,
      .on = &log_resource },
    { "DELETE", "/api/log/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes a log", .on = &log_resource, .gives = GIVES_NOTHING },
};

const struct resource log_resource = {
    .name = "log",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "log l JOIN experiment e ON e.id = l.experiment_id JOIN project p ON p.id = e.project_id",
    .key = "l.id",
    .org = "p.org",
    .root = "p.id",
    .order = "l.created_at, l.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
