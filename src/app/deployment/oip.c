/* Every deployment answers by the Open Inference Protocol v2 as well: whether it is there, what its network takes and gives, and
 * predictions, either on the network's own tensors or on an image (oip.h). docs/serving.md tells of it. */
#include "app/deployment/oip.h"
#include "app/datalake/datalake.h"
#include "app/deployment/served.h"
#include "base/file.h"
#include "blob/blob.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define IMAGE "image" /* the input that takes an encoded image */

/* ---- whether it is there */

static enum err server(struct op *op)
{
    out_object(&op->out, NULL);
    out_text(&op->out, "name", "saccade");
    out_text(&op->out, "version", op->services->version);
    out_array(&op->out, "extensions");
    out_text(&op->out, NULL, "binary_tensor_data");
    out_end_array(&op->out);
    out_end_object(&op->out);
    return OK;
}

static enum err say_true(struct op *op, const char *name)
{
    out_object(&op->out, NULL);
    out_bool(&op->out, name, true);
    out_end_object(&op->out);
    return OK;
}

static enum err live(struct op *op)
{
    return say_true(op, "live");
}

/* It answers as soon as it has its database; models are loaded when they are asked. */
static enum err ready(struct op *op)
{
    return say_true(op, "ready");
}

/* ---- which model */

struct asked {
    struct serving serving;
    const char *version, *number; /* the model version and what it is called */
};

static enum err number_of(struct op *op, const char *version, const char **ret)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(op->db, &r, "SELECT version FROM model_version WHERE id = ?1", V(version)));
    *ret = arena_str(op->arena, rows_text(r, 0));
    return OK;
}

/* Who may answer: the champion, and a shadow that has a share of the requests. */
static size_t answering(const struct serving *s, const char *ret[2])
{
    bool canary = s->shadow && s->canary_share > 0;
    ret[0] = s->champion;
    ret[1] = s->shadow;
    return canary ? 2 : 1;
}

/* The champion; a path that names a version must mean one that answers, by its number or id. */
static enum err which(struct op *op, struct asked *ret)
{
    const char *wanted = op->values[1], *both[2];
    TRY(serving_begin(op, &ret->serving));
    size_t n = answering(&ret->serving, both);
    for (size_t i = 0; i < n; i++) {
        ret->version = both[i];
        TRY(number_of(op, both[i], &ret->number));
        if (!wanted || strcmp(wanted, ret->number) == 0 || strcmp(wanted, both[i]) == 0)
            return OK;
    }
    return fail(E_NOT_FOUND, "the deployment does not answer by version %.60s: GET /v2/models/%s tells by which", wanted,
                op->values[0]);
}

static enum err model_ready(struct op *op)
{
    struct asked a;
    TRY(which(op, &a));
    out_object(&op->out, NULL);
    out_text(&op->out, "name", op->values[0]);
    out_bool(&op->out, "ready", true);
    out_end_object(&op->out);
    return OK;
}

/* ---- what it takes and gives */

static void write_one(struct out *o, const char *name, const char *type, const int64_t *shape, int rank)
{
    out_object(o, NULL);
    out_text(o, "name", name);
    out_text(o, "datatype", type);
    out_array(o, "shape");
    for (int i = 0; i < rank; i++)
        out_int(o, NULL, shape[i]);
    out_end_array(o);
    out_end_object(o);
}

static void write_list(struct out *o, const char *key, const struct tensor_list *l)
{
    out_array(o, key);
    for (size_t i = 0; i < l->n; i++)
        write_one(o, l->items[i].name, tensor_type_name(l->items[i].type), l->items[i].shape, l->items[i].rank);
    out_end_array(o);
}

static bool gives_boxes(const struct serving *s)
{
    return strcmp(s->type, "CLASSIFICATION") != 0;
}

static void write_image(struct out *o, const struct serving *s)
{
    static const int64_t one[] = { 1 }, many[] = { -1, 4 };
    out_array(o, "image_inputs");
    write_one(o, IMAGE, "BYTES", one, 1);
    out_end_array(o);
    out_array(o, "image_outputs");
    if (gives_boxes(s))
        write_one(o, "boxes", "FP32", many, 2);
    write_one(o, "scores", "FP32", many, 1);
    write_one(o, "labels", "INT64", many, 1);
    write_one(o, "names", "BYTES", many, 1);
    out_end_array(o);
}

