/* saccade drift: the test of the deployments' monitoring on numbers of one's own. The file is a JSON list of {"a": […], "b": […]};
 * for each a line of JSON is written. */
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "stats/ks.h"
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

static enum err compare(const struct json *pair, size_t row)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o;
    double *x, *y;
    size_t n, m;
    struct ks k;
    TRY(read_sample(a, pair, row, "a", &x, &n));
    TRY(read_sample(a, pair, row, "b", &y, &m));
    ks_test(x, n, y, m, &k);
    out_init(&o, 1000);
    out_object(&o, NULL);
    out_number(&o, "d", k.d);
    out_number(&o, "p", k.p);
    out_number(&o, "at", k.at);
    out_end_object(&o);
    puts(o.text.bytes);
    return OK;
}

static enum err drift(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *samples = NULL;
    char *bytes = NULL;
    size_t n = 0;
    const struct json *pairs;
    const struct option_row rows[] = { { "--samples", &samples } };
    TRY(options_read(argc, argv, rows, COUNT_OF(rows), NULL, 0, NULL));
    if (!samples)
        return fail(E_INVALID, "--samples FILE is needed: a JSON list of {\"a\": [numbers], \"b\": [numbers]}");
    TRY(file_read(a, samples, FILE_CAP, &bytes, &n));
    TRY(fail_within(json_parse(a, bytes, n, &pairs), "%s: ", samples));
    if (json_kind(pairs) != J_ARRAY)
        return fail(E_INVALID, "%s is no list", samples);
    for (size_t i = 0; i < json_count(pairs); i++)
        TRY(compare(json_at(pairs, i), i));
    return OK;
}

int drift_main(int argc, char **argv)
{
    return drift(argc, argv) == OK ? 0 : command_failed("drift");
}
