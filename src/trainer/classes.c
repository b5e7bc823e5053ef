/* A folder with one folder of images for each label; or two such folders, one to learn from and one to evaluate on. */
#include "trainer/classes.h"
#include "base/file.h"
#include "learn/model/network.h"
#include <string.h>

static int label_number(const struct classes *c, const char *name)
{
    for (int i = 0; i < c->n_labels; i++)
        if (strcmp(c->labels[i], name) == 0)
            return i;
    return -1;
}

static enum err read_images(struct arena *a, const char *dir, const struct classes *c, struct samples *ret)
{
    char ***names = arena_new_array(a, char **, c->n_labels);
    size_t *counts = arena_new_array(a, size_t, c->n_labels), all = 0;
    for (int i = 0; i < c->n_labels; i++) {
        const char *folder = arena_fmt(a, "%s/%s", dir, c->labels[i]);
        if (file_exists(folder)) /* not every label need be in both folders */
            TRY(file_list(a, folder, &names[i], &counts[i]));
        all += counts[i];
    }
    *ret = (struct samples){ arena_new_array(a, struct sample, all + 1), 0 };
    for (int i = 0; i < c->n_labels; i++)
        for (size_t k = 0; k < counts[i]; k++) {
            const char *name = arena_fmt(a, "%s/%s", c->labels[i], names[i][k]);
            if (names[i][k][0] != '.')
                ret->items[ret->n++] = (struct sample){ arena_fmt(a, "%s/%s", dir, name), name, NULL, 0, i };
        }
    return OK;
}

/* The folder inside that holds one part of the images, by its usual names; NULL: there is none. */
static const char *part_of(struct arena *a, const char *dir, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (file_exists(arena_fmt(a, "%s/%s", dir, names[i])))
            return arena_fmt(a, "%s/%s", dir, names[i]);
    return NULL;
}

enum err train_classes(struct arena *a, const char *dir, struct classes *ret)
{
    static const char *const learnt[] = { "train", "training" }, *const judged[] = { "val", "valid", "validation", "eval", "test" };
    const char *train = part_of(a, dir, learnt, COUNT_OF(learnt)), *eval = part_of(a, dir, judged, COUNT_OF(judged));
    char **labels, **others;
    size_t n, n_others = 0;
    *ret = (struct classes){ 0 };
    if (!train || !eval) {
        train = dir;
        eval = NULL;
    }
    TRY(file_list_folders(a, train, &labels, &n));
    if (n < 2 || n > LABELS_MOST)
        return fail(E_UNMEANT, "%s has %zu folders; 2 to %d are needed, one for each label with its images, or --annotations",
                    train, n, LABELS_MOST);
    ret->labels = (const char **)labels;
    ret->n_labels = (int)n;
    TRY(read_images(a, train, ret, &ret->train));
    if (!eval)
        return OK;
    TRY(file_list_folders(a, eval, &others, &n_others));
    for (size_t i = 0; i < n_others; i++)
        if (label_number(ret, others[i]) < 0)
            return fail(E_UNMEANT, "%s/%s: %s has no folder of that name, so that it cannot be learnt", eval, others[i], train);
    return read_images(a, eval, ret, &ret->eval);
}
