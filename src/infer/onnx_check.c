#include "infer/onnx_check.h"
#include "base/text.h"
#include "infer/wire.h"
#include <string.h>

/* How the messages lead to each other. */
static const struct {
    enum onnx_message in;
    uint32_t field;
    enum onnx_message is;
} parts[] = {
    { ONNX_MODEL, 7, ONNX_GRAPH },       { ONNX_MODEL, 20, ONNX_TRAINING },     { ONNX_MODEL, 25, ONNX_FUNCTION },
    { ONNX_GRAPH, 1, ONNX_NODE },        { ONNX_GRAPH, 5, ONNX_TENSOR },        { ONNX_GRAPH, 15, ONNX_SPARSE },
    { ONNX_NODE, 5, ONNX_ATTRIBUTE },    { ONNX_ATTRIBUTE, 5, ONNX_TENSOR },    { ONNX_ATTRIBUTE, 6, ONNX_GRAPH },
    { ONNX_ATTRIBUTE, 10, ONNX_TENSOR }, { ONNX_ATTRIBUTE, 11, ONNX_GRAPH },    { ONNX_ATTRIBUTE, 22, ONNX_SPARSE },
    { ONNX_ATTRIBUTE, 23, ONNX_SPARSE }, { ONNX_SPARSE, 1, ONNX_TENSOR },       { ONNX_SPARSE, 2, ONNX_TENSOR },
    { ONNX_FUNCTION, 7, ONNX_NODE },     { ONNX_FUNCTION, 11, ONNX_ATTRIBUTE }, { ONNX_TRAINING, 1, ONNX_GRAPH },
    { ONNX_TRAINING, 2, ONNX_GRAPH },
};
enum { TENSOR_EXTERNAL_DATA = 13, TENSOR_DATA_LOCATION = 14, MODEL_GRAPH = 7 };

enum err onnx_malformed(void)
{
    return fail(E_UNMEANT, "not an ONNX model: the file is damaged, or of another kind");
}

bool onnx_leads(enum onnx_message in, uint32_t field, enum onnx_message *ret)
{
    for (size_t i = 0; i < COUNT_OF(parts); i++)
        if (parts[i].in == in && parts[i].field == field) {
            *ret = parts[i].is;
            return true;
        }
    return false;
}

static enum err check(struct wire w, enum onnx_message message, int depth, bool *saw_graph)
{
    if (depth > ONNX_DEPTH_MOST)
        return fail(E_UNMEANT, "the model's graphs are nested more than %d deep", ONNX_DEPTH_MOST);
    while (w.at < w.end) {
        struct wire_item item;
        if (!wire_next(&w, &item))
            return onnx_malformed();
        if (message == ONNX_TENSOR && ((item.field == TENSOR_EXTERNAL_DATA && item.type == BYTES) ||
                                       (item.field == TENSOR_DATA_LOCATION && item.type == VARINT && item.value != 0)))
            return fail(E_UNMEANT, "the model keeps a tensor in another file (external_data), not said as the standard says it");
        if (message == ONNX_MODEL && item.field == MODEL_GRAPH)
            *saw_graph = true;
        enum onnx_message inside;
        if (item.type == BYTES && onnx_leads(message, item.field, &inside))
            TRY(check(item.part, inside, depth + 1, saw_graph));
    }
    return OK;
}

/* ONNX Runtime has a second format (flatbuffers), which it knows by these bytes at the fifth place. A file can be both, and what
 * was checked here would then not be what is loaded. */
static bool is_of_the_other_format(const uint8_t *bytes, size_t n)
{
    return n >= 8 && memcmp(bytes + 4, "ORTM", 4) == 0;
}

enum err onnx_check(const uint8_t *bytes, size_t n)
{
    if (is_of_the_other_format(bytes, n))
        return fail(E_UNMEANT, "not an ONNX model: it is in ONNX Runtime's own format (ORT)");
    bool saw_graph = false;
    TRY(check((struct wire){ bytes, bytes + n }, ONNX_MODEL, 0, &saw_graph));
    return saw_graph ? OK : fail(E_UNMEANT, "not an ONNX model: there is no graph in it");
}
