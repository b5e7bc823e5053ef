/* checkpoint.h - named tensors in a file, in the safetensors layout (8-byte little-endian header length, JSON header, data).
 * Holds weights, averaged weights, optimiser state and a JSON text of the trainer's own ("state"), so that a run that was killed
 * goes on where it was. Written to a temporary name, fsynced, renamed. */
#pragma once
#include "nn/optim.h"

MUST_USE enum err checkpoint_save(const char *path, struct graph *, struct optim *, const char *state_json);
/* Shapes and names must fit: E_UNMEANT names the first that does not. ret_state may be NULL; optim may be NULL (weights only). */
MUST_USE enum err checkpoint_load(const char *path, struct graph *, struct optim *, struct arena *, char **ret_state);
/* The trainer's text alone. E_UNMEANT: no checkpoint, or one that is cut off. */
MUST_USE enum err checkpoint_state(const char *path, struct arena *, char **ret_state);
/* Takes what fits by name and shape and leaves the rest: starting from another model. ret_n: how many were taken. */
MUST_USE enum err checkpoint_start_from(const char *path, struct graph *, size_t *ret_n);
/* A text under __metadata__. E_UNMEANT: there is none of that name. */
MUST_USE enum err checkpoint_note(const char *path, const char *name, struct arena *, char **ret);
