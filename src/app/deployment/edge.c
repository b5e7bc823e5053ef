/* What a machine needs that predicts without the server: the champion's file and how to read its answers. What it predicted comes
 * back later (monitor.c), each prediction under a key of its own. */
#include "app/deployment/deployment.h"
#include "app/model/model.h"

DESCRIBED(edge_file, "file beside a model", { "filename", T_TEXT }, { "sha256", T_TEXT }, { "url", T_TEXT });
DESCRIBED(edge_answer, "model for predictions elsewhere", { "deployment_id", T_ID }, { "name", T_TEXT }, { "type", T_TEXT },
          { "min_threshold", T_NUMBER }, { "model_version_id", T_ID }, { "labels", T_OBJECT, .of = &text_value },
          { "sha256", T_TEXT }, { "told", T_OBJECT, F_NULL }, { "model_url", T_TEXT }, { "files", T_MANY, .of = &edge_file });

static void write_beside(struct op *op, const struct model_served *served)
{
    struct out *o = &op->out;
    out_array(o, "files");
    for (size_t i = 0; i < served->n_beside; i++) {
        out_object(o, NULL);
        out_text(o, "filename", served->beside[i].filename);
        out_text(o, "sha256", served->beside[i].hash);
        out_text(o, "url", signed_url(op, "GET", served->beside[i].object_name));
        out_end_object(o);
    }
    out_end_array(o);
}

static enum err get(struct op *op)
{
    struct model_served served;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(
        op->db, &r,
        "SELECT d.name, d.type, d.min_threshold, v.id, coalesce(v.labels, '{}'), (SELECT f.object_name FROM model_file f WHERE"
        " f.model_version_id = v.id AND f.name = 'model-latest') FROM deployment d JOIN model_version v ON v.id ="
        " d.model_version_id WHERE d.id = ?1",
        V(op->id)));
    TRY(model_file_find(op->db, op->arena, rows_text(r, 3), &served));
    struct out *o = &op->out;
    out_object(o, NULL);
    out_text(o, "deployment_id", op->id);
    out_text(o, "name", rows_text(r, 0));
    out_text(o, "type", rows_text(r, 1));
    out_number(o, "min_threshold", rows_real(r, 2));
    out_text(o, "model_version_id", rows_text(r, 3));
    out_raw(o, "labels", rows_text(r, 4));
    out_text(o, "sha256", served.hash);
    if (served.told)
        out_raw(o, "told", served.told);
    else
        out_null(o, "told");
    out_text(o, "model_url", signed_url(op, "GET", rows_text(r, 5)));
    write_beside(op, &served);
    out_end_object(o);
    return OK;
}

static const struct route routes[] = {
    { "GET", "/api/deployment/{id}/edge", get, MAY_PREDICT, WORK_READ,
      "the champion, for a machine that predicts without the server", .on = &deployment_resource, .answers = &edge_answer },
};

const struct resource edge_resource = { .name = "edge", .routes = routes, .n_routes = COUNT_OF(routes) };
