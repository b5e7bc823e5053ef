/* alias.h - what is meant by the name under which images are given to a training. */
#pragma once
#include <stdbool.h>

/* To evaluate on: "eval", "val", "test", … The best first; they end with NULL. */
extern const char *const alias_eval[];
/* The place of a name among them, whatever its case; -1: none. */
int alias_place(const char *const *words, const char *name);
/* What is called so is measured on, if at all, and never learnt from: "eval", "my_test", "Holdout-2"; not "contest". All else is
 * learnt from. */
bool alias_measures(const char *name);
