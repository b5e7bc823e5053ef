/* How many shapes labels and annotations have is kept with them, since every card and page asks for it. What a change writes is
 * counted once for all its shapes, by its writer; what goes with an annotation, by a trigger. */
#include "app/annotation/batch.h"
#include "app/dataset/dataset.h"
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* An annotation has many shapes of few labels. */
enum err shapes_by_label(const struct shape *shapes, size_t n, enum err (*call)(void *with, const char *label, int64_t n),
                         void *with)
{
    AUTO(arena) struct arena *a = arena_new();
    const char **ids = arena_new_array(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        ids[i] = shapes[i].label_id;
    if (n)
        qsort(ids, n, sizeof *ids, by_text);
    for (size_t i = 0, run; i < n; i += run) {
        for (run = 1; i + run < n && strcmp(ids[i], ids[i + run]) == 0; run++)
            ;
        TRY(call(with, ids[i], (int64_t)run));
    }
    return OK;
}

static enum err more_of_label(void *with, const char *label, int64_t n)
{
    return label_count(with, label, n);
}

static enum err more_in_annotation(struct sql *db, const char *annotation, int64_t n)
{
    return n ? sql_run(db, "UPDATE annotation_row SET n_shapes = n_shapes + ?2 WHERE id = ?1", V(annotation), V(n)) : OK;
}

enum err shapes_come(struct sql *db, const char *annotation, const struct shape *shapes, size_t n)
{
    TRY(shapes_by_label(shapes, n, more_of_label, db));
    return more_in_annotation(db, annotation, (int64_t)n);
}

enum err shapes_go(struct sql *db, const char *annotation, struct value kept_kinds)
{
    AUTO(rows) struct rows *r = NULL;
    int64_t all = 0;
    TRY(sql_rows(db, &r,
                 "SELECT label_id, count(*) FROM shape WHERE annotation_id = ?1 AND kind NOT IN " LISTED("?2") " GROUP BY label_id",
                 V(annotation), V(kept_kinds)));
    for (; rows_next(r); all += rows_int(r, 1))
        TRY(more_of_label(db, rows_text(r, 0), -rows_int(r, 1)));
    TRY(rows_error(r));
    TRY(sql_run(db, "DELETE FROM shape_row WHERE annotation_id = ?1 AND kind NOT IN " LISTED("?2"), V(annotation), V(kept_kinds)));
    return more_in_annotation(db, annotation, -all);
}

enum err shape_goes(struct sql *db, const char *id)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_first(db, &r, "SELECT annotation_id, label_id FROM shape WHERE id = ?1", V(id)));
    TRY(more_of_label(db, rows_text(r, 1), -1));
    TRY(more_in_annotation(db, rows_text(r, 0), -1));
    return sql_run(db, "DELETE FROM shape_row WHERE id = ?1", V(id));
}
