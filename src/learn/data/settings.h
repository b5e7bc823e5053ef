/* settings.h - the hyperparameters of a training: one table of names, types, defaults and limits, from which they are read, checked
 * and printed. */
#pragma once
#include "nn/optim.h"
#include "json/json.h"

struct settings {
    int64_t steps, epochs, batch_size, accumulate, image_size, seed, eval_every, patience;
    double learning_rate, decay_factor, warmup_lr, momentum, weight_decay, clip_norm, ema_decay;
    int64_t decay_steps, warmup_steps;
    bool staircase, pretrained;
    const char *lr_type, *optimizer, *annotation_type, *precision, *recompute, *freeze; /* static words of the table */
    double flip_horizontal, flip_vertical, mosaic, mixup, erase;                        /* chances 0 to 1 */
    double mosaic_end;                                                                  /* share of the steps */
    double scale, translate, rotate, shear, hue, saturation, brightness,
        contrast; /* half widths of the ranges that are drawn from */
    double blur, noise, crop, label_smoothing;
};

enum setting_type { SETTING_INT, SETTING_REAL, SETTING_BOOL, SETTING_WORD };
struct setting {
    const char *name;
    enum setting_type type;
    size_t offset;
    double standard, least, most;
    const char *words[4]; /* the first is the default */
    const char *says;
};
extern const struct setting settings_table[];
extern const size_t settings_count;

void settings_defaults(struct settings *);
/* The members of an object over what is set already. Numbers may come as texts ("0.01"), as forms send them. E_UNMEANT names the
 * parameter, what it was and what it may be. Members that are not in the table are left alone; their names go to ret_unknown
 * ("a, b"; NULL if none). */
MUST_USE enum err settings_read(struct settings *, const struct json *object, struct arena *, const char **ret_unknown);
/* All of them as members of the object that is open in out. */
void settings_write(const struct settings *, struct out *);

/* How many steps a training on so many images has: as `epochs` says, else as `steps` says, else so many that `shown` images are
 * shown, if that is not too often or too seldom for each. At least 1. */
int64_t settings_steps(const struct settings *, int64_t shown, size_t images);
struct schedule settings_schedule(const struct settings *);
struct optim_options settings_optim(const struct settings *);
enum precision settings_precision(const struct settings *);
/* For a plan's values_most, of each of `parts` networks: room is what memory there is. */
size_t settings_values_most(const struct settings *, size_t room, int parts);
