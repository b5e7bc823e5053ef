#include "learn/data/settings.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In a training whose length nobody states large sets are seen often enough, and tiny ones not so often that they are learnt by
 * heart. */
enum { PASSES_LEAST = 15, PASSES_MOST = 300, BATCH_USUAL = 8 };

#define AT(member) offsetof(struct settings, member)
#define INT(name, standard, least, most, says)                                                                                     \
    {                                                                                                                              \
#name, SETTING_INT, AT(name), standard, least, most, { NULL }, says                                                        \
    }
#define REAL(name, standard, least, most, says)                                                                                    \
    {                                                                                                                              \
#name, SETTING_REAL, AT(name), standard, least, most, { NULL }, says                                                       \
    }

const struct setting settings_table[] = {
    INT(steps, 0, 0, 10000000, "batches to train on; 0: by the number of images"),
    INT(epochs, 0, 0, 100000, "passes over the training images; 0: as `steps` says"),
    INT(batch_size, 8, 0, 256, "images in a batch; 0: as many as suit the memory and the data"),
    INT(accumulate, 1, 1, 64,
        "batches in a step: their gradients are added, as if they were one large batch that takes no more memory"),
    { "freeze", SETTING_WORD, AT(freeze), .words = { "nothing", "backbone" },
      .says = "what keeps the weights that it starts from" },
    REAL(learning_rate, 0.01, 0, 10, "at the end of the warm-up"),
    { "lr_type", SETTING_WORD, AT(lr_type), .words = { "cosine", "constant", "exponential_decay" }, .says = "how it falls" },
    INT(decay_steps, 500, 1, 10000000, "exponential_decay: steps in which it falls by decay_factor"),
    REAL(decay_factor, 0.9, 1e-6, 1, "exponential_decay"),
    { "staircase", SETTING_BOOL, AT(staircase), .says = "exponential_decay: falls at once every decay_steps" },
    INT(warmup_steps, 50, 0, 1000000, "steps in which it rises from warmup_lr; at most a tenth of all steps is taken"),
    REAL(warmup_lr, 0, 0, 10, "at the first step"),
    { "annotation_type", SETTING_WORD, AT(annotation_type), .words = { "rectangle", "classification" },
      .says = "what is learnt; the model decides" },
    INT(image_size, 320, 0, 1280,
        "side of the network's input, a multiple of 32 from 64 on; 0: as suits the objects in the images"),
    { "precision", SETTING_WORD, AT(precision), .words = { "auto", "f32", "bf16" },
      .says = "of convolutions; auto: the faster on this machine" },
    { "recompute", SETTING_WORD, AT(recompute), .words = { "auto", "on", "off" },
      .says =
          "often less than half of the memory for up to a fifth more time and the same result; auto: where memory would not do" },
    INT(seed, 0, 0, 9007199254740991, "the same seed gives the same network"),
    { "pretrained", SETTING_BOOL, AT(pretrained), .standard = 1, .says = "starts from ImageNet weights where the model has some" },
    { "optimizer", SETTING_WORD, AT(optimizer), .words = { "adamw", "sgd" }, .says = "sgd is with Nesterov's momentum" },
    REAL(momentum, 0.9, 0, 0.9999, "sgd"),
    REAL(weight_decay, 0.01, 0, 1, "of convolution weights; 0.0005 is usual with sgd"),
    REAL(clip_norm, 35, 0, 1e6, "longest gradient; 0: any"),
    REAL(ema_decay, 0.998, 0, 0.99999, "of the averaged weights that are kept; 0: the last ones are"),
    INT(eval_every, 0, 0, 10000000, "steps between evaluations; 0: by itself, at least 10 in all"),
    INT(patience, 5, 0, 1000,
        "evaluations (and a third of all steps) without a better one after which it stops, with the best weights; 0: never, the "
        "last"),
    REAL(label_smoothing, 0.1, 0, 0.9, "classification: share of certainty that is spread over all labels"),
    REAL(flip_horizontal, 0.5, 0, 1, "chance"),
    REAL(flip_vertical, 0, 0, 1, "chance; for images without an up"),
    REAL(mosaic, 0.5, 0, 1, "chance that a training image is put together from four"),
    REAL(mosaic_end, 0.2, 0, 1, "share of the steps, at the end, without mosaics and mixup"),
    REAL(mixup, 0, 0, 1, "chance that a second training image shines through"),
    REAL(scale, 0.4, 0, 0.9, "0.4: objects appear at 0.6 to 1.4 times their size"),
    REAL(translate, 0.1, 0, 0.9, "shift, as a share of the image"),
    REAL(rotate, 0, 0, 180, "degrees to either side; 180 for images without an up"),
    REAL(shear, 0, 0, 45, "degrees to either side"),
    REAL(crop, 0.35, 0.05, 1, "classification: least share of an image that is shown"),
    REAL(hue, 0.02, 0, 0.5, "turn of the colour circle, as a share of it"),
    REAL(saturation, 0.4, 0, 1, "change of colourfulness"),
    REAL(brightness, 0.3, 0, 1, "change of brightness"),
    REAL(contrast, 0, 0, 1, "change of contrast"),
    REAL(blur, 0, 0, 4, "widest blur, in pixels (standard deviation)"),
    REAL(noise, 0, 0, 0.5, "strongest noise, as a share of white (standard deviation)"),
    REAL(erase, 0, 0, 1, "chance that a rectangle of 2 to 15 % of the image is covered"),
};
const size_t settings_count = COUNT_OF(settings_table);

