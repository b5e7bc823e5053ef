#include "base/test.h"
#include <stdlib.h>

static struct test_case *all;

void test_register(struct test_case *t)
{
    struct test_case **at = &all;
    while (*at && (strcmp((*at)->file, t->file) < 0 || (strcmp((*at)->file, t->file) == 0 && strcmp((*at)->name, t->name) < 0)))
        at = &(*at)->next;
    t->next = *at;
    *at = t;
}

/* unit [words]: runs the tests whose file or name holds the words, or all. */
int main(int argc, char **argv)
{
    size_t n = 0, room = 0;
    for (struct test_case *t = all; t; t = t->next)
        room++;
    struct CMUnitTest *tests = calloc(room + 1, sizeof *tests);
    for (struct test_case *t = all; t; t = t->next)
        if (argc < 2 || strstr(t->file, argv[1]) || strstr(t->name, argv[1]))
            tests[n++] = (struct CMUnitTest){ .name = t->name, .test_func = t->run };
    int failed = _cmocka_run_group_tests("unit", tests, n, NULL, NULL);
    free(tests);
    return failed != 0;
}