static enum err metadata(struct op *op)
{
    struct asked a;
    struct tensor_list in, out;
    struct out *o = &op->out;
    const char *both[2], *number;
    TRY(which(op, &a));
    TRY(model_signature(op->db, op->services, op->arena, op_party(op), a.version, &in, &out));
    out_object(o, NULL);
    out_text(o, "name", op->values[0]);
    out_array(o, "versions");
    for (size_t i = 0; i < answering(&a.serving, both); i++) {
        TRY(number_of(op, both[i], &number));
        out_text(o, NULL, number);
    }
    out_end_array(o);
    out_text(o, "platform", "onnx");
    write_list(o, "inputs", &in);
    write_list(o, "outputs", &out);
    write_image(o, &a.serving);
    out_end_object(o);
    return OK;
}

/* ---- predictions: the body goes into memory as it comes */

struct inference {
    struct asked asked;
    struct oip_request q;
};

static enum err read_header(struct op *op, struct oip_request *q)
{
    const char *n = http_header(op->call, "Inference-Header-Content-Length"), *coded = http_header(op->call, "Content-Encoding");
    char *end;
    if (coded && strcmp(coded, "identity") != 0)
        return fail(E_INVALID, "a body that is compressed is not taken");
    if (http_body_length(op->call) > OIP_BODY)
        return fail(E_TOO_BIG, "a request may have %d MiB", OIP_BODY >> 20);
    q->json_n = UINT64_MAX;
    if (!n)
        return OK;
    errno = 0;
    q->json_n = strtoull(n, &end, 10);
    return *n >= '0' && *n <= '9' && !*end && !errno ? OK : fail(E_INVALID, "Inference-Header-Content-Length must be a number");
}

static enum err begin(struct op *op)
{
    struct inference *i = arena_take(op->arena, sizeof *i);
    i->q.fd = -1;
    op->state = i;
    TRY(which(op, &i->asked));
    TRY(read_header(op, &i->q));
    i->q.fd = memfd_create("request", MFD_CLOEXEC);
    return i->q.fd < 0 ? fail(E_BUSY, "no memory for a request") : OK;
}

static enum err start(struct op *op)
{
    return serving_counted(op, begin(op));
}

static enum err piece(struct op *op, const char *bytes, size_t n)
{
    struct inference *i = op->state;
    i->q.size += n;
    if (i->q.size > OIP_BODY)
        return fail(E_TOO_BIG, "a request may have %d MiB", OIP_BODY >> 20);
    return file_write_all(i->q.fd, bytes, n);
}

static void stop(struct op *op)
{
    struct inference *i = op->state;
    if (i && i->q.fd >= 0)
        close(i->q.fd);
}

/* ---- on the network's own tensors: counted, and nothing is kept */

static enum err fill(const struct oip_request *q, struct tensors *t)
{
    for (size_t i = 0; i < q->n_in; i++) {
        uint8_t *data;
        if (q->in[i].is.type == TENSOR_OTHER)
            return fail(E_INVALID, "the input '%s' is of BYTES: only " IMAGE " is, and alone", q->in[i].is.name);
        TRY(tensors_add(t, &q->in[i].is, &data));
        TRY(oip_values(q, &q->in[i], t->in.items[i].n_bytes, data));
    }
    return OK;
}

static enum err run_tensors(struct op *op, struct inference *i)
{
    AUTO(tensors) struct tensors *t = NULL;
    struct oip_output out[TENSORS_MOST] = { 0 };
    TRY(tensors_new(&t));
    TRY(fill(&i->q, t));
    TRY(model_run(op->db, op->services, op->arena, i->asked.serving.id, i->asked.version, t));
    for (size_t k = 0; k < t->out.n; k++) {
        const struct tensor *from = &t->out.items[k];
        out[k] = (struct oip_output){ .name = from->name, .type = from->type, .rank = from->rank, .data = tensors_data(t, from) };
        memcpy(out[k].shape, from->shape, sizeof out[k].shape);
        out[k].n = from->n_bytes / tensor_type_size(from->type);
    }
    const struct oip_answer a = { op->values[0], i->asked.number, i->q.id, NULL, t->latency_s, out, t->out.n };
    TRY(oip_write(op, &i->q, &a));
    served_answered(i->asked.serving.id, t->latency_s);
    return OK;
}

