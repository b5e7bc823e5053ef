/* features.h - what a network saw of an image, as a list of numbers: the deepest feature map of its trunk, averaged over the
 * places.
 *
 * The map is the value that the file's metadata `features` names (ours do), else the one that is found in the graph: of the values
 * that convolutions made on the way from the image to the first upsampling, the last of those with the largest stride. Only a value
 * whose readers ONNX Runtime melts with nothing before them (convolutions, pools, concatenations …) is taken, so that asking for it
 * leaves the other outputs as they are, bit by bit. */
#pragma once
#include "base/fail.h"
#include <stddef.h>
#include <stdint.h>

enum { FEATURES_MOST = 4096, FEATURES_NAME = 128 };

/* The value's name in an ONNX file that onnx_check() has passed. false: there is none (a network without convolutions, or with
 * fewer than three before the value). */
bool features_find(const uint8_t *bytes, size_t n, char ret[FEATURES_NAME]);
/* The file with its averages as one more output, the last one, named FEATURES_OUTPUT. ret: heap. E_TOO_BIG: over what can be had.
 */
#define FEATURES_OUTPUT "saccade.features"
MUST_USE enum err features_add(const uint8_t *bytes, size_t n, const char *name, uint8_t **ret, size_t *ret_n);
