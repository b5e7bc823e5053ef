/* A request's body: JSON, read event by event since the numbers of an image may be a million, and behind it the binary tensors. */
#include "app/deployment/oip.h"
#include "json/pull.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_CAP = 4096, ELEMENT_CAP = 90 << 20 };

struct reading {
    struct arena *arena;
    struct oip_request *q;
    struct pull *pull;
    uint64_t next; /* where the next binary tensor begins */
};
typedef enum err member(struct reading *, const char *key, void *with);

/* ---- JSON */

static enum err unexpected(const char *what, const char *wanted)
{
    return fail(E_INVALID, "%s must be %s", what, wanted);
}

static enum err each_member(struct reading *r, member *take, void *with)
{
    enum pull_event e;
    for (;;) {
        TRY(pull_next(r->pull, &e));
        if (e == PULL_END_OBJECT)
            return OK;
        const char *key = arena_str(r->arena, pull_text(r->pull));
        TRY(take(r, key, with));
    }
}

static enum err need_object(struct reading *r, const char *what, member *take, void *with)
{
    enum pull_event e;
    TRY(pull_next(r->pull, &e));
    return e == PULL_OBJECT ? each_member(r, take, with) : unexpected(what, "an object");
}

static enum err each_item(struct reading *r, const char *what, enum err (*take)(struct reading *))
{
    enum pull_event e;
    TRY(pull_next(r->pull, &e));
    if (e != PULL_ARRAY)
        return unexpected(what, "a list");
    for (;;) {
        TRY(pull_next(r->pull, &e));
        if (e == PULL_END_ARRAY)
            return OK;
        if (e != PULL_OBJECT)
            return unexpected(what, "a list of objects");
        TRY(take(r));
    }
}

static enum err read_text(struct reading *r, const char *what, const char **ret)
{
    enum pull_event e;
    TRY(pull_next(r->pull, &e));
    if (e == PULL_NULL)
        return OK;
    if (e != PULL_TEXT)
        return unexpected(what, "a text");
    *ret = arena_str(r->arena, pull_text(r->pull));
    return OK;
}

static enum err read_bool(struct reading *r, const char *what, bool *ret)
{
    enum pull_event e;
    TRY(pull_next(r->pull, &e));
    if (e != PULL_TRUE && e != PULL_FALSE)
        return unexpected(what, "true or false");
    *ret = e == PULL_TRUE;
    return OK;
}

static enum err read_name(struct reading *r, char ret[TENSOR_NAME])
{
    const char *name = NULL;
    TRY(read_text(r, "a tensor's name", &name));
    if (!name || !*name || strlen(name) >= TENSOR_NAME)
        return fail(E_INVALID, "a tensor's name must have 1 to %d bytes", TENSOR_NAME - 1);
    memcpy(ret, name, strlen(name) + 1);
    return OK;
}

/* ---- inputs */

static enum err read_shape(struct reading *r, struct tensor *t)
{
    enum pull_event e;
    TRY(pull_next(r->pull, &e));
    if (e != PULL_ARRAY)
        return unexpected("shape", "a list of numbers");
    for (t->rank = 0;; t->rank++) {
        TRY(pull_next(r->pull, &e));
        if (e == PULL_END_ARRAY)
            return OK;
        if (t->rank == TENSOR_RANK)
            return fail(E_INVALID, "shape: at most %d dimensions", TENSOR_RANK);
        if (e != PULL_NUMBER || !pull_int(r->pull, &t->shape[t->rank]) || t->shape[t->rank] < 0)
            return unexpected("shape", "a list of whole numbers from 0 on");
    }
}

/* Memory that is shared with the caller is something that other servers offer. */
static enum err no_shared_memory(const char *key)
{
    return strncmp(key, "shared_memory", 13) == 0 ? fail(E_INVALID, "%s: tensors come and go in the body only", key) : OK;
}

