/* bundle.h - a model as it was brought: one file, a zip, or a file with others in which its tensors lie. Read where untrusted bytes
 * are: in a model's process. */
#pragma once
#include "blob/blob.h"
#include "infer/elsewhere.h"

struct bundle;
struct bundle *bundle_new(struct arena *);
void bundle_free(struct bundle *); /* NULL is fine */
static inline void auto_bundle(struct bundle **b)
{
    bundle_free(*b);
}
/* The file "model-latest", which may be a zip with one .onnx in it; takes *fd. E_BROKEN: its bytes have not that hash. E_UNMEANT.
 */
MUST_USE enum err bundle_open(struct bundle *, int *fd, const char *hash);
/* The files in which its tensors lie, once it is open. */
const struct elsewhere *bundle_elsewhere(const struct bundle *);
bool bundle_is_whole(const struct bundle *); /* all of these are there */
/* One of them, as the model says its name. */
MUST_USE enum err bundle_add(struct bundle *, const char *name, const char *hash, int fd);
/* One ONNX file, until the bundle is freed. E_UNMEANT names what is missing. */
MUST_USE enum err bundle_join(struct bundle *, const uint8_t **ret, size_t *ret_n);
