/* taps.h - rows of depthwise convolutions: each output is a sum over a few rows and a few columns ("taps") of the input, channel by
 * channel. The gradient of the data is that too, with other weights. Only inside kernels/. */
#pragma once
#include <stdbool.h>

enum { TAPS_MOST = 5 };

/* Output o of a row is the sum over lines and taps of w[tap] * in[o * stride + first + tap]; what lies outside the row counts as 0.
 */
struct taps_row {
    struct {
        const void *in;
        const float *w[TAPS_MOST]; /* by tap: a number for each channel, in whole registers */
    } lines[TAPS_MOST];
    int n_lines, taps, stride, first;
    int in_width, out_width, channels;
    void *out;
    int out_step; /* pixels from an output to the next */
    bool half_in, half_out, adds;
};
/* sum[tap] += out gradient o * in[o * stride + first + tap], over a row; for each channel. */
struct taps_sums {
    const void *in, *grad;
    int taps, stride, first, in_width, out_width, channels;
    bool half_in, half_grad;
    float *sum[TAPS_MOST];
};

void taps_row(const struct taps_row *);   /* f32 only */
void taps_sums(const struct taps_sums *); /* f32 only */

/* The same for processors with AVX-512, in bf16 for those that have it there. */
bool taps_are_wide(bool half);
void taps_row_wide(const struct taps_row *);
void taps_sums_wide(const struct taps_sums *);
