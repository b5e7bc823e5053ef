/* Sixteen channels of several outputs at a time: each value of the input is loaded once for all outputs that it belongs to. */
#include "nn/kernels/taps.h"
#include "nn/kernels/wide.h"

enum { BLOCK = 8 }; /* outputs; registers hold their sums and the weights of a line */

bool taps_are_wide(bool half)
{
    return wide_is_possible(half);
}

/* BLOCK outputs from o on, of 16 channels from c on. */
WIDE void row_block(const struct taps_row *r, int o, long c, __mmask16 m, int taps, int stride, bool half_in, bool half_out)
{
    __m512 sum[BLOCK];
    int left = r->out_width - o;
    for (int i = 0; i < BLOCK; i++)
        sum[i] = _mm512_setzero_ps();
    for (int l = 0; l < r->n_lines; l++) {
        __m512 w[TAPS_MOST];
        for (int t = 0; t < taps; t++)
            w[t] = _mm512_loadu_ps(r->lines[l].w[t] + c);
#pragma GCC unroll 32
        for (int p = 0; p < (BLOCK - 1) * stride + taps; p++) {
            int at = o * stride + r->first + p;
            if (at < 0 || at >= r->in_width)
                continue;
            __m512 x = wide_load(r->lines[l].in, (long)at * r->channels + c, m, half_in);
#pragma GCC unroll 8
            for (int i = 0; i < BLOCK; i++)
                if (p >= i * stride && p < i * stride + taps)
                    sum[i] = _mm512_fmadd_ps(w[p - i * stride], x, sum[i]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < BLOCK; i++) {
        if (i >= left)
            return;
        long at = (long)(o + i) * r->out_step * r->channels + c;
        if (r->adds)
            sum[i] = _mm512_add_ps(sum[i], wide_load(r->out, at, m, half_out));
        wide_store(r->out, at, m, sum[i], half_out);
    }
}

WIDE void row(const struct taps_row *r, int taps, int stride, bool half_in, bool half_out)
{
    long whole = r->channels & ~15;
    for (long c = 0; c < whole; c += 16)
        for (int o = 0; o < r->out_width; o += BLOCK)
            row_block(r, o, c, 0xffff, taps, stride, half_in, half_out);
    for (int o = 0; o < r->out_width && whole < r->channels; o += BLOCK)
        row_block(r, o, whole, wide_lanes(r->channels - whole), taps, stride, half_in, half_out);
}

WIDE void sums_16(const struct taps_sums *s, long c, __mmask16 m, int taps, int stride, bool half_in, bool half_grad)
{
    __m512 sum[TAPS_MOST], grad[BLOCK];
    for (int t = 0; t < taps; t++)
        sum[t] = _mm512_loadu_ps(s->sum[t] + c);
    for (int o = 0; o < s->out_width; o += BLOCK) {
#pragma GCC unroll 8
        for (int i = 0; i < BLOCK; i++)
            grad[i] =
                o + i < s->out_width ? wide_load(s->grad, (long)(o + i) * s->channels + c, m, half_grad) : _mm512_setzero_ps();
#pragma GCC unroll 32
        for (int p = 0; p < (BLOCK - 1) * stride + taps; p++) {
            int at = o * stride + s->first + p;
            if (at < 0 || at >= s->in_width)
                continue;
            __m512 x = wide_load(s->in, (long)at * s->channels + c, m, half_in);
#pragma GCC unroll 8
            for (int i = 0; i < BLOCK; i++)
                if (p >= i * stride && p < i * stride + taps)
                    sum[p - i * stride] = _mm512_fmadd_ps(grad[i], x, sum[p - i * stride]);
        }
    }
    for (int t = 0; t < taps; t++)
        _mm512_storeu_ps(s->sum[t] + c, sum[t]);
}

WIDE void sums(const struct taps_sums *s, int taps, int stride, bool half_in, bool half_grad)
{
    long whole = s->channels & ~15;
    for (long c = 0; c < whole; c += 16)
        sums_16(s, c, 0xffff, taps, stride, half_in, half_grad);
    if (whole < s->channels)
        sums_16(s, whole, wide_lanes(s->channels - whole), taps, stride, half_in, half_grad);
}

/* A loop of its own for each number of taps, stride and type. */
#define TYPES(call, r, taps, stride, half_out)                                                                                     \
    if ((r)->half_in && (r)->half_out)                                                                                             \
        call(r, taps, stride, true, true);                                                                                         \
    else if ((r)->half_in)                                                                                                         \
        call(r, taps, stride, true, false);                                                                                        \
    else if ((r)->half_out)                                                                                                        \
        call(r, taps, stride, false, true);                                                                                        \
    else                                                                                                                           \
        call(r, taps, stride, false, false)
#define SHAPES(call, r, half_out)                                                                                                  \
    switch ((r)->taps * 2 + (r)->stride) {                                                                                         \
    case 3: TYPES(call, r, 1, 1, half_out); break;                                                                                 \
    case 5: TYPES(call, r, 2, 1, half_out); break;                                                                                 \
    case 7: TYPES(call, r, 3, 1, half_out); break;                                                                                 \
    case 8: TYPES(call, r, 3, 2, half_out); break;                                                                                 \
    case 11: TYPES(call, r, 5, 1, half_out); break;                                                                                \
    case 12: TYPES(call, r, 5, 2, half_out); break;                                                                                \
    default: __builtin_unreachable();                                                                                              \
    }

AVX512 void taps_row_wide(const struct taps_row *r){ SHAPES(row, r, half_out) }

AVX512 void taps_sums_wide(const struct taps_sums *s)
{
    SHAPES(sums, s, half_grad)
}
