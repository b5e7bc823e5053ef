/* What trainings can be told: the table of settings, for forms that ask for them. */
#include "app/model/model.h"
#include "learn/data/settings.h"

static const char *const types[] = {
    [SETTING_INT] = "integer", [SETTING_REAL] = "number", [SETTING_BOOL] = "boolean", [SETTING_WORD] = "word"
};

static void write_setting(struct out *o, const struct setting *s)
{
    out_object(o, NULL);
    out_text(o, "name", s->name);
    out_text(o, "type", types[s->type]);
    out_text(o, "says", s->says);
    if (s->type == SETTING_INT || s->type == SETTING_REAL) {
        out_number(o, "default", s->standard);
        out_number(o, "least", s->least);
        out_number(o, "most", s->most);
    } else if (s->type == SETTING_BOOL) {
        out_bool(o, "default", s->standard != 0);
    } else {
        out_text(o, "default", s->words[0]);
        out_array(o, "words");
        for (size_t i = 0; i < COUNT_OF(s->words) && s->words[i]; i++)
            out_text(o, NULL, s->words[i]);
        out_end_array(o);
    }
    out_end_object(o);
}

static enum err list(struct op *op)
{
    struct out *o = &op->out;
    out_object(o, NULL);
    out_array(o, "items");
    for (size_t i = 0; i < settings_count; i++)
        write_setting(o, &settings_table[i]);
    out_end_array(o);
    out_int(o, "count", (int64_t)settings_count);
    out_end_object(o);
    return OK;
}

DESCRIBED(setting_word, "word", { "*", T_TEXT });
DESCRIBED(setting_answer, "setting", { "name", T_TEXT }, { "type", T_TEXT }, { "says", T_TEXT }, { "default", T_JSON },
          { "least", T_NUMBER, F_WHEN }, { "most", T_NUMBER, F_WHEN }, { "words", T_ARRAY, F_WHEN, .of = &setting_word });
DESCRIBED(settings_answer, "settings", { "items", T_MANY, .of = &setting_answer }, { "count", T_INT });

static const struct route routes[] = {
    { "GET", "/api/models/parameters", list, MAY_READ, WORK_READ, "the parameters of trainings: types, defaults and limits",
      .answers = &settings_answer },
};

const struct resource parameter_resource = { .name = "parameter", .routes = routes, .n_routes = COUNT_OF(routes) };
