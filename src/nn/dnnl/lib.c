#include "nn/dnnl/lib.h"
#include "base/file.h"
#include "nn/dnnl/dnnl.h"
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct dnnl_lib dnnl;
static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static dnnl_engine_t engine;
static char version_text[32];

/* Beside the program (bin/saccade, lib/libdnnl.so.3), in the folder that set-up fills, then where the system keeps libraries. */
static void *open_library(struct arena *a)
{
    const char *path = file_brought(a, "../lib/libdnnl.so.3", "onednn/lib/libdnnl.so.3");
    void *so = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    return so ? so : dlopen("libdnnl.so.3", RTLD_NOW | RTLD_LOCAL);
}

static bool find_all(void *so)
{
    bool all = true;
#define X(name) all &= (*(void **)&dnnl.name = dlsym(so, "dnnl_" #name)) != NULL;
    DNNL_CALLS(X)
#undef X
    return all && (*(void **)&dnnl.omp_set_num_threads = dlsym(so, "omp_set_num_threads"));
}

static void load(void)
{
    AUTO(arena) struct arena *a = arena_new();
    setenv("OMP_WAIT_POLICY", "passive", 0); /* threads that wait must not spin */
    void *so = open_library(a);
    if (!so || !find_all(so) || dnnl.version()->major != 3 || dnnl.engine_create(&engine, dnnl_cpu, 0) != dnnl_success)
        return;
    snprintf(version_text, sizeof version_text, "oneDNN %d.%d", dnnl.version()->major, dnnl.version()->minor);
}

bool dnnl_there(void)
{
    pthread_once(&loaded, load);
    return version_text[0];
}

const char *dnnl_version_text(void)
{
    return dnnl_there() ? version_text : NULL;
}

dnnl_engine_t dnnl_engine(void)
{
    return engine;
}

dnnl_stream_t dnnl_stream(void)
{
    static _Thread_local bool alone;
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static dnnl_stream_t stream; /* has no state of its own on the CPU, so that all threads may use it */
    if (!alone) {
        dnnl.omp_set_num_threads(1);
        alone = true;
        pthread_mutex_lock(&lock);
        if (!stream)
            dnnl_must(dnnl.stream_create(&stream, engine, dnnl_stream_default_flags), "stream");
        pthread_mutex_unlock(&lock);
    }
    return stream;
}

void dnnl_must(dnnl_status_t status, const char *what)
{
    if (status == dnnl_success)
        return;
    fprintf(stderr, "saccade: oneDNN refused the %s (status %d)\n", what, (int)status);
    abort();
}
