/* What is in a folder of images and annotation files: Pascal VOC, COCO, YOLO, with images in sub-folders, in the layouts of
 * Ultralytics and Roboflow; or a folder of images for each label. */
#include "base/file.h"
#include "foreign/foreign.h"
#include "trainer/classes.h"
#include "trainer/folder.h"
#include "trainer/split.h"
#include "trainer/splits.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { YAML_CAP = 4 << 20, NAMED = 5 };

/* Where an image belongs: by a data.yaml, or by the folder that it is in. */
enum part { PART_TRAIN, PART_VAL, PART_TEST, PARTS };

struct reading {
    struct folder *folder;
    const char *images, *annotations; /* a folder; a file or folder */
    struct files files;
    struct foreign_set *set;
    const char **split; /* of each file, by a data.yaml; or NULL */
    bool *taken;        /* files that an annotation has been found for */
    uint32_t *number;   /* of each of the set's labels, among the folder's */
    struct samples part[PARTS];
    size_t crowds, several, lost; /* lost: annotated images without a file */
};

/* ---- where things are */

static bool is_yaml(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (strcasecmp(dot, ".yaml") == 0 || strcasecmp(dot, ".yml") == 0);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The data.yaml that says what belongs together; NULL: there is none. */
static const char *find_yaml(const struct reading *r)
{
    const struct train_options *o = r->folder->options;
    const char *const places[] = { o->annotations, o->images };
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        if (!places[i])
            continue;
        const char *inside = arena_fmt(r->folder->arena, "%s/data.yaml", places[i]);
        if (is_yaml(places[i]))
            return places[i];
        if (is_folder(places[i]) && file_exists(inside))
            return inside;
    }
    return NULL;
}

/* A data.yaml may be named in the place of either folder. */
static enum err look_around(struct reading *r)
{
    struct arena *a = r->folder->arena;
    const struct train_options *o = r->folder->options;
    const char *path = find_yaml(r), *root = NULL;
    struct data_yaml yaml = { 0 };
    if (path) {
        char *bytes;
        size_t n;
        TRY(file_read(a, path, YAML_CAP, &bytes, &n));
        TRY(data_yaml_read(a, path, bytes, n, &yaml));
        root = splits_root(a, path, &yaml);
    }
    r->images = is_yaml(o->images) ? root : o->images;
    r->annotations = !o->annotations ? r->images : is_yaml(o->annotations) ? root : o->annotations;
    if (!is_folder(r->images))
        return fail(E_NOT_FOUND, "there is no folder %s", r->images);
    TRY(files_list(a, r->images, &r->files));
    r->split = arena_new_array(a, const char *, r->files.n + 1);
    return path ? splits_mark(a, root, &yaml, &r->files, r->split) : OK;
}

/* ---- what is annotated */

static bool is_of_the_whole(const struct foreign_shape *s)
{
    return !s->has_box && !s->n_points && !s->mask;
}

/* Fractions become pixels; for that the image is looked at. */
static enum err scale_of(struct reading *r, const struct foreign_image *im, const char *path, double *ret_x, double *ret_y)
{
    struct image_info info = { .width = im->width, .height = im->height };
    *ret_x = *ret_y = 1;
    if (!im->fractions)
        return OK;
    if (info.width <= 0 || info.height <= 0) {
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        TRY(decoder_probe(r->folder->decoder, fd, &info));
        if (info.orientation >= 5)
            info = (struct image_info){ .width = info.height, .height = info.width };
    }
    *ret_x = info.width;
    *ret_y = info.height;
    return OK;
}

static enum err read_boxes(struct reading *r, const struct foreign_images *im, struct sample *s)
{
    double x, y, b[4];
    TRY(scale_of(r, &im->image, s->path, &x, &y));
    s->boxes = arena_new_array(r->folder->arena, struct labelled_box, im->n_shapes + 1);
    for (size_t i = 0; i < im->n_shapes; i++) {
        const struct foreign_shape *shape = &im->shapes[i];
        r->crowds += shape->crowd;
        if (shape->crowd || !foreign_box(shape, b))
            continue;
        const struct box box = { (float)(b[0] * x), (float)(b[1] * y), (float)((b[0] + b[2]) * x), (float)((b[1] + b[3]) * y) };
        s->boxes[s->n++] = (struct labelled_box){ box, (int)r->number[shape->label] };
    }
    return OK;
}

