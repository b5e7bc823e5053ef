/* files.h - the files of a folder and of what is below it, found by what annotation files and lists call them. */
#pragma once
#include "base/arena.h"

struct file {
    const char *path, *name; /* to open it, and as it is called from the folder on: "train/a.jpg" */
};
struct file_key;
struct files {
    struct file *items; /* sorted by name */
    size_t n, images;   /* all, and those whose ending is of an image */
    struct file_key *by_base, *by_stem;
    size_t n_stems;
};
/* Hidden ones are left out. */
MUST_USE enum err files_list(struct arena *, const char *dir, struct files *ret);

enum file_found { FILE_FOUND, FILE_MISSING, FILE_SEVERAL };
/* The file with that name, or, if there is none, the image with that name but for its ending; `stem`: the name has no ending. Of
 * several the one most of whose folders agree, counted from the file on, and then the one in a folder of that split ("train",
 * "val", "test", or NULL). FILE_SEVERAL: that does not decide it. */
enum file_found files_find(const struct files *, const char *name, bool stem, const char *split, size_t *ret);
