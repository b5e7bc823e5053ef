/* saccade evaluate: detections against annotations, both as COCO files. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "learn/task/metrics.h"
#include "json/json.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_CAP = 512 << 20 };

struct evaluation {
    struct arena *arena;
    int64_t *images, *labels; /* ids, sorted */
    const char **names;       /* of labels, by number */
    size_t n_images, n_labels;
    struct metrics_truth **truth; /* by image */
    struct metrics_detection **found;
    size_t *n_truth, *n_found;
    size_t crowds;
};

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

static enum err read_json(struct arena *a, const char *path, const struct json **ret)
{
    char *bytes;
    size_t n;
    TRY(file_read(a, path, FILE_CAP, &bytes, &n));
    return fail_within(json_parse(a, bytes, n, ret), "%s: ", path);
}

static enum err read_ids(struct evaluation *e, const struct json *list, const char *what, int64_t **ret, size_t *ret_n)
{
    *ret_n = json_count(list);
    *ret = arena_new_array(e->arena, int64_t, *ret_n + 1);
    for (size_t i = 0; i < *ret_n; i++)
        if (!json_int(json_get(json_at(list, i), "id"), &(*ret)[i]))
            return fail(E_INVALID, "%s[%zu] has no whole number \"id\"", what, i);
    if (*ret_n)
        qsort(*ret, *ret_n, sizeof **ret, by_id);
    return OK;
}

/* What an annotation and a detection share. */
struct item {
    size_t image;
    int label;
    double box[4];
};
static enum err read_item(const struct evaluation *e, const struct json *v, const char *what, size_t i, struct item *ret)
{
    int64_t image, label;
    size_t at;
    if (!json_int(json_get(v, "image_id"), &image) || !place_of(e->images, e->n_images, image, &ret->image))
        return fail(E_UNMEANT, "%s[%zu]: image_id is none of the images", what, i);
    if (!json_int(json_get(v, "category_id"), &label) || !place_of(e->labels, e->n_labels, label, &at))
        return fail(E_UNMEANT, "%s[%zu]: category_id is none of the categories", what, i);
    ret->label = (int)at;
    for (size_t k = 0; k < 4; k++)
        if (!json_number(json_at(json_get(v, "bbox"), k), &ret->box[k]))
            return fail(E_INVALID, "%s[%zu]: bbox must be [x, y, width, height]", what, i);
    return OK;
}

static enum err read_truth(struct evaluation *e, const struct json *list)
{
    size_t count = json_count(list);
    struct item *items = arena_new_array(e->arena, struct item, count + 1);
    bool *crowd = arena_new_array(e->arena, bool, count + 1);
    for (size_t i = 0; i < count; i++) {
        int64_t is = 0;
        TRY(read_item(e, json_at(list, i), "annotations", i, &items[i]));
        crowd[i] = json_int(json_get(json_at(list, i), "iscrowd"), &is) && is;
        e->crowds += crowd[i];
        e->n_truth[items[i].image] += !crowd[i];
    }
    for (size_t k = 0; k < e->n_images; k++) {
        e->truth[k] = arena_new_array(e->arena, struct metrics_truth, e->n_truth[k] + 1);
        e->n_truth[k] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct item *it = &items[i];
        if (!crowd[i])
            e->truth[it->image][e->n_truth[it->image]++] =
                (struct metrics_truth){ it->label, it->box[0], it->box[1], it->box[2], it->box[3] };
    }
    return OK;
}

static enum err read_found(struct evaluation *e, const struct json *list)
{
    size_t count = json_count(list);
    struct item *items = arena_new_array(e->arena, struct item, count + 1);
    double *score = arena_new_array(e->arena, double, count + 1);
    if (json_kind(list) != J_ARRAY)
        return fail(E_INVALID, "the predictions must be a list of {image_id, category_id, bbox, score}");
    for (size_t i = 0; i < count; i++) {
        TRY(read_item(e, json_at(list, i), "predictions", i, &items[i]));
        if (!json_number(json_get(json_at(list, i), "score"), &score[i]))
            return fail(E_INVALID, "predictions[%zu]: score must be a number", i);
        e->n_found[items[i].image]++;
    }
    for (size_t k = 0; k < e->n_images; k++) {
        e->found[k] = arena_new_array(e->arena, struct metrics_detection, e->n_found[k] + 1);
        e->n_found[k] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        const struct item *it = &items[i];
        e->found[it->image][e->n_found[it->image]++] =
            (struct metrics_detection){ it->label, score[i], it->box[0], it->box[1], it->box[2], it->box[3] };
    }
    return OK;
}

