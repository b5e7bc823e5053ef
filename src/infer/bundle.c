#include "infer/bundle.h"
#include "blob/sign.h"
#include "foreign/zip.h"
#include "img/decoder.h"
#include "infer/model.h"
#include "infer/onnx_check.h"
#include <stdlib.h>
#include <string.h>

enum { MEMBERS_MOST = 10000, SAID_FILES = 3 };

struct bundle {
    struct arena *arena;
    struct mapped_file file, others[PLACES_MOST]; /* others: as the places */
    uint8_t *unpacked[PLACES_MOST + 1];           /* out of a zip: of the places, and the model itself */
    uint8_t *joined;
    const uint8_t *model;
    size_t n_model;
    uint64_t total; /* bytes of all of it */
    struct elsewhere elsewhere;
    bool open;
};

struct bundle *bundle_new(struct arena *a)
{
    struct bundle *b = heap_take(sizeof *b);
    b->arena = a;
    return b;
}

/* What was joined needs its parts no more. */
static void drop_parts(struct bundle *b)
{
    auto_mapped_file(&b->file);
    b->file = (struct mapped_file){ 0 };
    for (size_t i = 0; i <= PLACES_MOST; i++) {
        free(b->unpacked[i]);
        b->unpacked[i] = NULL;
        if (i < PLACES_MOST)
            auto_mapped_file(&b->others[i]);
        if (i < PLACES_MOST)
            b->others[i] = (struct mapped_file){ 0 };
    }
}

void bundle_free(struct bundle *b)
{
    if (!b)
        return;
    drop_parts(b);
    free(b->joined);
    free(b);
}

static enum err check_total(struct bundle *b, uint64_t more)
{
    b->total += more;
    return b->total <= MODEL_BYTES
               ? OK
               : fail(E_UNMEANT, "the model and its tensors in other files have more than %d MiB together", MODEL_BYTES >> 20);
}

static enum err open_file(int fd, const char *hash, const char *what, struct mapped_file *ret)
{
    char is[HASH_SIZE];
    TRY(mapped_file_open(fd, MODEL_BYTES, what, ret));
    sha256_hex(ret->bytes, ret->n, is);
    return strncmp(is, hash, HASH_SIZE) == 0
               ? OK
               : fail(E_BROKEN, "%s %.64s has changed: its bytes now have the hash %s", what, hash, is);
}

/* ---- zips */

struct member {
    const char *name; /* as place_name() has it */
    size_t at;
    uint64_t size;
    bool link;
};
struct members {
    struct member *items;
    size_t n;
};

struct unpacking {
    uint8_t *to;
    size_t at, size;
};

static enum err put(void *with, const char *bytes, size_t n)
{
    struct unpacking *u = with;
    if (n > u->size - u->at)
        return fail(E_UNMEANT, "a member of the zip is longer than it says");
    memcpy(u->to + u->at, bytes, n);
    u->at += n;
    return OK;
}

static enum err unpack(struct bundle *b, struct zip_reader *z, const struct member *m, uint8_t **ret)
{
    void *to;
    if (m->link)
        return fail(E_UNMEANT, "\"%s\" in the zip is a link, not a file", m->name);
    TRY(check_total(b, m->size));
    TRY(big_take(m->size ? m->size : 1, MODEL_BYTES, m->name, &to));
    *ret = to;
    struct unpacking u = { to, 0, m->size };
    enum err e = zip_reader_read(z, m->at, m->size, put, &u);
    return e == E_INVALID || e == E_TOO_BIG ? fail(E_UNMEANT, "%s", fail_text()) : e;
}

/* What a Mac adds, and what begins with a dot. */
static bool is_hidden(const char *name)
{
    const char *last = strrchr(name, '/');
    return strncmp(name, "__MACOSX/", 9) == 0 || (last ? last[1] : name[0]) == '.';
}

static enum err list(struct bundle *b, struct zip_reader *z, struct members *ret)
{
    size_t n = zip_reader_count(z);
    if (n > MEMBERS_MOST)
        return fail(E_UNMEANT, "the zip has %zu members; at most %d are read", n, MEMBERS_MOST);
    ret->items = arena_new_array(b->arena, struct member, n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *name;
        uint64_t size;
        char kept[PLACE_NAME];
        enum err e = zip_reader_member(z, i, &name, &size);
        if (e != OK)
            return fail(E_UNMEANT, "%s", fail_text());
        if (!name || is_hidden(name))
            continue;
        if (place_name((const uint8_t *)name, strlen(name), kept) != OK)
            return fail(E_UNMEANT, "the zip has a member whose name leads out of its folder: \"%.80s\"", name);
        for (size_t k = 0; k < ret->n; k++)
            if (strcmp(ret->items[k].name, kept) == 0)
                return fail(E_UNMEANT, "the zip has two members called \"%s\"", kept);
        ret->items[ret->n++] = (struct member){ arena_str(b->arena, kept), i, size, zip_reader_is_link(z, i) };
    }
    return OK;
}

static bool is_model(const char *name)
{
    size_t n = strlen(name);
    return n > 5 && strcmp(name + n - 5, ".onnx") == 0;
}

