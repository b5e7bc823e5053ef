/* Training from a folder of images and annotation files, without a server. */
#include "app/annotation/format.h"
#include "base/clock.h"
#include "base/file.h"
#include "learn/models.h"
#include "trainer/classes.h"
#include "trainer/log.h"
#include "trainer/split.h"
#include "trainer/stop.h"
#include "trainer/trainer.h"
#include "trainer/words.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LIST_CAP = 64 << 20 };

struct folder {
    const struct train_options *options;
    struct arena *arena;
    struct decoder *decoder;
    const struct model *model;
    struct settings settings;
    const char **labels;
    int n_labels;
    struct samples train, eval;
    struct train_log *log;
};

/* ---- annotations */

static enum err read_files(struct arena *a, const char *path, struct format_file **ret, size_t *ret_n)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return fail(E_NOT_FOUND, "there is nothing at %s", path);
    char **names = arena_new_array(a, char *, 1);
    size_t n = 1;
    names[0] = arena_str(a, path);
    if (S_ISDIR(st.st_mode))
        TRY(file_list(a, path, &names, &n));
    *ret = arena_new_array(a, struct format_file, n + 1);
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        struct format_file *f = &(*ret)[*ret_n];
        char *bytes;
        f->name = names[i];
        TRY(file_read(a, S_ISDIR(st.st_mode) ? arena_fmt(a, "%s/%s", path, names[i]) : path, FORMAT_FILE_CAP, &bytes, &f->n));
        f->bytes = bytes;
        ++*ret_n;
    }
    return *ret_n ? OK : fail(E_UNMEANT, "there are no files in %s", path);
}

/* The number of a label; labels are sorted, so that every run has the same numbers. */
static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}
static void gather_labels(struct folder *f, const struct format_set *set)
{
    const char **all = arena_new_array(f->arena, const char *, set->n_shapes + 1);
    size_t n = 0, kept = 0;
    for (size_t i = 0; i < set->n_images; i++)
        for (size_t k = 0; k < set->images[i].n_shapes; k++)
            if (!f->model->task->whole || set->images[i].shapes[k].kind == FORMAT_CLASSIFICATION)
                all[n++] = set->images[i].shapes[k].label;
    if (n)
        qsort(all, n, sizeof *all, by_text);
    for (size_t i = 0; i < n; i++)
        if (!kept || strcmp(all[kept - 1], all[i]) != 0)
            all[kept++] = all[i];
    f->labels = all;
    f->n_labels = (int)kept;
}
static int label_number(const struct folder *f, const char *name)
{
    const char **found = bsearch(&name, f->labels, (size_t)f->n_labels, sizeof *f->labels, by_text);
    return found ? (int)(found - f->labels) : 0;
}

static struct box shape_box(const struct format_shape *s)
{
    if (s->kind == FORMAT_RECTANGLE)
        return (struct box){ (float)s->x, (float)s->y, (float)(s->x + s->w), (float)(s->y + s->h) };
    struct box b = { (float)s->points[0], (float)s->points[1], (float)s->points[0], (float)s->points[1] };
    for (size_t i = 0; i < s->n_points; i++) {
        float x = (float)s->points[2 * i], y = (float)s->points[2 * i + 1];
        b = (struct box){ x < b.x0 ? x : b.x0, y < b.y0 ? y : b.y0, x > b.x1 ? x : b.x1, y > b.y1 ? y : b.y1 };
    }
    return b;
}

/* Fractions become pixels; for that the image is looked at. */
static enum err scale_of(struct folder *f, const struct format_image *im, const char *path, float *ret_x, float *ret_y)
{
    struct image_info info = { .width = im->width, .height = im->height };
    *ret_x = *ret_y = 1;
    if (!im->fractions)
        return OK;
    if (info.width <= 0 || info.height <= 0) {
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        TRY(decoder_probe(f->decoder, fd, &info));
        if (info.orientation >= 5)
            info = (struct image_info){ .width = info.height, .height = info.width };
    }
    *ret_x = (float)info.width;
    *ret_y = (float)info.height;
    return OK;
}

static enum err read_boxes(struct folder *f, const struct format_image *im, struct sample *s)
{
    float sx, sy;
    TRY(scale_of(f, im, s->path, &sx, &sy));
    s->boxes = arena_new_array(f->arena, struct labelled_box, im->n_shapes + 1);
    s->n = 0;
    for (size_t i = 0; i < im->n_shapes; i++) {
        const struct format_shape *shape = &im->shapes[i];
        if (shape->kind == FORMAT_CLASSIFICATION || (shape->kind == FORMAT_POLYGON && !shape->n_points))
            continue;
        struct box b = shape_box(shape);
        s->boxes[s->n++] = (struct labelled_box){ { b.x0 * sx, b.y0 * sy, b.x1 * sx, b.y1 * sy }, label_number(f, shape->label) };
    }
    return OK;
}

