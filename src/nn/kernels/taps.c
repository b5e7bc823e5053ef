#include "nn/kernels/taps.h"
#include "nn/vector.h"
#include <string.h>

WIDEST static void add_products(float *restrict to, const float *restrict a, const float *restrict b, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += a[i] * b[i];
}

void taps_row(const struct taps_row *r)
{
    for (int o = 0; o < r->out_width; o++) {
        float *out = (float *)r->out + (long)o * r->out_step * r->channels;
        if (!r->adds)
            memset(out, 0, sizeof(float) * (size_t)r->channels);
        for (int l = 0; l < r->n_lines; l++)
            for (int t = 0; t < r->taps; t++) {
                int at = o * r->stride + r->first + t;
                if (at >= 0 && at < r->in_width)
                    add_products(out, (const float *)r->lines[l].in + (long)at * r->channels, r->lines[l].w[t], r->channels);
            }
    }
}

void taps_sums(const struct taps_sums *s)
{
    for (int o = 0; o < s->out_width; o++)
        for (int t = 0; t < s->taps; t++) {
            int at = o * s->stride + s->first + t;
            if (at >= 0 && at < s->in_width)
                add_products(s->sum[t], (const float *)s->in + (long)at * s->channels,
                             (const float *)s->grad + (long)o * s->channels, s->channels);
        }
}
