/* argv → role. Each role is a function of its own folder; this file only knows their names. */
#include "cli/cli.h"
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    for (const struct command *c = commands; c->name; c++)
        if (argc > 1 && strcmp(argv[1], c->name) == 0)
            return c->run(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "help") != 0 && strcmp(argv[1], "--help") != 0)
        fprintf(stderr, "saccade: there is no command '%s'\n", argv[1]);
    puts("saccade: computer vision from images to monitored models\n");
    for (const struct command *c = commands; c->name; c++)
        if (c->says)
            printf("  saccade %s\n      %s\n", c->usage, c->says);
    return argc > 1 && strcmp(argv[1], "help") != 0 && strcmp(argv[1], "--help") != 0 ? 64 : 0;
}
