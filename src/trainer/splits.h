/* splits.h - which files a data.yaml (Ultralytics) names for training, validation and test. */
#pragma once
#include "foreign/foreign.h"
#include "trainer/files.h"

/* Where the images of the set are: `path` of the file, if that is there, or else the folder that the file is in. */
const char *splits_root(struct arena *, const char *yaml_path, const struct data_yaml *);
/* ret: "train", "val", "test" or NULL, for each file. */
MUST_USE enum err splits_mark(struct arena *, const char *root, const struct data_yaml *, const struct files *, const char **ret);
/* The files that a list names, one a line, with their endings or without. E_UNMEANT: a line means several files. ret: for each. */
MUST_USE enum err splits_list(struct arena *, const char *path, const struct files *, bool *ret);
