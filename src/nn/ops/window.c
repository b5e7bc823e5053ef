/* Where the windows of convolutions and pools lie. */
#include "nn/ops/ops.h"
#include <assert.h>

/* Zeros before and after a row or column of `size`, and how many windows there are. extent: of a window, with its holes. */
static int windows(int size, int extent, int stride, enum padding_kind kind, int *before, int *after)
{
    if (kind == PAD_HALF)
        *before = *after = (extent - 1) / 2;
    if (kind == PAD_SAME) {
        int total = ((size + stride - 1) / stride - 1) * stride + extent - size;
        *before = total > 0 ? total / 2 : 0;
        *after = total > 0 ? total - *before : 0;
    }
    assert(*before >= 0 && *after >= 0 && *before < extent && *after < extent && size + *before + *after >= extent);
    return (size + *before + *after - extent) / stride + 1;
}

struct attr window_attr(const struct tensor *x, int kernel, int stride, int dilation, struct padding p, int *ret_h, int *ret_w)
{
    struct attr a = { .kernel = kernel, .stride = stride ? stride : 1, .dilation = dilation ? dilation : 1 };
    int extent = (kernel - 1) * a.dilation + 1;
    *ret_h = windows(x->h, extent, a.stride, p.kind, &p.top, &p.bottom);
    *ret_w = windows(x->w, extent, a.stride, p.kind, &p.left, &p.right);
    a.top = p.top;
    a.left = p.left;
    return a;
}

struct area window_at(const struct node *n, long i)
{
    const struct tensor *x = n->in[0], *y = &n->out;
    int top = (int)(i / y->w % y->h) * n->attr.stride - n->attr.top, left = (int)(i % y->w) * n->attr.stride - n->attr.left;
    int bottom = top + n->attr.kernel, right = left + n->attr.kernel;
    return (struct area){ top < 0 ? 0 : top, left < 0 ? 0 : left, bottom < x->h ? bottom : x->h, right < x->w ? right : x->w };
}

int padding_after(int size, int windows_n, const struct attr *a, int before)
{
    return (windows_n - 1) * a->stride + (a->kernel - 1) * a->dilation + 1 - size - before;
}
