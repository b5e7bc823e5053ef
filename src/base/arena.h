/* arena.h - memory that is given back all at once.
 *
 * One arena per request, job step or command. What it hands out is zeroed, aligned for any type and never NULL: out of memory for
 * such small things ends the process. Images, tensors, uploads and result sets do not come from here (see big_take()).
 * Nothing from an arena may be kept by something that outlives it: the keeper copies. Not shared between threads. */
#pragma once
#include "base/fail.h"
#include <stdarg.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *); /* runs the deferred calls, last first, then frees; NULL is fine */

void *arena_take(struct arena *, size_t bytes) __attribute__((returns_nonnull, alloc_size(2)));
char *arena_copy(struct arena *, const char *bytes, size_t n) __attribute__((returns_nonnull)); /* adds a NUL */
char *arena_str(struct arena *, const char *s);                                                 /* a copy; NULL stays NULL */
char *arena_fmt(struct arena *, const char *fmt, ...) PRINTF(2, 3) __attribute__((returns_nonnull));
char *arena_vfmt(struct arena *, const char *fmt, va_list) PRINTF(2, 0) __attribute__((returns_nonnull));
void arena_defer(struct arena *, void (*call)(void *), void *with); /* call(with) when the arena is freed */

#define arena_new_array(arena, type, n) ((type *)arena_take(arena, sizeof(type) * (size_t)(n)))

static inline void auto_arena(struct arena **a)
{
    arena_free(*a);
}

/* Large or user-chosen sizes. Zeroed. E_TOO_BIG names `what` and the cap if bytes > cap, E_BROKEN if the machine has no memory
 * left. Freed with free(). */
MUST_USE enum err big_take(size_t bytes, size_t cap, const char *what, void **ret);

/* Small, bounded things that outlive any arena; ends the process when out of memory. Freed with free(). */
void *heap_take(size_t bytes) __attribute__((returns_nonnull, alloc_size(1)));
char *heap_str(const char *s); /* a copy; NULL stays NULL */
void *heap_grow(void *old, size_t bytes) __attribute__((returns_nonnull, alloc_size(2)));
