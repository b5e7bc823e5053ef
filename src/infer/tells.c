/* What is told of a model file: to its page, to the API, to `saccade model look`. */
#include "infer/reading.h"
#include <string.h>

static void write_shape(struct out *o, const char *key, const struct ort_value *v)
{
    out_array(o, key);
    for (int i = 0; i < v->rank; i++) {
        if (v->shape[i] < 0)
            out_null(o, NULL);
        else
            out_int(o, NULL, v->shape[i]);
    }
    out_end_array(o);
}

static void write_value(struct out *o, const struct ort_value *declared, const struct ort_value *ran)
{
    out_object(o, NULL);
    out_text(o, "name", declared->name);
    out_text(o, "type", element_name(declared->type));
    write_shape(o, "shape", declared);
    if (ran)
        write_shape(o, "ran", ran);
    out_end_object(o);
}

static void write_values(struct out *o, const struct look *l, const struct ort_value *declared)
{
    out_array(o, "inputs");
    for (size_t i = 0; l->session && i < ort_inputs(l->session) && i < ORT_INPUTS; i++)
        write_value(o, ort_input(l->session, i), NULL);
    out_end_array(o);
    out_array(o, "outputs");
    for (size_t i = 0; l->session && i < ort_outputs(l->session); i++) {
        const struct ort_value *v = ort_output(l->session, i);
        write_value(o, &declared[i], v->raw ? v : NULL);
    }
    out_end_array(o);
}

/* Also of one that is not loaded, since some of them are missing. */
static void write_files(struct out *o, const struct elsewhere *e)
{
    out_array(o, "files");
    for (size_t i = 0; i < e->n; i++) {
        out_object(o, NULL);
        out_text(o, "name", e->places[i].name);
        if (e->places[i].bytes)
            out_int(o, "bytes", (int64_t)e->places[i].n);
        else
            out_null(o, "bytes");
        out_end_object(o);
    }
    out_end_array(o);
}

static void write_graph(struct out *o, const struct graph *g)
{
    out_text(o, "producer", g->producer);
    out_text(o, "producer_version", g->producer_version);
    out_int(o, "ir_version", g->ir_version);
    out_int(o, "nodes", (int64_t)g->n_nodes);
    out_array(o, "operator_sets");
    for (size_t i = 0; i < g->n_sets; i++) {
        out_object(o, NULL);
        out_text(o, "domain", g->sets[i].domain);
        out_int(o, "version", g->sets[i].version);
        out_end_object(o);
    }
    out_end_array(o);
    out_array(o, "operators");
    for (size_t i = 0; i < g->n_operators; i++) {
        out_object(o, NULL);
        out_text(o, "domain", g->operators[i].domain);
        out_text(o, "name", g->operators[i].name);
        out_int(o, "count", g->operators[i].count);
        out_end_object(o);
    }
    out_end_array(o);
}

static void write_missing(struct out *o, unsigned missing)
{
    out_array(o, "missing");
    for (unsigned f = 0; f < FACTS; f++)
        if (missing & 1U << f) {
            out_object(o, NULL);
            out_text(o, "key", fact_name((enum fact)f));
            out_text(o, "what", fact_hint((enum fact)f));
            out_end_object(o);
        }
    out_end_array(o);
}

static void write_gives(struct out *o, unsigned gives)
{
    static const char *const types[] = { "OBJECT_DETECTION", "SEGMENTATION", "CLASSIFICATION", "KEYPOINT" };
    out_array(o, "types");
    for (unsigned i = 0; i < COUNT_OF(types); i++)
        if (gives & 1U << i)
            out_text(o, NULL, types[i]);
    out_end_array(o);
}

static void write_metadata(struct arena *a, struct out *o, const struct look *l)
{
    enum { LONG = 4096 }; /* what is longer is said otherwise */
    out_object(o, "names");
    for (size_t i = 0; i < l->n_names; i++)
        if (l->names[i])
            out_text(o, arena_fmt(a, "%zu", i), l->names[i]);
    out_end_object(o);
    out_object(o, "metadata");
    for (size_t i = 0; i < l->n_properties; i++)
        if (strlen(l->property[i].value) <= LONG)
            out_text(o, l->property[i].key, l->property[i].value);
    out_end_object(o);
}

enum err reading_tell(struct arena *a, const struct look *l, const struct reading *r, const struct ort_value *declared,
                      unsigned missing, const char **ret)
{
    AUTO(out) struct out o;
    out_init(&o, 100 << 10); /* fits into a message */
    out_object(&o, NULL);
    out_text(&o, "family", r->d.family ? r->d.family->name : NULL);
    out_text(&o, "why", r->d.family ? r->d.family->says : NULL);
    out_text(&o, "problem", r->problem);
    out_text(&o, "task", l->task);
    write_gives(&o, r->d.gives);
    write_missing(&o, missing);
    out_bool(&o, "class_numbers", r->d.output[ROLE_LABELS] >= 0 || r->d.n_columns > 0);
    description_write(&o, &r->d);
    write_values(&o, l, declared);
    write_files(&o, l->elsewhere);
    write_graph(&o, l->graph);
    write_metadata(a, &o, l);
    out_end_object(&o);
    *ret = arena_str(a, o.text.bytes);
    return text_full(&o.text) ? fail(E_UNMEANT, "the model's metadata is over 100 KiB") : OK;
}
