/* outside.h - the options that say whom the server may call: serve has them and gives them to its worker. */
#pragma once
#include "base/arena.h"
#include "cli/options.h"

struct outside {
    const char *may_call, *smtp, *smtp_from, *smtp_password, *credentials, *cache;
    uint64_t cache_bytes; /* what --cache says */
};
struct services;
#define OUTSIDE_OPTIONS(o)                                                                                                         \
    { "--may-call", &(o)->may_call }, { "--smtp", &(o)->smtp }, { "--smtp-from", &(o)->smtp_from },                                \
        { "--smtp-password", &(o)->smtp_password }, { "--credentials", &(o)->credentials },                                        \
    {                                                                                                                              \
        "--cache", &(o)->cache                                                                                                     \
    }
MUST_USE enum err outside_use(struct arena *, struct outside *);
/* Bytes of objects that are not here come from the buckets that have them; once its store and pool are open, before threads. */
void outside_fetch(const struct outside *, struct services *);
/* Adds those that were given to the arguments of the worker; at most OUTSIDE_ARGUMENTS. */
enum { OUTSIDE_ARGUMENTS = 12 };
void outside_pass(const struct outside *, const char **argv, size_t *n);
