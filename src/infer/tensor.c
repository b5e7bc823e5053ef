#include "infer/tensor.h"
#include "base/child.h"
#include "base/file.h"
#include "infer/pool.h"
#include "infer/sheet.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
    const char *name;
    size_t size;
} types[TENSOR_TYPES] = {
    [TENSOR_FP32] = { "FP32", 4 },     [TENSOR_UINT8] = { "UINT8", 1 },   [TENSOR_INT8] = { "INT8", 1 },
    [TENSOR_UINT16] = { "UINT16", 2 }, [TENSOR_INT16] = { "INT16", 2 },   [TENSOR_INT32] = { "INT32", 4 },
    [TENSOR_INT64] = { "INT64", 8 },   [TENSOR_BOOL] = { "BOOL", 1 },     [TENSOR_FP16] = { "FP16", 2 },
    [TENSOR_FP64] = { "FP64", 8 },     [TENSOR_UINT32] = { "UINT32", 4 }, [TENSOR_UINT64] = { "UINT64", 8 },
    [TENSOR_BF16] = { "BF16", 2 },
};

const char *tensor_type_name(enum tensor_type t)
{
    return t < TENSOR_TYPES && types[t].name ? types[t].name : "BYTES";
}

enum tensor_type tensor_type_of(const char *name)
{
    for (size_t i = 0; i < TENSOR_TYPES; i++)
        if (types[i].name && strcmp(types[i].name, name) == 0)
            return (enum tensor_type)i;
    return TENSOR_OTHER;
}

size_t tensor_type_size(enum tensor_type t)
{
    return t < TENSOR_TYPES ? types[t].size : 0;
}

enum err tensor_bytes(const struct tensor *t, uint64_t cap, uint64_t *ret)
{
    uint64_t n = tensor_type_size(t->type);
    for (int i = 0; i < t->rank; i++) {
        if (t->shape[i] < 0)
            return fail(E_INVALID, "the tensor '%s' has a dimension of %lld", t->name, (long long)t->shape[i]);
        if (t->shape[i] && n > cap / (uint64_t)t->shape[i])
            return fail(E_TOO_BIG, "the tensor '%s' is over %llu MiB", t->name, (unsigned long long)cap >> 20);
        n *= (uint64_t)t->shape[i];
    }
    *ret = n;
    return OK;
}

const char *tensor_shape_text(struct arena *a, const struct tensor *t)
{
    const char *s = t->rank ? "" : "a single value";
    for (int i = 0; i < t->rank; i++)
        s = t->shape[i] < 0 ? arena_fmt(a, "%s%s?", s, i ? "×" : "")
                            : arena_fmt(a, "%s%s%lld", s, i ? "×" : "", (long long)t->shape[i]);
    return s;
}

/* ---- the memory */

enum err tensors_new(struct tensors **ret)
{
    void *memory;
    struct tensors *t = heap_take(sizeof *t);
    enum err e = shared_memory("tensors", TENSOR_MEMORY, &t->fd, &memory);
    if (e != OK) {
        free(t);
        return e;
    }
    t->memory = memory;
    t->used = SHEET_SIZE;
    *ret = t;
    return OK;
}

void tensors_free(struct tensors *t)
{
    if (!t)
        return;
    munmap(t->memory, TENSOR_MEMORY);
    close(t->fd);
    free(t);
}

enum err tensors_add(struct tensors *t, const struct tensor *in, uint8_t **ret_data)
{
    enum { ALIGN = 64 };
    if (t->in.n == TENSORS_MOST)
        return fail(E_TOO_BIG, "at most %d tensors can be given", TENSORS_MOST);
    struct tensor *to = &t->in.items[t->in.n];
    *to = *in;
    to->at = t->used;
    TRY(tensor_bytes(in, SHEET_SIZE + TENSOR_INPUT_CAP - t->used, &to->n_bytes));
    t->in.n++;
    t->used = (t->used + to->n_bytes + ALIGN - 1) / ALIGN * ALIGN;
    if (t->used > SHEET_SIZE + TENSOR_INPUT_CAP)
        t->used = SHEET_SIZE + TENSOR_INPUT_CAP;
    *ret_data = t->memory + to->at;
    return OK;
}

const uint8_t *tensors_data(const struct tensors *t, const struct tensor *of)
{
    return t->memory + of->at;
}

/* ---- asking; nothing that the process says is trusted */

static enum err no_sense(void)
{
    return fail(E_BROKEN, "a model's process gave an answer that makes no sense");
}

static enum err check_tensor(struct tensor *t, bool has_data)
{
    uint64_t n = 0;
    t->name[TENSOR_NAME - 1] = 0;
    if ((unsigned)t->type >= TENSOR_TYPES || t->rank < 0 || t->rank > TENSOR_RANK)
        return no_sense();
    if (!has_data)
        return OK;
    bool inside = t->at >= SHEET_SIZE && t->at <= TENSOR_MEMORY && t->n_bytes <= TENSOR_MEMORY - t->at;
    if (!inside || !tensor_type_size(t->type) || tensor_bytes(t, TENSOR_OUTPUT_CAP, &n) != OK || n != t->n_bytes)
        return no_sense();
    return OK;
}

static enum err check_list(struct tensor_list *l, bool has_data)
{
    if (l->n > TENSORS_MOST)
        return no_sense();
    for (size_t i = 0; i < l->n; i++)
        TRY(check_tensor(&l->items[i], has_data));
    return OK;
}

static enum err read_signature(const struct answer *a, struct tensor_list *ret_in, struct tensor_list *ret_out)
{
    struct signature s;
    if (a->reply.n_bytes != sizeof s)
        return no_sense();
    memcpy(&s, a->bytes + sizeof a->reply, sizeof s);
    TRY(check_list(&s.in, false));
    TRY(check_list(&s.out, false));
    *ret_in = s.in;
    *ret_out = s.out;
    return OK;
}

enum err infer_signature(struct infer_pool *p, const char *who, const struct infer_model *of, struct tensor_list *ret_in,
                         struct tensor_list *ret_out)
{
    struct answer *a = heap_take(sizeof *a);
    enum err e = pool_ask(p, who, of, MODEL_SIGNATURE, -1, 0, a);
    if (e == OK)
        e = read_signature(a, ret_in, ret_out);
    free(a);
    return e;
}

static enum err read_sheet(struct tensors *t)
{
    struct sheet s;
    memcpy(&s, t->memory, sizeof s);
    TRY(check_list(&s.out, true));
    if (!isfinite(s.run_s) || s.run_s < 0)
        return no_sense();
    t->out = s.out;
    t->latency_s = s.run_s;
    return OK;
}

enum err infer_run(struct infer_pool *p, const char *who, const struct infer_model *of, struct tensors *t)
{
    const struct sheet s = { .in = t->in };
    memcpy(t->memory, &s, sizeof s);
    struct answer *a = heap_take(sizeof *a);
    enum err e = pool_ask(p, who, of, MODEL_RUN, t->fd, 0, a);
    free(a);
    TRY(e);
    return read_sheet(t);
}
