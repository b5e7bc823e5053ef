/* metadata.h - class names as ONNX files carry them. */
#pragma once
#include "base/arena.h"

enum { NAMES_MOST = 10000 };
/* text: JSON ({"0":"a"} or ["a"]) or a Python dictionary or list ({0: 'a'}). ret: names by index, NULL in gaps. E_UNMEANT
 * otherwise. */
MUST_USE enum err names_read(struct arena *, const char *text, const char ***ret, size_t *ret_n);
/* "[640, 480]" or "640": height, width. */
MUST_USE enum err image_size_read(const char *text, int *ret_height, int *ret_width);
