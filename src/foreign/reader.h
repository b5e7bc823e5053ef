/* reader.h - what the readers of this folder share. */
#pragma once
#include "base/text.h"
#include "foreign/foreign.h"
#include "foreign/zip.h"

/* A file, or a member of a zip. */
struct member {
    const char *name; /* with folders, '/' only */
    size_t file;      /* of the files that were sent */
    int64_t at;       /* its number in the zip; -1: the file itself */
    uint64_t size;
    bool used; /* a reader took it */
};

struct labels;

struct reading {
    struct arena *arena; /* of the whole reading */
    const struct foreign_files *files;
    struct foreign_sink sink;
    struct member *members;
    size_t n_members;
    uint64_t n_shapes, unpacked, done, all; /* done of all: bytes, for the progress */
    struct zip_reader *zip;                 /* the one that was read last */
    size_t zip_file;
    struct labels *labels;
    struct foreign_record record; /* the one at hand */
    double told;
    bool told_format;
};

/* A row for each format. A reader takes the members that are its own and marks them as used; none: it is not that format. */
struct format {
    const char *name;
    enum err (*read)(struct reading *, bool *ret_taken);
};
extern const struct format foreign_coco, foreign_voc, foreign_yolo;

/* The bytes of a member, NUL-terminated, on the heap; a byte order mark is taken off. E_TOO_BIG over the cap. */
MUST_USE enum err member_read(struct reading *, struct member *, size_t cap, char **ret, size_t *ret_n);
/* The member as a descriptor that can be read anywhere, from *ret_from on: its own file, or unpacked into the scratch file. */
MUST_USE enum err member_open(struct reading *, struct member *, int *ret_fd, uint64_t *ret_from);
void member_close(struct reading *, int fd);
bool member_ends(const struct member *, const char *ending); /* ".json", whatever the case */

MUST_USE enum err tell_format(struct reading *, const char *name); /* before the first label; once is enough */
MUST_USE enum err tell_image(struct reading *, const struct foreign_image *);
MUST_USE enum err tell_shape(struct reading *, const struct foreign_shape *);
MUST_USE enum err tell_left(struct reading *, enum foreign_reason, const char *fmt, ...) PRINTF(3, 4);
MUST_USE enum err tell_fault(struct reading *, const char *fmt, ...) PRINTF(2, 3);
MUST_USE enum err tell_kept_fault(struct reading *); /* with the words of the last fail() */
MUST_USE enum err tell_progress(struct reading *, uint64_t done, uint64_t all);

/* The number of a label, which is told when it is new. Blanks around a name are taken off. E_INVALID for a name that cannot be. */
MUST_USE enum err label_number(struct reading *, const char *name, uint32_t *ret);

/* Masks as run lengths, as cocoapi writes them (maskApi.c, rleToString): appends run i; before: run i - 2. */
void rle_put(struct text *, int64_t run, int64_t before, size_t i);
/* The box around the mask's pixels. E_INVALID: it is no mask of that size, or an empty one. */
MUST_USE enum err rle_box(const char *mask, int width, int height, double ret[4]);
