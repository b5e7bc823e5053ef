#include "trainer/files.h"
#include "base/file.h"
#include "foreign/foreign.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { FOLDERS_DEEP = 8, FILES_MOST = 5000000 };

/* The part of a name by which a file is looked up. */
struct file_key {
    const char *text;
    size_t n, at;
};

static const char *ending(const char *name)
{
    const char *base = foreign_base(name), *dot = strrchr(base, '.');
    return dot && dot > base ? dot : base + strlen(base);
}

static bool is_image(const char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff" };
    for (size_t i = 0; i < COUNT_OF(endings); i++)
        if (strcasecmp(ending(name), endings[i]) == 0)
            return true;
    return false;
}

/* ---- listing */

struct listing {
    struct arena *arena;
    struct files *to;
    size_t room;
};

static enum err add(struct listing *l, const char *path, const char *name)
{
    struct files *f = l->to;
    if (f->n == FILES_MOST)
        return fail(E_TOO_BIG, "more than %d files", FILES_MOST);
    if (f->n == l->room) {
        struct file *more = arena_new_array(l->arena, struct file, l->room * 2 + 256);
        if (f->n)
            memcpy(more, f->items, f->n * sizeof *more);
        f->items = more;
        l->room = l->room * 2 + 256;
    }
    f->items[f->n++] = (struct file){ path, name };
    f->images += is_image(name);
    return OK;
}

static enum err list(struct listing *l, const char *path, const char *name, int deep)
{
    char **names;
    size_t n;
    TRY(file_list(l->arena, path, &names, &n));
    for (size_t i = 0; i < n; i++)
        if (names[i][0] != '.')
            TRY(add(l, arena_fmt(l->arena, "%s/%s", path, names[i]), arena_fmt(l->arena, "%s%s", name, names[i])));
    TRY(file_list_folders(l->arena, path, &names, &n));
    for (size_t i = 0; i < n && deep < FOLDERS_DEEP; i++)
        TRY(list(l, arena_fmt(l->arena, "%s/%s", path, names[i]), arena_fmt(l->arena, "%s%s/", name, names[i]), deep + 1));
    return OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}
static int by_text(const void *a, const void *b)
{
    const struct file_key *x = a, *y = b;
    int c = memcmp(x->text, y->text, x->n < y->n ? x->n : y->n);
    return c ? c : x->n < y->n ? -1 : x->n > y->n;
}

enum err files_list(struct arena *a, const char *dir, struct files *ret)
{
    struct files f = { 0 };
    TRY(list(&(struct listing){ a, &f, 0 }, dir, "", 0));
    f.by_base = arena_new_array(a, struct file_key, f.n + 1);
    f.by_stem = arena_new_array(a, struct file_key, f.images + 1);
    if (f.n)
        qsort(f.items, f.n, sizeof *f.items, by_name);
    for (size_t i = 0; i < f.n; i++) {
        const char *base = foreign_base(f.items[i].name);
        f.by_base[i] = (struct file_key){ base, strlen(base), i };
        if (is_image(base))
            f.by_stem[f.n_stems++] = (struct file_key){ base, (size_t)(ending(base) - base), i };
    }
    qsort(f.by_base, f.n, sizeof *f.by_base, by_text);
    qsort(f.by_stem, f.n_stems, sizeof *f.by_stem, by_text);
    *ret = f;
    return OK;
}

/* ---- finding */

/* The last folder of the path that ends at `end` (exclusive); its beginning. */
static const char *last_part(const char *path, const char *end)
{
    while (end > path && end[-1] != '/')
        end--;
    return end;
}

/* How many folders agree, from the file on upwards. */
static int folders_alike(const char *a, const char *b)
{
    const char *a_end = foreign_base(a), *b_end = foreign_base(b);
    int alike = 0;
    while (a_end > a && b_end > b) {
        const char *x = last_part(a, --a_end), *y = last_part(b, --b_end);
        if (a_end - x != b_end - y || memcmp(x, y, (size_t)(a_end - x)) != 0)
            break;
        alike++;
        a_end = x;
        b_end = y;
    }
    return alike;
}

static int likeness(const struct file *f, const char *name, const char *split)
{
    const char *own = foreign_split(f->name);
    return 2 * folders_alike(f->name, name) + (split && own && strcmp(own, split) == 0);
}

static size_t first_of(const struct file_key *keys, size_t n, const struct file_key *like)
{
    size_t low = 0;
    while (n) {
        size_t half = n / 2;
        if (by_text(&keys[low + half], like) < 0) {
            low += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return low;
}

/* Among those with that key. */
static enum file_found find(const struct files *f, const struct file_key *keys, size_t n, struct file_key key, const char *name,
                            const char *split, size_t *ret)
{
    int best = -1;
    bool several = false;
    for (size_t i = first_of(keys, n, &key); i < n && by_text(&keys[i], &key) == 0; i++) {
        int like = likeness(&f->items[keys[i].at], name, split);
        several = like == best || (several && like < best);
        if (like > best) {
            best = like;
            *ret = keys[i].at;
        }
    }
    return best < 0 ? FILE_MISSING : several ? FILE_SEVERAL : FILE_FOUND;
}

enum file_found files_find(const struct files *f, const char *name, bool stem, const char *split, size_t *ret)
{
    const char *base = foreign_base(name);
    struct file_key whole = { base, strlen(base), 0 }, short_of = { base, (size_t)(ending(base) - base), 0 };
    enum file_found found = stem ? FILE_MISSING : find(f, f->by_base, f->n, whole, name, split, ret);
    if (found == FILE_MISSING)
        found = find(f, f->by_stem, f->n_stems, whole, name, split, ret);
    if (found == FILE_MISSING && !stem)
        found = find(f, f->by_stem, f->n_stems, short_of, name, split, ret);
    return found;
}
