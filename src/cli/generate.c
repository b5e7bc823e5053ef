/* saccade generate: made-up images of cells with annotations, to try things out. */
#include "base/clock.h"
#include "cli/cli.h"
#include "cli/options.h"
#include "learn/data/synth.h"
#include <stdio.h>

static enum err generate(int argc, char **argv)
{
    const char *out = NULL, *count_text = NULL, *seed_text = NULL;
    const struct option_row options[] = { { "--out", &out }, { "--count", &count_text }, { "--seed", &seed_text } };
    int64_t count = 150, seed = 1;
    TRY(options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL));
    TRY(option_int("--count", count_text, 1, 100000, &count));
    TRY(option_int("--seed", seed_text, 0, INT64_MAX, &seed));
    if (!out)
        return fail(E_INVALID, "--out DIR is needed");
    double start = clock_seconds();
    TRY(synth_write(out, (int)count, (uint64_t)seed));
    printf("%d images of cells with annotations (Pascal VOC) in %s (%.1f s)\n", (int)count, out, clock_seconds() - start);
    return OK;
}

int generate_main(int argc, char **argv)
{
    return generate(argc, argv) == OK ? 0 : command_failed("generate");
}
