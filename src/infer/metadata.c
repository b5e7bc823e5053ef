#include "infer/metadata.h"
#include "json/json.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum err no_names(void)
{
    return fail(E_UNMEANT, "the model's metadata `names` is no list of class names");
}

static bool parse_index(const char *s, const char **ret_end, size_t *ret)
{
    char *end;
    if (*s < '0' || *s > '9')
        return false;
    unsigned long i = strtoul(s, &end, 10);
    *ret = i;
    *ret_end = end;
    return i < NAMES_MOST;
}

static enum err names_of_json(struct arena *a, const struct json *v, const char **names, size_t *ret_n)
{
    size_t n = 0;
    if (json_kind(v) == J_ARRAY) {
        if (json_count(v) > NAMES_MOST)
            return no_names();
        for (; n < json_count(v); n++)
            if (!(names[n] = arena_str(a, json_text(json_at(v, n)))))
                return no_names();
    } else {
        if (json_kind(v) != J_OBJECT)
            return no_names();
        for (struct json_member m = json_first(v); m.key; m = json_next(v, m)) {
            size_t i;
            const char *end;
            if (!parse_index(m.key, &end, &i) || *end || !json_text(m.value))
                return no_names();
            names[i] = arena_str(a, json_text(m.value));
            n = i + 1 > n ? i + 1 : n;
        }
    }
    *ret_n = n;
    return OK;
}

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

/* A quoted Python string; \' and \\ and \" are the escapes that names have. NULL: it does not end. */
static const char *parse_string(struct arena *a, const char *s, const char **ret)
{
    char quote = *s++;
    char *to = arena_take(a, strlen(s) + 1);
    *ret = to;
    for (; *s && *s != quote; s++) {
        if (*s == '\\' && s[1])
            s++;
        *to++ = *s;
    }
    return *s ? s + 1 : NULL;
}

static enum err names_of_python(struct arena *a, const char *s, const char **names, size_t *ret_n)
{
    size_t n = 0;
    s = skip_space(s);
    char close = *s == '{' ? '}' : ']';
    if (*s != '{' && *s != '[')
        return no_names();
    for (s = skip_space(s + 1); *s != close;) {
        size_t i = n;
        if (close == '}') {
            if (!parse_index(s, &s, &i) || *(s = skip_space(s)) != ':')
                return no_names();
            s = skip_space(s + 1);
        }
        if (i >= NAMES_MOST || (*s != '\'' && *s != '"') || !(s = parse_string(a, s, &names[i])))
            return no_names();
        n = i + 1 > n ? i + 1 : n;
        s = skip_space(s);
        if (*s == ',')
            s = skip_space(s + 1);
        else if (*s != close)
            return no_names();
    }
    *ret_n = n;
    return OK;
}

enum err names_read(struct arena *a, const char *text, const char ***ret, size_t *ret_n)
{
    if (strlen(text) > 1 << 20)
        return no_names();
    const char **names = arena_new_array(a, const char *, NAMES_MOST);
    const struct json *v;
    if (json_parse(a, text, strlen(text), &v) == OK)
        TRY(names_of_json(a, v, names, ret_n));
    else
        TRY(names_of_python(a, text, names, ret_n));
    *ret = names;
    return OK;
}

enum err image_size_read(const char *text, int *ret_height, int *ret_width)
{
    const char *s = text + strspn(text, " [(");
    char *end;
    long height = strtol(s, &end, 10);
    if (end == s)
        return fail(E_UNMEANT, "the model's metadata `imgsz` is no size");
    s = end + strspn(end, " ,");
    long width = strtol(s, &end, 10);
    if (end == s)
        width = height;
    if (height < 1 || width < 1 || height > 65535 || width > 65535)
        return fail(E_UNMEANT, "the model's metadata `imgsz` is no size");
    *ret_height = (int)height;
    *ret_width = (int)width;
    return OK;
}
