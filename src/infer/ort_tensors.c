/* The child's side of a run by the network's own tensors. */
#include "base/clock.h"
#include "base/file.h"
#include "infer/ort_inside.h"
#include "infer/sheet.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct run {
    struct sheet sheet;
    struct signature takes;
    OrtValue *in[TENSORS_MOST], *out[TENSORS_MOST];
    const char *in_names[TENSORS_MOST], *out_names[TENSORS_MOST];
};

/* ---- what there is */

static enum tensor_type known_type(ONNXTensorElementDataType type)
{
    return tensor_type_size((enum tensor_type)type) ? (enum tensor_type)type : TENSOR_OTHER;
}

static enum err read_shape(const OrtTensorTypeAndShapeInfo *info, struct tensor *t)
{
    size_t rank;
    ONNXTensorElementDataType type;
    TRY(check(ort->GetTensorElementType(info, &type), E_UNMEANT, "a tensor's type"));
    TRY(check(ort->GetDimensionsCount(info, &rank), E_UNMEANT, "a tensor's shape"));
    if (rank > TENSOR_RANK)
        return fail(E_UNMEANT, "the model has a tensor of %zu dimensions", rank);
    t->type = known_type(type);
    t->rank = (int)rank;
    return check(ort->GetDimensions(info, t->shape, rank), E_UNMEANT, "a tensor's shape");
}

static enum err read_name(char *name, OrtAllocator *allocator, struct tensor *t)
{
    size_t n = strlen(name);
    if (n < sizeof t->name)
        memcpy(t->name, name, n + 1);
    TRY(check(ort->AllocatorFree(allocator, name), E_BROKEN, "ONNX Runtime"));
    return n < sizeof t->name ? OK : fail(E_UNMEANT, "the model has an input or output with a name of %zu bytes", n);
}

static enum err read_tensor(const OrtSession *s, bool input, size_t i, struct tensor *t)
{
    OrtAllocator *allocator;
    char *name = NULL;
    OrtTypeInfo *type = NULL;
    const OrtTensorTypeAndShapeInfo *info = NULL;
    TRY(check(ort->GetAllocatorWithDefaultOptions(&allocator), E_BROKEN, "ONNX Runtime"));
    TRY(check(input ? ort->SessionGetInputName(s, i, allocator, &name) : ort->SessionGetOutputName(s, i, allocator, &name),
              E_UNMEANT, "the model's inputs and outputs"));
    TRY(read_name(name, allocator, t));
    TRY(check(input ? ort->SessionGetInputTypeInfo(s, i, &type) : ort->SessionGetOutputTypeInfo(s, i, &type), E_UNMEANT,
              "the model's inputs and outputs"));
    enum err e = check(ort->CastTypeInfoToTensorInfo(type, &info), E_UNMEANT, "the model's inputs and outputs");
    if (e == OK && !info)
        e = fail(E_UNMEANT, "the model's %s '%s' is no tensor", input ? "input" : "output", t->name);
    if (e == OK)
        e = read_shape(info, t);
    ort->ReleaseTypeInfo(type);
    return e;
}

static enum err read_all(const struct ort_session *of, bool input, struct tensor_list *ret)
{
    const OrtSession *s = ort_inner(of);
    TRY(check(input ? ort->SessionGetInputCount(s, &ret->n) : ort->SessionGetOutputCount(s, &ret->n), E_UNMEANT,
              "the model's inputs and outputs"));
    ret->n -= !input && ort_is_seeing(of);
    if (ret->n > TENSORS_MOST) {
        ret->n = 0;
        return fail(E_UNMEANT, "the model has over %d inputs or outputs", TENSORS_MOST);
    }
    for (size_t i = 0; i < ret->n; i++)
        TRY(read_tensor(s, input, i, &ret->items[i]));
    return OK;
}

enum err ort_signature(const struct ort_session *s, struct signature *ret)
{
    TRY(read_all(s, true, &ret->in));
    return read_all(s, false, &ret->out);
}

/* ---- what is given */

static const struct tensor *named(const struct tensor_list *l, const char *name)
{
    for (size_t i = 0; i < l->n; i++)
        if (strncmp(l->items[i].name, name, TENSOR_NAME) == 0)
            return &l->items[i];
    return NULL;
}

static bool fits(const struct tensor *given, const struct tensor *wanted)
{
    bool same = given->rank == wanted->rank;
    for (int i = 0; same && i < given->rank; i++)
        same = wanted->shape[i] < 0 || wanted->shape[i] == given->shape[i];
    return same;
}

static enum err check_given(const struct tensor *given, const struct tensor *wanted, size_t size)
{
    AUTO(arena) struct arena *a = arena_new();
    uint64_t n = 0;
    if (!tensor_type_size(wanted->type))
        return fail(E_UNMEANT, "the model's input '%s' is of texts, which cannot be given", wanted->name);
    if (given->type != wanted->type)
        return fail(E_INVALID, "the input '%s' is %s, not %s", wanted->name, tensor_type_name(wanted->type),
                    tensor_type_name(given->type));
    if (!fits(given, wanted))
        return fail(E_INVALID, "the input '%s' is %s, not %s%s", wanted->name, tensor_shape_text(a, wanted),
                    tensor_shape_text(a, given),
                    given->rank == wanted->rank && given->shape[0] > 1 && wanted->shape[0] == 1 ? ": send one at a time" : "");
    TRY(tensor_bytes(given, TENSOR_INPUT_CAP, &n));
    if (given->n_bytes != n || given->at < SHEET_SIZE || given->at > size || n > size - given->at)
        return fail(E_BROKEN, "a tensor lies outside of its memory");
    return OK;
}

