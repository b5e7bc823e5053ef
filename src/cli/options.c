#include "cli/options.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum err options_read(int argc, char **argv, const struct option_row *rows, size_t n, const char **ret_rest, size_t rest_room,
                      size_t *ret_n_rest)
{
    size_t rest = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--", 2) != 0) {
            if (rest == rest_room)
                return fail(E_INVALID, "\"%s\" is not understood", argv[i]);
            ret_rest[rest++] = argv[i];
            continue;
        }
        size_t k = 0;
        while (k < n && strcmp(argv[i], rows[k].name) != 0)
            k++;
        if (k == n)
            return fail(E_INVALID, "there is no option %s", argv[i]);
        if (rows[k].flag)
            *rows[k].flag = true;
        else if (i + 1 < argc)
            *rows[k].text = argv[++i];
        else
            return fail(E_INVALID, "%s needs a value", argv[i]);
    }
    if (ret_n_rest)
        *ret_n_rest = rest;
    return OK;
}

enum err option_int(const char *name, const char *value, int64_t least, int64_t most, int64_t *ret)
{
    if (!value)
        return OK;
    char *end;
    long long v = strtoll(value, &end, 10);
    if (!*value || *end || v < least || v > most)
        return fail(E_INVALID, "%s must be a whole number from %lld to %lld; it is \"%s\"", name, (long long)least, (long long)most,
                    value);
    *ret = v;
    return OK;
}

enum err option_bytes(const char *name, const char *value, uint64_t *ret)
{
    static const char units[] = "KMGT";
    if (!value)
        return OK;
    char *end;
    unsigned long long v = strtoull(value, &end, 10);
    const char *unit = *end ? strchr(units, *end & ~0x20) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    if (*value < '0' || *value > '9' || (*end && (!unit || end[1])) || v > UINT64_MAX >> (shift + 1))
        return fail(E_INVALID, "%s must be a number of bytes, like 500G; it is \"%s\"", name, value);
    *ret = (uint64_t)v << shift;
    return OK;
}

int command_failed(const char *command)
{
    fprintf(stderr, "saccade %s: %s%s%s\n", command, fail_text(), fail_detail() ? ": " : "", fail_detail() ? fail_detail() : "");
    if (fail_kind() == E_BROKEN)
        fprintf(stderr, "  (%s)\n", fail_place());
    return err_exit_code(fail_kind());
}
