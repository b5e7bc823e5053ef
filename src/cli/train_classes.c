/* A folder with one folder of images for each label. */
#include "base/file.h"
#include "cli/train.h"

enum err train_classes(struct arena *a, const char *dir, struct samples *ret, const char ***ret_labels, int *ret_n)
{
    char **labels, ***names;
    size_t n, all = 0, *counts;
    TRY(file_list_folders(a, dir, &labels, &n));
    if (n < 2 || n > LABELS_MOST)
        return fail(E_UNMEANT, "%s has %zu folders; 2 to %d are needed, one for each label with its images, or --annotations", dir,
                    n, LABELS_MOST);
    names = arena_new_array(a, char **, n);
    counts = arena_new_array(a, size_t, n);
    for (size_t i = 0; i < n; i++) {
        TRY(file_list(a, arena_fmt(a, "%s/%s", dir, labels[i]), &names[i], &counts[i]));
        all += counts[i];
    }
    *ret = (struct samples){ arena_new_array(a, struct sample, all + 1), 0 };
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < counts[i]; k++) {
            const char *name = arena_fmt(a, "%s/%s", labels[i], names[i][k]);
            ret->items[ret->n++] = (struct sample){ arena_fmt(a, "%s/%s", dir, name), name, NULL, 0, (int)i };
        }
    *ret_labels = (const char **)labels;
    *ret_n = (int)n;
    return OK;
}
