/* What is in a model version's file: asked in the sandbox, kept with the version until its file or what is told about it changes.
 */
#include "app/model/model.h"
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "infer/infer.h"
#include <string.h>

static const char table[] =
    "CREATE TABLE model_look (model_version_id TEXT PRIMARY KEY REFERENCES model_version(id) ON DELETE CASCADE, hash TEXT NOT NULL,"
    " told TEXT NOT NULL, tells TEXT NOT NULL, looked_at INTEGER NOT NULL) STRICT, WITHOUT ROWID";

struct looked {
    const char *version, *tells;
    const char *files; /* what tells the file and those beside it apart from others */
    struct model_served file;
};

static const char *told_of(const struct looked *l)
{
    return l->file.told ? l->file.told : "";
}

static enum err find_kept(struct op *op, struct looked *l)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(op->db, &r, "SELECT tells FROM model_look WHERE model_version_id = ?1 AND hash = ?2 AND told = ?3",
                           V(l->version), V(l->files), V(told_of(l)));
    if (e == OK)
        l->tells = arena_str(op->arena, rows_text(r, 0));
    return e == E_NOT_FOUND ? OK : e;
}

static enum err keep(struct op *op)
{
    const struct looked *l = op->state;
    return sql_run(op->db,
                   "INSERT INTO model_look (model_version_id, hash, told, tells, looked_at) VALUES (?1, ?2, ?3, ?4, ?5)"
                   " ON CONFLICT (model_version_id) DO UPDATE SET hash = ?2, told = ?3, tells = ?4, looked_at = ?5",
                   V(l->version), V(l->files), V(told_of(l)), V(l->tells), V(clock_now_ms()));
}

static enum err ask(struct op *op, struct looked *l)
{
    AUTO(infer_model) struct infer_model model = MODEL_CLOSED;
    char *tells;
    void *state = op->state;
    TRY(model_open_served(op->services, op->arena, &l->file, &model));
    TRY(infer_describe(op->services->infer, op_party(op), &model, op->arena, &tells));
    l->tells = tells;
    op->state = l;
    enum err e = op_write(op, keep);
    op->state = state;
    return e;
}

static const char *files_of(struct arena *a, const struct model_served *m)
{
    const char *all = m->hash;
    char hash[HASH_SIZE];
    for (size_t i = 0; i < m->n_beside; i++)
        all = arena_fmt(a, "%s %s %s", all, m->beside[i].hash, m->beside[i].filename);
    sha256_hex(all, strlen(all), hash);
    return m->n_beside ? arena_str(a, hash) : m->hash;
}

static enum err look(struct op *op, const char *version, struct looked *ret)
{
    *ret = (struct looked){ .version = version };
    TRY(model_file_find(op->db, op->arena, version, &ret->file));
    ret->files = files_of(op->arena, &ret->file);
    TRY(find_kept(op, ret));
    return ret->tells ? OK : ask(op, ret);
}

/* Files that trainings here wrote are served as they are, and what is no ONNX file is refused by its name. */
static enum err has_foreign_file(struct op *op, const char *version, bool *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(op->db, &r,
                           "SELECT f.filename, v.framework FROM model_file f JOIN model_version v ON v.id = f.model_version_id"
                           " WHERE v.id = ?1 AND v.architecture IS NULL AND f.name = 'model-latest'",
                           V(version));
    *ret = e == OK && model_is_servable_file(rows_text(r, 0), rows_text(r, 1));
    return e == E_NOT_FOUND ? OK : e;
}

enum err model_need_servable(struct op *op, const char *version)
{
    bool foreign;
    struct looked l;
    const struct json *v;
    TRY(model_version_seen(op, version));
    TRY(has_foreign_file(op, version, &foreign));
    if (!foreign)
        return OK;
    TRY(look(op, version, &l));
    TRY(json_parse(op->arena, l.tells, strlen(l.tells), &v));
    const char *problem = json_text(json_get(v, "problem"));
    return problem ? fail(E_UNMEANT, "%s", problem) : OK;
}

/* ---- the route */

static enum err get(struct op *op)
{
    struct looked l;
    TRY(look(op, op->id, &l));
    out_raw(&op->out, NULL, l.tells);
    return OK;
}

DESCRIBED(size_of_axis, "length of an axis", { "*", T_INT, F_NULL });
DESCRIBED(value_told, "input or output of a file", { "name", T_TEXT }, { "type", T_TEXT },
          { "shape", T_ARRAY, .of = &size_of_axis }, { "ran", T_ARRAY, F_WHEN, .of = &size_of_axis });
DESCRIBED(operator_set, "operator set", { "domain", T_TEXT }, { "version", T_INT });
DESCRIBED(operator_told, "operator of a file", { "domain", T_TEXT }, { "name", T_TEXT }, { "count", T_INT });
DESCRIBED(file_beside, "file in which tensors lie", { "name", T_TEXT }, { "bytes", T_INT, F_NULL });
DESCRIBED(missing_fact, "what must be told", { "key", T_TEXT }, { "what", T_TEXT });
DESCRIBED(any_fact, "fact about a file", { "*", T_JSON });
DESCRIBED(look_answer, "what is in a model file", { "family", T_TEXT, F_NULL }, { "why", T_TEXT, F_NULL },
          { "problem", T_TEXT, F_NULL }, { "task", T_TEXT, F_NULL }, { "types", T_ARRAY, .of = &text_value },
          { "missing", T_MANY, .of = &missing_fact }, { "class_numbers", T_BOOL, F_WHEN },
          { "description", T_OBJECT, .of = &any_fact }, { "known_from", T_OBJECT, .of = &text_value },
          { "inputs", T_MANY, .of = &value_told }, { "outputs", T_MANY, .of = &value_told }, { "producer", T_TEXT },
          { "producer_version", T_TEXT }, { "ir_version", T_INT }, { "nodes", T_INT }, { "files", T_MANY, .of = &file_beside },
          { "operator_sets", T_MANY, .of = &operator_set }, { "operators", T_MANY, .of = &operator_told },
          { "names", T_OBJECT, .of = &text_value }, { "metadata", T_OBJECT, .of = &text_value });

static const struct route routes[] = {
    { "GET", "/api/model/version/{id}/look", get, MAY_READ, WORK_FREE,
      "what is in the version's model-latest: inputs, outputs, operators, what it is taken for and what must be told about it",
      .on = &model_version_resource, .answers = &look_answer, .public_too = true },
};

const struct resource model_look_resource = {
    .name = "look at a model file", .table = table, .routes = routes, .n_routes = COUNT_OF(routes)
};
