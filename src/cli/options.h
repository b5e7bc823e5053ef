/* options.h - "--name value" and "--name" arguments of a command, checked against a table. */
#pragma once
#include "base/fail.h"

struct option_row {
    const char *name;  /* "--data" */
    const char **text; /* takes a value, or */
    bool *flag;        /* takes none */
};
/* E_INVALID names what is unknown or lacks its value. Arguments without "--" go to ret_rest (may be NULL: they are refused). */
MUST_USE enum err options_read(int argc, char **argv, const struct option_row *, size_t n, const char **ret_rest, size_t rest_room,
                               size_t *ret_n_rest);
MUST_USE enum err option_int(const char *name, const char *value, int64_t least, int64_t most, int64_t *ret);
/* "500G": K, M, G and T are powers of 1024. */
MUST_USE enum err option_bytes(const char *name, const char *value, uint64_t *ret); /* NULL leaves *ret */
/* Prints the kept failure and gives the exit code. */
int command_failed(const char *command);
