#include "infer/elsewhere.h"
#include "base/text.h"
#include "infer/onnx_check.h"
#include "infer/wire.h"
#include <stdlib.h>
#include <string.h>

/* Fields of TensorProto, and of the pairs that say where its data lie. */
enum {
    TENSOR_DIMS = 1,
    TENSOR_TYPE = 2,
    TENSOR_NAME = 8,
    TENSOR_RAW = 9,
    TENSOR_EXTERNAL = 13,
    TENSOR_LOCATION = 14,
    PAIR_KEY = 1,
    PAIR_VALUE = 2,
    SAID_NAME = 60, /* of a tensor, in messages */
};
#define NUMBERS_MOST (1ULL << 40)

/* By number of TensorProto.DataType. Texts have no place in other files. */
static const unsigned char bits_of[] = { 0, 32, 8, 8, 16, 16, 32, 64, 0, 8, 16, 64, 32, 64, 64, 128, 16, 8, 8, 8, 8, 4, 4, 4, 8 };

struct outside {
    bool is, has_length;
    struct wire name, location;
    uint64_t offset, length, numbers, type;
};

static bool is_word(struct wire w, const char *word)
{
    size_t n = (size_t)(w.end - w.at);
    return n == strlen(word) && memcmp(w.at, word, n) == 0;
}

static bool read_number(struct wire w, uint64_t *ret)
{
    uint64_t value = 0;
    if (w.at == w.end || w.end - w.at > 18)
        return false;
    for (; w.at < w.end; w.at++) {
        if (*w.at < '0' || *w.at > '9')
            return false;
        value = value * 10 + (uint64_t)(*w.at - '0');
    }
    *ret = value;
    return true;
}

static enum err read_pair(struct wire w, struct outside *t)
{
    struct wire key = { 0 }, value = { 0 };
    struct wire_item item;
    while (w.at < w.end) {
        if (!wire_next(&w, &item))
            return onnx_malformed();
        if (item.type == BYTES && item.field == PAIR_KEY)
            key = item.part;
        if (item.type == BYTES && item.field == PAIR_VALUE)
            value = item.part;
    }
    bool good = true;
    if (is_word(key, "location"))
        t->location = value;
    else if (is_word(key, "offset"))
        good = read_number(value, &t->offset);
    else if (is_word(key, "length"))
        good = t->has_length = read_number(value, &t->length);
    return good ? OK : fail(E_UNMEANT, "a tensor of the model says no number where its data lie (external_data)");
}

static void count_dim(struct outside *t, uint64_t dim)
{
    bool fits = dim < NUMBERS_MOST && (!dim || t->numbers <= NUMBERS_MOST / dim);
    t->numbers = fits ? t->numbers * dim : NUMBERS_MOST;
}

static enum err read_tensor(struct wire w, struct outside *ret)
{
    struct wire_item item;
    *ret = (struct outside){ .numbers = 1 };
    while (w.at < w.end) {
        uint64_t dim;
        if (!wire_next(&w, &item))
            return onnx_malformed();
        if (item.field == TENSOR_DIMS && item.type == VARINT)
            count_dim(ret, item.value);
        while (item.field == TENSOR_DIMS && item.type == BYTES && item.part.at < item.part.end) {
            if (!wire_varint(&item.part, 10, &dim))
                return onnx_malformed();
            count_dim(ret, dim);
        }
        if (item.field == TENSOR_TYPE && item.type == VARINT)
            ret->type = item.value;
        if (item.field == TENSOR_NAME && item.type == BYTES)
            ret->name = item.part;
        if (item.field == TENSOR_LOCATION && item.type == VARINT && item.value)
            ret->is = true;
        if (item.field == TENSOR_EXTERNAL && item.type == BYTES) {
            ret->is = true;
            TRY(read_pair(item.part, ret));
        }
    }
    return OK;
}

struct said {
    char text[SAID_NAME + 1];
};

static struct said said(const uint8_t *name, size_t n)
{
    struct said s = { "" };
    memcpy(s.text, n ? (const char *)name : "", n < SAID_NAME ? n : SAID_NAME);
    return utf8_valid(s.text, strlen(s.text)) ? s : (struct said){ "?" };
}

/* ---- names */

static enum err leads_out(const uint8_t *name, size_t n)
{
    return fail(E_UNMEANT,
                "the model keeps a tensor in another file (external_data), \"%s\", which is no name of a file in its own folder",
                said(name, n).text);
}

