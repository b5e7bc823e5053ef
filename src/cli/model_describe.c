/* saccade model describe FILE: how a model file must be described, found out by annotated images of a folder. Annotations, images
 * and the model are read in sandboxed processes only. */
#include "base/file.h"
#include "base/machine.h"
#include "cli/cli.h"
#include "cli/model.h"
#include "cli/options.h"
#include "foreign/foreign.h"
#include "infer/evidence/evidence.h"
#include "trainer/files.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURES = 20, NAMES_MOST = 10000, THREADS_MOST = 4 };

struct shown {
    const char *path;
    const struct foreign_images *annotated;
};

struct describing {
    struct arena *arena;
    const struct model_asked *asked;
    struct foreign_set *set;
    struct files files;
    struct shown *shown;
    size_t n_shown;
    const char **names;
    int n_names;
    int *name_of; /* of each label of the set */
    struct evidence_question q;
};

static bool of_whole(const struct describing *d)
{
    return d->q.wanted == WANT_LABELS;
}

/* ---- names */

static int name_place(struct describing *d, const char *name)
{
    for (int i = 0; i < d->n_names; i++)
        if (strcmp(d->names[i], name) == 0)
            return i;
    d->names[d->n_names] = name;
    return d->n_names++;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Those of the annotations, in their order; where files give them none, they are sorted. */
static enum err read_names(struct describing *d)
{
    size_t n = d->set->n_labels;
    if (!n || n > NAMES_MOST)
        return fail(E_UNMEANT, "%s has %zu labels; 1 to %d can be compared", d->asked->annotations, n, NAMES_MOST);
    d->names = arena_new_array(d->arena, const char *, 2 * NAMES_MOST + 2);
    d->name_of = arena_new_array(d->arena, int, n);
    const char **sorted = arena_new_array(d->arena, const char *, n);
    memcpy(sorted, d->set->labels, n * sizeof *sorted);
    if (strcmp(d->set->format, "PASCAL_VOC") == 0)
        qsort(sorted, n, sizeof *sorted, by_text);
    for (size_t i = 0; i < n; i++)
        name_place(d, sorted[i]);
    for (size_t i = 0; i < n; i++)
        d->name_of[i] = name_place(d, d->set->labels[i]);
    return OK;
}

/* The model's labels: those that were named, else those of the annotations, whose order the table then tells. */
static enum err read_labels(struct describing *d, const char **ret)
{
    AUTO(out) struct out o = { 0 };
    const struct json *v;
    const char *text = model_labels_of(d->arena, d->asked->labels);
    out_init(&o, 1 << 20);
    out_object(&o, NULL);
    for (int i = 0; i < d->n_names; i++)
        out_text(&o, arena_fmt(d->arena, "%d", i), d->names[i]);
    out_end_object(&o);
    *ret = text ? text : arena_str(d->arena, o.text.bytes);
    TRY(json_parse(d->arena, *ret, strlen(*ret), &v));
    size_t n = json_count(v);
    if (n > NAMES_MOST)
        return fail(E_UNMEANT, "%zu labels; at most %d can be compared", n, NAMES_MOST);
    int *number = arena_new_array(d->arena, int, n + 1), *name = arena_new_array(d->arena, int, n + 1);
    for (struct json_member m = json_first(v); m.key; m = json_next(v, m)) {
        number[d->q.n_numbers] = (int)strtol(m.key, NULL, 10); /* our own numbers */
        name[d->q.n_numbers++] = name_place(d, json_text(m.value));
    }
    d->q.number = number;
    d->q.name = name;
    return OK;
}

/* ---- pictures */

static enum err find_pictures(struct describing *d)
{
    struct foreign_files *files;
    size_t n = 0;
    TRY(foreign_from_path(d->arena, d->asked->annotations, &files));
    TRY(foreign_collect(d->arena, foreign_read_apart, "/proc/self/exe", files, &d->set));
    TRY(files_list(d->arena, d->asked->images, &d->files));
    struct shown *all = arena_new_array(d->arena, struct shown, d->set->n_images + 1);
    for (size_t i = 0; i < d->set->n_images; i++) {
        const struct foreign_images *im = &d->set->images[i];
        size_t at;
        if (im->n_shapes && files_find(&d->files, im->image.name, im->image.stem, im->image.split, &at) == FILE_FOUND)
            all[n++] = (struct shown){ d->files.items[at].path, im };
    }
    if (n < 2)
        return fail(E_UNMEANT, "%zu of the annotated images are in %s; some twenty are needed", n, d->asked->images);
    d->shown = arena_new_array(d->arena, struct shown, PICTURES);
    for (size_t i = 0; i < n && d->n_shown < PICTURES; i++)
        if (n <= PICTURES || i * PICTURES / n != (i + 1) * PICTURES / n)
            d->shown[d->n_shown++] = all[i];
    return OK;
}

static bool is_of_the_whole(const struct foreign_shape *s)
{
    return !s->has_box && !s->n_points && !s->mask;
}

static void read_truth(struct describing *d, const struct foreign_images *im, struct evidence_picture *ret)
{
    struct metrics_truth *truth = arena_new_array(d->arena, struct metrics_truth, im->n_shapes + 1);
    *ret = (struct evidence_picture){ .truth = truth, .fractions = im->image.fractions, .label = -1 };
    for (size_t i = 0; i < im->n_shapes; i++) {
        const struct foreign_shape *s = &im->shapes[i];
        double b[4];
        int name = d->name_of[s->label];
        if (is_of_the_whole(s))
            ret->label = name;
        else if (foreign_box(s, b)) {
            truth[ret->n] = metrics_truth_of(name, b[0], b[1], b[2], b[3]);
            truth[ret->n++].crowd = s->crowd;
        }
    }
}

static void read_truths(struct describing *d)
{
    struct evidence_picture *all = arena_new_array(d->arena, struct evidence_picture, d->n_shown + 1);
    for (size_t i = 0; i < d->n_shown; i++) {
        read_truth(d, d->shown[i].annotated, &all[d->q.n]);
        d->shown[d->q.n] = d->shown[i];
        d->q.n += of_whole(d) ? all[d->q.n].label >= 0 : all[d->q.n].n > 0;
    }
    d->q.pictures = all;
}

static enum err open_picture(void *with, size_t i, int *ret_fd)
{
    const struct describing *d = with;
    *ret_fd = open(d->shown[i].path, O_RDONLY | O_CLOEXEC);
    return *ret_fd < 0 ? fail(E_NOT_FOUND, "cannot open %s: %s", d->shown[i].path, strerror(errno)) : OK;
}

static bool go_on(void *with, double part, const char *doing)
{
    (void)with, (void)part, (void)doing;
    return true;
}

/* ---- what is said */

static void print_fact(struct arena *a, const char *before, const char *key, const struct json *v)
{
    double x;
    const char *text = "";
    for (size_t i = 0; i < json_count(v); i++)
        text = json_number(json_at(v, i), &x) ? arena_fmt(a, "%s%s%g", text, i ? "," : "", x)
                                              : arena_fmt(a, "%s%s%s", text, i ? "," : "", json_print(a, json_at(v, i)));
    if (json_kind(v) == J_ARRAY)
        printf("%s\"%s\":[%s]", before, key, text);
    else
        printf("%s\"%s\":%s", before, key, json_print(a, v));
}

static void print_variant(const char *what, const struct json *v, struct arena *a)
{
    double score = 0, low = 0, high = 0;
    if (json_absent(v))
        return;
    json_number(json_get(v, "score"), &score);
    json_number(json_at(json_get(v, "interval"), 0), &low);
    json_number(json_at(json_get(v, "interval"), 1), &high);
    printf("%-10s %.3f (%.3f to %.3f) ", what, score, low, high);
    const char *before = "{";
    for (struct json_member m = json_first(json_get(v, "onnx")); m.key; m = json_next(json_get(v, "onnx"), m)) {
        print_fact(a, before, m.key, m.value);
        before = ",";
    }
    puts("}");
}

static void print_list(const char *what, const struct json *list)
{
    for (size_t i = 0; i < json_count(list); i++)
        printf("%s%s", i ? ", " : what, json_text(json_at(list, i)));
    if (json_count(list))
        puts("");
}

static void print_table(const struct json *labels)
{
    const struct json *names = json_get(labels, "names"), *classes = json_get(labels, "classes");
    printf("%-24s", "           says \\ is");
    for (size_t i = 0; i < json_count(names); i++)
        printf(" %10.10s", json_text(json_at(names, i)));
    puts("");
    for (size_t i = 0; i < json_count(classes); i++) {
        const struct json *c = json_at(classes, i), *row = json_get(c, "says");
        int64_t number = 0;
        json_int(json_get(c, "number"), &number);
        printf("           %3lld %-9.9s", (long long)number, json_text(json_get(c, "called")));
        for (size_t k = 0; k < json_count(row); k++) {
            double x = 0;
            json_number(json_at(row, k), &x);
            printf(" %10.1f", x);
        }
        puts("");
    }
}

static void print(struct arena *a, const struct json *v)
{
    const struct json *labels = json_get(v, "labels");
    double seconds = 0;
    json_number(json_get(v, "seconds"), &seconds);
    printf("%-10s %s\n", json_text(json_get(v, "state")), json_text(json_get(v, "says")));
    print_variant("best", json_get(v, "best"), a);
    print_variant("second", json_get(v, "second"), a);
    print_list("they differ in ", json_get(v, "differ"));
    print_list("no image tells apart (the usual is taken): ", json_get(v, "undecided"));
    printf("%-10s %s\n", "labels", json_text(json_get(labels, "says")));
    print_table(labels);
    if (!json_absent(json_get(labels, "suggested")))
        printf("%-10s %s\n", "suggested", json_print(a, json_get(labels, "suggested")));
    printf("%-10s %s descriptions, %s runs, %.1f s\n", "tried", json_print(a, json_get(v, "tried")),
           json_print(a, json_get(v, "runs")), seconds);
}

static enum wanted wanted_of(const char *type)
{
    return !type || strcmp(type, "OBJECT_DETECTION") == 0 ? WANT_BOXES
           : strcmp(type, "CLASSIFICATION") == 0          ? WANT_LABELS
           : strcmp(type, "SEGMENTATION") == 0            ? WANT_OUTLINES
           : strcmp(type, "KEYPOINT") == 0                ? WANT_KEYPOINTS
                                                          : WANT_ANY;
}

static enum err ask(struct describing *d, const char *path)
{
    AUTO(model_looked) struct model_looked file = { .model.fd = -1 };
    struct evidence found;
    const struct json *v;
    const char *labels, *told;
    struct model_asked asked = *d->asked;
    int processors = machine_look("").processors;
    int64_t threads = processors < THREADS_MOST ? processors : THREADS_MOST;
    if (asked.threads)
        TRY(option_int("--threads", asked.threads, 1, 256, &threads));
    asked.type = asked.type ? asked.type : "OBJECT_DETECTION";
    TRY(find_pictures(d));
    TRY(read_names(d));
    TRY(read_labels(d, &labels));
    TRY(model_asked_told(d->arena, &asked, labels, &told));
    TRY(model_look_at(d->arena, path, told, &file, &v));
    read_truths(d);
    d->q.model = file.model;
    d->q.names = d->names;
    d->q.n_names = d->n_names;
    d->q.self_path = "/proc/self/exe";
    d->q.threads = (int)threads;
    d->q.open = open_picture;
    d->q.go_on = go_on;
    d->q.with = d;
    TRY(evidence_find(&d->q, d->arena, &found));
    TRY(json_parse(d->arena, found.json, strlen(found.json), &v));
    if (d->asked->as_json)
        puts(found.json);
    else
        print(d->arena, v);
    return OK;
}

enum err model_describe(const char *path, const struct model_asked *asked)
{
    AUTO(arena) struct arena *a = arena_new();
    struct describing d = { .arena = a, .asked = asked, .q.wanted = wanted_of(asked->type) };
    if (!asked->images || !asked->annotations)
        return fail(E_INVALID, "--images DIR and --annotations DIR|FILE are needed");
    if (d.q.wanted == WANT_ANY)
        return fail(E_INVALID, "--type must be OBJECT_DETECTION, SEGMENTATION, CLASSIFICATION or KEYPOINT");
    return ask(&d, path);
}
