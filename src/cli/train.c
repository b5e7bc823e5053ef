/* saccade train: an experiment of a server, or a folder of images. */
#include "base/machine.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "trainer/trainer.h"
#include <stdlib.h>

enum { THREADS_BY_ITSELF = 8 };

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
    train_listen();
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
