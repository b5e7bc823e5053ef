/* Reviewed predictions become annotated assets of the dataset versions of the feedback loop: one image after the other, in slices,
 * so that nobody waits for thousands of them. Each is sent once, whatever dies: what it makes, and that it was sent, are written
 * in one transaction. */
#include "api/bulk.h"
#include "app/annotation/annotation.h"
#include "app/dataset/dataset.h"
#include "app/deployment/candidate.h"
#include "base/clock.h"
#include <string.h>

enum { AT_ONCE = 20000, NAMED_MOST = 1000, VERSIONS_MOST = 100 };

/* ---- one image */

/* The member that holds the geometry of a kind of shape, as annotations have it. */
static void write_shape(struct out *o, const struct shape_kind *kind, struct rows *r)
{
    out_object(o, NULL);
    out_text(o, "label", rows_text(r, 1));
    if (strcmp(kind->name, "rectangle") == 0) {
        out_int(o, "x", rows_int(r, 2));
        out_int(o, "y", rows_int(r, 3));
        out_int(o, "w", rows_int(r, 4));
        out_int(o, "h", rows_int(r, 5));
    } else if (kind->member) {
        out_raw(o, kind->member, rows_text(r, 6));
    }
    out_end_object(o);
}

static enum err reviewed_shapes(struct bulk *b, const char *asset, const struct json **ret)
{
    AUTO(out) struct out o;
    out_init(&o, 64 << 20);
    out_object(&o, NULL);
    for (const struct shape_kind *const *k = shape_kinds; *k; k++) {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(
            b->db, &r,
            "SELECT h.kind, l.name, h.x, h.y, h.w, h.h, h.geometry FROM review v JOIN review_shape h ON h.review_id = v.id"
            " JOIN deployment_label l ON l.id = h.label_id WHERE v.predicted_asset_id = ?1 AND h.kind = ?2 ORDER BY h.position",
            V(asset), V((*k)->name)));
        out_array(&o, (*k)->plural);
        while (rows_next(r))
            write_shape(&o, *k, r);
        out_end_array(&o);
        TRY(rows_error(r));
    }
    out_end_object(&o);
    return json_parse(b->arena, o.text.bytes, o.text.n, ret);
}

/* The asset of the version that shows the same bytes as another Data; NULL: none. */
static enum err same_bytes(struct sql *db, struct arena *a, const char *version, const char *data, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT a.id FROM data x JOIN data y ON y.hash = x.hash AND y.id <> x.id JOIN asset a ON a.data_id = y.id"
                 " AND a.dataset_version_id = ?2 WHERE x.id = ?1 LIMIT 1",
                 V(data), V(version)));
    *ret = rows_next(r) ? arena_str(a, rows_text(r, 0)) : NULL;
    return rows_error(r);
}

static enum err is_there(struct sql *db, const char *version, bool *ret)
{
    int64_t n = 0;
    TRY(sql_int(db, &n, "SELECT count(*) FROM dataset_version WHERE id = ?1", V(version)));
    *ret = n > 0;
    return OK;
}

/* One image into one version, which learns nothing from a second copy of what it has. */
static enum err submit_into(struct bulk *b, const char *data, const char *version, const struct json *shapes, bool *ret_new)
{
    const char *made, *twin;
    bool there;
    TRY(is_there(b->db, version, &there));
    TRY(same_bytes(b->db, b->arena, version, data, &twin));
    *ret_new = there && !twin;
    if (!*ret_new)
        return OK;
    TRY(asset_need(b->db, b->arena, b->org, version, data, &made));
    return annotation_from_json(b->db, b->arena, b->org, b->user_id, made, "ACCEPTED", shapes);
}

