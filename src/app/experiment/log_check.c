/* What the data of a log of each type must look like. A LINE is checked as its points are added (log.c). */
#include "app/experiment/experiment.h"
#include "app/model/model.h"
#include <string.h>

static bool is_list(const struct json *v)
{
    return json_kind(v) == J_ARRAY;
}

/* A list of lists that all have as many items as there are columns (NULL: as the first of them). */
static enum err check_rows(const struct json *rows, const struct json *columns, const char *name)
{
    size_t wanted = json_count(columns ? columns : json_at(rows, 0));
    for (size_t i = 0; i < json_count(rows); i++) {
        const struct json *row = json_at(rows, i);
        if (!is_list(row))
            return fail(E_INVALID, "data.%s[%zu] must be a list", name, i);
        if (json_count(row) != wanted)
            return fail(E_INVALID, "data.%s[%zu] has %zu items, not %zu as %s", name, i, json_count(row), wanted,
                        columns ? "there are columns" : "the first row");
    }
    return OK;
}

static enum err named_rows(const struct json *rows, const struct json *names, const char *name)
{
    return !names || json_count(names) == json_count(rows)
               ? OK
               : fail(E_INVALID, "data.%s has %zu rows for %zu names", name, json_count(rows), json_count(names));
}

static enum err check_value(const struct json *data, bool *ret_fits)
{
    enum json_kind k = json_kind(data);
    *ret_fits = k == J_INTEGER || k == J_REAL || k == J_STRING;
    return OK;
}

static enum err check_bar(const struct json *data, bool *ret_fits)
{
    const struct json *x = json_get(data, "x"), *y = json_get(data, "y");
    *ret_fits = is_list(x) && is_list(y) && json_count(x) == json_count(y);
    return OK;
}

static enum err check_heatmap(const struct json *data, bool *ret_fits)
{
    const struct json *values = json_get(data, "values"), *both = json_get(data, "categories");
    const struct json *columns = json_get(data, "columns") ? json_get(data, "columns") : both,
                      *rows = json_get(data, "rows") ? json_get(data, "rows") : both;
    *ret_fits = is_list(values) && (!columns || is_list(columns)) && (!rows || is_list(rows));
    if (!*ret_fits)
        return OK;
    TRY(check_rows(values, columns, "values"));
    return named_rows(values, rows, "values");
}

/* A flat object of any values, or a matrix {"data": [[…]], "columns": […], "rows": […]}; "data" alone may be a parameter's name. */
static enum err check_table(const struct json *data, bool *ret_fits)
{
    const struct json *cells = json_get(data, "data"), *columns = json_get(data, "columns"), *rows = json_get(data, "rows");
    *ret_fits = json_kind(data) == J_OBJECT || is_list(data);
    if (!is_list(cells) || (!is_list(columns) && !is_list(rows)))
        return OK;
    TRY(check_rows(cells, is_list(columns) ? columns : NULL, "data"));
    return named_rows(cells, is_list(rows) ? rows : NULL, "data");
}

static enum err check_labelmap(const struct json *data, bool *ret_fits)
{
    *ret_fits = json_kind(data) == J_OBJECT;
    return *ret_fits ? labels_check(data, "data") : OK;
}

static enum err check_image(const struct json *data, bool *ret_fits)
{
    *ret_fits = json_text(json_get(data, "object_name")) != NULL;
    return OK;
}

static const struct {
    const char *type, *wanted;
    enum err (*check)(const struct json *, bool *ret_fits);
} checks[] = {
    { "VALUE", "a number", check_value },
    { "BAR", "{\"x\": [names], \"y\": [numbers]} of the same length", check_bar },
    { "HEATMAP", "{\"categories\": [names], \"values\": [[numbers]]}", check_heatmap },
    { "TABLE", "an object, or {\"data\": [[cells]], \"columns\": [names], \"rows\": [names]}", check_table },
    { "LABELMAP", "an object of label names", check_labelmap },
    { "IMAGE", "{\"object_name\", \"filename\", \"large\"} of an uploaded image", check_image },
};

enum err log_check(const char *type, const struct json *data)
{
    bool fits = json_kind(data) != J_NULL;
    const char *wanted = "a value";
    for (size_t i = 0; i < COUNT_OF(checks); i++)
        if (strcmp(checks[i].type, type) == 0) {
            wanted = checks[i].wanted;
            TRY(checks[i].check(data, &fits));
        }
    return fits ? OK : fail(E_INVALID, "data: a %s log takes %s", type, wanted);
}
