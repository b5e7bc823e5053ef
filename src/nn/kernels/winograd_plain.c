/* Eight channels at a time, f32: for every processor. */
#include "nn/kernels/winograd.h"
#include <string.h>

#define LOOPS
enum { LANES = 8, TOGETHER = 4 };
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

static inline lanes lanes_load(const void *p, long i, bool half)
{
    lanes v;
    (void)half;
    memcpy(&v, (const float *)p + i, sizeof v);
    return v;
}
static inline void lanes_store(void *p, long i, lanes v, bool half)
{
    (void)half;
    memcpy((float *)p + i, &v, sizeof v);
}
#include "nn/kernels/winograd_loops.h"

LOOP lanes add(lanes sum, uint32_t a, lanes b)
{
    float f;
    memcpy(&f, &a, sizeof f);
    return sum + f * b;
}

static void take(const struct winograd_pixels *p, const struct winograd_span *s, bool paired, void *to)
{
    (void)paired;
    take_any(p, s, to, false, false, store_f32);
}
static void take_grad(const struct winograd_pixels *p, const struct winograd_span *s, void *to)
{
    take_any(p, s, to, true, false, store_f32);
}
static void give(const struct winograd_pixels *p, const struct winograd_span *s, const float *from, bool adds)
{
    give_any(p, s, from, adds, false);
}
static void take_weights(const float *w, int out, int in, bool turned, void *to)
{
    take_weights_any(w, out, in, turned, to);
}
static void give_weights(const float *from, int out, int in, float *grad)
{
    give_weights_any(from, out, in, grad);
}
static void product(const struct winograd_product *p)
{
    product_any(p, add);
}
const struct winograd_way winograd_plain = { false, take, take_grad, give, take_weights, give_weights, product };
