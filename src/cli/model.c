/* saccade model look FILE: what is in a model file, and what must be told about it, without a server. The file is looked at in the
 * same sandboxed process that would serve it. saccade model describe FILE finds it out (model_describe.c). */
#include "app/model/model.h"
#include "base/file.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "cli/cli.h"
#include "cli/model.h"
#include "cli/options.h"
#include "infer/infer.h"
#include "json/json.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_MOST (1ULL << 30)

static enum err hash_of(int fd, const char *path, char ret[HASH_SIZE])
{
    off_t n = lseek(fd, 0, SEEK_END);
    if (n < 1 || (uint64_t)n > FILE_MOST)
        return fail(E_INVALID, "%s has %lld bytes; 1 to 1 GiB are read", path, (long long)n);
    void *bytes = mmap(NULL, (size_t)n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return fail(E_BROKEN, "cannot map %s: %s", path, strerror(errno));
    sha256_hex(bytes, (size_t)n, ret);
    munmap(bytes, (size_t)n);
    return OK;
}

const char *model_labels_of(struct arena *a, const char *list)
{
    AUTO(out) struct out o = { 0 };
    if (!list)
        return NULL;
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    for (size_t i = 0; *list; i++) {
        size_t n = strcspn(list, ",");
        out_text(&o, arena_fmt(a, "%zu", i), arena_copy(a, list, n));
        list += n + (list[n] == ',');
    }
    out_end_object(&o);
    return arena_str(a, o.text.bytes);
}

static void print_values(struct arena *a, const char *what, const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *v = json_at(list, i), *shape = json_get(v, "shape");
        const char *text = "";
        for (size_t k = 0; k < json_count(shape); k++) {
            int64_t n;
            text = json_int(json_at(shape, k), &n) ? arena_fmt(a, "%s%s%lld", text, k ? "×" : "", (long long)n)
                                                   : arena_fmt(a, "%s%s?", text, k ? "×" : "");
        }
        printf("%-10s %s  %s  %s\n", i ? "" : what, json_text(json_get(v, "name")), json_text(json_get(v, "type")), text);
    }
}

static void print_line(struct arena *a, const char *what, const struct json *v)
{
    if (!json_absent(v))
        printf("%-10s %s\n", what, json_text(v) ? json_text(v) : json_print(a, v));
}

static const char *text_of(struct arena *a, const struct json *v)
{
    double x;
    return json_text(v) ? json_text(v) : json_number(v, &x) ? arena_fmt(a, "%g", x) : json_print(a, v);
}

static void print_sets(struct arena *a, const struct json *list)
{
    const char *text = "";
    for (size_t i = 0; i < json_count(list); i++) {
        const char *domain = json_text(json_get(json_at(list, i), "domain"));
        text = arena_fmt(a, "%s%s%s %s", text, i ? ", " : "", domain && *domain ? domain : "ONNX",
                         json_print(a, json_get(json_at(list, i), "version")));
    }
    printf("%-10s %s\n", "operators", text);
}

static void print_facts(struct arena *a, const struct json *told)
{
    const struct json *facts = json_get(told, "description"), *from = json_get(told, "known_from");
    for (struct json_member m = json_first(facts); m.key; m = json_next(facts, m))
        printf("           %-14s %-32s %s\n", m.key, text_of(a, m.value), json_text(json_get(from, m.key)));
}

static void print_files(struct arena *a, const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        const struct json *n = json_get(json_at(list, i), "bytes");
        printf("%-10s %s  %s\n", i ? "" : "with", json_text(json_get(json_at(list, i), "name")),
               json_absent(n) ? "missing" : arena_fmt(a, "%s bytes", json_print(a, n)));
    }
}

static void print_missing(const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++)
        printf("%-10s %s: %s\n", i ? "" : "tell", json_text(json_get(json_at(list, i), "key")),
               json_text(json_get(json_at(list, i), "what")));
}

static void print(struct arena *a, const struct json *told)
{
    print_values(a, "inputs", json_get(told, "inputs"));
    print_values(a, "outputs", json_get(told, "outputs"));
    print_files(a, json_get(told, "files"));
    print_line(a, "made by", json_get(told, "producer"));
    print_sets(a, json_get(told, "operator_sets"));
    print_line(a, "labels", json_get(told, "names"));
    print_line(a, "taken for", json_get(told, "family"));
    print_line(a, "since", json_get(told, "why"));
    print_line(a, "types", json_get(told, "types"));
    print_facts(a, told);
    print_missing(json_get(told, "missing"));
    print_line(a, "problem", json_get(told, "problem"));
}

