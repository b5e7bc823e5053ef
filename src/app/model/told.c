/* What a model version tells the process that runs its file: its type, the numbers of its labels, and what its parameters say under
 * "onnx" (docs/bring-your-model.md). Files that trainings here wrote say all of that themselves. */
#include "app/model/model.h"
#include "infer/description.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int by_number(const void *a, const void *b)
{
    return *(const int *)a - *(const int *)b;
}

static bool is_background(const char *name)
{
    static const char *const names[] = { "background", "__background__", "_background_", "(background)" };
    for (size_t i = 0; name && i < COUNT_OF(names); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_counted(const int *number, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (number[i] != (int)i)
            return false;
    return true;
}

static void write_numbers(struct out *o, const int *number, size_t n)
{
    if (is_counted(number, n)) {
        out_int(o, "labels", (int64_t)n);
        return;
    }
    out_array(o, "labels");
    for (size_t i = 0; i < n; i++)
        out_int(o, NULL, number[i]);
    out_end_array(o);
}

static enum err write_labels(struct arena *a, struct out *o, const char *labels)
{
    const struct json *map;
    size_t n = 0;
    TRY(json_parse(a, labels, strlen(labels), &map));
    int *number = arena_new_array(a, int, json_count(map) + 1);
    for (struct json_member m = json_first(map); m.key; m = json_next(map, m)) {
        char *end;
        long i = strtol(m.key, &end, 10);
        if (!*m.key || *end || i < 0 || i > 1000000)
            continue; /* what has no number is nothing that a network could say */
        number[n++] = (int)i;
        if (is_background(json_text(m.value)))
            out_int(o, "background", i);
    }
    qsort(number, n, sizeof *number, by_number);
    if (n)
        write_numbers(o, number, n);
    return OK;
}

static enum err write_told(struct arena *a, struct out *o, const char *type, const char *labels, const char *parameters)
{
    const struct json *v = NULL;
    if (parameters)
        TRY(json_parse(a, parameters, strlen(parameters), &v));
    out_object(o, NULL);
    if (type && strcmp(type, "NOT_CONFIGURED") != 0)
        out_text(o, "type", type);
    if (labels)
        TRY(write_labels(a, o, labels));
    if (json_get(v, "onnx"))
        out_json(o, "onnx", json_get(v, "onnx"));
    out_end_object(o);
    return OK;
}

enum err model_told(struct arena *a, const char *type, const char *labels, const char *parameters, const char **ret)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    TRY(write_told(a, &o, type, labels, parameters));
    *ret = arena_str(a, o.text.bytes);
    return OK;
}

/* Facts of a reading that is tried, in the place of those that the version has under the same keys. */
static void write_onnx(struct out *o, const struct json *kept, const struct json *tried)
{
    out_object(o, "onnx");
    for (struct json_member m = json_first(kept); m.key; m = json_next(kept, m))
        if (!json_get(tried, m.key))
            out_json(o, m.key, m.value);
    for (struct json_member m = json_first(tried); m.key; m = json_next(tried, m))
        out_json(o, m.key, m.value);
    out_end_object(o);
}

enum err model_told_as(struct arena *a, const char *told, const char *onnx, const char **ret)
{
    const struct json *kept, *tried;
    struct description d;
    AUTO(out) struct out o = { 0 };
    TRY(fail_within(json_parse(a, onnx, strlen(onnx), &tried), "onnx: "));
    description_init(&d);
    TRY(description_read(tried, &d));
    TRY(json_parse(a, told, strlen(told), &kept));
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    for (struct json_member m = json_first(kept); m.key; m = json_next(kept, m))
        if (strcmp(m.key, "onnx") != 0)
            out_json(&o, m.key, m.value);
    write_onnx(&o, json_get(kept, "onnx"), tried);
    out_end_object(&o);
    *ret = arena_str(a, o.text.bytes);
    return OK;
}

static enum err find_beside(struct sql *db, struct arena *a, const char *version, struct model_served *ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(db, &r,
                 "SELECT f.filename, o.hash, f.object_name FROM model_file f JOIN object o ON o.name = f.object_name"
                 " WHERE f.model_version_id = ?1 AND f.name <> 'model-latest' ORDER BY f.created_at DESC, f.id LIMIT ?2",
                 V(version), V((int64_t)MODEL_PARTS)));
    ret->beside = arena_new_array(a, struct model_beside, MODEL_PARTS);
    while (rows_next(r))
        ret->beside[ret->n_beside++] =
            (struct model_beside){ arena_str(a, rows_text(r, 0)), arena_str(a, rows_text(r, 1)), arena_str(a, rows_text(r, 2)) };
    return rows_error(r);
}

enum err model_file_find(struct sql *db, struct arena *a, const char *version, struct model_served *ret)
{
    AUTO(rows) struct rows *r = NULL;
    enum err e = sql_first(db, &r,
                           "SELECT o.hash, v.type, v.labels, v.parameters, v.architecture IS NOT NULL,"
                           " (SELECT count(*) FROM model_file x WHERE x.model_version_id = v.id) FROM model_file f"
                           " JOIN object o ON o.name = f.object_name JOIN model_version v ON v.id = f.model_version_id"
                           " WHERE f.model_version_id = ?1 AND f.name = 'model-latest'",
                           V(version));
    if (e == E_NOT_FOUND)
        return fail(E_UNMEANT, "the model version has no file \"model-latest\"");
    TRY(e);
    *ret = (struct model_served){ .hash = arena_str(a, rows_text(r, 0)), .type = arena_str(a, rows_text(r, 1)) };
    if (rows_int(r, 4))
        return OK;
    if (rows_int(r, 5) > 1)
        TRY(find_beside(db, a, version, ret));
    return model_told(a, ret->type, rows_text(r, 2), rows_text(r, 3), &ret->told);
}

enum err model_parameters_check(const struct json *parameters, const char *where)
{
    const struct json *onnx = json_get(parameters, "onnx");
    struct description d;
    description_init(&d);
    return json_absent(onnx) ? OK : fail_within(description_read(onnx, &d), "%s.", where);
}
