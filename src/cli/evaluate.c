/* saccade evaluate: detections against annotations, both as COCO files. */
#include "cli/cli.h"
#include "cli/evaluate_read.h"
#include "cli/options.h"
#include "json/json.h"
#include <stdio.h>

static void print_left_out(const struct evaluation *e)
{
    if (e->crowds)
        printf("%zu crowd annotations: what is found in them is neither right nor wrong\n", e->crowds);
    if (e->lost_truth)
        printf("%zu annotations of categories or images that the file does not list were passed over\n", e->lost_truth);
    if (e->lost_found)
        printf("%zu predictions of categories that the file does not list were passed over\n", e->lost_found);
}

static void print(const struct evaluation *e, const struct detect_metrics *m)
{
    printf("%-24s %8s %8s %8s %8s %8s\n", "label", "boxes", "AP", "AP50", "AP75", "AR");
    for (int i = 0; i < m->n_labels; i++)
        printf("%-24s %8lld %8.4f %8.4f %8.4f %8.4f\n", e->names[i] ? e->names[i] : "", (long long)m->labels[i].truths,
               m->labels[i].ap, m->labels[i].ap50, m->labels[i].ap75, m->labels[i].ar);
    printf("%-24s %8lld %8.4f %8.4f %8.4f %8.4f\n", "all", (long long)m->truths, m->ap, m->ap50, m->ap75, m->ar);
    for (int i = 0; i < COCO_FIGURES; i++)
        printf("%s %.4f%s", coco_figures[i], m->coco[i], i % 3 == 2 ? "\n" : ", ");
    if (m->best_score > 0)
        printf("best F1 %.4f at score %.4f: precision %.4f, recall %.4f (IoU 0.5)\n", m->f1, m->best_score, m->precision,
               m->recall);
    print_left_out(e);
}

static void print_json(const struct evaluation *e, const struct detect_metrics *m)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, 16 << 20);
    out_object(&o, NULL);
    out_number(&o, "ap", m->ap);
    out_number(&o, "ap50", m->ap50);
    out_number(&o, "ap75", m->ap75);
    out_number(&o, "ar", m->ar);
    out_object(&o, "coco");
    for (int i = 0; i < COCO_FIGURES; i++)
        out_number(&o, coco_figures[i], m->coco[i]);
    out_end_object(&o);
    out_array(&o, "ap_per_label");
    for (int i = 0; i < m->n_labels; i++)
        out_number(&o, NULL, m->labels[i].ap);
    out_end_array(&o);
    out_int(&o, "images", m->images);
    out_int(&o, "boxes", m->truths);
    out_int(&o, "crowds", (int64_t)e->crowds);
    out_int(&o, "annotations_passed_over", (int64_t)e->lost_truth);
    out_int(&o, "predictions_passed_over", (int64_t)e->lost_found);
    out_end_object(&o);
    puts(o.text.bytes);
}

static enum err evaluate(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *truth = NULL, *predictions = NULL;
    bool as_json = false;
    const struct option_row rows[] = { { "--truth", &truth }, { "--predictions", &predictions }, { "--json", NULL, &as_json } };
    AUTO(evaluation) struct evaluation e = { .arena = a };
    TRY(options_read(argc, argv, rows, COUNT_OF(rows), NULL, 0, NULL));
    if (!truth || !predictions)
        return fail(E_INVALID, "--truth FILE (COCO) and --predictions FILE (COCO results) are needed");
    TRY(evaluation_read(&e, truth, predictions));
    AUTO(metrics) struct metrics *m = metrics_new((int)e.n_labels);
    for (size_t i = 0; i < e.n_images; i++)
        metrics_add(m, e.truth + e.first_truth[i], e.first_truth[i + 1] - e.first_truth[i], e.found + e.first_found[i],
                    e.first_found[i + 1] - e.first_found[i]);
    struct detect_metrics result;
    metrics_compute(m, a, &result);
    if (as_json)
        print_json(&e, &result);
    else
        print(&e, &result);
    return OK;
}

int evaluate_main(int argc, char **argv)
{
    return evaluate(argc, argv) == OK ? 0 : command_failed("evaluate");
}
