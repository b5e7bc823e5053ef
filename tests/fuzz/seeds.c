/* Writes what the targets start from and text cannot be: small images of every format, ONNX models.  seeds FOLDER */
#include "base/file.h"
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
        write_models(a, arena_fmt(a, "%s/elsewhere", argv[1])) == OK && write_drawn(a, arena_fmt(a, "%s/decoders", argv[1])) == OK)
        return 0;
    fprintf(stderr, "seeds: %s\n", fail_text());
    return 1;
}
