/* bucket_job.h - the parts of an import from a bucket (bucket_job.c): which objects are new, getting them, writing them. */
#pragma once
#include "app/datalake/bucket.h"
#include "app/datalake/datalake.h"
#include "blob/blob.h"
#include "job/job.h"
#include <stdatomic.h>

enum { FETCHERS = 4, CHUNK = 64, FAULTS_TOLD = 20 };

/* An object on its way to be a data. */
struct coming {
    const char *key;
    const struct json *told; /* metadata, custom_metadata, tags, data_source of this one; NULL: nothing */
    const char *etag;        /* of the list, then of what came */
    enum { COMING_NEW, COMING_BACK, COMING_KNOWN, COMING_LEFT } is;
    char hash[HASH_SIZE];
    const char *fault; /* why it could not be had; NULL: it is here */
    struct data_new data;
};

struct object_import {
    struct job *job;
    const struct services *services;
    struct infer_pool *pool;
    struct bucket bucket;
    struct s3 *lists, *lines[FETCHERS];
    const char *lake, *source_id;
    struct value tags;
    bool sync;
    atomic_bool stop;
    int64_t looked, known, left_out, failed, added, back;
    struct {
        const char *key, *why;
    } faults[FAULTS_TOLD];
    const char *doing;
    double progress;
};

/* False: the job is to end. Outside of transactions. */
bool import_goes_on(struct object_import *);
void object_fault(struct object_import *, const char *key, const char *why);
/* bucket_get.c: the bytes of those that are new, several at a time, and what they are. */
MUST_USE enum err import_get(struct object_import *, struct coming *, size_t n, struct arena *);
/* bucket_write.c: which of a page are new; and the rows, in slices. */
MUST_USE enum err import_compare(struct object_import *, struct coming *, size_t n);
MUST_USE enum err import_write(struct object_import *, struct coming *, size_t n, struct arena *);
/* Those between two keys (after the first, up to the second; NULL: to the end of the prefix) that a page does not name are gone. */
MUST_USE enum err import_mark_gone(struct object_import *, const char *prefix, const char *after, const char *to,
                                   const struct coming *, size_t n);
