/* batch.h - annotations that are written in many short transactions and shown all at once, or not at all.
 *
 * Rows of a batch have its number and are hidden until batch_show(); rows that it takes the place of have its number made negative
 * and are shown until then (the views `annotation` and `shape`). What is left behind by a kill is undone, or finished, by
 * batch_sweep(). While a batch is written nobody else writes annotations of its dataset version. */
#pragma once
#include "app/annotation/annotation.h"
#include "sql/slice.h"

/* Of the number `job`; annotations that are exchanged within a request (exchange.c) belong to this one. */
#define BATCH_OF_REQUEST "request"
/* E_LOCKED: a job writes there; E_BUSY: a request does, for a second or so. In a transaction. */
MUST_USE enum err batch_make(struct sql *, const char *version_id, const char *job_id, int64_t *ret_batch);
/* The same in a transaction of its own. An earlier, unfinished one of the same job is undone first. */
MUST_USE enum err batch_begin(struct sql *, const char *version_id, const char *job_id, int64_t *ret_batch);
/* Nobody imports into the version, and it is not locked: E_LOCKED; E_BUSY: for now. For those who write single annotations. */
MUST_USE enum err annotations_check_open(struct sql *, const char *version_id);

/* Within the writer's slices. */
struct batch_image {
    const char *org, *version_id, *asset_id, *user_id, *mode, *status;
    const struct shape *shapes;
    size_t n;
};
/* *ret_written: false when KEEP found an annotation. An image that came before in the same batch gets the shapes added. */
MUST_USE enum err batch_write(struct slice *, struct arena *, int64_t batch, const struct batch_image *, bool *ret_written);
MUST_USE enum err batch_label(struct sql *, int64_t batch, const char *label_id, int64_t n, bool made);
MUST_USE enum err batch_hide_later(struct sql *, int64_t batch, const char *annotation_id); /* replaced: shown until the end */
MUST_USE enum err batch_tag(struct sql *, int64_t batch, const char *asset_id, const char *name);

/* ---- for those who write single annotations: save.c, count.c, exchange.c */

MUST_USE enum err annotation_make(struct sql *, const struct annotation_save *, const char *id, int64_t batch);
MUST_USE enum err annotation_renew(struct sql *, const struct annotation_save *, const char *id);
MUST_USE enum err annotation_kept(struct sql *, const struct annotation_save *, struct value *ret); /* kept_kinds as a list */
MUST_USE enum err annotation_check_revision(const struct annotation_save *, int64_t there);
MUST_USE enum err shape_insert(struct sql *, const struct annotation_save *, const char *annotation_id, const struct shape *,
                               int64_t position, int64_t batch);
/* Calls for each label with its number of shapes. */
MUST_USE enum err shapes_by_label(const struct shape *, size_t n, enum err (*call)(void *with, const char *label, int64_t n),
                                  void *with);
MUST_USE enum err shapes_come(struct sql *, const char *annotation_id, const struct shape *, size_t n); /* counts them */
MUST_USE enum err shapes_go(struct sql *, const char *annotation_id, struct value kept_kinds);          /* deletes and counts */
MUST_USE enum err shape_goes(struct sql *, const char *id);

/* ---- the end */

/* In the caller's transaction: its work is proportional to the number of labels. */
MUST_USE enum err batch_show(struct sql *, int64_t batch);
/* After it, in slices: what was replaced goes, tags are put on. `org` is the version's. */
MUST_USE enum err batch_finish(struct sql *, int64_t batch);
MUST_USE enum err batch_undo(struct sql *, int64_t batch); /* instead of showing it, in slices */
