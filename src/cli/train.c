/* saccade train: an experiment of a server, or a folder of images. */
#include "cli/train.h"
#include "base/machine.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "learn/random.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_BY_ITSELF = 8 };

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
    (void)signal;
    if (interrupted++) /* the second time: at once */
        _exit(130);
}
bool train_interrupted(void)
{
    return interrupted > 0;
}

enum err train_self(struct arena *a, const char **ret)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n < 0)
        return fail(E_BROKEN, "cannot find the program's own file");
    *ret = arena_copy(a, path, (size_t)n);
    return OK;
}

static int by_name(const void *a, const void *b)
{
    const struct sample *x = a, *y = b;
    int c = strcmp(x->name, y->name);
    return c ? c : strcmp(x->path, y->path);
}
void train_sort(struct samples *s)
{
    if (s->n)
        qsort(s->items, s->n, sizeof *s->items, by_name);
}

/* Of each label the 2nd, 7th, 12th … in that order: one image stays, two are shared. */
static void split_labels(struct arena *a, const struct samples *all, const uint32_t *order, bool *ret_out)
{
    int most = 0;
    for (size_t i = 0; i < all->n; i++)
        most = all->items[i].label > most ? all->items[i].label : most;
    size_t *seen = arena_new_array(a, size_t, most + 1);
    for (size_t i = 0; i < all->n; i++)
        ret_out[order[i]] = seen[all->items[order[i]].label]++ % 5 == 1;
}

void train_split(struct arena *a, struct samples *all, bool whole, uint64_t seed, struct samples *ret_eval)
{
    size_t n = all->n, taken = n >= 2 ? (n + 4) / 5 : 0, left = 0;
    uint32_t *order = arena_new_array(a, uint32_t, n + 1);
    bool *out = arena_new_array(a, bool, n + 1);
    struct random r = random_of(seed, 's', 0);
    for (size_t i = 0; i < n; i++)
        order[i] = (uint32_t)i;
    random_shuffle(&r, order, n);
    if (whole)
        split_labels(a, all, order, out);
    for (size_t i = 0; i < taken && !whole; i++)
        out[order[i]] = true;
    *ret_eval = (struct samples){ arena_new_array(a, struct sample, n + 1), 0 };
    for (size_t i = 0; i < n; i++)
        if (out[i])
            ret_eval->items[ret_eval->n++] = all->items[i];
        else
            all->items[left++] = all->items[i];
    all->n = left;
}

/* "name 0.123, …"; whole: the first is a number of things. */
static const char *named(struct arena *a, const char *const *names, size_t most, const double *values, double share, bool whole)
{
    const char *text = "";
    for (size_t i = 0; i < most && names[i]; i++)
        if (values[i] >= 0)
            text = arena_fmt(a, "%s%s%s %.*f", text, *text ? ", " : "", names[i], whole && !i ? 0 : 3, values[i] / share);
    return text;
}
const char *train_scores_text(struct arena *a, const struct task *t, const struct scores *s)
{
    return named(a, t->values, SCORES_MOST, s->value, 1, false);
}
const char *train_losses_text(struct arena *a, const struct task *t, const double *parts, double share)
{
    return named(a, t->losses, LOSS_PARTS, parts, share, false);
}
const char *train_label_text(struct arena *a, const struct task *t, const double *row)
{
    return named(a, t->columns, COLUMNS_MOST, row, 1, true);
}

static int processors(void)
{
    int n = machine_look("").processors;
    return n > THREADS_BY_ITSELF ? THREADS_BY_ITSELF : n;
}

/* A quarter of the memory that is free, at most 4 GiB. */
static size_t memory(void)
{
    size_t quarter = machine_look("").memory_free / 4;
    return quarter < (size_t)4 << 30 ? quarter : (size_t)4 << 30;
}

static enum err train(int argc, char **argv)
{
    struct train_options o = { .token = getenv("SACCADE_TOKEN"), .memory = memory() };
    const char *threads_text = NULL;
    int64_t threads = processors();
    const struct option_row rows[] = {
        { "--host", &o.host },
        { "--token", &o.token },
        { "--experiment", &o.experiment },
        { "--work", &o.work },
        { "--images", &o.images },
        { "--out", &o.out },
        { "--annotations", &o.annotations },
        { "--eval-list", &o.eval_list },
        { "--model", &o.model },
        { "--start-from", &o.from },
        { "--set", &o.set },
        { "--log", &o.log },
        { "--threads", &threads_text },
    };
    TRY(options_read(argc, argv, rows, COUNT_OF(rows), NULL, 0, NULL));
    TRY(option_int("--threads", threads_text, 1, 64, &threads));
    o.threads = (int)threads;
    struct sigaction act = { .sa_handler = on_signal };
    sigaction(SIGTERM, &act, NULL);
    struct sigaction before;
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN) /* under a worker, Ctrl-C is for the server */
        sigaction(SIGINT, &act, NULL);
    signal(SIGPIPE, SIG_IGN);
    if (o.images)
        return o.experiment || o.host ? fail(E_INVALID, "either --experiment or --images, not both") : train_folder(&o);
    if (!o.host || !o.token || !o.experiment)
        return fail(E_INVALID,
                    "--host URL, --token T (or SACCADE_TOKEN) and --experiment ID are needed, or --images DIR [--annotations DIR]");
    return train_experiment(&o);
}

int train_main(int argc, char **argv)
{
    return train(argc, argv) == OK ? 0 : command_failed("train");
}