static enum err read_label(struct reading *r, const struct foreign_images *im, struct sample *s)
{
    const char **labels = r->folder->labels;
    for (size_t i = 0; i < im->n_shapes; i++) {
        int label = is_of_the_whole(&im->shapes[i]) ? (int)r->number[im->shapes[i].label] : -1;
        if (s->label >= 0 && label >= 0 && label != s->label)
            return fail(E_UNMEANT, "it is both \"%s\" and \"%s\"", labels[s->label], labels[label]);
        s->label = label >= 0 ? label : s->label;
    }
    return s->label >= 0 ? OK : fail(E_UNMEANT, "it has no classification");
}

/* ---- labels */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Their numbers are those of the file, used or not. Where files give them no order, they are sorted, so that every run has the
 * same. */
static enum err number_labels(struct reading *r)
{
    struct folder *f = r->folder;
    size_t n = r->set->n_labels;
    if (n > LABELS_MOST)
        return fail(E_UNMEANT, "there are %zu labels; %d are possible", n, LABELS_MOST);
    f->n_labels = (int)n;
    f->labels = arena_new_array(f->arena, const char *, n + 1);
    r->number = arena_new_array(f->arena, uint32_t, n + 1);
    if (n)
        memcpy(f->labels, r->set->labels, n * sizeof *f->labels);
    if (n && strcmp(r->set->format, "PASCAL_VOC") == 0)
        qsort(f->labels, n, sizeof *f->labels, by_text);
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < n; k++)
            if (strcmp(f->labels[k], r->set->labels[i]) == 0)
                r->number[i] = k;
    return OK;
}

/* ---- images */

static enum file_found find_file(const struct reading *r, const struct foreign_image *im, size_t *ret)
{
    enum file_found found = files_find(&r->files, im->name, im->stem, im->split, ret);
    if (found == FILE_MISSING && im->other)
        found = files_find(&r->files, im->other, true, im->split, ret);
    return found;
}

static enum part part_of(const struct reading *r, const struct foreign_image *im, size_t file)
{
    const char *split = r->split[file] ? r->split[file] : foreign_split(r->files.items[file].name);
    split = split ? split : im->split;
    return !split ? PART_TRAIN : strcmp(split, "val") == 0 ? PART_VAL : strcmp(split, "test") == 0 ? PART_TEST : PART_TRAIN;
}

static void add_sample(struct reading *r, const struct foreign_images *im, size_t at)
{
    const struct file *file = &r->files.items[at];
    struct samples *to = &r->part[part_of(r, &im->image, at)];
    struct sample *s = &to->items[to->n];
    *s = (struct sample){ .path = file->path, .name = file->name, .label = -1 };
    if ((r->folder->model->task->whole ? read_label : read_boxes)(r, im, s) == OK)
        to->n++;
    else
        printf("skipped %s: %s\n", file->name, fail_text());
}

static void take_images(struct reading *r)
{
    for (enum part p = 0; p < PARTS; p++)
        r->part[p].items = arena_new_array(r->folder->arena, struct sample, r->set->n_images + 1);
    r->taken = arena_new_array(r->folder->arena, bool, r->files.n + 1);
    for (size_t i = 0; i < r->set->n_images; i++) {
        size_t at = 0;
        enum file_found found = find_file(r, &r->set->images[i].image, &at);
        r->lost += found == FILE_MISSING;
        r->several += found == FILE_SEVERAL || (found == FILE_FOUND && r->taken[at]);
        if (found != FILE_FOUND || r->taken[at])
            continue;
        r->taken[at] = true;
        add_sample(r, &r->set->images[i], at);
    }
}

/* ---- what is told */

static void tell_left(const struct reading *r)
{
    size_t of_reason[LEFT_REASONS] = { 0 }, faults = 0;
    for (const struct foreign_left *l = r->set->left; l < r->set->left + r->set->n_left; l++) {
        of_reason[l->reason] += l->kind == FOREIGN_LEFT_OUT;
        if (l->kind == FOREIGN_FAULT && faults++ < NAMED)
            printf("not taken: %s\n", l->text);
    }
    if (faults > NAMED)
        printf("%zu faulty things in all were not taken\n", faults);
    for (size_t i = 0; i < LEFT_REASONS; i++)
        if (of_reason[i])
            printf("not taken: %zu %s\n", of_reason[i], foreign_reasons[i].says);
    if (r->crowds)
        printf("not taken: %zu %s\n", r->crowds, foreign_reasons[LEFT_CROWD].says);
    if (r->lost)
        printf("%zu annotated images are not in %s\n", r->lost, r->images);
    if (r->several)
        printf("%zu annotated images were left out: which file is meant is not clear\n", r->several);
}