static void *place(const struct settings *s, const struct setting *row)
{
    return (char *)(uintptr_t)s + row->offset;
}

void settings_defaults(struct settings *s)
{
    for (const struct setting *row = settings_table; row < settings_table + settings_count; row++)
        switch (row->type) {
        case SETTING_INT: *(int64_t *)place(s, row) = (int64_t)row->standard; break;
        case SETTING_REAL: *(double *)place(s, row) = row->standard; break;
        case SETTING_BOOL: *(bool *)place(s, row) = row->standard != 0; break;
        case SETTING_WORD: *(const char **)place(s, row) = row->words[0]; break;
        }
}

static bool number(const struct json *v, double *ret)
{
    const char *text = json_text(v);
    char *end;
    if (!text)
        return json_number(v, ret);
    *ret = strtod(text, &end);
    return end != text && !*end && isfinite(*ret);
}

static enum err read_number(const struct setting *row, const struct json *v, double *ret)
{
    if (!number(v, ret) || (row->type == SETTING_INT && *ret != floor(*ret)) || *ret < row->least || *ret > row->most)
        return fail(E_UNMEANT, "parameter %s: %s between %.15g and %.15g is needed", row->name,
                    row->type == SETTING_INT ? "a whole number" : "a number", row->least, row->most);
    return OK;
}

static enum err read_bool(const struct setting *row, const struct json *v, bool *ret)
{
    const char *text = json_text(v);
    if (text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0))
        *ret = strcasecmp(text, "true") == 0;
    else if (!json_bool(v, ret))
        return fail(E_UNMEANT, "parameter %s: true or false is needed", row->name);
    return OK;
}

static enum err read_word(const struct setting *row, const struct json *v, const char **ret)
{
    const char *text = json_text(v);
    for (size_t i = 0; text && i < COUNT_OF(row->words) && row->words[i]; i++)
        if (strcasecmp(text, row->words[i]) == 0) {
            *ret = row->words[i];
            return OK;
        }
    return fail(E_UNMEANT, "parameter %s: \"%.40s\" is not one of %s%s%s%s%s", row->name, text ? text : "", row->words[0],
                row->words[1] ? ", " : "", row->words[1] ? row->words[1] : "", row->words[2] ? ", " : "",
                row->words[2] ? row->words[2] : "");
}

static enum err read_one(struct settings *s, const struct setting *row, const struct json *v)
{
    double x;
    switch (row->type) {
    case SETTING_BOOL: return read_bool(row, v, place(s, row));
    case SETTING_WORD: return read_word(row, v, place(s, row));
    case SETTING_INT:
    case SETTING_REAL: break;
    }
    TRY(read_number(row, v, &x));
    if (row->type == SETTING_INT)
        *(int64_t *)place(s, row) = (int64_t)x;
    else
        *(double *)place(s, row) = x;
    return OK;
}