static enum err read_label(struct folder *f, const struct format_image *im, struct sample *s)
{
    for (size_t i = 0; i < im->n_shapes; i++) {
        const struct format_shape *shape = &im->shapes[i];
        int label = shape->kind == FORMAT_CLASSIFICATION ? label_number(f, shape->label) : -1;
        if (s->label >= 0 && label >= 0 && label != s->label)
            return fail(E_UNMEANT, "it is both \"%s\" and \"%s\"", f->labels[s->label], f->labels[label]);
        s->label = label >= 0 ? label : s->label;
    }
    return s->label >= 0 ? OK : fail(E_UNMEANT, "it has no classification");
}

static void add_sample(struct folder *f, const struct format_image *im, const char *name)
{
    struct sample *s = &f->train.items[f->train.n];
    *s = (struct sample){ .path = arena_fmt(f->arena, "%s/%s", f->options->images, name), .name = name, .label = -1 };
    if ((f->model->task->whole ? read_label : read_boxes)(f, im, s) == OK)
        f->train.n++;
    else
        printf("skipped %s: %s\n", name, fail_text());
}

/* The annotated image of that file, or NULL. */
static const struct format_image *image_of(const struct format_set *set, const char *file)
{
    size_t stem = strcspn(file, ".");
    const char *dot = strrchr(file, '.');
    stem = dot ? (size_t)(dot - file) : stem;
    for (size_t i = 0; i < set->n_images; i++) {
        const struct format_image *im = &set->images[i];
        if (im->stem ? strlen(im->filename) == stem && strncmp(im->filename, file, stem) == 0 : strcmp(im->filename, file) == 0)
            return im;
    }
    return NULL;
}

static enum err read_annotated(struct folder *f)
{
    struct format_file *files;
    struct format_set *set;
    const char *format;
    char **names;
    size_t n_files, n, without = 0;
    TRY(read_files(f->arena, f->options->annotations, &files, &n_files));
    TRY(format_read(f->arena, files, n_files, &set, &format));
    gather_labels(f, set);
    TRY(file_list(f->arena, f->options->images, &names, &n));
    f->train.items = arena_new_array(f->arena, struct sample, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct format_image *im = image_of(set, names[i]);
        if (im)
            add_sample(f, im, names[i]);
        else
            without++;
    }
    printf("%zu annotated images (%s), %zu annotations, %d labels", f->train.n, format, set->n_shapes, f->n_labels);
    printf(without ? "; %zu files without annotations\n" : "\n", without);
    if (!f->train.n)
        return fail(E_UNMEANT, "none of the %zu files in %s has annotations that can be learnt from", n, f->options->images);
    return OK;
}

static enum err read_classes(struct folder *f)
{
    struct classes c;
    TRY(train_classes(f->arena, f->options->images, &c));
    f->labels = c.labels;
    f->n_labels = c.n_labels;
    f->train = c.train;
    f->eval = c.eval;
    return OK;
}

static enum err read_folder(struct folder *f)
{
    const struct train_options *o = f->options;
    if (o->annotations)
        TRY(read_annotated(f));
    else if (f->model->task->whole)
        TRY(read_classes(f));
    else
        return fail(E_INVALID, "--annotations DIR or FILE is needed (Pascal VOC, COCO or YOLO)");
    train_sort(&f->train);
    return OK;
}

/* Moves the images whose names (with or without ending) are in the list, one a line, to the evaluation. */
static enum err split_by_list(struct folder *f)
{
    char *text, *line, *rest;
    size_t n, left = 0;
    TRY(file_read(f->arena, f->options->eval_list, LIST_CAP, &text, &n));
    bool *out = arena_new_array(f->arena, bool, f->train.n);
    for (rest = text; (line = strsep(&rest, "\r\n"));)
        for (size_t i = 0, length = strcspn(line, " \t"); length && i < f->train.n; i++)
            if (strncmp(f->train.items[i].name, line, length) == 0 &&
                (f->train.items[i].name[length] == '.' || f->train.items[i].name[length] == 0))
                out[i] = true;
    f->eval.items = arena_new_array(f->arena, struct sample, f->train.n);
    for (size_t i = 0; i < f->train.n; i++)
        if (out[i])
            f->eval.items[f->eval.n++] = f->train.items[i];
        else
            f->train.items[left++] = f->train.items[i];
    f->train.n = left;
    return f->eval.n ? OK : fail(E_UNMEANT, "%s names none of the images", f->options->eval_list);
}

/* ---- what is told */

struct teller {
    const struct task *task;
    struct learn_step sum;
    int64_t n, every;
    const struct folder *folder;
};

