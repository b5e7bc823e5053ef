/* What descriptions are plausible for a file. */
#include "infer/evidence/search.h"
#include <math.h>
#include <string.h>

const struct axis_row axes[AXES] = {
    [AXIS_PIXELS] = { "range, mean and deviation", { "range", "mean", "std" }, .telling = true },
    [AXIS_RESIZE] = { "resize", { "resize" }, .telling = true },
    [AXIS_COLOUR] = { "colour", { "colour" }, .telling = true },
    [AXIS_PAD] = { "pad", { "pad" }, .slight = true },
    [AXIS_BOXES] = { "boxes", { "boxes" }, .telling = true },
    [AXIS_UNIT] = { "unit", { "unit" } },
    [AXIS_COLUMNS] = { "columns", { "columns" } },
    [AXIS_HEAD] = { "head", { "head" } },
    [AXIS_BACKGROUND] = { "background", { "background" } },
    [AXIS_OFFSET] = { "first_class", { "first_class" } },
    [AXIS_SCORE] = { "score", { "score" } },
};

static const char *const pixels[] = {
    "{\"range\":[0,1],\"mean\":[0,0,0],\"std\":[1,1,1]}",
    "{\"range\":[0,255],\"mean\":[0,0,0],\"std\":[1,1,1]}",
    "{\"range\":[0,1],\"mean\":[0.485,0.456,0.406],\"std\":[0.229,0.224,0.225]}",
    "{\"range\":[-1,1],\"mean\":[0,0,0],\"std\":[1,1,1]}",
    "{\"range\":[0,255],\"mean\":[123.68,116.779,103.939],\"std\":[1,1,1]}",
    NULL,
};
static const char *const resizes[] = { "{\"resize\":\"letterbox\"}", "{\"resize\":\"letterbox_top_left\"}",
                                       "{\"resize\":\"stretch\"}", NULL };
static const char *const resizes_of_whole[] = { "{\"resize\":\"cover\",\"crop\":0.875}", "{\"resize\":\"cover\",\"crop\":1}",
                                                "{\"resize\":\"stretch\"}", "{\"resize\":\"letterbox\"}", NULL };
static const char *const colours[] = { "{\"colour\":\"RGB\"}", "{\"colour\":\"BGR\"}", NULL };
static const char *const pads[] = { "{\"pad\":114}", "{\"pad\":0}", "{\"pad\":128}", NULL };
static const char *const boxes[] = { "{\"boxes\":\"cxcywh\"}", "{\"boxes\":\"xyxy\"}", "{\"boxes\":\"yxyx\"}", NULL };
static const char *const units[] = { "{\"unit\":\"input\"}", "{\"unit\":\"fraction\"}", "{\"unit\":\"original\"}", NULL };
static const char *const columns[] = { "{\"columns\":[\"box\",\"score\",\"class\"]}",
                                       "{\"columns\":[\"box\",\"class\",\"score\"]}",
                                       "{\"columns\":[\"class\",\"score\",\"box\"]}",
                                       "{\"columns\":[\"batch\",\"box\",\"class\",\"score\"]}",
                                       "{\"columns\":[\"batch\",\"box\",\"score\",\"class\"]}",
                                       "{\"columns\":[\"batch\",\"class\",\"score\",\"box\"]}",
                                       NULL };
static const char *const heads[] = { "{\"head\":\"usual\"}", "{\"head\":\"yolox_raw\"}", NULL };
static const char *const backgrounds[] = { "{}", "{\"background\":\"first\"}", "{\"background\":\"last\"}", NULL };
static const char *const offsets[] = { "{}", "{\"first_class\":1}", "{\"first_class\":0}", NULL };
static const char *const scores[] = { "{\"score\":\"probability\"}", "{\"score\":\"sigmoid\"}", "{\"score\":\"softmax\"}", NULL };