enum err settings_read(struct settings *s, const struct json *object, struct arena *a, const char **ret_unknown)
{
    const char *unknown = NULL;
    for (struct json_member m = json_first(object); m.key; m = json_next(object, m)) {
        const struct setting *row = settings_table, *end = settings_table + settings_count;
        while (row < end && strcmp(row->name, m.key) != 0)
            row++;
        if (row == end)
            unknown = unknown ? arena_fmt(a, "%s, %s", unknown, m.key) : m.key;
        else if (!json_absent(m.value))
            TRY(read_one(s, row, m.value));
    }
    if (s->image_size % 32 || s->image_size == 32)
        return fail(E_UNMEANT, "parameter image_size: %lld is not 0 or a multiple of 32 from 64 on", (long long)s->image_size);
    *ret_unknown = unknown;
    return OK;
}

void settings_write(const struct settings *s, struct out *o)
{
    for (const struct setting *row = settings_table; row < settings_table + settings_count; row++)
        switch (row->type) {
        case SETTING_INT: out_int(o, row->name, *(int64_t *)place(s, row)); break;
        case SETTING_REAL: out_number(o, row->name, *(double *)place(s, row)); break;
        case SETTING_BOOL: out_bool(o, row->name, *(bool *)place(s, row)); break;
        case SETTING_WORD: out_text(o, row->name, *(const char **)place(s, row)); break;
        }
}

int64_t settings_steps(const struct settings *s, int64_t shown, size_t images)
{
    int64_t n = (int64_t)images, batch = s->batch_size ? s->batch_size : BATCH_USUAL;
    if (s->steps && !s->epochs)
        return s->steps;
    if (shown < PASSES_LEAST * n)
        shown = PASSES_LEAST * n;
    if (shown > PASSES_MOST * n)
        shown = PASSES_MOST * n;
    if (s->epochs)
        shown = s->epochs * n;
    int64_t each = batch * s->accumulate;
    return shown < each ? 1 : (shown + each - 1) / each;
}

struct schedule settings_schedule(const struct settings *s)
{
    struct schedule r = { .kind = LR_COSINE,
                          .learning_rate = s->learning_rate,
                          .steps = s->steps,
                          .decay_steps = s->decay_steps,
                          .decay_factor = s->decay_factor,
                          .staircase = s->staircase,
                          .warmup_lr = s->warmup_lr,
                          .end_factor = 0.05 };
    r.kind = strcmp(s->lr_type, "constant") == 0 ? LR_CONSTANT : strcmp(s->lr_type, "cosine") == 0 ? LR_COSINE : LR_EXPONENTIAL;
    r.warmup_steps = s->warmup_steps < s->steps / 10 ? s->warmup_steps : s->steps / 10;
    return r;
}

struct optim_options settings_optim(const struct settings *s)
{
    return (struct optim_options){ .kind = strcmp(s->optimizer, "sgd") == 0 ? OPTIM_SGD : OPTIM_ADAMW,
                                   .momentum = (float)s->momentum,
                                   .beta1 = 0.9f,
                                   .beta2 = 0.99f,
                                   .epsilon = 1e-8f,
                                   .weight_decay = (float)s->weight_decay,
                                   .clip_norm = (float)s->clip_norm,
                                   .ema_decay = (float)s->ema_decay };
}

enum precision settings_precision(const struct settings *s)
{
    return strcmp(s->precision, "f32") == 0 ? PRECISION_F32 : strcmp(s->precision, "bf16") == 0 ? PRECISION_BF16 : PRECISION_AUTO;
}

size_t settings_values_most(const struct settings *s, size_t room, int parts)
{
    return strcmp(s->recompute, "on") == 0 ? 1 : strcmp(s->recompute, "off") == 0 ? 0 : room / 2 / (size_t)parts;
}
