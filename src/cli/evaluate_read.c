/* Files are read event by event: of half a million detections only what is counted is kept. */
#include "cli/evaluate_read.h"
#include "base/file.h"
#include "json/pull.h"
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_CAP = 1 << 20, ENTRIES_MOST = 10000000 };

/* What annotations and detections have; NAN: not there. */
struct entry {
    int64_t image, label, id;
    double box[4], area, score;
    bool crowd, has_image, has_label, has_id;
};
struct entries {
    struct entry *items;
    size_t n, room;
};

static struct entry *entry_add(struct entries *list)
{
    if (list->n == list->room) {
        list->room = list->room ? list->room * 2 : 1024;
        list->items = heap_grow(list->items, list->room * sizeof *list->items);
    }
    struct entry *e = &list->items[list->n++];
    *e = (struct entry){ .box = { NAN, NAN, NAN, NAN }, .area = NAN, .score = NAN };
    return e;
}

/* The next thing inside a list or an object. False: it has ended, or *ret_err is why not. */
static bool goes_on(struct pull *p, enum pull_event end, enum pull_event *ret, enum err *ret_err)
{
    *ret_err = pull_next(p, ret);
    return *ret_err == OK && *ret != end;
}

/* ---- one entry */

static enum err read_number(struct pull *p, double *ret)
{
    enum pull_event at;
    TRY(pull_next(p, &at));
    if (at == PULL_NUMBER)
        *ret = pull_number(p);
    return pull_skip(p, at);
}

static enum err read_id(struct pull *p, int64_t *ret, bool *ret_has)
{
    enum pull_event at;
    TRY(pull_next(p, &at));
    *ret_has = at == PULL_NUMBER && pull_int(p, ret);
    return pull_skip(p, at);
}

static enum err read_crowd(struct pull *p, bool *ret)
{
    enum pull_event at;
    TRY(pull_next(p, &at));
    *ret = at == PULL_TRUE || (at == PULL_NUMBER && pull_number(p) != 0);
    return pull_skip(p, at);
}

/* Of anything but a list of four numbers the first stays NAN. */
static enum err read_box(struct pull *p, double box[4])
{
    enum pull_event at;
    enum err e;
    int n = 0;
    TRY(pull_next(p, &at));
    if (at != PULL_ARRAY)
        return pull_skip(p, at);
    for (; goes_on(p, PULL_END_ARRAY, &at, &e); n++) {
        if (at == PULL_NUMBER && n < 4)
            box[n] = pull_number(p);
        TRY(pull_skip(p, at));
    }
    box[0] = n == 4 ? box[0] : NAN;
    return e;
}

struct reading {
    struct evaluation *e;
    struct pull *pull;
    const char **names; /* of categories, as they come; "" without one */
    struct entries images, categories, annotations, found;
};

static enum err read_name(struct reading *r)
{
    enum pull_event at;
    TRY(pull_next(r->pull, &at));
    size_t n = r->categories.n;
    if (at == PULL_TEXT && n <= METRICS_LABELS)
        r->names[n - 1] = arena_str(r->e->arena, pull_text(r->pull));
    return pull_skip(r->pull, at);
}

static enum err read_member(struct reading *r, struct entry *e, bool named)
{
    const char *key = pull_text(r->pull);
    if (strcmp(key, "bbox") == 0)
        return read_box(r->pull, e->box);
    if (strcmp(key, "image_id") == 0)
        return read_id(r->pull, &e->image, &e->has_image);
    if (strcmp(key, "category_id") == 0)
        return read_id(r->pull, &e->label, &e->has_label);
    if (strcmp(key, "score") == 0)
        return read_number(r->pull, &e->score);
    if (strcmp(key, "area") == 0)
        return read_number(r->pull, &e->area);
    if (strcmp(key, "iscrowd") == 0)
        return read_crowd(r->pull, &e->crowd);
    if (strcmp(key, "id") == 0)
        return read_id(r->pull, &e->id, &e->has_id);
    if (named && strcmp(key, "name") == 0)
        return read_name(r);
    return pull_skip_next(r->pull);
}

