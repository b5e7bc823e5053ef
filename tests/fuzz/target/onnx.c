#include "../fuzz.h"
#include "infer/features.h"
#include "infer/onnx_check.h"
#include <onnx.pb-c.h>
#include <stdlib.h>
#include <string.h>

static bool tensor_is_external(const Onnx__TensorProto *t)
{
    return t->n_external_data || t->data_location == ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

/* What passes the check must hold no external tensor where a full parser of the format finds the plainest one. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (onnx_check(bytes, n) != OK)
        return 0;
    char name[FEATURES_NAME];
    if (features_find(bytes, n, name) && strlen(name) >= sizeof name)
        abort();
    Onnx__ModelProto *m = onnx__model_proto__unpack(NULL, n, bytes);
    for (size_t i = 0; m && m->graph && i < m->graph->n_initializer; i++)
        if (tensor_is_external(m->graph->initializer[i]))
            abort();
    if (m)
        onnx__model_proto__free_unpacked(m, NULL);
    return 0;
}
