/* An answer in the protocol's form: JSON, and behind it what was asked for in binary. */
#include "app/deployment/oip.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What of the outputs goes out, and how. */
struct chosen {
    const struct oip_output *out;
    bool binary;
};

static enum err choose(const struct oip_request *q, const struct oip_answer *a, struct chosen *ret, size_t *ret_n)
{
    if (!q->n_out) {
        for (size_t i = 0; i < a->n; i++)
            ret[i] = (struct chosen){ &a->out[i], q->binary_outputs };
        *ret_n = a->n;
        return OK;
    }
    for (size_t i = 0; i < q->n_out; i++) {
        ret[i] = (struct chosen){ NULL, q->out[i].binary };
        for (size_t k = 0; k < a->n; k++)
            if (strcmp(a->out[k].name, q->out[i].name) == 0)
                ret[i].out = &a->out[k];
        if (!ret[i].out)
            return fail(E_INVALID, "there is no output '%s'", q->out[i].name);
    }
    *ret_n = q->n_out;
    return OK;
}

static uint64_t binary_size(const struct oip_output *o)
{
    uint64_t n = o->n * tensor_type_size(o->type);
    for (uint64_t i = 0; o->type == TENSOR_OTHER && i < o->n; i++)
        n += 4 + strlen(o->texts[i]);
    return n;
}

static enum err write_float(struct out *o, const struct oip_output *t, double x)
{
    if (!isfinite(x))
        return fail(E_UNMEANT, "the output '%s' holds values that are no numbers, which JSON cannot tell: ask for it in binary",
                    t->name);
    out_number(o, NULL, x);
    return OK;
}

#define VALUE(T)                                                                                                                   \
    T v;                                                                                                                           \
    memcpy(&v, t->data + i * sizeof v, sizeof v)

static enum err write_value(struct out *o, const struct oip_output *t, uint64_t i)
{
    char text[32];
    switch (t->type) {
    case TENSOR_OTHER: out_text(o, NULL, t->texts[i]); return OK;
    case TENSOR_FP32: {
        VALUE(float);
        return write_float(o, t, (double)v);
    }
    case TENSOR_FP64: {
        VALUE(double);
        return write_float(o, t, v);
    }
    case TENSOR_BOOL: out_bool(o, NULL, t->data[i]); return OK;
    case TENSOR_UINT8: out_int(o, NULL, t->data[i]); return OK;
    case TENSOR_INT8: out_int(o, NULL, (int8_t)t->data[i]); return OK;
    case TENSOR_UINT16: {
        VALUE(uint16_t);
        out_int(o, NULL, v);
        return OK;
    }
    case TENSOR_INT16: {
        VALUE(int16_t);
        out_int(o, NULL, v);
        return OK;
    }
    case TENSOR_UINT32: {
        VALUE(uint32_t);
        out_int(o, NULL, v);
        return OK;
    }
    case TENSOR_INT32: {
        VALUE(int32_t);
        out_int(o, NULL, v);
        return OK;
    }
    case TENSOR_INT64: {
        VALUE(int64_t);
        out_int(o, NULL, v);
        return OK;
    }
    case TENSOR_UINT64: {
        VALUE(uint64_t);
        snprintf(text, sizeof text, "%" PRIu64, v);
        out_raw(o, NULL, text);
        return OK;
    }
    default:
        return fail(E_UNMEANT, "the output '%s' is %s, which JSON cannot tell: ask for it in binary", t->name,
                    tensor_type_name(t->type));
    }
}

static enum err write_tensor(struct out *o, const struct chosen *c)
{
    const struct oip_output *t = c->out;
    out_object(o, NULL);
    out_text(o, "name", t->name);
    out_text(o, "datatype", tensor_type_name(t->type));
    out_array(o, "shape");
    for (int i = 0; i < t->rank; i++)
        out_int(o, NULL, t->shape[i]);
    out_end_array(o);
    if (c->binary) {
        out_object(o, "parameters");
        out_int(o, "binary_data_size", (int64_t)binary_size(t));
        out_end_object(o);
    } else {
        out_array(o, "data");
        for (uint64_t i = 0; i < t->n; i++)
            TRY(write_value(o, t, i));
        out_end_array(o);
    }
    out_end_object(o);
    return OK;
}

static void add_binary(struct text *to, const struct oip_output *t)
{
    if (t->type != TENSOR_OTHER) {
        text_bytes(to, (const char *)t->data, binary_size(t));
        return;
    }
    for (uint64_t i = 0; i < t->n; i++) {
        size_t n = strlen(t->texts[i]);
        const char length[4] = { (char)n, (char)(n >> 8), (char)(n >> 16), (char)(n >> 24) };
        text_bytes(to, length, sizeof length);
        text_bytes(to, t->texts[i], n);
    }
}

enum err oip_write(struct op *op, const struct oip_request *q, const struct oip_answer *a)
{
    struct chosen chosen[TENSORS_MOST];
    struct out *o = &op->out;
    size_t n;
    bool any = false;
    TRY(choose(q, a, chosen, &n));
    out_object(o, NULL);
    out_text(o, "model_name", a->model);
    out_text(o, "model_version", a->version);
    if (q->id)
        out_text(o, "id", q->id);
    out_object(o, "parameters");
    out_number(o, "latency", a->latency_s);
    if (a->asset)
        out_text(o, "predicted_asset_id", a->asset);
    out_end_object(o);
    out_array(o, "outputs");
    for (size_t i = 0; i < n; i++) {
        TRY(write_tensor(o, &chosen[i]));
        any |= chosen[i].binary;
    }
    out_end_array(o);
    out_end_object(o);
    if (!any)
        return OK;
    http_answer_header(op->call, "Inference-Header-Content-Length", arena_fmt(op->arena, "%zu", o->text.n));
    for (size_t i = 0; i < n; i++)
        if (chosen[i].binary)
            add_binary(&o->text, chosen[i].out);
    if (o->text.crowded || text_full(&o->text))
        return fail(E_BUSY, "too many large answers at once");
    http_answer_header(op->call, "Cache-Control", "no-store");
    http_answer_text(op->call, 200, "application/octet-stream", &o->text);
    return OK;
}
