/* s3.h - objects in somebody's bucket: any store that speaks the S3 API (Amazon S3, MinIO, Ceph, Garage, R2 …).
 *
 * Requests are signed with Signature Version 4 and go through http/outward.h, so that the guard weighs each address. What a server
 * answers is not trusted: it is read with limits, and of an error only the code's word is told. Requests are tried again, with
 * pauses, after an answer that was lost, 500, 502, 503, 504 and SlowDown; all of them may be done twice. */
#pragma once
#include "base/arena.h"

/* Where, and in whose name. Texts are the caller's, and must live as long as what was opened with them. */
struct s3_place {
    const char *endpoint; /* "https://s3.eu-west-1.amazonaws.com", without a path */
    const char *region, *bucket;
    const char *access_key, *secret; /* NULL: nothing is signed, as public buckets allow */
    const char *token;               /* of a role's passing keys; NULL: none */
    bool path_style;                 /* the bucket is the first part of the path, not of the host's name */
};
/* E_INVALID says what is wrong with the endpoint, the region or the bucket's name; E_FORBIDDEN: it may not be called. */
MUST_USE enum err s3_check(const struct s3_place *);

/* One user of a place: connections are kept. Used by one thread at a time. */
struct s3;
MUST_USE enum err s3_open(const struct s3_place *, struct s3 **ret);
void s3_close(struct s3 *); /* NULL is fine */
static inline void auto_s3(struct s3 **s)
{
    s3_close(*s);
}
/* Asked while bytes come or go, and before another try: false ends the call with E_CANCELLED. */
void s3_watch(struct s3 *, bool (*go_on)(void *with), void *with);
void s3_tries(struct s3 *, int most); /* 5 unless set */

enum { S3_PAGE = 1000, S3_KEY_MOST = 1024 };
struct s3_object {
    const char *key, *etag; /* without quotes */
    uint64_t size;
    int64_t changed_ms;
    bool folder; /* what lies between the prefix and the next '/': key ends with it, the rest is empty */
};
struct s3_list {
    struct s3_object *items;
    size_t n;
    const char *next; /* where the next page begins; NULL: this was the last */
};
/* One page of the keys that begin with the prefix, in their order. next: of the page before, or NULL. by_folder: what lies deeper
 * is told as its folder only. E_UNMEANT: what came is no list. */
MUST_USE enum err s3_list(struct s3 *, struct arena *, const char *prefix, bool by_folder, int most, const char *next,
                          struct s3_list *ret);
/* E_NOT_FOUND: there is no such key. E_FORBIDDEN: the store refuses these credentials, or the guard the address. */
MUST_USE enum err s3_head(struct s3 *, struct arena *, const char *key, struct s3_object *ret);
/* The bytes into a file from its beginning. etag: it must still be that one (E_CONFLICT), NULL: any. E_TOO_BIG over the cap;
 * E_BUSY: fewer came than the store says there are. */
MUST_USE enum err s3_get(struct s3 *, struct arena *, const char *key, const char *etag, int to_fd, uint64_t cap,
                         struct s3_object *ret);
/* A whole file, whose SHA-256 the store compares; one of over 5 GiB is E_TOO_BIG. E_BUSY also says that there is no room for it.
 * fresh: E_CONFLICT if there is such a key. */
MUST_USE enum err s3_put(struct s3 *, struct arena *, const char *key, const char *type, int from_fd, uint64_t size,
                         const char *sha256_hex, bool fresh, struct s3_object *ret);
MUST_USE enum err s3_delete(struct s3 *, struct arena *, const char *key); /* one that is not there is fine */

/* A link that gives the key's bytes to anybody for so many seconds from then on. */
char *s3_link(const struct s3_place *, struct arena *, const char *key, int64_t from_ms, int seconds);
