/* What an experiment learns from, as it was: kept when it is attached and once more when the training begins, and not deleted with
 * it. A dataset version or a model that goes later leaves its name and its numbers here. */
#include "app/experiment/experiment.h"
#include "base/clock.h"

static const char table[] =
    "CREATE TABLE experiment_source (experiment_id TEXT NOT NULL REFERENCES experiment(id) ON DELETE CASCADE, name TEXT NOT NULL,"
    " kind TEXT NOT NULL CHECK (kind IN ('dataset version', 'model version')), thing_id TEXT NOT NULL, origin_name TEXT NOT NULL, "
    "version TEXT NOT NULL,"
    " nb_assets INTEGER, nb_objects INTEGER, labels TEXT, kept_at INTEGER NOT NULL, PRIMARY KEY (experiment_id, kind, name)) "
    "STRICT";

static const char *const kinds[] = { "dataset version", "model version", NULL };
static const struct field fields[] = {
    { "name", T_TEXT, 0, "o.name" },
    { "kind", T_TEXT, 0, "o.kind", .words = kinds },
    { "thing_id", T_ID, 0, "o.thing_id" },
    { "origin_name", T_TEXT, 0, "o.origin_name" },
    { "version", T_TEXT, 0, "o.version" },
    { "nb_assets", T_INT, F_NULL, "o.nb_assets" },
    { "nb_objects", T_INT, F_NULL, "o.nb_objects" },
    { "labels", T_OBJECT, F_NULL, "o.labels" },
    { "there", T_BOOL, 0,
      "(EXISTS (SELECT 1 FROM dataset_version v WHERE v.id = o.thing_id) OR EXISTS (SELECT 1 FROM model_version v WHERE v.id = "
      "o.thing_id)) AND " NOT_GONE("o.thing_id") },
    { "kept_at", T_TIME, 0, "o.kept_at" },
};
const struct resource experiment_source_resource = {
    .name = "source of an experiment",
    .table = table,
    .fields = fields,
    .n_fields = COUNT_OF(fields),
    .from = "experiment_source o",
    .key = "o.thing_id",
    .order = "o.kind, o.name",
};

/* {"label": how many objects} of a version. */
static enum err labels_of(struct sql *db, struct arena *a, const char *version, const char **ret)
{
    AUTO(out) struct out o;
    AUTO(rows) struct rows *r = NULL;
    out_init(&o, 16 << 20);
    TRY(sql_rows(db, &r, "SELECT name, n_shapes FROM label WHERE dataset_version_id = ?1 ORDER BY position", V(version)));
    out_object(&o, NULL);
    while (rows_next(r))
        out_int(&o, rows_text(r, 0), rows_int(r, 1));
    out_end_object(&o);
    *ret = arena_str(a, o.text.bytes);
    return rows_error(r);
}

static enum err keep_version(struct sql *db, struct arena *a, const char *id, const char *name, const char *version)
{
    const char *labels;
    TRY(labels_of(db, a, version, &labels));
    return sql_run(
        db,
        "INSERT INTO experiment_source (experiment_id, name, kind, thing_id, origin_name, version, nb_assets, nb_objects, labels, "
        "kept_at)"
        " SELECT ?1, ?2, 'dataset version', v.id, s.name, v.version, v.n_assets, (SELECT coalesce("
        "sum(l.n_shapes), 0) FROM label l WHERE l.dataset_version_id = v.id), ?4, ?5 FROM dataset_version v JOIN dataset s"
        " ON s.id = v.dataset_id WHERE v.id = ?3 ON CONFLICT (experiment_id, kind, name) DO UPDATE SET thing_id ="
        " excluded.thing_id, origin_name = excluded.origin_name, version = excluded.version, nb_assets = excluded.nb_assets, "
        "nb_objects = excluded.nb_objects,"
        " labels = excluded.labels, kept_at = excluded.kept_at",
        V(id), V(name), V(version), V(labels), V(clock_now_ms()));
}

static enum err keep_base(struct sql *db, const char *id)
{
    return sql_run(
        db,
        "INSERT INTO experiment_source (experiment_id, name, kind, thing_id, origin_name, version, kept_at) SELECT e.id, 'base "
        "model',"
        " 'model version', v.id, m.name, v.version, ?2 FROM experiment e JOIN model_version v ON v.id ="
        " e.base_model_version_id JOIN model m ON m.id = v.model_id WHERE e.id = ?1 ON CONFLICT (experiment_id, kind, name)"
        " DO UPDATE SET thing_id = excluded.thing_id, origin_name = excluded.origin_name, version = excluded.version, kept_at = "
        "excluded.kept_at",
        V(id), V(clock_now_ms()));
}

enum err experiment_keep_sources(struct sql *db, const char *id)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    TRY(keep_base(db, id));
    TRY(sql_rows(db, &r, "SELECT name, dataset_version_id FROM experiment_dataset WHERE experiment_id = ?1", V(id)));
    while (rows_next(r))
        TRY(keep_version(db, a, id, rows_text(r, 0), rows_text(r, 1)));
    return rows_error(r);
}

enum err experiment_drop_sources(struct sql *db, const char *id, struct value versions)
{
    return sql_run(
        db, "DELETE FROM experiment_source WHERE experiment_id = ?1 AND kind = 'dataset version' AND thing_id IN " LISTED("?2"),
        V(id), V(versions));
}
