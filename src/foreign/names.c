/* What names of files say. */
#include "foreign/foreign.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

const struct foreign_reason_row foreign_reasons[LEFT_REASONS] = {
    [LEFT_NOTHING] = { "nothing", "nothing" },
    [LEFT_NO_IMAGE] = { "image_not_in_file", "annotations of images that the file does not list" },
    [LEFT_NO_CATEGORY] = { "category_not_in_file", "annotations of categories that the file does not list" },
    [LEFT_NO_AREA] = { "no_area", "outlines of fewer than three points without a box" },
    [LEFT_CROWD] = { "crowd", "regions of many objects (iscrowd)" },
    [LEFT_MASK] = { "mask", "masks, which have no place in a version of this type" },
    [LEFT_UNKNOWN] = { "unknown_image", "images that the dataset version does not have" },
    [LEFT_SEVERAL] = { "several_images", "images whose name several images of the dataset version have" },
    [LEFT_SPLIT] = { "other_split", "images of other splits than the one that was asked for" },
};

const char *foreign_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *foreign_stem(struct arena *a, const char *path)
{
    const char *dot = strrchr(foreign_base(path), '.');
    return arena_copy(a, path, dot && dot > foreign_base(path) ? (size_t)(dot - path) : strlen(path));
}

char *foreign_where(struct arena *a, const struct foreign_image *i, uint32_t at)
{
    return i->items == OF_LINES ? arena_fmt(a, "%s, line %u", i->file, at) : arena_fmt(a, "%s, annotations[%u]", i->file, at);
}

/* "train", "train2017", "Train-images"; not "trains". */
static bool begins_with(const char *s, size_t n, const char *word)
{
    size_t k = strlen(word);
    return n >= k && strncasecmp(s, word, k) == 0 && (n == k || !isalpha((unsigned char)s[k]));
}

/* CVAT writes obj_train_data, COCO instances_val2017.json: each part between '_' is looked at. */
static const char *split_of_part(const char *s, size_t n)
{
    static const char *const words[][2] = { { "train", "train" },    { "training", "train" }, { "valid", "val" },
                                            { "validation", "val" }, { "val", "val" },        { "test", "test" },
                                            { "testing", "test" } };
    for (const char *end = s + n; s < end;) {
        const char *under = memchr(s, '_', (size_t)(end - s));
        size_t length = (size_t)((under ? under : end) - s);
        for (size_t i = 0; i < COUNT_OF(words); i++)
            if (begins_with(s, length, words[i][0]))
                return words[i][1];
        s += length + 1;
    }
    return NULL;
}

const char *foreign_split(const char *path)
{
    const char *base = foreign_base(path), *found = NULL;
    for (const char *p = path; p < base; p = strchr(p, '/') + 1) {
        const char *in = split_of_part(p, (size_t)(strchr(p, '/') - p));
        found = in ? in : found; /* the innermost folder */
    }
    const char *dot = strrchr(base, '.');
    if (!found && dot && strcasecmp(dot, ".json") == 0)
        found = split_of_part(base, (size_t)(dot - base));
    return found;
}
