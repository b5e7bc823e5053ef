/* writer.h - what the writers of this folder share. */
#pragma once
#include "base/text.h"
#include "foreign/foreign.h"

/* Text on its way: handed on when enough has come together. */
struct spool;
struct spool *spool_new(struct foreign_put);
void spool_free(struct spool *);
struct text *spool_text(struct spool *);
uint64_t spool_at(const struct spool *); /* how many bytes there are, written or not */
MUST_USE enum err spool_flush(struct spool *, bool now);

struct zip_writer;
struct zip_writer *zip_writer_new(struct spool *); /* used, not owned */
void zip_writer_free(struct zip_writer *);
MUST_USE enum err zip_writer_add(struct zip_writer *, const char *name, const char *bytes, size_t n);
MUST_USE enum err zip_writer_end(struct zip_writer *);

struct foreign_writer {
    const struct foreign_output *format;
    struct arena *arena;
    const char *const *labels;
    size_t n_labels;
    struct spool *out;
    struct zip_writer *zip;
    struct text member; /* of the zip, at hand */
    struct text images; /* COCO's second list */
    uint64_t n_images, n_shapes;
};

/* A row for each format. A shape that the format has no form for is counted in *left_out. */
struct foreign_output {
    const char *name;
    const char *ending; /* of the file: ".json", ".zip" */
    enum err (*begin)(struct foreign_writer *);
    enum err (*image)(struct foreign_writer *, const struct foreign_image *, const char *member, const struct foreign_shape *,
                      size_t n, size_t *left_out);
    enum err (*end)(struct foreign_writer *);
};
extern const struct foreign_output write_coco, write_voc, write_yolo;
