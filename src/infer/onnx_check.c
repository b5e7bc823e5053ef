#include "infer/onnx_check.h"
#include "base/text.h"
#include "infer/wire.h"
#include <string.h>

/* The messages of onnx.proto that lead to tensors, and how. */
enum message { MODEL, GRAPH, NODE, ATTRIBUTE, TENSOR, SPARSE, FUNCTION, TRAINING };
static const struct {
    enum message in;
    uint32_t field;
    enum message is;
} parts[] = {
    { MODEL, 7, GRAPH },         { MODEL, 20, TRAINING },   { MODEL, 25, FUNCTION },  { GRAPH, 1, NODE },
    { GRAPH, 5, TENSOR },        { GRAPH, 15, SPARSE },     { NODE, 5, ATTRIBUTE },   { ATTRIBUTE, 5, TENSOR },
    { ATTRIBUTE, 6, GRAPH },     { ATTRIBUTE, 10, TENSOR }, { ATTRIBUTE, 11, GRAPH }, { ATTRIBUTE, 22, SPARSE },
    { ATTRIBUTE, 23, SPARSE },   { SPARSE, 1, TENSOR },     { SPARSE, 2, TENSOR },    { FUNCTION, 7, NODE },
    { FUNCTION, 11, ATTRIBUTE }, { TRAINING, 1, GRAPH },    { TRAINING, 2, GRAPH },
};
enum {
    TENSOR_EXTERNAL_DATA = 13,
    TENSOR_DATA_LOCATION = 14,
    MODEL_GRAPH = 7,
    MOST_DEPTH = 100,
    ENTRY_KEY = 1,
    ENTRY_VALUE = 2,
    LOCATION_SIZE = 200
};

static enum err malformed(void)
{
    return fail(E_UNMEANT, "not an ONNX model: the file is damaged, or of another kind");
}

/* The name that an entry of external_data gives, {key: "location", value}; NULL: another entry. */
static bool read_location(struct wire w, char ret[LOCATION_SIZE])
{
    struct wire_item item;
    bool is_location = false, found = false;
    while (w.at < w.end && wire_next(&w, &item)) {
        size_t n = item.type == BYTES ? (size_t)(item.part.end - item.part.at) : 0;
        if (item.field == ENTRY_KEY)
            is_location = n == strlen("location") && memcmp(item.part.at, "location", n) == 0;
        if (item.field == ENTRY_VALUE && n && n < LOCATION_SIZE) {
            memcpy(ret, item.part.at, n);
            ret[n] = 0;
            found = true;
        }
    }
    return is_location && found;
}

static enum err refuse_elsewhere(const struct wire_item *item)
{
    char location[LOCATION_SIZE];
    bool named = item->type == BYTES && read_location(item->part, location) && utf8_valid(location, strlen(location));
    return fail(E_UNMEANT,
                "the model keeps a tensor in another file%s%s%s (external_data); save it as one file: torch.onnx.export(…, "
                "external_data=False), or onnx.save(onnx.load(path), path)",
                named ? ", \"" : "", named ? location : "", named ? "\"" : "");
}

static enum err check(struct wire w, enum message message, int depth, bool *saw_graph)
{
    if (depth > MOST_DEPTH)
        return fail(E_UNMEANT, "the model's graphs are nested more than %d deep", MOST_DEPTH);
    while (w.at < w.end) {
        struct wire_item item;
        if (!wire_next(&w, &item))
            return malformed();
        if (message == TENSOR && ((item.field == TENSOR_EXTERNAL_DATA && item.type == BYTES) ||
                                  (item.field == TENSOR_DATA_LOCATION && item.type == VARINT && item.value != 0)))
            return refuse_elsewhere(&item);
        if (message == MODEL && item.field == MODEL_GRAPH)
            *saw_graph = true;
        for (size_t i = 0; item.type == BYTES && i < COUNT_OF(parts); i++)
            if (parts[i].in == message && parts[i].field == item.field)
                TRY(check(item.part, parts[i].is, depth + 1, saw_graph));
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
    TRY(check((struct wire){ bytes, bytes + n }, MODEL, 0, &saw_graph));
    return saw_graph ? OK : fail(E_UNMEANT, "not an ONNX model: there is no graph in it");
}
