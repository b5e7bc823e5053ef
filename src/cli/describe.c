/* saccade describe: the API's description (OpenAPI 3.1), as GET /api/openapi.json gives it; no server is needed. */
#include "api/dispatch.h"
#include "cli/cli.h"
#include <stdio.h>

enum { DESCRIPTION_CAP = 16 << 20 };

int describe_main(int argc, char **argv)
{
    (void)argc, (void)argv;
    AUTO(arena) struct arena *a = arena_new();
    AUTO(out) struct out o;
    out_init(&o, DESCRIPTION_CAP);
    openapi_write(a, &o, saccade_version);
    puts(o.text.bytes);
    return 0;
}
