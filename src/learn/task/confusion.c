#include "learn/task/confusion.h"

static double share_of(int64_t n, int64_t of)
{
    return of ? (double)n / (double)of : 0;
}

struct label_figures confusion_label(const int64_t *counts, int labels, int label)
{
    int64_t right = counts[label * labels + label], truths = 0, said = 0;
    for (int k = 0; k < labels; k++) {
        truths += counts[label * labels + k];
        said += counts[k * labels + label];
    }
    return (struct label_figures){ truths, share_of(right, said), truths ? share_of(right, truths) : -1,
                                   truths ? share_of(2 * right, truths + said) : -1 };
}

struct label_figures confusion_mean(const int64_t *counts, int labels)
{
    struct label_figures all = { 0 };
    int with = 0;
    for (int i = 0; i < labels; i++) {
        struct label_figures l = confusion_label(counts, labels, i);
        if (!l.truths)
            continue;
        with++;
        all.truths += l.truths;
        all.precision += l.precision;
        all.recall += l.recall;
        all.f1 += l.f1;
    }
    return with ? (struct label_figures){ all.truths, all.precision / with, all.recall / with, all.f1 / with }
                : (struct label_figures){ 0, -1, -1, -1 };
}

double confusion_accuracy(const int64_t *counts, int labels)
{
    int64_t right = 0, all = 0;
    for (int i = 0; i < labels * labels; i++) {
        all += counts[i];
        right += i % (labels + 1) == 0 ? counts[i] : 0;
    }
    return all ? (double)right / (double)all : -1;
}