static enum err input_parameter(struct reading *r, const char *key, void *with)
{
    struct oip_tensor *t = with;
    int64_t n;
    enum pull_event e;
    TRY(no_shared_memory(key));
    if (strcmp(key, "binary_data_size") != 0)
        return pull_skip_next(r->pull);
    TRY(pull_next(r->pull, &e));
    if (e != PULL_NUMBER || !pull_int(r->pull, &n) || n < 0)
        return unexpected("binary_data_size", "a whole number from 0 on");
    t->binary = true;
    t->n = (uint64_t)n;
    return OK;
}

static enum err read_data(struct reading *r, struct oip_tensor *t)
{
    enum pull_event e;
    TRY(pull_next(r->pull, &e));
    if (e != PULL_ARRAY)
        return unexpected("data", "a list");
    t->at = pull_at(r->pull);
    return pull_skip(r->pull, e);
}

static enum err input_member(struct reading *r, const char *key, void *with)
{
    struct oip_tensor *t = with;
    const char *type = NULL;
    if (strcmp(key, "name") == 0)
        return read_name(r, t->is.name);
    if (strcmp(key, "shape") == 0)
        return read_shape(r, &t->is);
    if (strcmp(key, "parameters") == 0)
        return need_object(r, "parameters", input_parameter, t);
    if (strcmp(key, "data") == 0)
        return read_data(r, t);
    if (strcmp(key, "datatype") != 0)
        return pull_skip_next(r->pull);
    TRY(read_text(r, "datatype", &type));
    t->is.type = tensor_type_of(type ? type : "");
    if (t->is.type == TENSOR_OTHER && (!type || strcmp(type, "BYTES") != 0))
        return fail(E_INVALID, "datatype must be BOOL, UINT8 to UINT64, INT8 to INT64, FP16, BF16, FP32, FP64 or BYTES");
    return OK;
}

static enum err read_input(struct reading *r)
{
    struct oip_request *q = r->q;
    if (q->n_in == TENSORS_MOST)
        return fail(E_TOO_BIG, "at most %d inputs can be given", TENSORS_MOST);
    struct oip_tensor *t = &q->in[q->n_in++];
    t->is.rank = -1;
    TRY(each_member(r, input_member, t));
    if (!*t->is.name || t->is.rank < 0)
        return fail(E_INVALID, "an input needs a name, a shape and a datatype");
    if (t->binary && t->at)
        return fail(E_INVALID, "the input '%s' has data and binary_data_size", t->is.name);
    if (!t->binary && !t->at)
        return fail(E_INVALID, "the input '%s' has no data", t->is.name);
    if (!t->binary)
        return OK;
    if (t->n > q->size - r->next)
        return fail(E_INVALID, "the body ends within the binary data of '%s'", t->is.name);
    t->at = r->next;
    r->next += t->n;
    return OK;
}

/* ---- outputs and the rest */

static enum err output_parameter(struct reading *r, const char *key, void *with)
{
    struct oip_wanted *w = with;
    TRY(no_shared_memory(key));
    if (strcmp(key, "classification") == 0)
        return fail(E_INVALID, "classification: outputs are given as the network has them");
    return strcmp(key, "binary_data") == 0 ? read_bool(r, key, &w->binary) : pull_skip_next(r->pull);
}

static enum err output_member(struct reading *r, const char *key, void *with)
{
    struct oip_wanted *w = with;
    if (strcmp(key, "name") == 0)
        return read_name(r, w->name);
    return strcmp(key, "parameters") == 0 ? need_object(r, "parameters", output_parameter, w) : pull_skip_next(r->pull);
}

static enum err read_wanted(struct reading *r)
{
    struct oip_request *q = r->q;
    if (q->n_out == TENSORS_MOST)
        return fail(E_TOO_BIG, "at most %d outputs can be asked for", TENSORS_MOST);
    struct oip_wanted *w = &q->out[q->n_out++];
    TRY(each_member(r, output_member, w));
    return *w->name ? OK : fail(E_INVALID, "an output needs a name");
}

