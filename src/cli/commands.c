#include "cli/cli.h"
#include "infer/infer.h"
#include <stddef.h>

const char saccade_version[] = "0.1.0";

const struct command commands[] = {
    { "serve", "serve [--data DIR] [--listen ADDR:PORT] [--public-url URL]", "the server", serve_main },
    { "worker", NULL, NULL, worker_main },
    { "infer", NULL, NULL, infer_main },
    { NULL, NULL, NULL, NULL },
};
