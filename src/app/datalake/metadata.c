#include "app/datalake/datalake.h"
#include "base/clock.h"
#include <string.h>

static bool fits_type(const struct json *v, const char *type)
{
    int64_t i;
    double d;
    bool b;
    if (strcmp(type, "STRING") == 0)
        return json_text(v) != NULL;
    if (strcmp(type, "INTEGER") == 0)
        return json_int(v, &i);
    if (strcmp(type, "FLOAT") == 0)
        return json_number(v, &d);
    if (strcmp(type, "BOOLEAN") == 0)
        return json_bool(v, &b);
    return clock_parse_iso(json_text(v) ? json_text(v) : "", &i);
}

static bool same(const struct json *a, const struct json *b)
{
    double x, y;
    if (json_text(a) && json_text(b))
        return strcmp(json_text(a), json_text(b)) == 0;
    return json_number(a, &x) && json_number(b, &y) && x == y;
}

static enum err check_one(const char *key, const struct json *rule, const struct json *v)
{
    const char *type = json_text(json_get(rule, "input_type"));
    const struct json *choices = json_get(rule, "choices");
    double d, limit;
    if (type && !fits_type(v, type))
        return fail(E_UNMEANT, "custom_metadata.%s must be %s", key, type);
    bool found = json_absent(choices);
    for (size_t i = 0; !found && i < json_count(choices); i++)
        found = same(json_at(choices, i), v);
    if (!found)
        return fail(E_UNMEANT, "custom_metadata.%s is none of its choices", key);
    if (json_number(v, &d) && json_number(json_get(rule, "min"), &limit) && d < limit)
        return fail(E_UNMEANT, "custom_metadata.%s is %g; at least %g is wanted", key, d, limit);
    if (json_number(v, &d) && json_number(json_get(rule, "max"), &limit) && d > limit)
        return fail(E_UNMEANT, "custom_metadata.%s is %g; at most %g is wanted", key, d, limit);
    return OK;
}

static enum err check_key(const char *key, const struct json *rule, const struct json *v)
{
    bool required = false, many = false;
    json_bool(json_get(rule, "required"), &required);
    json_bool(json_get(rule, "allow_multiple"), &many);
    if (json_absent(v))
        return required ? fail(E_UNMEANT, "custom_metadata.%s is missing", key) : OK;
    if (json_kind(v) != J_ARRAY)
        return check_one(key, rule, v);
    if (!many)
        return fail(E_UNMEANT, "custom_metadata.%s takes one value, not a list", key);
    for (size_t i = 0; i < json_count(v); i++)
        TRY(check_one(key, rule, json_at(v, i)));
    return OK;
}

enum err metadata_check(const struct json *schema, bool allow_extra, const struct json *custom_metadata)
{
    if (json_absent(schema))
        return OK;
    for (struct json_member m = json_first(schema); m.key; m = json_next(schema, m))
        TRY(check_key(m.key, m.value, json_get(custom_metadata, m.key)));
    if (!allow_extra && json_kind(custom_metadata) == J_OBJECT)
        for (struct json_member m = json_first(custom_metadata); m.key; m = json_next(custom_metadata, m))
            if (!json_get(schema, m.key))
                return fail(E_UNMEANT, "custom_metadata.%s is not in the datalake's schema", m.key);
    return OK;
}
