/* argv → role. Each role is a function of its own folder; this file only knows their names. */
#include "cli/cli.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool is_help(const char *word)
{
    return strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static void show(const struct command *c)
{
    printf("  saccade %s\n      %s\n", c->usage, c->says);
}

int main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "help";
    for (const struct command *c = commands; c->name; c++)
        if (strcmp(word, c->name) == 0) {
            if (argc != 3 || !c->says || !is_help(argv[2]))
                return c->run(argc - 1, argv + 1);
            show(c);
            return 0;
        }
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        puts(saccade_version);
        return 0;
    }
    if (!is_help(word))
        fprintf(stderr, "saccade: there is no command '%s'\n", word);
    puts("saccade: computer vision from images to monitored models\n");
    for (const struct command *c = commands; c->name; c++)
        if (c->says)
            show(c);
    return is_help(word) ? 0 : 64;
}