/* ---- on an image: as any other prediction */

static enum err store_part(struct op *op, int fd, uint64_t at, uint64_t n, struct sighting *s)
{
    AUTO(blob_writer) struct blob_writer *w = NULL;
    char buffer[64 << 10], hash[HASH_SIZE];
    TRY(blob_begin(op->services->blobs, OIP_BODY, &w));
    for (uint64_t done = 0; done < n;) {
        size_t want = n - done < sizeof buffer ? (size_t)(n - done) : sizeof buffer;
        ssize_t got = pread(fd, buffer, want, (off_t)(at + done));
        if (got <= 0)
            return fail(E_BROKEN, "cannot read a request's body");
        TRY(blob_write(w, buffer, (size_t)got));
        done += (uint64_t)got;
    }
    struct blob_writer *done = w;
    w = NULL;
    TRY(blob_commit(done, hash, &s->size));
    s->hash = arena_str(op->arena, hash);
    return OK;
}

static enum err store_image(struct op *op, const struct oip_request *q, struct sighting *s)
{
    uint64_t at = 0, n = 0;
    char *text = NULL;
    TRY(oip_one_element(q, &q->in[0], &at, &n, &text));
    enum err e = text ? sighting_base64(op, text, s) : store_part(op, q->fd, at, n, s);
    free(text);
    return e;
}

/* The lists of an answer: what was found, by rank. */
struct found {
    float *boxes, *scores;
    int64_t *labels;
    const char **names;
};

static enum err list_found(struct op *op, const struct sight *s, struct found *f)
{
    size_t n = s->shapes.n + 1;
    f->boxes = arena_new_array(op->arena, float, n * 4);
    f->scores = arena_new_array(op->arena, float, n);
    f->labels = arena_new_array(op->arena, int64_t, n);
    f->names = arena_new_array(op->arena, const char *, n);
    for (size_t i = 0; i < s->shapes.n; i++) {
        const struct predicted_shape *h = &s->shapes.items[i];
        const double box[] = { h->x, h->y, h->x + h->w, h->y + h->h };
        for (size_t k = 0; k < 4; k++)
            f->boxes[i * 4 + k] = (float)box[k];
        f->scores[i] = (float)h->score;
        f->labels[i] = h->label;
        TRY(class_name(op->db, op->arena, s->version, h->label, &f->names[i]));
    }
    return OK;
}

static enum err answer_image(struct op *op, struct inference *i, const struct sight *s)
{
    struct found f = { 0 };
    int64_t n = (int64_t)s->shapes.n;
    TRY(list_found(op, s, &f));
    const struct oip_output out[] = {
        { "boxes", TENSOR_FP32, 2, { n, 4 }, (const uint8_t *)f.boxes, NULL, (uint64_t)n * 4 },
        { "scores", TENSOR_FP32, 1, { n }, (const uint8_t *)f.scores, NULL, (uint64_t)n },
        { "labels", TENSOR_INT64, 1, { n }, (const uint8_t *)f.labels, NULL, (uint64_t)n },
        { "names", TENSOR_OTHER, 1, { n }, NULL, f.names, (uint64_t)n },
    };
    bool boxes = gives_boxes(&s->serving);
    const struct oip_answer a = { op->values[0], i->asked.number,       i->q.id, s->asset, s->found.latency_s,
                                  out + !boxes,  COUNT_OF(out) - !boxes };
    return oip_write(op, &i->q, &a);
}

static enum err run_image(struct op *op, struct inference *i)
{
    const struct oip_request *q = &i->q;
    struct sight s = {
        .serving = i->asked.serving, .monitor = q->monitor, .request = q->id, .wanted = op->values[1] ? i->asked.version : NULL
    };
    s.sighting.source = q->source;
    s.sighting.filename = q->filename ? q->filename : "image";
    TRY(fail_within(filename_check(s.sighting.filename), "filename: "));
    TRY(store_image(op, q, &s.sighting));
    TRY(sight_predict(op, &s));
    TRY(number_of(op, s.version, &i->asked.number));
    return answer_image(op, i, &s);
}

