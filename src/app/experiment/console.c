/* What a training writes while it runs: lines for the pages, and the whole as a file at its end. */
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include "base/clock.h"
#include <string.h>

enum { LINES_KEPT = 100000, LINES_AT_ONCE = 2000 };

static const char table[] =
    "CREATE TABLE console_line (experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE, n INTEGER NOT NULL,"
    " line_nb INTEGER NOT NULL, part TEXT NOT NULL, log TEXT NOT NULL, final INTEGER NOT NULL, special TEXT, at INTEGER NOT NULL,"
    " PRIMARY KEY (experiment_id, n)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE logging_file (id TEXT PRIMARY KEY, experiment_id TEXT NOT NULL UNIQUE REFERENCES experiment(id) ON DELETE "
    "CASCADE,"
    " object_name TEXT NOT NULL, created_at INTEGER NOT NULL) STRICT;" OBJECT_FREED_BY("logging_file");

static const struct field fields[] = {
    { "id", T_ID, 0, "f.id" },
    { "object_name", T_TEXT, 0, "f.object_name" },
    { "experiment_id", T_ID, 0, "f.experiment_id" },
    { "created_at", T_TIME, 0, "f.created_at" },
    { "presigned_url", T_LINK, 0, "f.object_name" },
};

/* A client counts its lines from 0 each time it starts; ours are counted on (`n`), so that a reader asks for what follows. The line
 * that came last is taken once, even if the client sends it again because it saw no answer. */
static enum err send(struct op *op)
{
    const char *part = in_text(op, "part"), *log = in_print(op, "log");
    int64_t line = in_int(op, "line_nb", 0), n = 0, again = 0;
    if (!part)
        part = "";
    TRY(sql_int(op->db, &n, "SELECT coalesce(max(n), 0) FROM console_line WHERE experiment_id = ?1", V(op->id)));
    TRY(sql_int(op->db, &again,
                "SELECT count(*) FROM console_line WHERE experiment_id = ?1 AND n = ?2 AND line_nb = ?3 AND part = ?4"
                " AND log = ?5",
                V(op->id), V(n), V(line), V(part), V(log)));
    if (again)
        return OK;
    n++;
    TRY(sql_run(op->db,
                "INSERT INTO console_line (experiment_id, n, line_nb, part, log, final, special, at)"
                " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                V(op->id), V(n), V(line), V(part), V(log), V(in_bool(op, "final", false)), V(in_print(op, "special")),
                V(clock_now_ms())));
    TRY(sql_run(op->db, "DELETE FROM console_line WHERE experiment_id = ?1 AND n <= ?2", V(op->id), V(n - LINES_KEPT)));
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_text(&o, "kind", "console");
    out_int(&o, "n", n);
    out_int(&o, "line_nb", line);
    out_text(&o, "part", part);
    out_raw(&o, "log", log);
    out_end_object(&o);
    return event_tell(op->db, &experiment_resource, op->id, arena_fmt(op->arena, "experiment:%s", op->id), o.text.bytes);
}

static enum err lines(struct op *op, const char *id)
{
    struct out *o = &op->out;
    int64_t after = in_int(op, "after", 0);
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT n, line_nb, part, log, final, special, at FROM console_line WHERE experiment_id = ?1 AND n > ?2 ORDER BY n"
                 " LIMIT ?3",
                 V(id), V(after), V((int64_t)LINES_AT_ONCE)));
    out_object(o, NULL);
    out_array(o, "items");
    int64_t count = 0;
    for (; rows_next(r); count++) {
        out_object(o, NULL);
        out_int(o, "n", rows_int(r, 0));
        out_int(o, "line_nb", rows_int(r, 1));
        out_text(o, "part", rows_text(r, 2));
        out_raw(o, "log", rows_text(r, 3));
        out_bool(o, "final", rows_int(r, 4));
        out_raw(o, "special", rows_text(r, 5));
        out_text(o, "at", clock_iso(op->arena, rows_int(r, 6)));
        out_end_object(o);
        after = rows_int(r, 0);
    }
    TRY(rows_error(r));
    out_end_array(o);
    out_int(o, "count", count);
    out_int(o, "last", after);
    out_bool(o, "more", count == LINES_AT_ONCE);
    out_end_object(o);
    return OK;
}

