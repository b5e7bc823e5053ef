/* A model that was trained elsewhere: its file, and the ones beside it, become a version; what it is taken for is told, and what
 * must be said about it asked for. Trainings of the loop begin from a network of ours, with its labels. */
#include "base/file.h"
#include "cli/demo.h"
#include <string.h>

/* "cat,dog", or what the file itself says. */
static const char *labels_of(struct demo *d, const struct json *names)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    const char *list = d->labels;
    for (size_t i = 0; list && *list; i++) {
        size_t n = strcspn(list, ",");
        out_text(&o, demo_fmt(d, "%zu", i), arena_copy(d->arena, list, n));
        list += n + (list[n] == ',');
    }
    for (struct json_member m = json_first(names); !d->labels && m.key; m = json_next(names, m))
        out_text(&o, m.key, json_text(m.value));
    out_end_object(&o);
    return arena_str(d->arena, o.text.bytes);
}

static enum err make_version(struct demo *d)
{
    const struct json *v;
    const char *onnx = d->onnx ? demo_fmt(d, ",\"parameters\":{\"onnx\":%s}", d->onnx) : "";
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/organization/%s/models", d->org),
                 demo_fmt(d, "{\"name\":%s,\"description\":\"brought along\"}", demo_quoted(d, demo_fmt(d, "brought %s", d->run))),
                 &v));
    d->model = demo_text(v, "id");
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/model/%s/versions", d->model),
                 demo_fmt(d, "{\"type\":\"OBJECT_DETECTION\",\"framework\":\"ONNX\",\"labels\":%s%s}", labels_of(d, NULL), onnx),
                 &v));
    d->model_version = demo_text(v, "id");
    return OK;
}

static enum err store(struct demo *d, const char *path, const char *name)
{
    const struct json *v;
    const char *object;
    TRY(demo_put(d, path, "MODEL_FILE", &object));
    return demo_ask(d, "POST", demo_fmt(d, "/api/model/version/%s/modelfiles", d->model_version),
                    demo_fmt(d, "{\"name\":%s,\"filename\":%s,\"object_name\":%s}", demo_quoted(d, name),
                             demo_quoted(d, foreign_base(path)), demo_quoted(d, object)),
                    &v);
}

static enum err look(struct demo *d, const struct json **ret)
{
    return demo_ask(d, "GET", demo_fmt(d, "/api/model/version/%s/look", d->model_version), NULL, ret);
}

/* The files in which its tensors lie are looked for beside it. */
static enum err store_all(struct demo *d, const struct json **ret_look)
{
    const char *slash = strrchr(d->file, '/');
    TRY(store(d, d->file, "model-latest"));
    TRY(look(d, ret_look));
    const struct json *files = json_get(*ret_look, "files");
    size_t brought = 0;
    for (size_t i = 0; i < json_count(files); i++) {
        const char *name = demo_text(json_at(files, i), "name");
        const char *path = slash ? demo_fmt(d, "%.*s/%s", (int)(slash - d->file), d->file, name) : name;
        if (!json_absent(json_get(json_at(files, i), "bytes")) || !file_exists(path))
            continue;
        TRY(store(d, path, name));
        brought++;
    }
    return brought ? look(d, ret_look) : OK;
}

static enum err take_labels(struct demo *d, const struct json **look_at)
{
    const struct json *names = json_get(*look_at, "names"), *v;
    if (d->labels || !json_count(names))
        return OK;
    TRY(demo_ask(d, "PATCH", demo_fmt(d, "/api/model/version/%s", d->model_version),
                 demo_fmt(d, "{\"labels\":%s}", labels_of(d, names)), &v));
    return look(d, look_at);
}

enum err demo_bring(struct demo *d)
{
    const struct json *v;
    TRY(make_version(d));
    TRY(store_all(d, &v));
    TRY(take_labels(d, &v));
    if (*demo_text(v, "problem"))
        return fail(E_INVALID, "%s: %s (--labels cat,dog and --onnx '{…}' tell what it does not say: docs/bring-your-model.md)",
                    d->file, demo_text(v, "problem"));
    demo_say(d, "model", "%s: %s; %s", foreign_base(d->file), demo_text(v, "family"), demo_text(v, "why"));
    return OK;
}