static enum err parameter(struct reading *r, const char *key, void *with)
{
    struct oip_request *q = with;
    if (strcmp(key, "binary_data_output") == 0)
        return read_bool(r, key, &q->binary_outputs);
    if (strcmp(key, "monitor") == 0)
        return read_bool(r, key, &q->monitor);
    if (strcmp(key, "source") == 0)
        return read_text(r, key, &q->source);
    return strcmp(key, "filename") == 0 ? read_text(r, key, &q->filename) : pull_skip_next(r->pull);
}

static enum err top(struct reading *r, const char *key, void *with)
{
    enum pull_event e;
    struct oip_request *q = with;
    if (strcmp(key, "inputs") == 0)
        return each_item(r, key, read_input);
    if (strcmp(key, "outputs") == 0)
        return each_item(r, key, read_wanted);
    if (strcmp(key, "id") == 0)
        return read_text(r, key, &q->id);
    if (strcmp(key, "parameters") != 0)
        return pull_skip_next(r->pull);
    TRY(pull_next(r->pull, &e));
    return e == PULL_NULL ? OK : e == PULL_OBJECT ? each_member(r, parameter, q) : unexpected(key, "an object");
}

enum err oip_read(struct arena *a, struct oip_request *q)
{
    AUTO(pull) struct pull *pull = pull_new(q->fd, 0, q->json_n, TEXT_CAP);
    struct reading r = { a, q, pull, q->json_n };
    enum pull_event e;
    q->monitor = true;
    TRY(need_object(&r, "the request", top, q));
    TRY(pull_next(pull, &e)); /* nothing stands behind it */
    if (!q->n_in)
        return fail(E_INVALID, "inputs is missing");
    for (size_t i = 0; q->binary_outputs && i < q->n_out; i++)
        q->out[i].binary = true;
    return r.next == q->size
               ? OK
               : fail(E_INVALID, "the body has %llu bytes behind its tensors", (unsigned long long)(q->size - r.next));
}

/* ---- values */

static enum err does_not_fit(const struct tensor *t, double x)
{
    return fail(E_INVALID, "the data of '%s' hold %.17g, which %s does not", t->name, x, tensor_type_name(t->type));
}

#define WHOLE(T, least, most)                                                                                                      \
    {                                                                                                                              \
        if (!whole || i < (least) || i > (most))                                                                                   \
            return does_not_fit(t, x);                                                                                             \
        T v = (T)i;                                                                                                                \
        memcpy(ret, &v, sizeof v);                                                                                                 \
        return OK;                                                                                                                 \
    }

static enum err put_number(const struct pull *p, const struct tensor *t, uint8_t *ret)
{
    int64_t i = 0;
    double x = pull_number(p);
    bool whole = pull_int(p, &i);
    float f = (float)x;
    switch (t->type) {
    case TENSOR_FP32: memcpy(ret, &f, sizeof f); return isfinite(f) ? OK : does_not_fit(t, x);
    case TENSOR_FP64: memcpy(ret, &x, sizeof x); return OK;
    case TENSOR_BOOL: WHOLE(uint8_t, 0, 1)
    case TENSOR_UINT8: WHOLE(uint8_t, 0, UINT8_MAX)
    case TENSOR_INT8: WHOLE(int8_t, INT8_MIN, INT8_MAX)
    case TENSOR_UINT16: WHOLE(uint16_t, 0, UINT16_MAX)
    case TENSOR_INT16: WHOLE(int16_t, INT16_MIN, INT16_MAX)
    case TENSOR_UINT32: WHOLE(uint32_t, 0, UINT32_MAX)
    case TENSOR_INT32: WHOLE(int32_t, INT32_MIN, INT32_MAX)
    case TENSOR_UINT64: WHOLE(uint64_t, 0, INT64_MAX)
    case TENSOR_INT64: WHOLE(int64_t, INT64_MIN, INT64_MAX)
    default:
        return fail(E_INVALID, "the data of '%s' are %s: these come as binary tensors only", t->name, tensor_type_name(t->type));
    }
}

