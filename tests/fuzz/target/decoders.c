#include "../fuzz.h"
#include "infer/family/family.h"
#include "infer/ort_inside.h"
#include "infer/outline.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Outputs of any names, types, shapes and values, as a network could answer them: whatever a family recognises it must read, also
 * when the next answer has other shapes, without touching what is not there; and all that it finds must be numbers on the picture.
 */
struct source {
    const uint8_t *at, *end;
};

static unsigned take(struct source *s)
{
    return s->at < s->end ? *s->at++ : 0;
}

enum { OUTPUTS = 5, NUMBERS = 1 << 13, SIDE = 64 };

static float value_of(struct source *s)
{
    static const float odd[] = { NAN, INFINITY, -INFINITY, 0, 1, -1, 1e30F, 0.5F };
    unsigned b = take(s);
    return b < 8 ? odd[b] : b < 128 ? (float)b / 128 : (float)b - 128;
}

static void shape(struct source *s, struct ort_value *v)
{
    static const int64_t usual[] = { 1, 1, 1, 2, 3, 4, 5, 6, 7, 16, 17, 32, 38, 84, 252, 0 };
    size_t n = 1;
    v->rank = (int)(take(s) % 5);
    for (int i = 0; i < v->rank; i++) {
        v->shape[i] = usual[take(s) % COUNT_OF(usual)];
        v->shape[i] = n * (size_t)v->shape[i] > NUMBERS ? 1 : v->shape[i];
        n *= (size_t)v->shape[i];
    }
    v->count = n;
}

/* What each family answers; one in four outputs is of another shape all the same. */
struct form {
    const char *name;
    enum element type;
    int rank;
    int64_t shape[4];
};
static const struct form forms[][OUTPUTS] = {
    { { "output0", ELEMENT_F32, 3, { 1, 6, 84 } } },
    { { "output0", ELEMENT_F32, 3, { 1, 7, 84 } } },
    { { "output0", ELEMENT_F32, 3, { 1, 252, 7 } } },
    { { "output0", ELEMENT_F32, 3, { 1, 12, 84 } } },
    { { "output0", ELEMENT_F32, 3, { 1, 10, 84 } }, { "output1", ELEMENT_F32, 4, { 1, 4, 16, 16 } } },
    { { "output0", ELEMENT_F16, 3, { 1, 30, 6 } } },
    { { "output0", ELEMENT_F32, 3, { 1, 30, 12 } } },
    { { "output0", ELEMENT_F32, 3, { 1, 30, 10 } }, { "output1", ELEMENT_F32, 4, { 1, 4, 16, 16 } } },
    { { "flat_predictions", ELEMENT_F32, 2, { 30, 7 } } },
    { { "output", ELEMENT_F32, 2, { 30, 6 } } },
    { { "logits", ELEMENT_F32, 3, { 1, 30, 3 } }, { "pred_boxes", ELEMENT_F32, 3, { 1, 30, 4 } } },
    { { "dets", ELEMENT_F32, 3, { 1, 30, 4 } },
      { "labels", ELEMENT_F32, 3, { 1, 30, 3 } },
      { "masks", ELEMENT_F32, 4, { 1, 30, 9, 9 } } },
    { { "dets", ELEMENT_F32, 3, { 1, 30, 5 } }, { "labels", ELEMENT_I64, 2, { 1, 30 } } },
    { { "detection_boxes", ELEMENT_F32, 3, { 1, 30, 4 } },
      { "detection_classes", ELEMENT_F32, 2, { 1, 30 } },
      { "detection_scores", ELEMENT_F32, 2, { 1, 30 } },
      { "num_detections", ELEMENT_F32, 1, { 1 } } },
    { { "num_dets", ELEMENT_I32, 2, { 1, 1 } },
      { "boxes", ELEMENT_F32, 3, { 1, 30, 4 } },
      { "scores", ELEMENT_F32, 2, { 1, 30 } },
      { "classes", ELEMENT_I32, 2, { 1, 30 } } },
    { { "boxes", ELEMENT_F32, 3, { 1, 30, 4 } }, { "scores", ELEMENT_F32, 2, { 1, 30 } }, { "labels", ELEMENT_I64, 2, { 1, 30 } } },
    { { "a", ELEMENT_F32, 2, { 30, 4 } },
      { "b", ELEMENT_F32, 1, { 30 } },
      { "c", ELEMENT_I64, 1, { 30 } },
      { "d", ELEMENT_F32, 4, { 30, 1, 9, 9 } },
      { "e", ELEMENT_F32, 3, { 30, 5, 3 } } },
    { { "a", ELEMENT_F32, 3, { 1, 30, 4 } }, { "b", ELEMENT_F32, 3, { 1, 30, 2 } } },
    { { "class_queries_logits", ELEMENT_F32, 3, { 1, 30, 3 } }, { "masks_queries_logits", ELEMENT_F32, 4, { 1, 30, 9, 9 } } },
    { { "output", ELEMENT_F32, 2, { 1, 2 } } },
    { { "out", ELEMENT_F32, 4, { 1, 2, 20, 20 } } },
    { { "out", ELEMENT_U8, 3, { 1, 20, 20 } } },
    { { "out", ELEMENT_F32, 4, { 1, 1, 20, 20 } } },
    { { "anomaly_map", ELEMENT_F32, 4, { 1, 1, 20, 20 } }, { "pred_score", ELEMENT_F32, 2, { 1, 1 } } },
};