static enum err infer_body(struct op *op)
{
    struct inference *i = op->state;
    struct oip_request *q = &i->q;
    if (q->json_n == UINT64_MAX)
        q->json_n = q->size;
    if (q->json_n > q->size)
        return fail(E_INVALID, "Inference-Header-Content-Length is more than the body has");
    TRY(oip_read(op->arena, q));
    bool image = q->n_in == 1 && q->in[0].is.type == TENSOR_OTHER && strcmp(q->in[0].is.name, IMAGE) == 0;
    return image ? run_image(op, i) : run_tensors(op, i);
}

static enum err infer(struct op *op)
{
    return serving_counted(op, infer_body(op));
}

/* ---- routes */

DESCRIBED(server_answer, "inference server", { "name", T_TEXT }, { "version", T_TEXT },
          { "extensions", T_ARRAY, .of = &text_value });
DESCRIBED(live_answer, "life of the server", { "live", T_BOOL });
DESCRIBED(ready_answer, "readiness of the server", { "ready", T_BOOL });
DESCRIBED(model_ready_answer, "readiness of a deployment", { "name", T_TEXT }, { "ready", T_BOOL });
DESCRIBED(dimension, "dimension", { "*", T_INT });
#define TENSOR                                                                                                                     \
    { "name", T_TEXT }, { "datatype", T_TEXT },                                                                                    \
    {                                                                                                                              \
        "shape", T_ARRAY, .of = &dimension                                                                                         \
    }
DESCRIBED(tensor_told, "tensor of a network", TENSOR);
DESCRIBED(metadata_answer, "inference metadata", { "name", T_TEXT }, { "versions", T_ARRAY, .of = &text_value },
          { "platform", T_TEXT }, { "inputs", T_MANY, .of = &tensor_told }, { "outputs", T_MANY, .of = &tensor_told },
          { "image_inputs", T_MANY, .of = &tensor_told }, { "image_outputs", T_MANY, .of = &tensor_told });
DESCRIBED(tensor_answer, "output tensor", TENSOR, { "parameters", T_OBJECT, F_WHEN }, { "data", T_ARRAY, F_WHEN });
DESCRIBED(infer_parameters, "parameters of an inference", { "latency", T_NUMBER }, { "predicted_asset_id", T_ID, F_WHEN });
DESCRIBED(infer_answer, "inference", { "model_name", T_TEXT }, { "model_version", T_TEXT }, { "id", T_TEXT, F_WHEN },
          { "parameters", T_PART, .of = &infer_parameters }, { "outputs", T_MANY, .of = &tensor_answer });

#define NAMED .on = &deployment_resource, .by_name = "d.name"
#define VERSION NAMED, .on_nothing = "a version's number or id: the handler compares it with the deployment's"
#define STREAM                                                                                                                     \
    WORK_FREE, "predicts on tensors, or on the BYTES tensor image", .answers = &infer_answer, .start = start, .piece = piece,      \
                                                                    .stop = stop
static const struct route routes[] = {
    { "GET", "/v2", server, MAY_ANYONE, WORK_FREE, "the Open Inference Protocol: what this server is", .answers = &server_answer },
    { "GET", "/v2/health/live", live, MAY_ANYONE, WORK_FREE, "whether it lives", .answers = &live_answer },
    { "GET", "/v2/health/ready", ready, MAY_ANYONE, WORK_READ, "whether it can be asked", .answers = &ready_answer },
    { "GET", "/v2/models/{name}", metadata, MAY_PREDICT, WORK_FREE, "what a deployment's network takes and gives",
      .answers = &metadata_answer, NAMED },
    { "GET", "/v2/models/{name}/versions/{version}", metadata, MAY_PREDICT, WORK_FREE, "the same, of a version",
      .answers = &metadata_answer, VERSION },
    { "GET", "/v2/models/{name}/ready", model_ready, MAY_PREDICT, WORK_READ, "whether a deployment answers",
      .answers = &model_ready_answer, NAMED },
    { "GET", "/v2/models/{name}/versions/{version}/ready", model_ready, MAY_PREDICT, WORK_READ, "the same, of a version",
      .answers = &model_ready_answer, VERSION },
    { "POST", "/v2/models/{name}/infer", infer, MAY_PREDICT, STREAM, .queues = true, NAMED },
    { "POST", "/v2/models/{name}/versions/{version}/infer", infer, MAY_PREDICT, STREAM, .queues = true, VERSION },
};

const struct resource oip_resource = { .name = "inference", .routes = routes, .n_routes = COUNT_OF(routes) };
