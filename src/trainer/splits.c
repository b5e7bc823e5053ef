#include "trainer/splits.h"
#include "base/file.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LIST_CAP = 256 << 20 };

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

const char *splits_root(struct arena *a, const char *yaml_path, const struct data_yaml *y)
{
    const char *slash = strrchr(yaml_path, '/'), *own = slash ? arena_copy(a, yaml_path, (size_t)(slash - yaml_path)) : ".";
    const char *beside = y->path ? arena_fmt(a, "%s/%s", own, y->path) : own;
    if (y->path && y->path[0] == '/' && is_folder(y->path))
        return y->path;
    return is_folder(beside) ? beside : own;
}

enum err splits_list(struct arena *a, const char *path, const struct files *files, bool *ret)
{
    char *text, *line, *rest;
    size_t n, at;
    TRY(file_read(a, path, LIST_CAP, &text, &n));
    rest = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    while ((line = strsep(&rest, "\r\n"))) {
        for (size_t end = strlen(line); end && (line[end - 1] == ' ' || line[end - 1] == '\t');)
            line[--end] = 0;
        enum file_found found = *line ? files_find(files, line, false, NULL, &at) : FILE_MISSING;
        if (found == FILE_MISSING &&
            line[strcspn(line, " \t")]) { /* Pascal VOC's lists say after the name whether it shows a class */
            line[strcspn(line, " \t")] = 0;
            found = files_find(files, line, false, NULL, &at);
        }
        if (found == FILE_SEVERAL)
            return fail(E_UNMEANT, "%s: \"%.200s\" may be several files: name it with its folder", path, line);
        if (found == FILE_FOUND)
            ret[at] = true;
    }
    return OK;
}

/* Where an entry is: as it stands, or, as other tools read it, without the "../" before it. NULL: nowhere. */
static const char *place_of(struct arena *a, const char *root, const char *entry)
{
    const char *inner = strncmp(entry, "../", 3) == 0 ? entry + 3 : entry;
    const char *const places[] = { entry[0] == '/' ? entry : arena_fmt(a, "%s/%s", root, entry),
                                   arena_fmt(a, "%s/%s", root, inner) };
    for (size_t i = 0; i < COUNT_OF(places); i++)
        if (file_exists(places[i]))
            return places[i];
    return NULL;
}

/* Whether the folder that path's first n bytes name is `real`, or below it. */
static bool is_below(const char *path, size_t n, const char *real)
{
    AUTO(arena) struct arena *a = arena_new();
    char *own = realpath(n ? arena_copy(a, path, n) : "/", NULL);
    size_t length = strlen(real);
    bool is = own && strncmp(own, real, length) == 0 && (own[length] == '/' || own[length] == 0);
    free(own);
    return is;
}

static void mark_folder(const char *folder, const struct files *files, bool *ret)
{
    char *real = realpath(folder, NULL);
    const char *last = NULL;
    size_t last_n = 0;
    bool below = false;
    for (const struct file *f = files->items; real && f < files->items + files->n; f++) {
        size_t n = (size_t)(strrchr(f->path, '/') - f->path);
        if (!last || n != last_n || memcmp(last, f->path, n) != 0) /* files are sorted: a folder is looked at once or so */
            below = is_below(f->path, n, real);
        last = f->path;
        last_n = n;
        ret[f - files->items] |= below;
    }
    free(real);
}

static enum err mark(struct arena *a, const char *root, const char *const *entries, size_t n, const char *split,
                     const struct files *files, const char **ret)
{
    bool *in = arena_new_array(a, bool, files->n + 1);
    for (size_t i = 0; i < n; i++) {
        const char *place = place_of(a, root, entries[i]);
        if (place && is_folder(place))
            mark_folder(place, files, in);
        else if (place)
            TRY(splits_list(a, place, files, in));
    }
    for (size_t i = 0; i < files->n; i++)
        ret[i] = ret[i] || !in[i] ? ret[i] : split;
    return OK;
}

enum err splits_mark(struct arena *a, const char *root, const struct data_yaml *y, const struct files *files, const char **ret)
{
    TRY(mark(a, root, y->train, y->n_train, "train", files, ret));
    TRY(mark(a, root, y->val, y->n_val, "val", files, ret));
    return mark(a, root, y->test, y->n_test, "test", files, ret);
}
