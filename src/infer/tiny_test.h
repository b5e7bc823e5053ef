/* tiny_test.h - ONNX models of a few nodes, made for tests. */
#pragma once
#include "base/fail.h"
#include <onnx.pb-c.h>

enum { TINY_SIDE = 64, TINY_ANCHORS = 4 };
enum tiny_kind {
    TINY_OURS, /* boxes 1×4×4 constant, scores: of the anchors, times the mean of each colour of the image; metadata `saccade` */
    TINY_YOLO, /* one output 1×7×4, constant; metadata `names` as a Python dictionary, `imgsz` */
    TINY_CLASSES,        /* scores 1×3: the mean of each colour; task classify, metadata `saccade`, stretched */
    TINY_CLASSES_COMMON, /* the same without `saccade`, one output called output0 */
    TINY_CLASSES_WRONG,  /* the same with two names only */
    TINY_SEEING,         /* TINY_CLASSES_COMMON behind three convolutions that leave colours as they are, each at half the size */
    TINY_NO_NAMES,       /* as TINY_OURS, without metadata */
    TINY_ENDLESS,        /* a Loop over 2^62 turns */
    TINY_HUGE,           /* the boxes are expanded to 2^38 numbers */
    TINY_FUTURE,         /* of operator set 999 */
    TINY_NAN,            /* the last box is no number */
    TINY_EXTERNAL,       /* the boxes lie in /etc/passwd */
    TINY_EXTERNAL_SPARSE,
    TINY_EXTERNAL_SUBGRAPH,
    TINY_EXTERNAL_FUNCTION,
    TINY_APART, /* the boxes lie in "boxes.data" */
    TINY_APART_SPARSE,
    TINY_APART_SUBGRAPH,
    TINY_APART_FUNCTION
};
/* ret: heap, for free() */
void tiny_model(enum tiny_kind, uint8_t **ret, size_t *ret_n);
/* Corners as fractions of the input, and the factor of the score, of the anchors of TINY_OURS. */
extern const float tiny_boxes[TINY_ANCHORS][4], tiny_factors[TINY_ANCHORS];