static enum err give(struct run *r, uint8_t *memory, size_t size)
{
    const struct tensor_list *in = &r->sheet.in;
    if (in->n > TENSORS_MOST)
        return fail(E_BROKEN, "a sheet of %zu tensors", in->n);
    for (size_t i = 0; i < in->n; i++)
        if (!named(&r->takes.in, in->items[i].name))
            return fail(E_INVALID, "the model has no input '%.100s'", in->items[i].name);
    for (size_t i = 0; i < r->takes.in.n; i++) {
        const struct tensor *wanted = &r->takes.in.items[i], *given = named(in, wanted->name);
        if (!given)
            return fail(E_INVALID, "the input '%s' is missing", wanted->name);
        TRY(check_given(given, wanted, size));
        r->in_names[i] = wanted->name;
        TRY(check(ort->CreateTensorWithDataAsOrtValue(ort_cpu_memory, memory + given->at, given->n_bytes, given->shape,
                                                      (size_t)given->rank, (ONNXTensorElementDataType)given->type, &r->in[i]),
                  E_BROKEN, "ONNX Runtime"));
    }
    return OK;
}

/* ---- what comes out */

static uint64_t behind_inputs(const struct tensor_list *in)
{
    uint64_t end = SHEET_SIZE;
    for (size_t i = 0; i < in->n; i++)
        end = in->items[i].at + in->items[i].n_bytes > end ? in->items[i].at + in->items[i].n_bytes : end;
    return end;
}

static enum err take_one(struct run *r, size_t i, uint8_t *memory, size_t size, uint64_t *at)
{
    enum { ALIGN = 64 };
    struct tensor *t = &r->sheet.out.items[i];
    OrtTensorTypeAndShapeInfo *info = NULL;
    void *data = NULL;
    *t = r->takes.out.items[i];
    TRY(check(ort->GetTensorTypeAndShape(r->out[i], &info), E_UNMEANT, "the model's output"));
    enum err e = read_shape(info, t);
    ort->ReleaseTensorTypeAndShapeInfo(info);
    TRY(e);
    if (!tensor_type_size(t->type))
        return fail(E_UNMEANT, "the model's output '%s' is of texts, which cannot be told", t->name);
    TRY(tensor_bytes(t, TENSOR_OUTPUT_CAP, &t->n_bytes));
    t->at = (*at + ALIGN - 1) / ALIGN * ALIGN;
    if (t->at > size || t->n_bytes > size - t->at)
        return fail(E_UNMEANT, "the model's outputs are over %d MiB", TENSOR_OUTPUT_CAP >> 20);
    TRY(check(ort->GetTensorMutableData(r->out[i], &data), E_UNMEANT, "the model's output"));
    memcpy(memory + t->at, data, t->n_bytes);
    *at = t->at + t->n_bytes;
    return OK;
}

static enum err take(struct run *r, uint8_t *memory, size_t size)
{
    uint64_t at = behind_inputs(&r->sheet.in);
    r->sheet.out.n = r->takes.out.n;
    for (size_t i = 0; i < r->takes.out.n; i++)
        TRY(take_one(r, i, memory, size, &at));
    memcpy(memory, &r->sheet, sizeof r->sheet);
    return OK;
}

static enum err run(const struct ort_session *s, struct run *r, uint8_t *memory, size_t size)
{
    memcpy(&r->sheet, memory, sizeof r->sheet);
    TRY(ort_signature(s, &r->takes));
    TRY(give(r, memory, size));
    for (size_t i = 0; i < r->takes.out.n; i++)
        r->out_names[i] = r->takes.out.items[i].name;
    double start = clock_seconds();
    TRY(check(ort->Run(ort_inner(s), NULL, r->in_names, (const OrtValue *const *)r->in, r->takes.in.n, r->out_names, r->takes.out.n,
                       r->out),
              E_UNMEANT, "the model cannot be run"));
    r->sheet.run_s = clock_seconds() - start;
    return take(r, memory, size);
}

enum err ort_run_tensors(const struct ort_session *s, uint8_t *memory, size_t size)
{
    struct run r = { 0 };
    enum err e = run(s, &r, memory, size);
    for (size_t i = 0; i < TENSORS_MOST; i++) {
        if (r.in[i])
            ort->ReleaseValue(r.in[i]);
        if (r.out[i])
            ort->ReleaseValue(r.out[i]);
    }
    return e;
}

enum err run_on_shared(const struct ort_session *s, int fd)
{
    struct stat st;
    if (fd < 0 || fd_stat(fd, &st) != 0 || st.st_size != TENSOR_MEMORY)
        return fail(E_BROKEN, "no memory of tensors came along");
    void *memory = mmap(NULL, TENSOR_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        return fail(E_BROKEN, "cannot map the memory of tensors");
    enum err e = ort_run_tensors(s, memory, TENSOR_MEMORY);
    munmap(memory, TENSOR_MEMORY);
    return e;
}