/* After the '[' of a list of objects. */
static enum err read_list(struct reading *r, struct entries *to, const char *what)
{
    enum pull_event at;
    enum err err;
    while (goes_on(r->pull, PULL_END_ARRAY, &at, &err)) {
        if (at != PULL_OBJECT)
            return fail(E_INVALID, "%s[%zu] must be an object", what, to->n);
        if (to->n == ENTRIES_MOST)
            return fail(E_TOO_BIG, "more than %d %s", ENTRIES_MOST, what);
        struct entry *e = entry_add(to);
        while (goes_on(r->pull, PULL_END_OBJECT, &at, &err))
            TRY(read_member(r, e, to == &r->categories));
        TRY(err);
    }
    return err;
}

/* ---- the files */

static enum err open_file(const char *path, int *ret_fd, struct pull **ret)
{
    struct stat st;
    *ret_fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*ret_fd < 0 || fstat(*ret_fd, &st) != 0)
        return fail(E_NOT_FOUND, "%s", strerror(errno));
    *ret = pull_new(*ret_fd, 0, (uint64_t)st.st_size, TEXT_CAP);
    return OK;
}

static enum err read_coco(struct reading *r)
{
    const struct {
        const char *name;
        struct entries *to;
    } lists[] = { { "images", &r->images }, { "categories", &r->categories }, { "annotations", &r->annotations } };
    enum pull_event at;
    enum err e;
    TRY(pull_next(r->pull, &at));
    if (at != PULL_OBJECT)
        return fail(E_INVALID, "the annotations must be an object with images, categories and annotations");
    while (goes_on(r->pull, PULL_END_OBJECT, &at, &e)) {
        size_t k = 0;
        while (k < COUNT_OF(lists) && strcmp(lists[k].name, pull_text(r->pull)) != 0)
            k++;
        TRY(pull_next(r->pull, &at));
        if (k < COUNT_OF(lists) && at == PULL_ARRAY)
            TRY(read_list(r, lists[k].to, lists[k].name));
        else
            TRY(pull_skip(r->pull, at));
    }
    return e == OK ? pull_next(r->pull, &at) : e;
}

static enum err read_results(struct reading *r)
{
    enum pull_event at;
    TRY(pull_next(r->pull, &at));
    if (at != PULL_ARRAY)
        return fail(E_INVALID, "the predictions must be a list of {image_id, category_id, bbox, score}");
    TRY(read_list(r, &r->found, "predictions"));
    return pull_next(r->pull, &at);
}

static enum err read_file(struct reading *r, const char *path, enum err (*read)(struct reading *))
{
    AUTO(fd) int fd = -1;
    AUTO(pull) struct pull *p = NULL;
    enum err e = open_file(path, &fd, &p);
    r->pull = p;
    return fail_within(e == OK ? read(r) : e, "%s: ", path);
}

/* ---- what belongs together */

static int by_id(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}
static bool place_of(const int64_t *ids, size_t n, int64_t id, size_t *ret)
{
    const int64_t *found = n ? bsearch(&id, ids, n, sizeof id, by_id) : NULL;
    *ret = found ? (size_t)(found - ids) : 0;
    return found != NULL;
}