enum err place_name(const uint8_t *name, size_t n, char ret[PLACE_NAME])
{
    size_t kept = 0;
    bool plain = n && n < PLACE_NAME && !memchr(name, 0, n) && !memchr(name, '\\', n) && !memchr(name, ':', n) && name[0] != '/' &&
                 utf8_valid((const char *)name, n);
    for (size_t i = 0; plain && i < n;) {
        const uint8_t *slash = memchr(name + i, '/', n - i);
        size_t length = slash ? (size_t)(slash - (name + i)) : n - i;
        bool here = length == 1 && name[i] == '.', up = length == 2 && memcmp(name + i, "..", 2) == 0;
        plain = length && !up && (slash || !here) && !(slash && i + length + 1 == n);
        if (plain && !here) {
            ret[kept] = '/';
            memcpy(ret + kept + (kept > 0), name + i, length);
            kept += (kept > 0) + length;
        }
        i += length + 1;
    }
    ret[kept] = 0;
    return plain && kept ? OK : leads_out(name, n);
}

/* ---- finding */

struct finding {
    struct arena *arena;
    struct elsewhere *found;
    struct wire last; /* the location that was seen last, for models with thousands of tensors in one file */
};

static bool same(struct wire a, struct wire b)
{
    size_t n = (size_t)(a.end - a.at);
    return a.at && b.at && (size_t)(b.end - b.at) == n && memcmp(a.at, b.at, n) == 0;
}

static enum err note(struct finding *f, struct wire location)
{
    char name[PLACE_NAME];
    if (same(f->last, location))
        return OK;
    TRY(place_name(location.at, (size_t)(location.end - location.at), name));
    f->last = location;
    for (size_t i = 0; i < f->found->n; i++)
        if (strcmp(f->found->places[i].name, name) == 0)
            return OK;
    if (f->found->n == PLACES_MOST)
        return fail(E_UNMEANT, "the model keeps its tensors in more than %d files; save it with all of them in one", PLACES_MOST);
    if (!f->found->places)
        f->found->places = arena_new_array(f->arena, struct place, PLACES_MOST);
    f->found->places[f->found->n++] = (struct place){ .name = arena_str(f->arena, name) };
    return OK;
}

static enum err note_tensor(struct finding *f, struct wire w)
{
    struct outside t;
    TRY(read_tensor(w, &t));
    return t.is ? note(f, t.location) : OK;
}

static enum err find(struct finding *f, struct wire w, enum onnx_message message, int depth)
{
    if (depth > ONNX_DEPTH_MOST)
        return fail(E_UNMEANT, "the model's graphs are nested more than %d deep", ONNX_DEPTH_MOST);
    if (message == ONNX_TENSOR)
        return note_tensor(f, w);
    while (w.at < w.end) {
        struct wire_item item;
        enum onnx_message inside;
        if (!wire_next(&w, &item))
            return onnx_malformed();
        if (item.type == BYTES && onnx_leads(message, item.field, &inside))
            TRY(find(f, item.part, inside, depth + 1));
    }
    return OK;
}

enum err elsewhere_find(const uint8_t *bytes, size_t n, struct arena *a, struct elsewhere *ret)
{
    *ret = (struct elsewhere){ 0 };
    struct finding f = { .arena = a, .found = ret };
    return find(&f, (struct wire){ bytes, bytes + n }, ONNX_MODEL, 0);
}

/* ---- joining: measured first, then written. Lengths of what changes take five bytes each, whatever they are, so that what they
 * are can be filled in afterwards. */

struct joining {
    const struct elsewhere *from;
    uint8_t *to; /* NULL: only measured */
    size_t at, cap;
    struct wire last; /* the location that was seen last, and its place */
    const struct place *last_place;
};

static enum err put(struct joining *j, const uint8_t *bytes, size_t n)
{
    if (n > j->cap - j->at)
        return fail(E_TOO_BIG, "the model and its tensors in other files have more than %zu MiB together", j->cap >> 20);
    if (j->to && n)
        memcpy(j->to + j->at, bytes, n);
    j->at += n;
    return OK;
}

static size_t varint(uint64_t value, size_t least, uint8_t ret[10])
{
    size_t n = 0;
    do {
        ret[n] = (uint8_t)((value & 0x7f) | 0x80);
        value >>= 7;
        n++;
    } while (value || n < least);
    ret[n - 1] &= 0x7f;
    return n;
}

static enum err put_head(struct joining *j, uint32_t field, uint64_t length)
{
    uint8_t bytes[20];
    size_t n = varint((uint64_t)field << 3 | BYTES, 1, bytes);
    return put(j, bytes, n + varint(length, 5, bytes + n));
}

