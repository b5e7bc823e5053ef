/* reading.h - what is in a model file, and whether and how it can be served. */
#pragma once
#include "infer/bundle.h"
#include "infer/family/family.h"

struct reading {
    struct description d;
    const char *problem; /* why it cannot be served; NULL: it can */
    const struct graph *graph;
    const char *tells; /* JSON, docs/bring-your-model.md; memory of the arena */
};
/* bytes: of the file that the session was made of, which was joined with those elsewhere. told: as description_tell() reads it;
 * NULL: nothing. Runs a file that was not made here once, on a grey picture, since what files say of shapes is often missing and
 * sometimes wrong. E_UNMEANT: what is told makes no sense, or the file's own text is over what can be passed on. */
MUST_USE enum err reading_make(struct ort_session *, const uint8_t *bytes, size_t n, const struct elsewhere *, const char *told,
                               struct arena *, struct reading *ret);
/* Of the same file once more, otherwise described. graph: of its first reading. */
MUST_USE enum err reading_again(struct ort_session *, const struct graph *, const char *told, struct arena *, struct reading *ret);
/* Of one whose tensors are not all there: the problem is which. */
MUST_USE enum err reading_lacking(struct bundle *, struct arena *, struct reading *ret);
/* After ort_run(). */
MUST_USE enum err reading_decode(const struct reading *, const struct ort_session *, const struct placed *, double min_score,
                                 struct found *ret);

/* ours.c: the metadata `saccade` (docs/formats.md). */
MUST_USE enum err reading_ours(struct arena *, const struct ort_session *, const char *text, bool whole, struct description *);
/* tells.c */
MUST_USE enum err reading_tell(struct arena *, const struct look *, const struct reading *, const struct ort_value *declared,
                               unsigned missing, const char **ret);