/* One whose review was taken back meanwhile, or that somebody else has sent, is passed over. */
static enum err submit_one(struct bulk *b, const char *asset, const char *made)
{
    (void)made;
    const struct json *versions = json_get(b->input, "versions"), *shapes;
    const char *data = NULL;
    bool taken = false;
    {
        AUTO(rows) struct rows *r = NULL;
        TRY(sql_rows(b->db, &r, "SELECT data_id FROM predicted_asset WHERE id = ?1 AND status = 'REVIEWED'", V(asset)));
        if (!rows_next(r))
            return rows_error(r);
        data = arena_str(b->arena, rows_text(r, 0));
    }
    TRY(reviewed_shapes(b, asset, &shapes));
    for (size_t i = 0; i < json_count(versions); i++) {
        bool new;
        TRY(submit_into(b, data, json_text(json_at(versions, i)), shapes, &new));
        taken |= new;
    }
    if (!taken)
        return OK;
    b->counted++;
    return sql_run(b->db, "UPDATE predicted_asset SET status = 'SUBMITTED', submitted_at = ?2 WHERE id = ?1", V(asset),
                   V(clock_now_ms()));
}

static enum err sent(struct bulk *b, bool done)
{
    const char *deployment = json_text(json_get(b->input, "deployment"));
    if (done && b->counted)
        TRY(retraining_consider(b->db, b->arena, deployment, b->user_id));
    return deployment_tell(b->db, b->arena, deployment, "{\"kind\":\"submitted\"}");
}

static enum err check_active(struct op *op, const struct json *input)
{
    int64_t active = 0;
    TRY(sql_int(op->db, &active, "SELECT fl_active FROM pipeline WHERE deployment_id = ?1",
                V(json_text(json_get(input, "deployment")))));
    return active ? OK : fail(E_CONFLICT, "the feedback loop is not active");
}

/* What was sent stays so if it fails or is stopped: the others are still reviewed, and are sent by asking again. */
const struct bulk_kind submit_bulk = { .name = "submit_feedback",
                                       .doing = "sending to the feedback loop",
                                       .first = check_active,
                                       .apply = submit_one,
                                       .last = sent,
                                       .counts = "count",
                                       .subject = "deployment",
                                       .called = "SELECT name FROM deployment WHERE id = ?1" };

/* ---- which */

/* What is asked for, and what of it is left out since models are measured on it. */
struct plan {
    struct bulk_list send;
    const char **left_out;
    size_t n_left_out;
    int64_t measured;
};

/* Those of the ids that cannot be submitted refuse the lot and are named. */
static enum err check_reviewed(struct op *op, struct value ids)
{
    int64_t n = 0;
    AUTO(out) struct out o;
    AUTO(rows) struct rows *r = NULL;
    out_init(&o, 1 << 20);
    TRY(sql_rows(op->db, &r,
                 "SELECT DISTINCT j.value FROM listed j WHERE j.list = ?1 AND NOT EXISTS (SELECT 1 FROM predicted_asset a"
                 " WHERE a.id = j.value AND a.deployment_id = ?2 AND a.status = 'REVIEWED')",
                 V(ids), V(op->id)));
    out_array(&o, NULL);
    for (; rows_next(r); n++)
        out_text(&o, NULL, rows_text(r, 0));
    out_end_array(&o);
    TRY(rows_error(r));
    if (!n)
        return OK;
    enum err e = fail(E_UNMEANT, "%lld of the predictions are not reviewed (or were submitted already)", (long long)n);
    fail_set_detail(o.text.bytes);
    return e;
}

/* The ids that were named, all of them REVIEWED; or the reviewed ones that the query finds. */
static enum err chosen(struct op *op, struct bulk_list *ret)
{
    const char *q = in_text(op, "q");
    struct value ids;
    TRY(in_ids(op, "ids", &ids));
    if (ids.kind == VALUE_NULL && !q)
        return fail(E_INVALID, "say which: ids, or q");
    if (ids.kind == VALUE_NULL)
        return resource_ids(op, &predicted_asset_resource, q, "a.deployment_id = ?1 AND a.status = 'REVIEWED'", VALUES(V(op->id)),
                            &ret->ids, &ret->n);
    TRY(check_reviewed(op, ids));
    return resource_ids(op, &predicted_asset_resource, NULL, "a.deployment_id = ?1 AND a.id IN " LISTED("?2"),
                        VALUES(V(op->id), V(ids)), &ret->ids, &ret->n);
}

