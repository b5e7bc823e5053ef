/* bucket.h - buckets of other stores (the seed's third party data storage): connectors to them, and what datalakes have from there.
 * The bytes stay where they are; here is at most a cache of them (blob/cache.c). */
#pragma once
#include "api/resource.h"
#include "s3/s3.h"

/* A connector, ready to be used: its secret is unsealed, or read from the file that the server was told. */
struct bucket {
    const char *id, *org, *name, *prefix;
    struct s3_place place;
};
MUST_USE enum err bucket_read(struct sql *, const struct services *, struct arena *, const char *id, struct bucket *ret);
/* Whether the key is one that the connector reaches: E_UNMEANT if it does not begin with its prefix. */
MUST_USE enum err bucket_reaches(const struct bucket *, const char *key);

/* Keys by profile, from a file of AWS' form; E_NOT_FOUND: there is none of that name, or no file. */
struct profile {
    const char *access_key, *secret, *token; /* token may be NULL */
};
MUST_USE enum err profile_read(struct arena *, const char *name, struct profile *ret);
MUST_USE enum err profile_parse(struct arena *, const char *text, const char *name, struct profile *ret);

/* An object of a bucket that a datalake has a data of. */
struct bucket_object {
    const char *org, *lake, *bucket, *key, *etag, *hash;
    uint64_t size;
    const char *object_name;
    const char *job; /* the import that brought it; NULL: an upload */
};
/* Inside the transaction that adds its data: the object is marked as away, and what the key had before as changed. */
MUST_USE enum err bucket_object_add(struct sql *, struct arena *, const struct bucket_object *);

/* One that was gone or changed is there again as it was, and has its data still. */
MUST_USE enum err bucket_object_back(struct sql *, const struct bucket_object *);

/* The datalake's own connector, if it is a bucket; NULL: uploads stay here. */
MUST_USE enum err bucket_of_lake(struct sql *, struct arena *, const char *lake, const char **ret_id);
/* An uploaded object goes there, before it is registered; where it then is. */
MUST_USE enum err bucket_take(struct s3 *, const struct bucket *, struct arena *, const char *object_name, const char *type, int fd,
                              uint64_t size, const char *hash, struct bucket_object *ret);

bool bucket_is_image(const char *key); /* by its ending */
/* The last part of a key as a file's name that may be one everywhere. */
const char *bucket_filename(struct arena *, const char *key);
