/* Writes what the targets start from and text cannot be: small images of every format, ONNX models.  seeds FOLDER */
#include "base/file.h"
#include "foreign/writer.h"
#include "img/samples_test.h"
#include "infer/tiny_test.h"
#include <stdio.h>
#include <stdlib.h>

static enum err write_images(struct arena *a, const char *folder)
{
    AUTO(image) struct image picture = { 0 };
    TRY(file_make_dirs(folder, 0700));
    sample_picture(37, 21, &picture);
    for (size_t i = 0; i < sample_formats_n; i++) {
        AUTO(file) struct file f = { 0 }, turned = { 0 };
        sample_formats[i].write(&picture, &f);
        TRY(file_write(arena_fmt(a, "%s/%zu", folder, i), f.bytes, f.n, 0600));
        if (i)
            continue;
        sample_exif(&f, 6, &turned);
        TRY(file_write(arena_fmt(a, "%s/exif", folder), turned.bytes, turned.n, 0600));
    }
    return OK;
}

static enum err write_models(struct arena *a, const char *folder)
{
    TRY(file_make_dirs(folder, 0700));
    for (enum tiny_kind kind = TINY_OURS; kind <= TINY_APART_FUNCTION; kind++) {
        uint8_t *bytes;
        size_t n;
        tiny_model(kind, &bytes, &n);
        enum err e = file_write(arena_fmt(a, "%s/%d", folder, kind), bytes, n, 0600);
        free(bytes);
        TRY(e);
    }
    return OK;
}

static enum err put(void *with, const char *bytes, size_t n)
{
    text_bytes(with, bytes, n);
    return OK;
}

/* A model and what its tensors lie in, in a zip. */
static enum err zip_of(struct arena *a, const char *folder, enum tiny_kind kind)
{
    AUTO(text) struct text t;
    uint8_t *bytes;
    size_t n;
    text_init(&t, 1 << 20);
    struct spool *out = spool_new((struct foreign_put){ put, &t });
    struct zip_writer *z = zip_writer_new(out);
    tiny_model(kind, &bytes, &n);
    enum err e = zip_writer_add(z, "export/tiny.onnx", (const char *)bytes, n);
    if (e == OK)
        e = zip_writer_add(z, "export/boxes.data", (const char *)tiny_boxes, sizeof tiny_boxes);
    if (e == OK)
        e = zip_writer_end(z);
    if (e == OK)
        e = spool_flush(out, true);
    free(bytes);
    zip_writer_free(z);
    spool_free(out);
    TRY(e);
    return file_write(arena_fmt(a, "%s/zip-%d", folder, kind), t.bytes, t.n, 0600);
}

static enum err write_bundles(struct arena *a, const char *folder)
{
    TRY(write_models(a, folder));
    for (enum tiny_kind kind = TINY_APART; kind <= TINY_APART_FUNCTION; kind++)
        TRY(zip_of(a, folder, kind));
    return OK;
}

/* Of bytes that mean something only to the target itself. */
static enum err write_drawn(struct arena *a, const char *folder)
{
    enum { FILES = 60, BYTES = 700 };
    uint32_t drawn = 5;
    TRY(file_make_dirs(folder, 0700));
    for (int i = 0; i < FILES; i++) {
        uint8_t bytes[BYTES];
        for (int k = 0; k < BYTES; k++) {
            drawn = drawn * 1664525 + 1013904223;
            bytes[k] = (uint8_t)(drawn >> 24);
        }
        TRY(file_write(arena_fmt(a, "%s/%d", folder, i), bytes, BYTES, 0600));
    }
    return OK;
}

int main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    if (argc == 2 && write_images(a, arena_fmt(a, "%s/image", argv[1])) == OK &&
        write_models(a, arena_fmt(a, "%s/onnx", argv[1])) == OK && write_models(a, arena_fmt(a, "%s/told", argv[1])) == OK &&
        write_models(a, arena_fmt(a, "%s/elsewhere", argv[1])) == OK &&
        write_bundles(a, arena_fmt(a, "%s/bundle", argv[1])) == OK && write_drawn(a, arena_fmt(a, "%s/decoders", argv[1])) == OK)
        return 0;
    fprintf(stderr, "seeds: %s\n", fail_text());
    return 1;
}