static void fill_in(struct joining *j, size_t begin)
{
    if (j->to)
        varint(j->at - begin, 5, j->to + begin - 5);
}

static enum err place_of(struct joining *j, const struct outside *t, const struct place **ret)
{
    char name[PLACE_NAME];
    *ret = j->last_place;
    if (same(j->last, t->location))
        return OK;
    TRY(place_name(t->location.at, (size_t)(t->location.end - t->location.at), name));
    for (size_t i = 0; i < j->from->n; i++)
        if (strcmp(j->from->places[i].name, name) == 0 && j->from->places[i].bytes) {
            j->last = t->location;
            *ret = j->last_place = &j->from->places[i];
            return OK;
        }
    return fail(E_UNMEANT, "the model keeps a tensor in another file, \"%s\", which is not there", name);
}

/* What a tensor's shape and type want; what it says must be that. */
static enum err check_place(const struct place *p, struct outside *t)
{
    unsigned bits = t->type < COUNT_OF(bits_of) ? bits_of[t->type] : 0;
    uint64_t wants = (t->numbers * bits + 7) / 8;
    struct said name = said(t->name.at, (size_t)(t->name.end - t->name.at));
    if (!bits)
        return fail(E_UNMEANT, "the model's tensor \"%s\" is of a type that cannot lie in another file", name.text);
    if (!t->has_length)
        t->length = wants;
    if (t->length != wants)
        return fail(E_UNMEANT, "the model's tensor \"%s\" has %llu bytes in \"%s\"; its shape wants %llu", name.text,
                    (unsigned long long)t->length, p->name, (unsigned long long)wants);
    if (t->offset > p->n || t->length > p->n - t->offset)
        return fail(
            E_UNMEANT,
            "the model's tensor \"%s\" ends at byte %llu of \"%s\", which has only %zu: it is cut off, or of another export",
            name.text, (unsigned long long)(t->offset + t->length), p->name, p->n);
    return OK;
}

static enum err put_tensor(struct joining *j, struct wire w)
{
    struct outside t;
    struct wire all = w;
    const struct place *p;
    TRY(read_tensor(w, &t));
    if (!t.is)
        return put(j, w.at, (size_t)(w.end - w.at));
    TRY(place_of(j, &t, &p));
    TRY(check_place(p, &t));
    while (all.at < all.end) {
        const uint8_t *begin = all.at;
        struct wire_item item;
        if (!wire_next(&all, &item))
            return onnx_malformed();
        if (item.field != TENSOR_EXTERNAL && item.field != TENSOR_LOCATION && item.field != TENSOR_RAW)
            TRY(put(j, begin, (size_t)(all.at - begin)));
    }
    TRY(put_head(j, TENSOR_RAW, t.length));
    return put(j, p->bytes + t.offset, t.length);
}

static enum err join(struct joining *j, struct wire w, enum onnx_message message, int depth)
{
    if (depth > ONNX_DEPTH_MOST)
        return fail(E_UNMEANT, "the model's graphs are nested more than %d deep", ONNX_DEPTH_MOST);
    if (message == ONNX_TENSOR)
        return put_tensor(j, w);
    while (w.at < w.end) {
        const uint8_t *begin = w.at;
        struct wire_item item;
        enum onnx_message inside;
        if (!wire_next(&w, &item))
            return onnx_malformed();
        if (item.type != BYTES || !onnx_leads(message, item.field, &inside)) {
            TRY(put(j, begin, (size_t)(w.at - begin)));
            continue;
        }
        TRY(put_head(j, item.field, 0));
        size_t from = j->at;
        TRY(join(j, item.part, inside, depth + 1));
        fill_in(j, from);
    }
    return OK;
}

enum err elsewhere_join(const uint8_t *bytes, size_t n, const struct elsewhere *from, size_t cap, uint8_t **ret, size_t *ret_n)
{
    struct wire w = { bytes, bytes + n };
    struct joining j = { .from = from, .cap = cap };
    void *to;
    TRY(join(&j, w, ONNX_MODEL, 0));
    size_t size = j.at;
    TRY(big_take(size ? size : 1, cap, "the joined model", &to));
    j.to = to;
    j.at = 0;
    enum err e = join(&j, w, ONNX_MODEL, 0);
    if (e != OK) {
        free(to);
        return e;
    }
    *ret = to;
    *ret_n = size;
    return OK;
}
