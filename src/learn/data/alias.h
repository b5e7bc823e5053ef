/* alias.h - what is meant by the name under which images are given to a training. */
#pragma once

/* The best first; they end with NULL. */
extern const char *const alias_train[]; /* to learn from: "train", … */
extern const char *const alias_eval[];  /* to evaluate on: "eval", "val", "test", … */
/* The place of a name among them, whatever its case; -1: none. */
int alias_place(const char *const *words, const char *name);
