/* Replays files through a target without libFuzzer, each also changed in many small ways that are the same in every run.
 *
 *     TARGET ROUNDS FILE|FOLDER…      ROUNDS: changed copies of each file
 * A crash leaves what was tried in the file crash-input. */
#include "base/arena.h"
#include "base/clock.h"
#include "base/file.h"
#include "fuzz.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void __sanitizer_set_death_callback(void (*call)(void));

enum { FILE_CAP = 1 << 20, SLOW_S = 10 };
static const uint8_t *current;
static size_t current_n, inputs;

static void save_current(void)
{
    int fd = open("crash-input", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t ignored = write(fd, current, current_n);
    (void)ignored;
}

static uint32_t random_next(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* The target gets a copy of exactly that size, so that a read past its end is seen. */
static void try_one(const uint8_t *bytes, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    memcpy(copy, bytes, n);
    current = copy;
    current_n = n;
    double start = clock_seconds();
    LLVMFuzzerTestOneInput(copy, n);
    if (clock_seconds() - start > SLOW_S) {
        fprintf(stderr, "took over %d s\n", SLOW_S);
        abort();
    }
    inputs++;
    free(copy);
}

static void change(uint8_t *bytes, size_t *n, uint32_t *state)
{
    static const uint8_t telling[] = { 0, 1, 0x7f, 0x80, 0xff, '"', '{', '<', '(', ' ' };
    size_t at = random_next(state) % *n, length = 1 + random_next(state) % 16;
    length = length > *n - at ? *n - at : length;
    switch (random_next(state) % 6) {
    case 0: bytes[at] ^= (uint8_t)(1 << random_next(state) % 8); break;
    case 1: bytes[at] = telling[random_next(state) % sizeof telling]; break;
    case 2: memset(bytes + at, telling[random_next(state) % 5], length); break;
    case 3: *n = at + 1; break;
    case 4: /* a piece is taken out */
        memmove(bytes + at, bytes + at + length, *n - at - length);
        *n = *n > length ? *n - length : 1;
        break;
    default: memmove(bytes + at, bytes + random_next(state) % (*n - length + 1), length); /* or comes twice */
    }
}

static void try_file(const char *path, int rounds)
{
    AUTO(arena) struct arena *a = arena_new();
    char *bytes;
    size_t n;
    uint32_t state = 2463534242U;
    if (file_read(a, path, FILE_CAP, &bytes, &n) != OK) {
        fprintf(stderr, "%s\n", fail_text());
        exit(1);
    }
    try_one((const uint8_t *)bytes, n);
    for (int i = 0; i < rounds && n; i++) {
        size_t changed = n;
        uint8_t *copy = (uint8_t *)malloc(n);
        memcpy(copy, bytes, n);
        for (int k = 0; k <= i % 4; k++)
            change(copy, &changed, &state);
        try_one(copy, changed);
        free(copy);
    }
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 64;
    __sanitizer_set_death_callback(save_current);
    for (int i = 2; i < argc; i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct stat st;
        char **names;
        size_t n = 0;
        if (stat(argv[i], &st) == 0 && !S_ISDIR(st.st_mode)) {
            try_file(argv[i], (int)strtol(argv[1], NULL, 10));
            continue;
        }
        if (file_list(a, argv[i], &names, &n) != OK) {
            fprintf(stderr, "%s\n", fail_text());
            return 1;
        }
        for (size_t k = 0; k < n; k++)
            try_file(arena_fmt(a, "%s/%s", argv[i], names[k]), (int)strtol(argv[1], NULL, 10));
    }
    printf("%zu inputs\n", inputs);
    return inputs ? 0 : 1;
}
