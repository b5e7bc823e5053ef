/* saccade drift: the statistics of the deployments' monitoring on numbers of one's own. For each part of the file, a JSON list, a
 * line of JSON is written. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "stats/ks.h"
#include "stats/mmd.h"
#include "stats/principal.h"
#include "json/json.h"
#include <stdio.h>

enum { FILE_CAP = 256 << 20 };

static enum err read_sample(struct arena *a, const struct json *pair, size_t row, const char *key, double **ret, size_t *ret_n)
{
    const struct json *list = json_get(pair, key);
    size_t n = json_count(list);
    if (json_kind(list) != J_ARRAY || n < 1 || n > KS_MOST)
        return fail(E_INVALID, "[%zu].%s must be a list of 1 to %d numbers", row, key, KS_MOST);
    *ret = arena_new_array(a, double, n);
    for (size_t i = 0; i < n; i++)
        if (!json_number(json_at(list, i), &(*ret)[i]))
            return fail(E_INVALID, "[%zu].%s[%zu] is no number", row, key, i);
    sample_sort(*ret, n);
    *ret_n = n;
    return OK;
}

static enum err compare_samples(struct arena *a, const struct json *pair, size_t row, struct out *o)
{
    double *x, *y;
    size_t n, m;
    struct ks k;
    TRY(read_sample(a, pair, row, "a", &x, &n));
    TRY(read_sample(a, pair, row, "b", &y, &m));
    ks_test(x, n, y, m, &k);
    out_number(o, "d", k.d);
    out_number(o, "p", k.p);
    out_number(o, "at", k.at);
    return OK;
}

struct points {
    float *values;
    size_t n, width;
};

static enum err read_points(struct arena *a, const struct json *part, size_t row, const char *key, size_t most, struct points *ret)
{
    const struct json *list = json_get(part, key);
    *ret = (struct points){ .n = json_count(list), .width = json_count(json_at(list, 0)) };
    if (json_kind(list) != J_ARRAY || ret->n < 2 || ret->n > most || ret->width < 1 || ret->width > PRINCIPAL_WIDTH)
        return fail(E_INVALID, "[%zu].%s must be a list of 2 to %zu lists of 1 to %d numbers", row, key, most, PRINCIPAL_WIDTH);
    ret->values = arena_new_array(a, float, ret->n * ret->width);
    for (size_t i = 0; i < ret->n; i++)
        for (size_t k = 0; k < ret->width; k++) {
            double x;
            if (json_count(json_at(list, i)) != ret->width || !json_number(json_at(json_at(list, i), k), &x))
                return fail(E_INVALID, "[%zu].%s[%zu] is not %zu numbers", row, key, i, ret->width);
            ret->values[i * ret->width + k] = (float)x;
        }
    return OK;
}

static enum err compare_points(struct arena *a, const struct json *pair, size_t row, struct out *o)
{
    struct points x, y;
    struct mmd m;
    TRY(read_points(a, pair, row, "a", MMD_MOST, &x));
    TRY(read_points(a, pair, row, "b", MMD_MOST, &y));
    if (x.width != y.width)
        return fail(E_INVALID, "[%zu]: the points of a have %zu numbers, those of b %zu", row, x.width, y.width);
    TRY(mmd_test(x.values, x.n, y.values, y.n, x.width, &m));
    out_number(o, "mmd2", m.mmd2);
    out_number(o, "p", m.p);
    out_number(o, "sigma", m.sigma);
    out_int(o, "permutations", m.permutations);
    return OK;
}

static void write_numbers(struct out *o, const char *key, const double *x, size_t n)
{
    out_array(o, key);
    for (size_t i = 0; i < n; i++)
        out_number(o, NULL, x[i]);
    out_end_array(o);
}

static enum err find_directions(struct arena *a, const struct json *part, size_t row, struct out *o)
{
    struct points rows;
    struct principal p;
    int64_t most = 0;
    TRY(read_points(a, part, row, "rows", PRINCIPAL_ROWS, &rows));
    if (!json_int(json_get(part, "most"), &most) || most < 1 || most > PRINCIPAL_MOST)
        return fail(E_INVALID, "[%zu].most must be a number from 1 to %d", row, PRINCIPAL_MOST);
    TRY(principal_fit(a, rows.values, rows.n, rows.width, (size_t)most, &p));
    write_numbers(o, "mean", p.mean, p.width);
    write_numbers(o, "scales", p.scales, p.n);
    out_array(o, "directions");
    for (size_t i = 0; i < p.n; i++)
        write_numbers(o, NULL, p.directions + i * p.width, p.width);
    out_end_array(o);
    return OK;
}

static const struct what {
    const char *option, *says;
    enum err (*answer)(struct arena *, const struct json *part, size_t row, struct out *);
} whats[] = {
    { "--samples", "{\"a\": [numbers], \"b\": [numbers]}", compare_samples },
    { "--points", "{\"a\": [[numbers]], \"b\": [[numbers]]}", compare_points },
    { "--rows", "{\"rows\": [[numbers]], \"most\": directions}", find_directions },
};

static enum err answer_part(const struct what *what, const struct json *part, size_t row)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o;
    out_init(&o, FILE_CAP);
    out_object(&o, NULL);
    TRY(what->answer(a, part, row, &o));
    out_end_object(&o);
    puts(o.text.bytes);
    return OK;
}

static enum err answer_file(struct arena *a, const struct what *what, const char *path)
{
    char *bytes = NULL;
    size_t n = 0;
    const struct json *parts;
    TRY(file_read(a, path, FILE_CAP, &bytes, &n));
    TRY(fail_within(json_parse(a, bytes, n, &parts), "%s: ", path));
    if (json_kind(parts) != J_ARRAY)
        return fail(E_INVALID, "%s is no list", path);
    for (size_t i = 0; i < json_count(parts); i++)
        TRY(answer_part(what, json_at(parts, i), i));
    return OK;
}

static enum err drift(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *paths[COUNT_OF(whats)] = { NULL };
    struct option_row rows[COUNT_OF(whats)];
    bool any = false;
    for (size_t i = 0; i < COUNT_OF(whats); i++)
        rows[i] = (struct option_row){ whats[i].option, &paths[i] };
    TRY(options_read(argc, argv, rows, COUNT_OF(whats), NULL, 0, NULL));
    for (size_t i = 0; i < COUNT_OF(whats); i++) {
        any = any || paths[i];
        if (paths[i])
            TRY(answer_file(a, &whats[i], paths[i]));
    }
    return any ? OK
               : fail(E_INVALID, "one of these is needed: %s FILE, a JSON list of %s; %s FILE, of %s; %s FILE, of %s",
                      whats[0].option, whats[0].says, whats[1].option, whats[1].says, whats[2].option, whats[2].says);
}

int drift_main(int argc, char **argv)
{
    return drift(argc, argv) == OK ? 0 : command_failed("drift");
}
