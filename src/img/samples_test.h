/* samples_test.h - small image files of every format, made for tests and as a start for fuzzing. */
#pragma once
#include "img/img.h"

struct file {
    uint8_t *bytes; /* heap */
    size_t n;
};
void auto_file(struct file *);
void file_put(struct file *, const void *bytes, size_t n);

struct sample_format {
    const char *type;
    void (*write)(const struct image *, struct file *ret); /* of an image that sample_picture() made */
    int tolerance;                                         /* most that a value may be off on average */
};
extern const struct sample_format sample_formats[];
extern const size_t sample_formats_n;

/* Only colours of a 6×6×6 cube, so that a palette holds them; no two neighbours alike. */
void sample_picture(int width, int height, struct image *ret);
/* A JPEG with an EXIF block in front that says how to turn it. */
void sample_exif(const struct file *jpeg, unsigned orientation, struct file *ret);