static const char *const *all_of(enum axis x, enum wanted wanted)
{
    static const char *const *const all[AXES] = {
        [AXIS_PIXELS] = pixels,  [AXIS_RESIZE] = resizes, [AXIS_COLOUR] = colours,         [AXIS_PAD] = pads,
        [AXIS_BOXES] = boxes,    [AXIS_UNIT] = units,     [AXIS_COLUMNS] = columns,        [AXIS_HEAD] = heads,
        [AXIS_OFFSET] = offsets, [AXIS_SCORE] = scores,   [AXIS_BACKGROUND] = backgrounds,
    };
    return x == AXIS_RESIZE && wanted == WANT_LABELS ? resizes_of_whole : all[x];
}

/* ---- what is open */

static bool is_missing(const struct json *look, const char *fact)
{
    const struct json *missing = json_get(look, "missing");
    for (size_t i = 0; i < json_count(missing); i++)
        if (strcmp(json_text(json_get(json_at(missing, i), "key")), fact) == 0)
            return true;
    return false;
}

/* The file, its metadata or a person says it. */
static bool is_known(const struct json *look, const struct json *fixed, const char *fact)
{
    const char *from = json_text(json_get(json_get(look, "known_from"), fact));
    return !json_absent(json_get(fixed, fact)) || (from && (strcmp(from, "file") == 0 || strcmp(from, "metadata") == 0));
}

static bool matters(const struct json *look, const char *fact)
{
    return is_missing(look, fact) || !json_absent(json_get(json_get(look, "description"), fact));
}

/* How pictures are prepared is open wherever nothing is said of it; of the answer only what the file's family asks for or supposes,
 * and a column for nothing only where nobody knows the file without one. */
static bool is_open(enum axis x, const struct json *look, const struct json *fixed)
{
    for (int i = 0; i < FACTS_MOST && axes[x].facts[i]; i++)
        if (is_known(look, fixed, axes[x].facts[i]))
            return false;
    bool numbers = false; /* classes are numbers of an answer, not places in it */
    json_bool(json_get(look, "class_numbers"), &numbers);
    return x <= AXIS_PAD || (numbers && x == AXIS_OFFSET) || matters(look, axes[x].facts[0]);
}

/* ---- what is usual */

static bool equal(const struct json *a, const struct json *b)
{
    double x, y;
    if (json_number(a, &x) && json_number(b, &y))
        return fabs(x - y) < 1e-3;
    if (json_kind(a) == J_ARRAY && json_count(a) == json_count(b)) {
        for (size_t i = 0; i < json_count(a); i++)
            if (!equal(json_at(a, i), json_at(b, i)))
                return false;
        return true;
    }
    return json_text(a) && json_text(b) && strcmp(json_text(a), json_text(b)) == 0;
}

static const struct json *parsed(struct arena *a, const char *text)
{
    const struct json *v = NULL;
    return json_parse(a, text, strlen(text), &v) == OK ? v : NULL;
}

/* Where the family supposes nothing, everything agrees with it. */
static bool agrees(const struct json *option, const struct json *description)
{
    for (struct json_member m = json_first(option); m.key; m = json_next(option, m))
        if (!json_absent(json_get(description, m.key)) && !equal(m.value, json_get(description, m.key)))
            return false;
    return true;
}

/* What the family supposes, where it is none of the options. */
static const char *supposed(struct arena *a, enum axis x, const struct json *description)
{
    AUTO(out) struct out o = { 0 };
    size_t n = 0;
    out_init(&o, 4096);
    out_object(&o, NULL);
    for (int i = 0; i < FACTS_MOST && axes[x].facts[i]; i++) {
        const struct json *v = json_get(description, axes[x].facts[i]);
        n += !json_absent(v);
        if (!json_absent(v))
            out_json(&o, axes[x].facts[i], v);
    }
    out_end_object(&o);
    return n ? arena_str(a, o.text.bytes) : NULL;
}

static void put_first(struct options *o, int i)
{
    const char *usual = o->text[i];
    memmove(o->text + 1, o->text, sizeof *o->text * (size_t)i);
    o->text[0] = usual;
}

