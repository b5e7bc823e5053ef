/* machine.h - what a program may use of the machine it is on: in a container or under taskset, less than all there is. */
#pragma once
#include <stddef.h>

struct machine {
    int processors;     /* at least 1: those it may run on, and no more than its control groups' quota is worth, rounded up */
    size_t memory_free; /* bytes that it can still take: of the machine, or of what its control groups leave it, if that is less */
};
/* Of Linux, by /proc and control groups of version 1 and 2. root: "", or a folder in whose place tests put proc and sys. */
struct machine machine_look(const char *root);
