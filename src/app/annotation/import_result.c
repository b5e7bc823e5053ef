#include "api/resource.h"
#include "app/annotation/import.h"
#include "base/text.h"
#include "json/json.h"
#include <string.h>

static void count(struct import_named *k, struct arena *a, const char *example)
{
    if (k->n < RESULT_NAMED)
        k->examples[k->n] = arena_str(a, example);
    k->n++;
}

void import_left(struct import_result *r, enum foreign_reason why, const char *example)
{
    count(&r->left[why], r->arena, example);
}

void import_fault(struct import_result *r, const char *what)
{
    count(&r->fault, r->arena, what);
}

void import_passed(struct import_result *r, const char *file)
{
    count(&r->passed, r->arena, file);
}

void import_differs(struct import_result *r, const char *what)
{
    count(&r->differ, r->arena, what);
}

/* ---- words */

/* " (a, b and 7 more)" */
static void examples(struct text *t, const struct import_named *k)
{
    int64_t shown = k->n < RESULT_EXAMPLES ? k->n : RESULT_EXAMPLES;
    for (int64_t i = 0; i < shown; i++)
        text_fmt(t, "%s%.200s", i ? ", " : " (", k->examples[i]);
    if (k->n > shown)
        text_fmt(t, " and %lld more", (long long)(k->n - shown));
    text_add(t, shown ? ")" : "");
}

static void sentence(struct text *t, const char *what, const struct import_named *k)
{
    if (!k->n)
        return;
    text_fmt(t, "%s%s: %lld", t->n ? "; " : "", what, (long long)k->n);
    examples(t, k);
}

static void counted(struct text *t, int64_t n, const char *thing)
{
    text_fmt(t, "%lld %s%s", (long long)n, thing, n == 1 ? "" : "s");
}

static void not_taken(struct text *t, const struct import_result *r)
{
    for (int i = 1; i < LEFT_REASONS; i++)
        sentence(t, foreign_reasons[i].says, &r->left[i]);
    sentence(t, "faulty shapes", &r->fault);
    sentence(t, "files that are none of annotations", &r->passed);
}

static const char *in_words(struct import_result *r)
{
    AUTO(text) struct text t, left;
    text_init(&t, 64 << 10);
    text_init(&left, 64 << 10);
    counted(&t, r->shapes, "shape");
    text_add(&t, " of ");
    counted(&t, r->images, "image");
    text_fmt(&t, " taken from %s", strcmp(r->format, "PASCAL_VOC") == 0 ? "Pascal VOC" : r->format);
    if (r->splits[0] + r->splits[1] + r->splits[2])
        text_fmt(&t, " (train %lld, val %lld, test %lld)", (long long)r->splits[0], (long long)r->splits[1],
                 (long long)r->splits[2]);
    if (r->kept)
        text_fmt(&t, "; images that kept the annotation they had: %lld", (long long)r->kept);
    if (r->pieces)
        text_fmt(&t, "; objects in several parts, now polygons with a common part_of: %lld", (long long)r->pieces);
    sentence(&t, "images of another size than their file says", &r->differ);
    not_taken(&left, r);
    if (left.n)
        text_fmt(&t, ". Not taken: %s", left.bytes);
    text_add(&t, ".");
    return arena_str(r->arena, t.bytes);
}

/* ---- numbers */

static void names(struct out *o, const char *key, const struct import_named *k)
{
    out_array(o, key);
    for (int64_t i = 0; i < k->n && i < RESULT_NAMED; i++)
        out_text(o, NULL, k->examples[i]);
    out_end_array(o);
}

static void group(struct out *o, const char *reason, const char *says, const struct import_named *k)
{
    if (!k->n)
        return;
    out_object(o, NULL);
    out_text(o, "reason", reason);
    out_text(o, "says", says);
    out_int(o, "count", k->n);
    names(o, "examples", k);
    out_end_object(o);
}

DESCRIBED(import_number, "number of images", { "*", T_INT });
DESCRIBED(import_left_out, "what an import left out", { "reason", T_TEXT }, { "says", T_TEXT }, { "count", T_INT },
          { "examples", T_TEXTS });
static const struct field answer_fields[] = {
    { "format", T_TEXT },
    { "says", T_TEXT },
    { "images", T_INT },
    { "shapes", T_INT },
    { "kept", T_INT },
    { "unknown_images", T_INT },
    { "unknown", T_TEXTS },
    { "skipped_shapes", T_INT },
    { "skipped", T_TEXTS },
    { "sizes_differ", T_INT },
    { "left_out", T_MANY, .of = &import_left_out }, /* what was not taken, reason by reason */
    { "splits", T_OBJECT, .of = &import_number },   /* images of each split, where the files have some */
};
const struct resource import_result_answer = { .name = "import result",
                                               .fields = answer_fields,
                                               .n_fields = COUNT_OF(answer_fields) };

const char *import_result_json(struct import_result *r)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    out_text(&o, "format", r->format);
    out_text(&o, "says", in_words(r));
    out_int(&o, "images", r->images);
    out_int(&o, "shapes", r->shapes);
    out_int(&o, "kept", r->kept);
    out_int(&o, "unknown_images", r->left[LEFT_UNKNOWN].n);
    names(&o, "unknown", &r->left[LEFT_UNKNOWN]);
    out_int(&o, "skipped_shapes", r->fault.n);
    names(&o, "skipped", &r->fault);
    out_int(&o, "sizes_differ", r->differ.n);
    out_array(&o, "left_out");
    for (int i = 1; i < LEFT_REASONS; i++)
        group(&o, foreign_reasons[i].name, foreign_reasons[i].says, &r->left[i]);
    group(&o, "faulty", "faulty shapes", &r->fault);
    group(&o, "no_annotations", "files that are none of annotations", &r->passed);
    out_end_array(&o);
    out_object(&o, "splits");
    for (int i = 0; i < 3; i++)
        out_int(&o, import_split_words[i], r->splits[i]);
    out_end_object(&o);
    out_end_object(&o);
    return arena_str(r->arena, o.text.bytes);
}

enum err import_verdict(struct import_result *r, bool skip_invalid)
{
    AUTO(text) struct text t;
    text_init(&t, 4 << 10);
    if (r->fault.n && !skip_invalid) {
        for (int64_t i = 0; i < r->fault.n && i < RESULT_NAMED; i++)
            text_fmt(&t, "%s%.300s", i ? "; " : "", r->fault.examples[i]);
        return fail(E_INVALID, "%lld of the shapes %s faulty, so nothing was imported: %.800s", (long long)r->fault.n,
                    r->fault.n == 1 ? "is" : "are", t.bytes);
    }
    not_taken(&t, r);
    bool nothing = !r->images || (!r->shapes && t.n > 0 &&
                                  (r->fault.n || r->left[LEFT_NO_IMAGE].n || r->left[LEFT_NO_CATEGORY].n ||
                                   r->left[LEFT_NO_AREA].n || r->left[LEFT_MASK].n));
    if (!nothing || r->kept)
        return OK;
    return fail(E_UNMEANT, "nothing was imported: %.900s", t.n ? t.bytes : "the files hold no annotations");
}
