/* Σ w_i x_i with w_i = max(p_i, 0) / (ε + Σ max(p_j, 0)) of learned numbers p: the fast normalised fusion of EfficientDet's BiFPN
 * (Tan et al. 2020, arXiv 1911.09070, section 3.3). */
#include "nn/ops/ops.h"
#include <assert.h>

void node_sum_weights(const struct node *n, float *ret_weight)
{
    const float *p = n->params[0]->value.data;
    float sum = n->attr.epsilon;
    for (int k = 0; k < n->n_in; k++)
        sum += p[k] > 0 ? p[k] : 0;
    for (int k = 0; k < n->n_in; k++)
        ret_weight[k] = p[k] > 0 ? p[k] / sum : 0;
}

/* dw_i / dp_j = (δ_ij - w_i) / (ε + Σ p) where p_j > 0. dot: Σ dy x_i. */
void weighted_sum_give(struct node *n, const float *weight, const double *dot)
{
    struct tensor *p = &n->params[0]->value;
    float sum = n->attr.epsilon;
    double all = 0;
    for (int k = 0; k < n->n_in; k++) {
        sum += p->data[k] > 0 ? p->data[k] : 0;
        all += (double)weight[k] * dot[k];
    }
    for (int k = 0; k < n->n_in && p->grad; k++)
        if (p->data[k] > 0)
            p->grad[k] += (float)((dot[k] - all) / (double)sum);
}

static void forward(struct node *n, bool training)
{
    (void)training;
    struct tensor *y = &n->out;
    float weight[SUMMANDS_MOST];
    node_sum_weights(n, weight);
    for (long i = 0; i < tensor_pixels(y); i++)
        for (int c = 0; c < y->c; c++) {
            float sum = 0;
            for (int k = 0; k < n->n_in; k++)
                sum += weight[k] * n->in[k]->data[i * n->in[k]->pitch + c];
            y->data[i * y->pitch + c] = sum;
        }
}

static void backward(struct node *n)
{
    struct tensor *y = &n->out;
    float weight[SUMMANDS_MOST];
    double dot[SUMMANDS_MOST] = { 0 };
    node_sum_weights(n, weight);
    for (int k = 0; k < n->n_in; k++)
        for (long i = 0; i < tensor_pixels(y); i++)
            for (int c = 0; c < y->c; c++) {
                struct tensor *x = n->in[k];
                float dy = y->grad[i * y->pitch + c];
                dot[k] += (double)dy * (double)x->data[i * x->pitch + c];
                if (x->grad)
                    x->grad[i * x->pitch + c] += weight[k] * dy;
            }
    weighted_sum_give(n, weight, dot);
}

const struct op_kind op_weighted_sum = { "weighted_sum", KEEPS_IN, forward, backward };

struct tensor *nn_weighted_sum(struct graph *g, struct tensor *const *x, int n_x, const char *name, float epsilon)
{
    assert(n_x > 1 && n_x <= SUMMANDS_MOST);
    for (int i = 1; i < n_x; i++)
        assert(x[i]->n == x[0]->n && x[i]->h == x[0]->h && x[i]->w == x[0]->w && x[i]->c == x[0]->c);
    struct node *n = graph_add_node(g, &op_weighted_sum, x, n_x);
    n->attr = (struct attr){ .epsilon = epsilon };
    n->params[0] = graph_add_param(g, name, "weight", 1, 1, 1, n_x);
    param_fill(n->params[0], 1);
    return node_shape(g, n, x[0]->n, x[0]->h, x[0]->w, x[0]->c);
}
