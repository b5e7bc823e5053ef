/* Starting an import from a bucket. The two calls of the published client, by prefixes and by names, are one route. */
#include "api/resource.h"
#include "app/account/account.h"
#include "app/datalake/bucket.h"
#include "app/datalake/datalake.h"
#include "job/job.h"
#include <string.h>

enum { PREFIXES_MOST = 100, NAMES_MOST = 500, TAGS_MOST = 100 };

static const struct field object_in[] = { { "metadata", T_OBJECT, F_NULL },
                                          { "custom_metadata", T_OBJECT, F_NULL },
                                          { "tags", T_TEXTS, F_NULL, .max = TAGS_MOST },
                                          { "data_source", T_TEXT, F_NULL, .min = 1, .max = 100 } };

/* All that can be wrong with what was sent is said now, not by the job. */
static enum err check_object(struct op *op, const char *key, const struct json *v)
{
    const struct json *tags = json_get(v, "tags");
    if (!*key || strlen(key) > S3_KEY_MOST)
        return fail(E_INVALID, "a key has 1 to %d bytes", S3_KEY_MOST);
    TRY(fields_check(FIELDS(object_in), v, "object"));
    for (size_t i = 0; i < json_count(tags); i++)
        TRY(name_check("tag", json_text(json_at(tags, i))));
    if (json_text(json_get(v, "data_source")))
        TRY(name_check("source", json_text(json_get(v, "data_source"))));
    return custom_check(op, op->id, json_get(v, "custom_metadata"));
}

static enum err check_objects(struct op *op, const struct json *objects)
{
    if (json_count(objects) < 1 || json_count(objects) > NAMES_MOST)
        return fail(E_INVALID, "objects: 1 to %d are taken at once", NAMES_MOST);
    for (struct json_member m = json_first(objects); m.key; m = json_next(objects, m))
        TRY(fail_within(check_object(op, m.key, m.value), "objects.%.100s: ", m.key));
    return OK;
}

static enum err check_what(struct op *op)
{
    bool names = in_has(op, "objects"), prefixes = in_has(op, "prefixes");
    if (names == prefixes)
        return fail(E_INVALID, "say which: prefixes, or objects by their names");
    if (names && in_bool(op, "sync", false))
        return fail(E_INVALID, "sync: only prefixes can be compared with what is there");
    for (size_t i = 0; i < json_count(in_json(op, "prefixes")); i++)
        if (strlen(json_text(json_at(in_json(op, "prefixes"), i))) > S3_KEY_MOST)
            return fail(E_INVALID, "prefixes[%zu] has more than %d bytes", i, S3_KEY_MOST);
    return names ? check_objects(op, in_json(op, "objects")) : OK;
}

/* Reading a bucket is more than changing one datalake: who was given only that may not. */
static enum err which_bucket(struct op *op, const char **ret)
{
    *ret = in_text(op, "connector_id");
    TRY(organization_need_to_change(op));
    if (*ret)
        return resource_need(op, &bucket_resource, *ret);
    TRY(bucket_of_lake(op->db, op->arena, op->id, ret));
    return *ret ? OK
                : fail(E_UNMEANT,
                       "this datalake is bound to no bucket: bind it to a connector in the settings, or say connector_id");
}

static const char *input_of(struct op *op, const char *bucket)
{
    AUTO(out) struct out o;
    out_init(&o, 4 << 20);
    out_object(&o, NULL);
    out_text(&o, "datalake_id", op->id);
    out_text(&o, "connector_id", bucket);
    out_json(&o, "prefixes", in_json(op, "prefixes"));
    out_json(&o, "objects", in_json(op, "objects"));
    out_raw(&o, "tag_ids", in_print(op, "tag_ids"));
    out_text(&o, "data_source_id", in_text(op, "data_source_id"));
    out_bool(&o, "sync", in_bool(op, "sync", false));
    out_end_object(&o);
    return arena_str(op->arena, o.text.bytes);
}

static enum err about_lake(struct op *op, const char *job)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT name FROM datalake WHERE id = ?1", V(op->id)));
    return job_about(op->db, job, op->id, rows_text(r, 0));
}

static enum err start(struct op *op)
{
    const char *bucket, *job;
    struct value tags;
    TRY(check_what(op));
    TRY(which_bucket(op, &bucket));
    TRY(tags_check(op, "tag_ids", op->id, &tags));
    TRY(source_check(op, in_text(op, "data_source_id")));
    TRY(job_add(op->db, op->arena, import_objects_job.name, op->org, op->user_id, input_of(op, bucket), &job));
    TRY(about_lake(op, job));
    op->status = 201;
    out_object(&op->out, NULL);
    TRY(reply_member(op, "datalake", &datalake_resource, op->id));
    out_object(&op->out, "job");
    out_text(&op->out, "id", job);
    out_text(&op->out, "status", "PENDING");
    out_end_object(&op->out);
    out_end_object(&op->out);
    return OK;
}

static const struct field import_in[] = {
    { "datalake_id", T_ID, F_NULL }, /* the client says it here, too */
    { "connector_id", T_ID, F_NULL },   { "prefixes", T_TEXTS, F_NULL, .min = 1, .max = PREFIXES_MOST },
    { "objects", T_OBJECT, F_NULL },    { "tag_ids", T_IDS, F_NULL, .max = TAGS_MOST },
    { "data_source_id", T_ID, F_NULL }, { "sync", T_BOOL, F_NULL },
};

DESCRIBED(started, "started import from a bucket", { "datalake", T_PART, .of = &datalake_resource },
          { "job", T_PART, .of = &job_short });
DESCRIBED(fault, "object that was not imported", { "key", T_TEXT }, { "why", T_TEXT });
DESCRIBED(ended, "result of an import from a bucket", { "added", T_INT }, { "changed", T_INT }, { "gone", T_INT },
          { "back", T_INT }, { "known", T_INT }, { "left_out", T_INT }, { "failed", T_INT }, { "faults", T_MANY, .of = &fault });

static const struct route routes[] = {
    { "POST", "/api/datalake/{id}/objects", start, MAY_WRITE, WORK_WRITE,
      "makes data of the images of a bucket, without copying them: all below some prefixes, or those of some names. sync: also "
      "tells what is gone, and does not bring back what was deleted here",
      FIELDS(import_in), &started, .body_cap = 4 << 20, .on = &datalake_resource, .starts = &import_objects_job,
      .ends_in = &ended },
};

const struct resource bucket_import_resource = { .name = "import from buckets", .routes = routes, .n_routes = COUNT_OF(routes) };