/* Those that models are measured on are told of, and left out where that was asked for. */
static enum err plan_read(struct op *op, struct plan *ret)
{
    bool leave = in_bool(op, "leave_measured", false);
    struct bulk_list all;
    *ret = (struct plan){ 0 };
    TRY(chosen(op, &all));
    if (all.n > AT_ONCE)
        return fail(E_TOO_BIG, "%zu predictions; at most %d at once", all.n, AT_ONCE);
    ret->left_out = arena_new_array(op->arena, const char *, all.n + 1);
    ret->send.ids = all.ids;
    for (size_t i = 0; i < all.n; i++) {
        bool measured;
        TRY(measured_on(op->db, op->id, all.ids[i], &measured));
        ret->measured += measured;
        if (measured && leave)
            ret->left_out[ret->n_left_out++] = all.ids[i];
        else
            ret->send.ids[ret->send.n++] = all.ids[i];
    }
    return OK;
}

static enum err find(struct op *op, struct bulk_list *ret)
{
    struct plan p;
    TRY(plan_read(op, &p));
    *ret = p.send;
    ret->tells = arena_fmt(op->arena, "\"measured\":%lld,\"left_out\":%zu", (long long)p.measured, p.n_left_out);
    return OK;
}

static enum err input_of(struct op *op, const char **ret)
{
    size_t n = 0;
    AUTO(out) struct out o = { 0 };
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r, "SELECT dataset_version_id FROM fl_dataset WHERE deployment_id = ?1 ORDER BY created_at LIMIT ?2",
                 V(op->id), V((int64_t)VERSIONS_MOST)));
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    out_text(&o, "deployment", op->id);
    out_array(&o, "versions");
    for (; rows_next(r); n++)
        out_text(&o, NULL, rows_text(r, 0));
    out_end_array(&o);
    out_end_object(&o);
    TRY(rows_error(r));
    *ret = arena_str(op->arena, o.text.bytes);
    return n ? OK : fail(E_CONFLICT, "no dataset version is attached to the feedback loop");
}

static enum err ask(struct op *op, struct plan *plan, const char **ret_input)
{
    TRY(input_of(op, ret_input));
    const struct json *input;
    TRY(json_parse(op->arena, *ret_input, strlen(*ret_input), &input));
    TRY(check_active(op, input));
    return plan_read(op, plan);
}

/* ---- what is told */

static void write_ids(struct out *o, const char *key, const char **ids, size_t n)
{
    out_array(o, key);
    for (size_t i = 0; i < n; i++)
        out_text(o, NULL, ids[i]);
    out_end_array(o);
}

/* Those that no version took. */
static enum err write_stayed(struct op *op, struct value sent_ids)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT a.id FROM listed i JOIN predicted_asset a ON a.id = i.value WHERE i.list = ?1 AND a.status = 'REVIEWED'"
                 " ORDER BY a.id",
                 V(sent_ids)));
    out_array(&op->out, "stayed");
    while (rows_next(r))
        out_text(&op->out, NULL, rows_text(r, 0));
    out_end_array(&op->out);
    return rows_error(r);
}