static enum err read(struct op *op)
{
    if (in_has(op, "after"))
        return lines(op, op->id);
    return reply_find(op, &console_resource, "the experiment has no logging file", "f.experiment_id = ?1", V(op->id));
}

static enum err save(struct op *op)
{
    const char *object = in_text(op, "object_name");
    TRY(object_is_own(op, object));
    TRY(sql_run(op->db,
                "INSERT INTO logging_file (id, experiment_id, object_name, created_at) VALUES (?1, ?2, ?3, ?4)"
                " ON CONFLICT (experiment_id) DO UPDATE SET object_name = excluded.object_name, created_at = excluded.created_at",
                V(id_new(op->arena)), V(op->id), V(object), V(clock_now_ms())));
    return reply_find(op, &console_resource, "the file is gone", "f.experiment_id = ?1", V(op->id));
}

static enum err get(struct op *op)
{
    return reply_one(op, &console_resource, op->id);
}

static enum err update(struct op *op)
{
    const char *object = in_text(op, "object_name");
    TRY(object_is_own(op, object));
    TRY(sql_run(op->db, "UPDATE logging_file SET object_name = ?2 WHERE id = ?1", V(op->id), V(object)));
    return reply_one(op, &console_resource, op->id);
}

static enum err delete (struct op *op) { return sql_run(op->db, "DELETE FROM logging_file WHERE id = ?1", V(op->id)); }

static const struct field line_in[] = {
    { "line_nb", T_INT, F_NEED, .max = 1e12 },
    { "log", T_JSON, F_NEED },
    { "part", T_TEXT, F_NULL, .max = 200 },
    { "final", T_BOOL, F_NULL },
    { "special", T_JSON, F_NULL },
};
static const struct field after_in[] = { { "after", T_INT, .max = 1e15 } };
static const struct field object_in[] = { { "object_name", T_TEXT, F_NEED, .min = 1 } };

DESCRIBED(console_line, "console line", { "n", T_INT }, { "line_nb", T_INT }, { "part", T_TEXT }, { "log", T_JSON },
          { "final", T_BOOL }, { "special", T_JSON, F_NULL }, { "at", T_TIME });
DESCRIBED(console_answer, "console", { "items", T_MANY, .of = &console_line }, { "count", T_INT }, { "last", T_INT },
          { "more", T_BOOL });

static const struct route routes[] = {
    { "POST", "/api/experiment/{id}/logging", send, MAY_WRITE, WORK_WRITE, "one or more lines of the console", FIELDS(line_in),
      .body_cap = 256 << 10, .on = &experiment_resource, .gives = GIVES_NOTHING },
    { "GET", "/api/experiment/{id}/logging", read, MAY_READ, WORK_READ,
      "the stored console file; with after=N the lines after the N-th", FIELDS(after_in), .on = &experiment_resource,
      .answers = &console_answer, .or_answers = &console_resource },
    { "POST", "/api/experiment/{id}/logging/save", save, MAY_WRITE, WORK_WRITE, "stores the console as an uploaded file",
      FIELDS(object_in), &console_resource, .on = &experiment_resource },
    { "GET", "/api/logging/file/{id}", get, MAY_READ, WORK_READ, "a stored console file", NULL, 0, &console_resource,
      .on = &console_resource },
    { "PATCH", "/api/logging/file/{id}", update, MAY_WRITE, WORK_WRITE, "replaces a stored console file", FIELDS(object_in),
      &console_resource, .on = &console_resource },
    { "DELETE", "/api/logging/file/{id}", delete, MAY_WRITE, WORK_WRITE, "deletes a stored console file", .on = &console_resource,
      .gives = GIVES_NOTHING },
};

const struct resource console_resource = {
    .name = "logging file",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "logging_file f JOIN experiment e ON e.id = f.experiment_id JOIN project p ON p.id = e.project_id",
    .key = "f.id",
    .org = "p.org",
    .root = "p.id",
    .routes = routes,
    .n_routes = COUNT_OF(routes),
};