void auto_model_looked(struct model_looked *l)
{
    for (size_t i = 0; i < l->model.n_parts; i++)
        auto_fd(&l->parts[i].fd);
    auto_fd(&l->model.fd);
}

static enum err open_one(struct arena *a, const char *path, int *ret_fd, const char **ret_hash)
{
    char hash[HASH_SIZE];
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0)
        return fail(E_NOT_FOUND, "cannot open %s: %s", path, strerror(errno));
    TRY(hash_of(*ret_fd, path, hash));
    *ret_hash = arena_str(a, hash);
    return OK;
}

/* The files that its tensors lie in and that are there: in the folder of the file, which their names do not leave (elsewhere.h). */
static enum err open_beside(struct arena *a, struct model_looked *l, const struct json *files)
{
    const char *slash = strrchr(l->path, '/');
    l->parts = arena_new_array(a, struct model_part, MODEL_PARTS);
    l->model.parts = l->parts;
    for (size_t i = 0; i < json_count(files); i++) {
        const char *name = json_text(json_get(json_at(files, i), "name"));
        const char *path = slash ? arena_fmt(a, "%.*s/%s", (int)(slash - l->path), l->path, name) : name;
        if (!json_absent(json_get(json_at(files, i), "bytes")) || !file_exists(path))
            continue;
        if (l->model.n_parts == MODEL_PARTS)
            return fail(E_INVALID, "the model lies in more than %d files; put them into a zip", MODEL_PARTS);
        struct model_part *part = &l->parts[l->model.n_parts++];
        *part = (struct model_part){ .name = name, .fd = -1 };
        TRY(open_one(a, path, &part->fd, &part->hash));
    }
    return OK;
}

/* Asked again once what lies beside it is known. */
static enum err ask(struct arena *a, struct model_looked *l, const struct json **ret)
{
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    char *text;
    TRY(infer_start("/proc/self/exe", 1, 1, &pool));
    for (int tries = 0; tries < 2; tries++) {
        TRY(infer_describe(pool, "you", &l->model, a, &text));
        TRY(json_parse(a, text, strlen(text), ret));
        l->text = text;
        if (tries == 0)
            TRY(open_beside(a, l, json_get(*ret, "files")));
        if (!l->model.n_parts)
            break;
    }
    return OK;
}

enum err model_asked_told(struct arena *a, const struct model_asked *q, const char *labels, const char **ret)
{
    const struct json *v;
    const char *parameters = q->onnx ? arena_fmt(a, "{\"onnx\":%s}", q->onnx) : NULL;
    if (parameters) {
        TRY(fail_within(json_parse(a, parameters, strlen(parameters), &v), "--onnx: "));
        TRY(model_parameters_check(v, "--onnx"));
    }
    return model_told(a, q->type, labels, parameters, ret);
}

enum err model_look_at(struct arena *a, const char *path, const char *told, struct model_looked *l, const struct json **ret)
{
    *l = (struct model_looked){ .path = path, .model = { .fd = -1, .told = told } };
    TRY(open_one(a, path, &l->model.fd, &l->model.hash));
    return ask(a, l, ret);
}

static enum err look(const char *path, const struct model_asked *q)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(model_looked) struct model_looked l = { .model.fd = -1 };
    const char *told;
    const struct json *v;
    TRY(model_asked_told(a, q, model_labels_of(a, q->labels), &told));
    TRY(model_look_at(a, path, told, &l, &v));
    if (q->as_json)
        puts(l.text);
    else
        print(a, v);
    return OK;
}

static enum err model(int argc, char **argv)
{
    struct model_asked q = { 0 };
    const char *rest[2] = { 0 };
    size_t n = 0;
    const struct option_row rows[] = {
        { "--labels", &q.labels },           { "--type", &q.type },       { "--onnx", &q.onnx },         { "--images", &q.images },
        { "--annotations", &q.annotations }, { "--threads", &q.threads }, { "--json", NULL, &q.as_json }
    };
    TRY(options_read(argc, argv, rows, COUNT_OF(rows), rest, COUNT_OF(rest), &n));
    if (n == 2 && strcmp(rest[0], "look") == 0)
        return look(rest[1], &q);
    if (n == 2 && strcmp(rest[0], "describe") == 0)
        return model_describe(rest[1], &q);
    return fail(E_INVALID, "model look FILE, or model describe FILE --images DIR --annotations DIR|FILE");
}

int model_main(int argc, char **argv)
{
    return model(argc, argv) == OK ? 0 : command_failed("model");
}