/* Images whose bytes a version has as another Data: how many there are, the first of them with the asset that is there. */
static enum err write_duplicates(struct op *op, struct value sent_ids)
{
    const char *last = NULL;
    int64_t images = 0, named = 0;
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(op->db, &r,
                 "SELECT p.id, f.dataset_version_id, min(a.id) FROM listed i CROSS JOIN predicted_asset p CROSS JOIN data x"
                 " CROSS JOIN data y CROSS JOIN fl_dataset f CROSS JOIN asset a WHERE i.list = ?1 AND p.id = i.value"
                 " AND x.id = p.data_id AND y.hash = x.hash AND y.id <> x.id AND a.data_id = y.id AND f.deployment_id = ?2"
                 " AND f.dataset_version_id = a.dataset_version_id AND NOT EXISTS (SELECT 1 FROM asset own WHERE own.data_id = x.id"
                 " AND own.dataset_version_id = f.dataset_version_id AND p.status = 'SUBMITTED') GROUP BY p.id,"
                 " f.dataset_version_id ORDER BY p.id, f.dataset_version_id",
                 V(sent_ids), V(op->id)));
    out_array(&op->out, "duplicates");
    for (; rows_next(r); named++) {
        images += !last || strcmp(last, rows_text(r, 0)) != 0;
        last = arena_str(op->arena, rows_text(r, 0));
        if (named >= NAMED_MOST)
            continue;
        out_object(&op->out, NULL);
        out_text(&op->out, "predicted_asset_id", rows_text(r, 0));
        out_text(&op->out, "dataset_version_id", rows_text(r, 1));
        out_text(&op->out, "asset_id", rows_text(r, 2));
        out_end_object(&op->out);
    }
    out_end_array(&op->out);
    out_int(&op->out, "duplicated", images);
    return rows_error(r);
}

static enum err write_submitted(struct op *op, const struct plan *p, const struct bulk_done *d)
{
    struct value sent_ids;
    TRY(sql_list(op->db, p->send.ids, d->done ? p->send.n : 0, &sent_ids));
    out_object(&op->out, NULL);
    out_int(&op->out, "count", d->count);
    out_int(&op->out, "measured", p->measured);
    write_ids(&op->out, "left_out", p->left_out, p->n_left_out);
    TRY(write_stayed(op, sent_ids));
    TRY(write_duplicates(op, sent_ids));
    out_text(&op->out, "job_id", d->done ? NULL : d->job);
    out_end_object(&op->out);
    return OK;
}

static enum err submit(struct op *op)
{
    struct plan p;
    struct bulk_done d = { .done = true };
    const char *input = NULL;
    TRY(sql_begin_read(op->db));
    TRY(sql_end(op->db, ask(op, &p, &input)));
    if (in_bool(op, "wait", true))
        TRY(bulk_change_wait(op, &submit_bulk, find, input, &d.count));
    else
        TRY(bulk_change(op, &submit_bulk, find, input, &d));
    TRY(sql_begin_read(op->db));
    return sql_end(op->db, write_submitted(op, &p, &d));
}

static const struct field submit_in[] = {
    { "ids", T_IDS, F_NULL, .max = AT_ONCE }, { "q", T_TEXT, F_NULL, .max = 4000 }, { "leave_measured", T_BOOL, F_NULL }, BULK_WAIT
};

DESCRIBED(duplicate_answer, "image that a dataset version has already", { "predicted_asset_id", T_ID },
          { "dataset_version_id", T_ID }, { "asset_id", T_ID });
/* duplicated: images that a version had already, as other data of the same bytes. They were not added there; those that no
 * version took stayed reviewed. job_id: the worker is at it still, and nothing is known of these yet. */
DESCRIBED(submit_answer, "submitted predictions", { "count", T_INT }, { "measured", T_INT }, { "left_out", T_IDS },
          { "stayed", T_IDS }, { "duplicates", T_MANY, .of = &duplicate_answer }, { "duplicated", T_INT },
          { "job_id", T_ID, F_NULL });

static const struct route routes[] = {
    { "POST", "/api/deployment/{id}/feedback-loop/submit", submit, MAY_WRITE, WORK_FREE,
      "turns reviewed predictions into annotated assets: a few all or none, many one after the other, by a job that goes on if it"
      " is stopped",
      FIELDS(submit_in), .body_cap = 4 << 20, .on = &deployment_resource, .answers = &submit_answer },
};

const struct resource feedback_submit_resource = { .name = "submitted feedback", .routes = routes, .n_routes = COUNT_OF(routes) };