static void shape_as(struct source *s, struct ort_value *v, const struct form *f)
{
    v->rank = f->rank;
    v->count = 1;
    for (int i = 0; i < f->rank; i++)
        v->count *= (size_t)(v->shape[i] = f->shape[i]);
    if (take(s) % 4 == 0)
        shape(s, v);
}

static void fill(struct source *s, struct ort_session *to, const struct form *forms_of)
{
    to->n_outputs = 0;
    for (size_t i = 0; i < OUTPUTS && forms_of[i].name; i++) {
        struct ort_value *v = &to->outputs[to->n_outputs++];
        strcpy(v->name, forms_of[i].name);
        v->type = forms_of[i].type;
        shape_as(s, v, &forms_of[i]);
        free(to->as_float[i]);
        to->as_float[i] = heap_take(v->count * sizeof(float)); /* no more: what is read beyond it is seen */
        const uint8_t *values = s->at;
        for (size_t k = 0; k < v->count; k++) {
            if (s->at == s->end && values < s->end)
                s->at = values; /* again: a few bytes fill all */
            to->as_float[i][k] = value_of(s);
        }
        v->raw = v->data = to->as_float[i];
    }
}

static void check_found(const struct found *f)
{
    size_t spots = 0;
    for (size_t i = 0; i < f->n; i++) {
        const struct detection *d = &f->items[i];
        if (!isfinite(d->x) || !isfinite(d->y) || !isfinite(d->w) || !isfinite(d->h) || !(d->score >= 0 && d->score <= 1) ||
            d->label < 0)
            __builtin_trap();
        spots += (size_t)d->n_spots;
    }
    if (spots != f->n_spots || f->n > DETECTIONS_MOST || f->n_spots > f->room_spots)
        __builtin_trap();
}

static void read_twice(struct source *s, struct ort_session *session, const struct look *l, struct description *d,
                       const struct form *form)
{
    enum { SPOTS = 500 };
    static struct detection items[DETECTIONS_MOST];
    static struct spot spots[SPOTS];
    const struct placed at = { 200, 100, SIDE, SIDE, 3.125F, 3.125F, 0, 16 };
    for (int round = 0; round < 2; round++) {
        struct found f = { .items = items, .spots = spots, .room_spots = SPOTS, .kind = FOUND_BOXES };
        if (d->family->needs && !round)
            (void)d->family->needs(l, d);
        if (d->family->decode(d, session, &at, 0.3, &f) == OK)
            check_found(&f);
        fill(s, session, form);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    AUTO(arena) struct arena *a = arena_new();
    struct source s = { bytes, bytes + n };
    struct ort_session *session = heap_take(sizeof *session);
    static struct graph graph;
    static const struct ort_property properties[] = {
        { "names", "{0: 'a', 1: 'b'}" }, { "task", "pose" }, { "kpt_shape", "[2, 3]" }, { "end2end", "True" }
    };
    static const char *const tasks[] = { NULL, "detect", "segment", "pose", "obb", "classify", "semantic" };
    struct description d;
    description_init(&d);
    d.type = ELEMENT_F32;
    d.height = d.width = SIDE;
    d.wanted = (enum wanted)(1U << take(&s) % 5 & 0xf);
    d.labels.n = take(&s) % 4 ? 2 : take(&s) % 4;
    d.labels.background = (int)(take(&s) % 3) - 1;
    unsigned more = take(&s);
    session->n_inputs = 1;
    strcpy(session->inputs[0].name, more & 1 ? "orig_target_sizes" : more & 2 ? "scale_factor" : "images");
    const struct form *form = forms[take(&s) % COUNT_OF(forms)];
    struct look l = { .session = session,
                      .property = properties,
                      .n_properties = more & 4 ? 4 : 0,
                      .classes = d.labels.n,
                      .exported = more & 8,
                      .most_classes = (int64_t)d.labels.n,
                      .graph = &graph,
                      .height = SIDE,
                      .width = SIDE,
                      .task = tasks[take(&s) % COUNT_OF(tasks)] };
    fill(&s, session, form);
    for (const struct family *const *f = families; *f; f++) {
        struct description own = d;
        own.family = *f;
        fill(&s, session, form);
        if ((*f)->recognise(&l, &own) && (*f)->decode && *f != &family_ours && *f != &family_our_classes)
            read_twice(&s, session, &l, &own, form);
    }
    for (size_t i = 0; i <= ORT_OUTPUTS; i++)
        free(session->as_float[i]);
    free(session);
    return 0;
}
