#include "base/arena.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BLOCK = 4096, LARGEST_BLOCK = 1 << 20, ALIGN = 16 };

struct block {
    struct block *next;
    size_t size, used;
    _Alignas(ALIGN) char bytes[];
};

struct deferred {
    struct deferred *next;
    void (*call)(void *);
    void *with;
};

struct arena {
    struct block *block;
    struct deferred *deferred;
};

static _Noreturn void out_of_memory(size_t bytes)
{
    fprintf(stderr, "saccade: out of memory (%zu bytes wanted)\n", bytes);
    abort();
}

void *heap_take(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p)
        out_of_memory(bytes);
    return p;
}

void *heap_grow(void *old, size_t bytes)
{
    void *p = realloc(old, bytes ? bytes : 1);
    if (!p)
        out_of_memory(bytes);
    return p;
}

char *heap_str(const char *s)
{
    if (!s)
        return NULL;
    size_t n = strlen(s) + 1;
    return memcpy(heap_take(n), s, n);
}

enum err big_take(size_t bytes, size_t cap, const char *what, void **ret)
{
    if (bytes > cap)
        return fail(E_TOO_BIG, "%s needs %zu bytes; at most %zu are allowed", what, bytes, cap);
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p)
        return fail(E_BROKEN, "no memory for %s (%zu bytes)", what, bytes);
    *ret = p;
    return OK;
}

struct arena *arena_new(void)
{
    return heap_take(sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct deferred *d = a->deferred; d; d = d->next)
        d->call(d->with);
    for (struct block *b = a->block, *next; b; b = next) {
        next = b->next;
        free(b);
    }
    free(a);
}

void *arena_take(struct arena *a, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        out_of_memory(bytes);
    size_t n = (bytes + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (!a->block || a->block->size - a->block->used < n) {
        size_t size = a->block ? a->block->size * 2 : FIRST_BLOCK;
        if (size > LARGEST_BLOCK)
            size = LARGEST_BLOCK;
        if (size < n)
            size = n;
        struct block *b = heap_take(sizeof *b + size);
        b->size = size;
        b->next = a->block;
        a->block = b;
    }
    void *p = a->block->bytes + a->block->used;
    a->block->used += n;
    return p;
}

char *arena_copy(struct arena *a, const char *bytes, size_t n)
{
    char *p = arena_take(a, n + 1);
    if (n)
        memcpy(p, bytes, n);
    return p;
}

char *arena_str(struct arena *a, const char *s)
{
    return s ? arena_copy(a, s, strlen(s)) : NULL;
}

char *arena_vfmt(struct arena *a, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0)
        out_of_memory(0);
    char *p = arena_take(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    return p;
}

char *arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *p = arena_vfmt(a, fmt, args);
    va_end(args);
    return p;
}

void arena_defer(struct arena *a, void (*call)(void *), void *with)
{
    struct deferred *d = arena_take(a, sizeof *d);
    *d = (struct deferred){ a->deferred, call, with };
    a->deferred = d;
}
