#include "infer/features.h"
#include "infer/graph.h"
#include "infer/ort_inside.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

const OrtApi *ort;
static OrtEnv *env;
OrtMemoryInfo *ort_cpu_memory;

static const struct {
    const char *name;
    size_t size;
    ONNXTensorElementDataType type;
} elements[] = {
    [ELEMENT_OTHER] = { "another type", 0, ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED },
    [ELEMENT_F32] = { "float32", 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT },
    [ELEMENT_F16] = { "float16", 2, ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT16 },
    [ELEMENT_F64] = { "float64", 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_DOUBLE },
    [ELEMENT_U8] = { "uint8", 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8 },
    [ELEMENT_I8] = { "int8", 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT8 },
    [ELEMENT_BOOL] = { "bool", 1, ONNX_TENSOR_ELEMENT_DATA_TYPE_BOOL },
    [ELEMENT_I32] = { "int32", 4, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32 },
    [ELEMENT_I64] = { "int64", 8, ONNX_TENSOR_ELEMENT_DATA_TYPE_INT64 },
};

const char *element_name(enum element e)
{
    return elements[e].name;
}

size_t element_size(enum element e)
{
    return elements[e].size;
}

static enum element element_of(ONNXTensorElementDataType type)
{
    for (size_t i = 1; i < COUNT_OF(elements); i++)
        if (elements[i].type == type)
            return (enum element)i;
    return ELEMENT_OTHER;
}

OrtSession *ort_inner(const struct ort_session *s)
{
    return s->session;
}

bool ort_is_seeing(const struct ort_session *s)
{
    return s->has_features;
}