/* A list of values, flat or in lists of lists: the order is the same. */
static enum err values_of_json(const struct oip_request *q, const struct oip_tensor *t, uint64_t n_bytes, uint8_t *ret)
{
    AUTO(pull) struct pull *p = pull_new(q->fd, t->at, q->json_n, TEXT_CAP);
    uint64_t size = tensor_type_size(t->is.type), at = 0;
    enum pull_event e;
    int depth = 0;
    do {
        TRY(pull_next(p, &e));
        depth += e == PULL_ARRAY ? 1 : e == PULL_END_ARRAY ? -1 : 0;
        if (e == PULL_ARRAY || e == PULL_END_ARRAY)
            continue;
        if (at + size > n_bytes)
            return fail(E_INVALID, "the data of '%s' are more values than its shape has", t->is.name);
        if (t->is.type == TENSOR_BOOL && (e == PULL_TRUE || e == PULL_FALSE))
            ret[at] = e == PULL_TRUE;
        else if (e == PULL_NUMBER)
            TRY(put_number(p, &t->is, ret + at));
        else
            return fail(E_INVALID, "the data of '%s' must be numbers", t->is.name);
        at += size;
    } while (depth > 0);
    return at == n_bytes ? OK : fail(E_INVALID, "the data of '%s' are fewer values than its shape has", t->is.name);
}

static enum err read_at(int fd, uint64_t at, void *ret, uint64_t n)
{
    for (uint64_t done = 0; done < n;) {
        ssize_t got = pread(fd, (char *)ret + done, n - done, (off_t)(at + done));
        if (got <= 0)
            return fail(E_BROKEN, "cannot read a request's body");
        done += (uint64_t)got;
    }
    return OK;
}

enum err oip_values(const struct oip_request *q, const struct oip_tensor *t, uint64_t n_bytes, uint8_t *ret)
{
    if (!t->binary)
        return values_of_json(q, t, n_bytes, ret);
    if (t->n != n_bytes)
        return fail(E_INVALID, "the input '%s' has %llu binary bytes; its shape asks for %llu", t->is.name,
                    (unsigned long long)t->n, (unsigned long long)n_bytes);
    return read_at(q->fd, t->at, ret, n_bytes);
}

static enum err element_of_json(const struct oip_request *q, const struct oip_tensor *t, char **ret)
{
    AUTO(pull) struct pull *p = pull_new(q->fd, t->at, q->json_n, ELEMENT_CAP);
    enum pull_event e;
    do
        TRY(pull_next(p, &e));
    while (e == PULL_ARRAY);
    if (e != PULL_TEXT)
        return fail(E_INVALID, "the data of '%s' must be one text, base64", t->is.name);
    *ret = heap_str(pull_text(p));
    return OK;
}

enum err oip_one_element(const struct oip_request *q, const struct oip_tensor *t, uint64_t *ret_at, uint64_t *ret_n,
                         char **ret_text)
{
    unsigned char length[4];
    for (int i = 0; i < t->is.rank; i++)
        if (t->is.shape[i] != 1)
            return fail(E_INVALID, "the input '%s' takes one element at a time: shape [1]", t->is.name);
    if (!t->binary)
        return element_of_json(q, t, ret_text);
    if (t->n < sizeof length)
        return fail(E_INVALID, "the input '%s' has no element", t->is.name);
    TRY(read_at(q->fd, t->at, length, sizeof length));
    uint64_t n = length[0] | (uint64_t)length[1] << 8 | (uint64_t)length[2] << 16 | (uint64_t)length[3] << 24;
    if (n != t->n - sizeof length)
        return fail(E_INVALID, "the input '%s' has %llu bytes behind the length of its element, which says %llu", t->is.name,
                    (unsigned long long)(t->n - sizeof length), (unsigned long long)n);
    *ret_at = t->at + sizeof length;
    *ret_n = n;
    return OK;
}