static void tell_images(const struct reading *r)
{
    size_t used = 0;
    for (size_t i = 0; i < r->files.n; i++)
        used += r->taken[i];
    printf("%zu annotated images (%s), %zu annotations, %d labels", used, r->set->format, r->set->n_shapes, r->folder->n_labels);
    printf(r->files.images > used ? "; %zu files without annotations\n" : "\n", r->files.images - used);
}

/* ---- parts */

/* Everything in one list, as if no folder set anything apart. */
static struct samples pooled(struct reading *r)
{
    struct samples all = { arena_new_array(r->folder->arena, struct sample, r->set->n_images + 1), 0 };
    for (enum part p = 0; p < PARTS; p++)
        for (size_t i = 0; i < r->part[p].n; i++)
            all.items[all.n++] = r->part[p].items[i];
    return all;
}

/* The evaluation is the folder's val, or else its test; of a folder that has no images for training nothing is set apart. */
static void set_apart(struct reading *r)
{
    struct folder *f = r->folder;
    if (f->options->eval_list || !r->part[PART_TRAIN].n) {
        f->train = pooled(r);
        return;
    }
    enum part eval = r->part[PART_VAL].n ? PART_VAL : PART_TEST;
    f->train = r->part[PART_TRAIN];
    f->eval = r->part[eval];
    if (f->eval.n)
        printf("%zu images of %s are for evaluation\n", f->eval.n, eval == PART_VAL ? "val" : "test");
    if (eval == PART_VAL && r->part[PART_TEST].n)
        printf("%zu images of test are not used\n", r->part[PART_TEST].n);
}

/* Moves the images that are in the list to the evaluation. */
static enum err split_by_list(struct reading *r)
{
    struct folder *f = r->folder;
    bool *out = arena_new_array(f->arena, bool, r->files.n + 1);
    size_t left = 0;
    TRY(splits_list(f->arena, f->options->eval_list, &r->files, out));
    f->eval = (struct samples){ arena_new_array(f->arena, struct sample, f->train.n + 1), 0 };
    for (size_t i = 0; i < f->train.n; i++) {
        size_t at = 0;
        if (files_find(&r->files, f->train.items[i].name, false, NULL, &at) == FILE_FOUND && out[at])
            f->eval.items[f->eval.n++] = f->train.items[i];
        else
            f->train.items[left++] = f->train.items[i];
    }
    f->train.n = left;
    return f->eval.n ? OK : fail(E_UNMEANT, "%s names none of the images", f->options->eval_list);
}

/* ---- the whole */

static enum err read_annotated(struct reading *r)
{
    struct arena *a = r->folder->arena;
    struct foreign_files *files;
    enum err e = foreign_from_path(a, r->annotations, &files);
    if (e == E_UNMEANT && !r->folder->options->annotations)
        return fail(E_INVALID, "--annotations DIR or FILE is needed (Pascal VOC, COCO or YOLO): there are none in %s", r->images);
    TRY(e);
    TRY(foreign_collect(a, foreign_read_apart, file_self(a), files, &r->set));
    TRY(number_labels(r));
    take_images(r);
    tell_left(r);
    tell_images(r);
    set_apart(r);
    if (!r->folder->train.n)
        return fail(E_UNMEANT, "none of the %zu images in %s has annotations that can be learnt from", r->files.images, r->images);
    return OK;
}

static enum err read_classes(struct reading *r)
{
    struct classes c;
    struct folder *f = r->folder;
    TRY(train_classes(f->arena, r->images, &c));
    f->labels = c.labels;
    f->n_labels = c.n_labels;
    f->train = c.train;
    f->eval = c.eval;
    return OK;
}

enum err folder_read(struct folder *f)
{
    struct reading r = { .folder = f };
    TRY(look_around(&r));
    TRY(f->model->task->whole && !f->options->annotations ? read_classes(&r) : read_annotated(&r));
    train_sort(&f->train);
    train_sort(&f->eval);
    return f->options->eval_list ? split_by_list(&r) : OK;
}
