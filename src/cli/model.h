/* model.h - inside cli/: what the commands on a model file share. */
#pragma once
#include "infer/infer.h"
#include "json/json.h"

struct model_asked {
    const char *labels, *type, *onnx; /* as they were typed; NULL: not */
    const char *images, *annotations, *threads;
    bool as_json;
};
/* A file with those beside it in which its tensors lie, open. */
struct model_looked {
    const char *path, *text; /* text: what was said of it, JSON */
    struct infer_model model;
    struct model_part *parts;
};
void auto_model_looked(struct model_looked *);
/* told: of the file; the arena's. ret: `text`, parsed. */
MUST_USE enum err model_look_at(struct arena *, const char *path, const char *told, struct model_looked *, const struct json **ret);
/* What is told of it: as told.c has it. labels: a JSON object by number, or NULL. */
MUST_USE enum err model_asked_told(struct arena *, const struct model_asked *, const char *labels, const char **ret);
/* "cat,dog" to {"0": "cat", "1": "dog"}. */
const char *model_labels_of(struct arena *, const char *list);
MUST_USE enum err model_describe(const char *path, const struct model_asked *); /* model_describe.c */