static enum err read_names(struct evaluation *e, const struct json *categories)
{
    e->names = arena_new_array(e->arena, const char *, e->n_labels + 1);
    for (size_t i = 0; i < e->n_labels; i++) {
        int64_t id = 0;
        size_t at;
        if (json_int(json_get(json_at(categories, i), "id"), &id) && place_of(e->labels, e->n_labels, id, &at))
            e->names[at] = json_text(json_get(json_at(categories, i), "name"));
    }
    return OK;
}

static void print(const struct evaluation *e, const struct detect_metrics *m)
{
    printf("%-24s %8s %8s %8s %8s %8s\n", "label", "boxes", "AP", "AP50", "AP75", "AR");
    for (int i = 0; i < m->n_labels; i++)
        printf("%-24s %8lld %8.4f %8.4f %8.4f %8.4f\n", e->names[i] ? e->names[i] : "", (long long)m->labels[i].truths,
               m->labels[i].ap, m->labels[i].ap50, m->labels[i].ap75, m->labels[i].ar);
    printf("%-24s %8lld %8.4f %8.4f %8.4f %8.4f\n", "all", (long long)m->truths, m->ap, m->ap50, m->ap75, m->ar);
    if (m->best_score > 0)
        printf("best F1 %.4f at score %.4f: precision %.4f, recall %.4f (IoU 0.5)\n", m->f1, m->best_score, m->precision,
               m->recall);
    if (e->crowds)
        printf("%zu crowd annotations were left out\n", e->crowds);
}

static void print_json(const struct detect_metrics *m)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, 16 << 20);
    out_object(&o, NULL);
    out_number(&o, "ap", m->ap);
    out_number(&o, "ap50", m->ap50);
    out_number(&o, "ap75", m->ap75);
    out_number(&o, "ar", m->ar);
    out_array(&o, "ap_per_label");
    for (int i = 0; i < m->n_labels; i++)
        out_number(&o, NULL, m->labels[i].ap);
    out_end_array(&o);
    out_end_object(&o);
    puts(o.text.bytes);
}

static enum err evaluate(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *truth = NULL, *predictions = NULL;
    bool as_json = false;
    const struct option_row rows[] = { { "--truth", &truth }, { "--predictions", &predictions }, { "--json", NULL, &as_json } };
    const struct json *coco, *found;
    struct evaluation e = { .arena = a };
    TRY(options_read(argc, argv, rows, COUNT_OF(rows), NULL, 0, NULL));
    if (!truth || !predictions)
        return fail(E_INVALID, "--truth FILE (COCO) and --predictions FILE (COCO results) are needed");
    TRY(read_json(a, truth, &coco));
    TRY(read_json(a, predictions, &found));
    TRY(read_ids(&e, json_get(coco, "images"), "images", &e.images, &e.n_images));
    TRY(read_ids(&e, json_get(coco, "categories"), "categories", &e.labels, &e.n_labels));
    if (!e.n_labels || e.n_labels > METRICS_LABELS)
        return fail(E_UNMEANT, "%s has %zu categories; 1 to %d are possible", truth, e.n_labels, METRICS_LABELS);
    TRY(read_names(&e, json_get(coco, "categories")));
    e.truth = arena_new_array(a, struct metrics_truth *, e.n_images + 1);
    e.found = arena_new_array(a, struct metrics_detection *, e.n_images + 1);
    e.n_truth = arena_new_array(a, size_t, e.n_images + 1);
    e.n_found = arena_new_array(a, size_t, e.n_images + 1);
    TRY(read_truth(&e, json_get(coco, "annotations")));
    TRY(read_found(&e, found));
    AUTO(metrics) struct metrics *m = metrics_new((int)e.n_labels);
    for (size_t i = 0; i < e.n_images; i++)
        metrics_add(m, e.truth[i], e.n_truth[i], e.found[i], e.n_found[i]);
    struct detect_metrics result;
    metrics_compute(m, a, &result);
    if (as_json)
        print_json(&result);
    else
        print(&e, &result);
    return OK;
}

int evaluate_main(int argc, char **argv)
{
    return evaluate(argc, argv) == OK ? 0 : command_failed("evaluate");
}