static void say(void *with, const char *line)
{
    (void)with;
    printf("%s\n", line);
    fflush(stdout);
}
static void tell_step(void *with, const struct learn_step *s)
{
    AUTO(arena) struct arena *a = arena_new();
    struct teller *t = with;
    t->sum.loss += s->loss;
    for (int k = 0; k < LOSS_PARTS; k++)
        t->sum.part[k] += s->part[k];
    t->sum.images_per_second += s->images_per_second;
    t->n++;
    train_log_stepped(t->folder->log);
    if (s->step % t->every && s->step != s->steps)
        return;
    struct learn_step mean = *s;
    double n = (double)t->n;
    mean.loss = t->sum.loss / n;
    for (int k = 0; k < LOSS_PARTS; k++)
        mean.part[k] = t->sum.part[k] / n;
    mean.images_per_second = t->sum.images_per_second / n;
    printf("step %5lld/%lld  loss %6.3f (%s)  gradient %6.2f  rate %.5f  %5.1f images/s  waited %.1f %%\n", (long long)mean.step,
           (long long)mean.steps, mean.loss, train_losses_text(a, t->task, mean.part, 1), mean.gradient, mean.learning_rate,
           mean.images_per_second, 100 * mean.waited);
    fflush(stdout);
    train_log_step(t->folder->log, t->task, &mean);
    t->sum = (struct learn_step){ 0 };
    t->n = 0;
}
static void tell_scores(void *with, int64_t step, const struct scores *s)
{
    AUTO(arena) struct arena *a = arena_new();
    const struct teller *t = with;
    train_log_scores(t->folder->log, t->task, step, t->folder->labels, s);
    printf("step %5lld        %s\n", (long long)step, train_scores_text(a, t->task, s));
    fflush(stdout);
}
static bool go_on(void *with)
{
    (void)with;
    return !train_interrupted();
}

/* ---- settings */

/* "steps=400 batch_size=8" (blanks or commas between) as the object that settings_read() takes. */
static enum err read_settings(struct folder *f)
{
    AUTO(out) struct out o = { 0 };
    const struct json *object;
    const char *unknown;
    char *rest = arena_str(f->arena, f->options->set ? f->options->set : ""), *word;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    while ((word = strsep(&rest, " ,"))) {
        char *is = strchr(word, '=');
        if (!*word)
            continue;
        if (!is)
            return fail(E_INVALID, "--set: \"%s\" is not name=value", word);
        *is = 0;
        out_text(&o, word, is + 1);
    }
    out_end_object(&o);
    model_settings(f->model, &f->settings);
    TRY(json_parse(f->arena, o.text.bytes, o.text.n, &object));
    TRY(settings_read(&f->settings, object, f->arena, &unknown));
    return unknown ? fail(E_INVALID, "--set: there is no parameter %s", unknown) : OK;
}

static enum err learn(struct folder *f)
{
    const struct train_options *o = f->options;
    const char *out = o->out ? o->out : "training";
    struct scores scores;
    double begun = clock_seconds();
    f->model = model_find(o->model ? o->model : models[0].name);
    if (!f->model)
        return fail(E_INVALID, "there is no model %s", o->model);
    TRY(read_settings(f));
    TRY(read_folder(f));
    if (o->eval_list)
        TRY(split_by_list(f));
    else if (!f->eval.n)
        train_split(f->arena, &f->train, f->model->task->whole, (uint64_t)f->settings.seed, &f->eval);
    TRY(file_make_dirs(out, 0755));
    int64_t steps = settings_steps(&f->settings, f->model->task->shown, f->train.n);
    struct teller teller = { .task = f->model->task, .every = steps > 2000 ? 100 : steps > 100 ? 20 : 1, .folder = f };
    struct learn_job job = { .model = f->model,
                             .settings = &f->settings,
                             .labels = f->labels,
                             .n_labels = f->n_labels,
                             .train = f->train,
                             .eval = f->eval,
                             .dir = out,
                             .start_from = o->from,
                             .threads = o->threads,
                             .memory = o->memory,
                             .checkpoint_seconds = 60,
                             .decoder = f->decoder,
                             .watch = { say, tell_step, tell_scores, NULL, go_on, &teller } };
    TRY(learn_train(&job, f->arena, &scores));
    for (int i = 0; scores.images && i < scores.n_labels; i++)
        printf("  %-20s %s\n", f->labels[i], train_label_text(f->arena, f->model->task, scores.of_label[i]));
    printf("done in %.0f s: %s/model.onnx\n", clock_seconds() - begun, out);
    return OK;
}

enum err train_folder(const struct train_options *o)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(decoder) struct decoder *decoder = NULL;
    TRY(decoder_start(file_self(a), o->threads, &decoder));
    struct folder f = { .options = o, .arena = a, .decoder = decoder };
    TRY(train_log_open(o->log, &f.log));
    enum err e = learn(&f), closed = train_log_close(f.log);
    return e == OK ? closed : e;
}
