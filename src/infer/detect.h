/* detect.h - what a network takes and gives, and its way from raw outputs to boxes on the image, or to a label for all of it.
 *
 * Two kinds of files are understood, detectors and classifiers each: ours (metadata `saccade`; outputs `boxes` 1×A×4, corners as
 * fractions of the input, and `scores` 1×A×C), and the common YOLO exports with metadata `names` and `imgsz` (one output: 1×(4+C)×A
 * with centre, width, height in input pixels and scores, or 1×N×6 with corners, score and class when NMS is inside the model).
 * Classifiers (metadata `task`: classify) have one output 1×C of probabilities. */
#pragma once
#include "img/img.h"
#include "infer/infer.h"
#include "infer/ort.h"

enum output_layout { BOXES_AND_SCORES, ROWS_BY_ANCHOR, ALREADY_PICKED, PROBABILITIES };
enum fit { FIT_LETTERBOX, FIT_STRETCH, FIT_COVER }; /* of an image into the input */
struct detector {
    int width, height; /* of the input */
    struct normalise normalise;
    enum fit fit;
    enum output_layout layout;
    double nms_iou; /* boxes of one class that overlap more are the same thing */
    int max_detections;
    const char *describe; /* JSON, memory of the arena */
};
enum { DETECTIONS_MOST = 1000, INPUT_SIDE_MOST = 4096 };

/* E_UNMEANT says what is missing or not supported. */
MUST_USE enum err detector_read(const struct ort_session *, struct arena *, struct detector *ret);

/* The part of the input that the image covers, and the image's size as shown. */
struct placed {
    int used_width, used_height, width, height;
};
/* After ort_run(): best class of each anchor, threshold, class-wise greedy NMS; boxes clipped to the image, best score first.
 * ret: room for DETECTIONS_MOST. */
MUST_USE enum err detector_pick(const struct detector *, const struct ort_session *, const struct placed *, double min_score,
                                struct detection *ret, size_t *ret_n);

/* The output that holds a classifier's probabilities: `scores`, or the only one; NULL: neither. */
const struct ort_value *classifier_output(const struct ort_session *);
/* The most probable label, if its probability is at least min_score. ret: room for one. */
MUST_USE enum err classifier_pick(const struct ort_session *, double min_score, struct detection *ret, size_t *ret_n);
