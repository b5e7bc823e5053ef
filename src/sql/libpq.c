#include "sql/libpq.h"
#include <dlfcn.h>
#include <pthread.h>

struct libpq pq;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool loaded;

static void load(void)
{
    void *so = dlopen("libpq.so.5", RTLD_NOW | RTLD_LOCAL);
    loaded = so != NULL;
#define X(type, name, parameters) loaded = loaded && (*(void **)&pq.name = dlsym(so, "PQ" #name));
    LIBPQ_CALLS(X)
#undef X
}

enum err libpq_load(void)
{
    pthread_once(&once, load);
    return loaded ? OK : fail(E_INVALID, "a database on PostgreSQL needs its client library, libpq.so.5 (Debian's package libpq5)");
}
