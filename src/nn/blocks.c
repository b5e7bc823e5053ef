/* Layers that are made of other layers. */
#include "nn/graph.h"
#include <assert.h>
#include <stdio.h>

enum { NAME_MOST = 160 };

struct tensor *nn_linear(struct graph *g, struct tensor *x, const char *name, int out, bool bias)
{
    assert(x->h == 1 && x->w == 1);
    return nn_conv2d(g, x, name, out, 1, 1, 1, bias);
}

struct tensor *nn_squeeze_excite(struct graph *g, struct tensor *x, const char *name, int squeezed,
                                 struct tensor *(*act)(struct graph *, struct tensor *),
                                 struct tensor *(*gate)(struct graph *, struct tensor *))
{
    char part[NAME_MOST];
    snprintf(part, sizeof part, "%s.fc1", name);
    struct tensor *s = act(g, nn_linear(g, nn_global_pool(g, x), part, squeezed, true));
    snprintf(part, sizeof part, "%s.fc2", name);
    return nn_mul(g, x, gate(g, nn_linear(g, s, part, x->c, true)));
}