/* Where set-up put it (the build says so), else where the system has it. */
static void *open_library(void)
{
    static const char *const names[] = { ONNXRUNTIME_DIR "/libonnxruntime.so.1.32.0", "libonnxruntime.so.1", "libonnxruntime.so" };
    const char *path = getenv("SACCADE_ONNXRUNTIME");
    void *library = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    for (size_t i = 0; i < COUNT_OF(names) && !library && !path; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

/* An arena that takes what is asked for, not the next power of two. */
static enum err use_frugal_arena(void)
{
    static const char *const keys[] = { "arena_extend_strategy" };
    static const size_t values[] = { 1 };
    OrtArenaCfg *config = NULL;
    TRY(check(ort->CreateArenaCfgV2(keys, values, 1, &config), E_BROKEN, "ONNX Runtime"));
    enum err e = check(ort->CreateAndRegisterAllocator(env, ort_cpu_memory, config), E_BROKEN, "ONNX Runtime");
    ort->ReleaseArenaCfg(config);
    return e;
}

/* The library would otherwise keep a database of what it has to tell its makers below the home folder, open for writing, and send
 * it. Its own two switches; a model's process has
 * no home besides. */
static void keep_quiet(void)
{
    setenv("ORT_DISABLE_TELEMETRY", "1", 1);
}

enum err ort_start(int n_threads)
{
    keep_quiet();
    void *library = open_library();
    if (!library)
        return fail(E_BROKEN, "ONNX Runtime is not there: %s", dlerror());
    const OrtApiBase *(*get_base)(void) = NULL;
    void *symbol = dlsym(library, "OrtGetApiBase");
    memcpy(&get_base, &symbol, sizeof get_base); /* ISO C has no conversion from object to function pointer */
    if (!get_base || !(ort = get_base()->GetApi(ORT_API_VERSION)))
        return fail(E_BROKEN, "the library of ONNX Runtime is older than version 1.%d", ORT_API_VERSION);
    OrtThreadingOptions *threads = NULL;
    TRY(check(ort->CreateThreadingOptions(&threads), E_BROKEN, "ONNX Runtime"));
    enum err e = check(ort->SetGlobalIntraOpNumThreads(threads, n_threads), E_BROKEN, "ONNX Runtime");
    if (e == OK)
        e = check(ort->SetGlobalInterOpNumThreads(threads, 1), E_BROKEN, "ONNX Runtime");
    if (e == OK)
        e = check(ort->SetGlobalSpinControl(threads, n_threads > 1), E_BROKEN, "ONNX Runtime");
    if (e == OK)
        e = check(ort->CreateEnvWithGlobalThreadPools(ORT_LOGGING_LEVEL_FATAL, "saccade", threads, &env), E_BROKEN, "ONNX Runtime");
    ort->ReleaseThreadingOptions(threads);
    TRY(e);
    TRY(check(ort->DisableTelemetryEvents(env), E_BROKEN, "ONNX Runtime"));
    TRY(check(ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &ort_cpu_memory), E_BROKEN, "ONNX Runtime"));
    return use_frugal_arena();
}

static enum err describe_tensor(const OrtTensorTypeAndShapeInfo *info, struct ort_value *v)
{
    size_t rank;
    ONNXTensorElementDataType type;
    TRY(check(ort->GetTensorElementType(info, &type), E_UNMEANT, "a tensor's type"));
    TRY(check(ort->GetDimensionsCount(info, &rank), E_UNMEANT, "a tensor's shape"));
    if (rank > ORT_SHAPE)
        return fail(E_UNMEANT, "the model has a tensor of %zu dimensions", rank);
    v->type = element_of(type);
    v->rank = (int)rank;
    return check(ort->GetDimensions(info, v->shape, rank), E_UNMEANT, "a tensor's shape");
}

static enum err describe(struct ort_session *s, bool input, size_t i, struct ort_value *v)
{
    OrtAllocator *allocator;
    TRY(check(ort->GetAllocatorWithDefaultOptions(&allocator), E_BROKEN, "ONNX Runtime"));
    char *name = NULL;
    TRY(check(input ? ort->SessionGetInputName(s->session, i, allocator, &name)
                    : ort->SessionGetOutputName(s->session, i, allocator, &name),
              E_UNMEANT, "the model's inputs and outputs"));
    size_t length = strlen(name);
    if (length < sizeof v->name)
        memcpy(v->name, name, length + 1);
    enum err e = check(ort->AllocatorFree(allocator, name), E_BROKEN, "ONNX Runtime");
    TRY(e);
    if (length >= sizeof v->name)
        return fail(E_UNMEANT, "the model has an input or output with a name of %zu bytes", length);
    OrtTypeInfo *type = NULL;
    TRY(check(input ? ort->SessionGetInputTypeInfo(s->session, i, &type) : ort->SessionGetOutputTypeInfo(s->session, i, &type),
              E_UNMEANT, "the model's inputs and outputs"));
    const OrtTensorTypeAndShapeInfo *info = NULL;
    e = check(ort->CastTypeInfoToTensorInfo(type, &info), E_UNMEANT, "the model's inputs and outputs");
    if (e == OK && !info)
        e = fail(E_UNMEANT, "the model's %s '%s' is no tensor", input ? "input" : "output", v->name);
    if (e == OK)
        e = describe_tensor(info, v);
    ort->ReleaseTypeInfo(type);
    return e;
}

/* What grows in a loop is given back at once: the arena keeps each of its sizes, which adds up to many times what is held. */
static enum err choose_memory(const uint8_t *model, size_t n, OrtSessionOptions *o)
{
    AUTO(arena) struct arena *a = arena_new();
    struct graph *g = arena_take(a, sizeof *g);
    graph_read(a, model, n, g);
    if (!graph_has(g, "Loop"))
        return check(ort->AddSessionConfigEntry(o, "session.use_env_allocators", "1"), E_BROKEN, "ONNX Runtime");
    TRY(check(ort->DisableMemPattern(o), E_BROKEN, "ONNX Runtime"));
    return check(ort->DisableCpuMemArena(o), E_BROKEN, "ONNX Runtime");
}

/* What the library says of an operator that it lacks leaves a person alone. */
static enum err explained(enum err e)
{
    static const char *const lacks[] = { "Could not find an implementation", "not a registered", "No Op registered" };
    size_t i = 0;
    while (i < COUNT_OF(lacks) && !strstr(fail_text(), lacks[i]))
        i++;
    if (e == OK || i == COUNT_OF(lacks))
        return e;
    AUTO(arena) struct arena *a = arena_new();
    const char *said = arena_str(a, fail_text());
    return fail(e, "%s; the runtime here has no such operator for these types: export with another opset_version, or in float32",
                said);
}

static enum err create(const uint8_t *model, size_t n, OrtSession **ret)
{
    OrtSessionOptions *o = NULL;
    TRY(check(ort->CreateSessionOptions(&o), E_BROKEN, "ONNX Runtime"));
    enum err e = check(ort->DisablePerSessionThreads(o), E_BROKEN, "ONNX Runtime");
    if (e == OK)
        e = check(ort->SetSessionGraphOptimizationLevel(o, ORT_ENABLE_ALL), E_BROKEN, "ONNX Runtime");
    if (e == OK)
        e = choose_memory(model, n, o);
    if (e == OK)
        e = check(ort->AddSessionConfigEntry(o, "session.use_device_allocator_for_initializers", "1"), E_BROKEN, "ONNX Runtime");
    if (e == OK) /* the format that onnx_check() has looked through, and no other */
        e = check(ort->AddSessionConfigEntry(o, "session.load_model_format", "ONNX"), E_BROKEN, "ONNX Runtime");
    if (e == OK)
        e = explained(check(ort->CreateSessionFromArray(env, model, n, o, ret), E_UNMEANT, "ONNX Runtime refuses the model"));
    ort->ReleaseSessionOptions(o);
    return e;
}

static void session_free(struct ort_session *s)
{
    if (s->session)
        ort->ReleaseSession(s->session);
    for (size_t i = 0; i <= ORT_OUTPUTS; i++)
        free(s->as_float[i]);
    free(s);
}

/* The features are the last output, and stay out of what is told of the others. */
static enum err describe_outputs(struct ort_session *s)
{
    size_t all = s->n_outputs;
    s->n_outputs = all - s->has_features < ORT_OUTPUTS ? all - s->has_features : ORT_OUTPUTS;
    for (size_t i = 0; i < s->n_outputs; i++)
        TRY(describe(s, false, i, &s->outputs[i]));
    return s->has_features ? describe(s, false, all - 1, &s->outputs[s->n_outputs]) : OK;
}

static enum err describe_all(struct ort_session *s)
{
    TRY(check(ort->SessionGetInputCount(s->session, &s->n_inputs), E_UNMEANT, "the model's inputs"));
    TRY(check(ort->SessionGetOutputCount(s->session, &s->n_outputs), E_UNMEANT, "the model's outputs"));
    if (s->n_inputs < 1 || s->n_outputs < 1 + (size_t)s->has_features)
        return fail(E_UNMEANT, "the model has no input or no output");
    for (size_t i = 0; i < s->n_inputs && i < ORT_INPUTS; i++)
        TRY(describe(s, true, i, &s->inputs[i]));
    return describe_outputs(s);
}

static enum err load(const uint8_t *model, size_t n, bool has_features, struct ort_session **ret)
{
    struct ort_session *s = heap_take(sizeof *s);
    s->has_features = has_features;
    enum err e = create(model, n, &s->session);
    if (e == OK)
        e = describe_all(s);
    if (e == OK)
        *ret = s;
    else
        session_free(s);
    return e;
}

enum err ort_load(const uint8_t *model, size_t n, struct ort_session **ret)
{
    return load(model, n, false, ret);
}

enum err ort_load_seeing(const uint8_t *model, size_t n, struct ort_session **ret)
{
    char name[FEATURES_NAME];
    uint8_t *more = NULL;
    size_t n_more;
    if (!features_find(model, n, name))
        return load(model, n, false, ret);
    TRY(features_add(model, n, name, &more, &n_more));
    enum err e = load(more, n_more, true, ret);
    free(more);
    return e == OK ? OK : load(model, n, false, ret); /* one that cannot be asked for them is run as it is */
}

size_t ort_features(const struct ort_session *s, const float **ret)
{
    const struct ort_value *v = &s->outputs[s->n_outputs];
    size_t n = 1;
    if (!s->has_features || !v->data || v->type != ELEMENT_F32)
        return 0;
    for (int i = 0; i < v->rank; i++)
        n *= v->shape[i] < 0 || v->shape[i] > FEATURES_MOST ? FEATURES_MOST + 1 : (size_t)v->shape[i];
    *ret = v->data;
    return n <= FEATURES_MOST ? n : 0;
}

size_t ort_inputs(const struct ort_session *s)
{
    return s->n_inputs;
}

const struct ort_value *ort_input(const struct ort_session *s, size_t i)
{
    return &s->inputs[i];
}

size_t ort_outputs(const struct ort_session *s)
{
    return s->n_outputs;
}

const struct ort_value *ort_output(const struct ort_session *s, size_t i)
{
    return &s->outputs[i];
}

const struct ort_value *ort_output_named(const struct ort_session *s, const char *name)
{
    for (size_t i = 0; i < ort_outputs(s); i++)
        if (strcmp(ort_output(s, i)->name, name) == 0)
            return ort_output(s, i);
    return NULL;
}

enum err ort_metadata(const struct ort_session *s, struct arena *a, struct ort_property **ret, size_t *ret_n)
{
    enum { MOST_KEYS = 1000 };
    OrtModelMetadata *m = NULL;
    OrtAllocator *allocator;
    char **keys = NULL;
    int64_t n = 0;
    TRY(check(ort->GetAllocatorWithDefaultOptions(&allocator), E_BROKEN, "ONNX Runtime"));
    TRY(check(ort->SessionGetModelMetadata(s->session, &m), E_UNMEANT, "the model's metadata"));
    enum err e = check(ort->ModelMetadataGetCustomMetadataMapKeys(m, allocator, &keys, &n), E_UNMEANT, "the model's metadata");
    if (e == OK && n > MOST_KEYS)
        e = fail(E_UNMEANT, "the model has %lld metadata keys; at most %d are read", (long long)n, MOST_KEYS);
    struct ort_property *all = arena_new_array(a, struct ort_property, n > 0 ? n : 1);
    for (int64_t i = 0; e == OK && i < n; i++) {
        char *value = NULL;
        e = check(ort->ModelMetadataLookupCustomMetadataMap(m, allocator, keys[i], &value), E_UNMEANT, "the model's metadata");
        all[i] = (struct ort_property){ arena_str(a, keys[i]), arena_str(a, value ? value : "") };
        if (value)
            allocator->Free(allocator, value);
    }
    for (int64_t i = 0; i < n; i++)
        allocator->Free(allocator, keys[i]);
    if (keys)
        allocator->Free(allocator, keys);
    ort->ReleaseModelMetadata(m);
    TRY(e);
    *ret = all;
    *ret_n = (size_t)n;
    return OK;
}

/* IEEE 754 binary16 */
static float of_half(uint16_t h)
{
    union {
        uint32_t bits;
        float value;
    } u = { .bits = (uint32_t)(h & 0x7fff) << 13 };
    u.value *= 0x1p112F; /* the exponents' offsets differ by so much; subnormal ones come out right */
    if ((h & 0x7c00) == 0x7c00)
        u.bits |= 0x7f800000;
    u.bits |= (uint32_t)(h & 0x8000) << 16;
    return u.value;
}

#define CONVERT(type, value)                                                                                                       \
    for (size_t i = 0; i < n; i++) {                                                                                               \
        type x = ((const type *)from)[i];                                                                                          \
        to[i] = (float)(value);                                                                                                    \
    }                                                                                                                              \
    break

static void convert(enum element type, const void *from, size_t n, float *to)
{
    switch (type) {
    case ELEMENT_F16: CONVERT(uint16_t, of_half(x));
    case ELEMENT_F64: CONVERT(double, x);
    case ELEMENT_U8:
    case ELEMENT_BOOL: CONVERT(uint8_t, x);
    case ELEMENT_I8: CONVERT(int8_t, x);
    case ELEMENT_I32: CONVERT(int32_t, x);
    case ELEMENT_I64: CONVERT(int64_t, x);
    case ELEMENT_F32:
    case ELEMENT_OTHER: break;
    }
}

static enum err read_output(struct ort_session *s, size_t i)
{
    struct ort_value *v = &s->outputs[i];
    OrtTensorTypeAndShapeInfo *info = NULL;
    TRY(check(ort->GetTensorTypeAndShape(s->values[i], &info), E_UNMEANT, "the model's output"));
    enum err e = describe_tensor(info, v);
    if (e == OK)
        e = check(ort->GetTensorShapeElementCount(info, &v->count), E_UNMEANT, "the model's output");
    ort->ReleaseTensorTypeAndShapeInfo(info);
    TRY(e);
    if (v->type == ELEMENT_OTHER)
        return OK; /* nobody reads it */
    void *data = NULL;
    TRY(check(ort->GetTensorMutableData(s->values[i], &data), E_UNMEANT, "the model's output"));
    v->raw = v->data = data;
    if (v->type == ELEMENT_F32)
        return OK;
    s->as_float[i] = heap_grow(s->as_float[i], (v->count + 1) * sizeof(float));
    convert(v->type, v->raw, v->count, s->as_float[i]);
    v->data = s->as_float[i];
    return OK;
}

static void forget_outputs(struct ort_session *s)
{
    for (size_t i = 0; i < s->n_outputs + s->has_features; i++) {
        if (s->values[i])
            ort->ReleaseValue(s->values[i]);
        s->values[i] = NULL;
        s->outputs[i].raw = s->outputs[i].data = NULL;
        s->outputs[i].count = 0;
    }
}

static enum err take_input(const struct ort_value *v, const struct ort_feed *f, OrtValue **ret)
{
    size_t bytes = element_size(v->type);
    for (int i = 0; i < f->rank; i++)
        bytes *= (size_t)f->shape[i];
    return check(
        ort->CreateTensorWithDataAsOrtValue(ort_cpu_memory, f->data, bytes, f->shape, (size_t)f->rank, elements[v->type].type, ret),
        E_BROKEN, "ONNX Runtime");
}

enum err ort_run(struct ort_session *s, const struct ort_feed *feeds, size_t n)
{
    const char *outputs[ORT_OUTPUTS + 1], *inputs[ORT_INPUTS];
    size_t n_values = s->n_outputs + s->has_features;
    OrtValue *in[ORT_INPUTS] = { 0 };
    enum err e = n == s->n_inputs && n <= ORT_INPUTS ? OK : fail(E_BROKEN, "the model has %zu inputs, not %zu", s->n_inputs, n);
    forget_outputs(s);
    for (size_t i = 0; i < n_values; i++)
        outputs[i] = s->outputs[i].name;
    for (size_t i = 0; e == OK && i < n; i++) {
        inputs[i] = s->inputs[i].name;
        e = take_input(&s->inputs[i], &feeds[i], &in[i]);
    }
    if (e == OK)
        e = check(ort->Run(s->session, NULL, inputs, (const OrtValue *const *)in, n, outputs, n_values, s->values), E_UNMEANT,
                  "the model cannot be run");
    for (size_t i = 0; i < n && i < ORT_INPUTS; i++)
        if (in[i])
            ort->ReleaseValue(in[i]);
    for (size_t i = 0; e == OK && i < n_values; i++)
        e = read_output(s, i);
    return e;
}