static enum err sort_ids(struct arena *a, const struct entries *list, const char *what, int64_t **ret, size_t *ret_n)
{
    int64_t *ids = arena_new_array(a, int64_t, list->n + 1);
    size_t kept = 0;
    for (size_t i = 0; i < list->n; i++) {
        if (!list->items[i].has_id)
            return fail(E_INVALID, "%s[%zu] has no whole number \"id\"", what, i);
        ids[i] = list->items[i].id;
    }
    if (list->n)
        qsort(ids, list->n, sizeof *ids, by_id);
    for (size_t i = 0; i < list->n; i++)
        if (!kept || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    *ret = ids;
    *ret_n = kept;
    return OK;
}

static enum err read_labels(struct reading *r)
{
    struct evaluation *e = r->e;
    size_t at;
    TRY(sort_ids(e->arena, &r->categories, "categories", &e->labels, &e->n_labels));
    if (!e->n_labels || e->n_labels > METRICS_LABELS)
        return fail(E_UNMEANT, "there are %zu categories; 1 to %d are possible", e->n_labels, METRICS_LABELS);
    e->names = arena_new_array(e->arena, const char *, e->n_labels);
    for (size_t i = 0; i < r->categories.n && i < METRICS_LABELS; i++)
        if (place_of(e->labels, e->n_labels, r->categories.items[i].id, &at))
            e->names[at] = r->names[i];
    return OK;
}

/* From now on label and image are numbers; an entry of an unknown one has the image -1. How many lie in each image goes to count.
 */
static enum err find_places(const struct evaluation *e, struct entries *list, const char *what, bool images_must_be,
                            size_t *ret_lost, size_t *count)
{
    for (size_t i = 0; i < list->n; i++) {
        struct entry *it = &list->items[i];
        size_t image, label;
        bool known = it->has_image && place_of(e->images, e->n_images, it->image, &image);
        if (!it->has_image || (images_must_be && !known))
            return fail(E_UNMEANT, "%s[%zu]: image_id is none of the images", what, i);
        known = known && it->has_label && place_of(e->labels, e->n_labels, it->label, &label);
        *ret_lost += !known;
        it->image = known ? (int64_t)image : -1;
        it->label = known ? (int64_t)label : 0;
        if (!known)
            continue;
        if (isnan(it->box[0] + it->box[1] + it->box[2] + it->box[3]))
            return fail(E_INVALID, "%s[%zu]: bbox must be [x, y, width, height]", what, i);
        count[image + 1]++;
    }
    for (size_t i = 0; i < e->n_images; i++)
        count[i + 1] += count[i];
    return OK;
}

static enum err place_truth(struct evaluation *e, struct entries *list)
{
    e->first_truth = arena_new_array(e->arena, size_t, e->n_images + 1);
    TRY(find_places(e, list, "annotations", false, &e->lost_truth, e->first_truth));
    e->truth = heap_take((list->n + 1) * sizeof *e->truth);
    size_t *next = arena_new_array(e->arena, size_t, e->n_images + 1);
    memcpy(next, e->first_truth, (e->n_images + 1) * sizeof *next);
    for (const struct entry *it = list->items; it < list->items + list->n; it++) {
        if (it->image < 0)
            continue;
        struct metrics_truth *t = &e->truth[next[it->image]++];
        *t = metrics_truth_of((int)it->label, it->box[0], it->box[1], it->box[2], it->box[3]);
        t->area = isnan(it->area) ? t->area : it->area;
        t->crowd = it->crowd;
        e->crowds += it->crowd;
    }
    return OK;
}

static enum err place_found(struct evaluation *e, struct entries *list)
{
    e->first_found = arena_new_array(e->arena, size_t, e->n_images + 1);
    TRY(find_places(e, list, "predictions", true, &e->lost_found, e->first_found));
    e->found = heap_take((list->n + 1) * sizeof *e->found);
    size_t *next = arena_new_array(e->arena, size_t, e->n_images + 1);
    memcpy(next, e->first_found, (e->n_images + 1) * sizeof *next);
    for (size_t i = 0; i < list->n; i++) {
        const struct entry *it = &list->items[i];
        if (it->image < 0)
            continue;
        if (isnan(it->score))
            return fail(E_INVALID, "predictions[%zu]: score must be a number", i);
        e->found[next[it->image]++] =
            (struct metrics_detection){ (int)it->label, it->score, it->box[0], it->box[1], it->box[2], it->box[3] };
    }
    return OK;
}

static enum err read_both(struct reading *r, const char *truth, const char *predictions)
{
    struct evaluation *e = r->e;
    TRY(read_file(r, truth, read_coco));
    TRY(fail_within(sort_ids(e->arena, &r->images, "images", &e->images, &e->n_images), "%s: ", truth));
    TRY(fail_within(read_labels(r), "%s: ", truth));
    TRY(fail_within(place_truth(e, &r->annotations), "%s: ", truth));
    free(r->annotations.items);
    r->annotations = (struct entries){ 0 };
    TRY(read_file(r, predictions, read_results));
    return fail_within(place_found(e, &r->found), "%s: ", predictions);
}

enum err evaluation_read(struct evaluation *e, const char *truth, const char *predictions)
{
    struct reading r = { .e = e, .names = arena_new_array(e->arena, const char *, METRICS_LABELS + 1) };
    enum err err = read_both(&r, truth, predictions);
    free(r.images.items);
    free(r.categories.items);
    free(r.annotations.items);
    free(r.found.items);
    return err;
}

void evaluation_done(struct evaluation *e)
{
    free(e->truth);
    free(e->found);
}