static void find(struct arena *a, enum axis x, const struct json *look, enum wanted wanted, struct options *ret)
{
    const struct json *description = json_get(look, "description");
    int usual = -1;
    for (const char *const *t = all_of(x, wanted); *t; t++) {
        usual = usual < 0 && agrees(parsed(a, *t), description) ? ret->n : usual;
        ret->text[ret->n++] = *t;
    }
    const char *own = usual < 0 ? supposed(a, x, description) : NULL;
    if (own)
        ret->text[usual = ret->n++] = own;
    if (usual > 0)
        put_first(ret, usual);
}

void options_find(struct arena *a, const struct json *look, const struct json *fixed, enum wanted wanted, struct options ret[AXES])
{
    for (enum axis x = 0; x < AXES; x++) {
        ret[x] = (struct options){ 0 };
        if (is_open(x, look, fixed))
            find(a, x, look, wanted, &ret[x]);
        else
            ret[x] = (struct options){ { "{}" }, 1 };
    }
    if (wanted != WANT_LABELS) /* chances are found one by one: there softmax is no other reading */
        ret[AXIS_SCORE].n = ret[AXIS_SCORE].n > 2 ? 2 : ret[AXIS_SCORE].n;
}

/* ---- what is told */

/* As short as they are meant. turned: means and deviations of the options are those of red, green and blue. */
static void write_value(struct out *o, const char *key, const struct json *v, bool turned)
{
    double x;
    size_t n = json_count(v);
    if (json_kind(v) != J_ARRAY || !json_number(json_at(v, 0), &x)) {
        out_json(o, key, v);
        return;
    }
    out_array(o, key);
    for (size_t i = 0; i < n; i++)
        if (json_number(json_at(v, turned ? n - 1 - i : i), &x))
            out_number(o, NULL, x);
    out_end_array(o);
}

static void write_members(struct arena *a, struct out *o, const struct json *fixed, const char *option, bool turned)
{
    const struct json *v = parsed(a, option);
    for (struct json_member m = json_first(v); m.key; m = json_next(v, m)) {
        bool three = strcmp(m.key, "mean") == 0 || strcmp(m.key, "std") == 0;
        if (!json_absent(json_get(fixed, m.key)))
            continue;
        write_value(o, m.key, m.value, turned && three);
    }
}

static void write_onnx(struct arena *a, struct out *o, const char *key, const struct json *base, const struct options options[AXES],
                       struct choice c)
{
    const struct json *fixed = json_get(base, "onnx");
    bool turned = options[AXIS_COLOUR].n > 1 && strstr(options[AXIS_COLOUR].text[c.of[AXIS_COLOUR]], "BGR");
    out_object(o, key);
    for (struct json_member m = json_first(fixed); m.key; m = json_next(fixed, m))
        out_json(o, m.key, m.value);
    for (enum axis x = 0; x < AXES; x++)
        write_members(a, o, fixed, options[x].text[c.of[x]], turned);
    out_end_object(o);
}

const char *choice_onnx(struct arena *a, const struct json *base, const struct options options[AXES], struct choice c)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, TOLD_MOST);
    write_onnx(a, &o, NULL, base, options, c);
    return arena_str(a, o.text.bytes);
}

const char *choice_told(struct arena *a, const struct json *base, const struct options options[AXES], struct choice c)
{
    AUTO(out) struct out o = { 0 };
    out_init(&o, TOLD_MOST);
    out_object(&o, NULL);
    for (struct json_member m = json_first(base); m.key; m = json_next(base, m))
        if (strcmp(m.key, "onnx") != 0)
            out_json(&o, m.key, m.value);
    write_onnx(a, &o, "onnx", base, options, c);
    out_end_object(&o);
    return arena_str(a, o.text.bytes);
}

bool choice_same(struct choice a, struct choice b)
{
    return memcmp(a.of, b.of, sizeof a.of) == 0;
}

int choice_changes(struct choice a, struct choice b, bool with_slight)
{
    int n = 0;
    for (enum axis x = 0; x < AXES; x++)
        n += a.of[x] != b.of[x] && (with_slight || !axes[x].slight);
    return n;
}