static enum err find_model(const struct members *all, const struct member **ret)
{
    const struct member *one = NULL;
    for (size_t i = 0; i < all->n; i++) {
        if (!is_model(all->items[i].name))
            continue;
        if (one)
            return fail(E_UNMEANT, "the zip has two models, \"%s\" and \"%s\"; which of them is meant?", one->name,
                        all->items[i].name);
        one = &all->items[i];
    }
    *ret = one;
    return one ? OK : fail(E_UNMEANT, "there is no .onnx file in the zip");
}

/* Names are said from the model's own folder on. */
static const struct member *beside(struct bundle *b, const struct members *all, const char *model, const char *name)
{
    const char *slash = strrchr(model, '/');
    const char *path = slash ? arena_fmt(b->arena, "%.*s/%s", (int)(slash - model), model, name) : name;
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->items[i].name, path) == 0)
            return &all->items[i];
    return NULL;
}

static enum err open_zip(struct bundle *b, int *fd)
{
    AUTO(zip_reader) struct zip_reader *z = NULL;
    struct members all = { 0 };
    const struct member *model, *m;
    int own = *fd;
    *fd = -1;
    enum err e = zip_reader_open(own, 0, b->file.n, &z);
    if (e != OK)
        return fail(E_UNMEANT, "%s", fail_text());
    TRY(list(b, z, &all));
    TRY(find_model(&all, &model));
    TRY(unpack(b, z, model, &b->unpacked[PLACES_MOST]));
    b->model = b->unpacked[PLACES_MOST];
    b->n_model = model->size;
    TRY(elsewhere_find(b->model, b->n_model, b->arena, &b->elsewhere));
    for (size_t i = 0; i < b->elsewhere.n; i++) {
        struct place *p = &b->elsewhere.places[i];
        if (!(m = beside(b, &all, model->name, p->name)))
            continue;
        TRY(unpack(b, z, m, &b->unpacked[i]));
        p->bytes = b->unpacked[i];
        p->n = m->size;
    }
    return OK;
}

/* ---- all of it */

static bool is_zip(const struct mapped_file *f)
{
    return f->n > 4 && (memcmp(f->bytes, "PK\3\4", 4) == 0 || memcmp(f->bytes, "PK\5\6", 4) == 0);
}

enum err bundle_open(struct bundle *b, int *fd, const char *hash)
{
    if (b->open)
        return fail(E_BROKEN, "this process has a model already");
    b->open = true;
    TRY(open_file(*fd, hash, "the model file", &b->file));
    if (is_zip(&b->file))
        return open_zip(b, fd);
    TRY(check_total(b, b->file.n));
    b->model = b->file.bytes;
    b->n_model = b->file.n;
    return elsewhere_find(b->model, b->n_model, b->arena, &b->elsewhere);
}

const struct elsewhere *bundle_elsewhere(const struct bundle *b)
{
    return &b->elsewhere;
}

bool bundle_is_whole(const struct bundle *b)
{
    for (size_t i = 0; i < b->elsewhere.n; i++)
        if (!b->elsewhere.places[i].bytes)
            return false;
    return true;
}

enum err bundle_add(struct bundle *b, const char *name, const char *hash, int fd)
{
    for (size_t i = 0; i < b->elsewhere.n; i++) {
        struct place *p = &b->elsewhere.places[i];
        if (strcmp(p->name, name) != 0 || p->bytes)
            continue;
        TRY(open_file(fd, hash, arena_fmt(b->arena, "the file \"%s\"", name), &b->others[i]));
        TRY(check_total(b, b->others[i].n));
        p->bytes = b->others[i].bytes;
        p->n = b->others[i].n;
    }
    return OK;
}

static enum err refuse_missing(const struct bundle *b)
{
    const char *names = "";
    size_t n = 0;
    for (size_t i = 0; i < b->elsewhere.n; i++) {
        const struct place *p = &b->elsewhere.places[i];
        if (!p->bytes && n++ < SAID_FILES)
            names = arena_fmt(b->arena, "%s%s\"%s\"", names, n > 1 ? ", " : "", p->name);
    }
    if (n > SAID_FILES)
        names = arena_fmt(b->arena, "%s and %zu more", names, n - SAID_FILES);
    return fail(
        E_UNMEANT,
        "the model keeps its tensors in %s (external_data), which %s missing: bring %s along, beside it or in one zip; or save "
        "it as one file: torch.onnx.export(…, external_data=False), or onnx.save(onnx.load(path), path)",
        names, n > 1 ? "are" : "is", n > 1 ? "them" : "it");
}

enum err bundle_join(struct bundle *b, const uint8_t **ret, size_t *ret_n)
{
    if (!bundle_is_whole(b))
        return refuse_missing(b);
    if (b->elsewhere.n) {
        size_t n;
        TRY(elsewhere_join(b->model, b->n_model, &b->elsewhere, MODEL_BYTES, &b->joined, &n));
        drop_parts(b);
        b->model = b->joined;
        b->n_model = n;
    }
    *ret = b->model;
    *ret_n = b->n_model;
    return onnx_check(*ret, *ret_n);
}
