#include "nn/dnnl/library.h"
#include "base/arena.h"
#include "nn/ops.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct dnnl_library library;
static bool loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* Beside the program, in the folder that set-up fills, then wherever the system keeps libraries. */
static void *open_library(struct arena *a)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = 0;
    const char *deps = getenv("SACCADE_DEPS"), *home = getenv("HOME");
    const char *const places[] = {
        arena_fmt(a, "%.*s/../lib/libdnnl.so.3", (int)(n > 8 ? n - 8 : 0), self),
        deps ? arena_fmt(a, "%s/onednn/lib/libdnnl.so.3", deps) : NULL,
        home ? arena_fmt(a, "%s/.cache/saccade/onednn/lib/libdnnl.so.3", home) : NULL,
        "libdnnl.so.3",
    };
    void *handle = NULL;
    for (size_t i = 0; i < COUNT_OF(places) && !handle; i++)
        if (places[i])
            handle = dlopen(places[i], RTLD_NOW | RTLD_GLOBAL);
    return handle;
}

static void load(void)
{
    AUTO(arena) struct arena *a = arena_new();
    setenv("OMP_WAIT_POLICY", "passive", 0); /* threads that wait must not spin */
    void *handle = open_library(a);
    if (!handle)
        return;
#define X(f)                                                                                                                       \
    *(void **)&library.f = dlsym(handle, #f);                                                                                      \
    if (!library.f)                                                                                                                \
        return;
    DNNL_FUNCTIONS(X)
#undef X
    *(void **)&library.omp_set_num_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    const dnnl_version_t *v = library.dnnl_version();
    if (v->major != 3 || library.dnnl_engine_create(&library.engine, dnnl_cpu, 0) != dnnl_success ||
        library.dnnl_stream_create(&library.stream, library.engine, dnnl_stream_default_flags) != dnnl_success)
        return;
    snprintf(library.name, sizeof library.name, "oneDNN %d.%d", v->major, v->minor);
    loaded = true;
}

const struct dnnl_library *dnnl_library(void)
{
    pthread_once(&once, load);
    return loaded ? &library : NULL;
}

const char *dnnl_name(void)
{
    const struct dnnl_library *l = dnnl_library();
    return l ? l->name : NULL;
}

void dnnl_one_thread(void)
{
    const struct dnnl_library *l = dnnl_library();
    if (l && l->omp_set_num_threads)
        l->omp_set_num_threads(1);
}
