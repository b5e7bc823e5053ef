/* store.h - the store's insides, for the files of this folder. */
#pragma once
#include "blob/blob.h"
#include <openssl/evp.h>
#include <stdatomic.h>

enum { GOOD_SLOTS = 1 << 16 };

struct blob_store {
    char *dir;
    blob_fetch *fetch; /* NULL: nothing is elsewhere */
    void *fetch_with;
    uint64_t cache_most;
    atomic_llong cached;            /* bytes in the cache; -1: not looked yet */
    atomic_ullong good[GOOD_SLOTS]; /* marks of files whose bytes were compared with their name (verify.c) */
};

bool blob_is_hash(const char *hash);
char *blob_place(struct arena *, const struct blob_store *, const char *hash);
char *blob_damaged_place(struct arena *, const struct blob_store *, const char *hash);
/* Whether the object is there, if need be from the trash. */
bool blob_have(struct blob_store *, const char *hash);
/* Whether it is there with the bytes that its name says; if not, it is put aside. Its time becomes now, which keeps the sweeper off
 * until a row names it. */
bool blob_is_good(struct blob_store *, const char *hash);
/* The open file is the object, and was hashed while it was written: it need not be read for that once more. */
void blob_note_good(struct blob_store *, const char *hash, int fd);
/* Whether the open file has the bytes that the name says; E_CONFLICT: it has not. What was compared before is not read again. */
struct stat;
MUST_USE enum err blob_compare(struct blob_store *, const char *hash, int fd, const struct stat *);
/* From the cache, fetched if need be. */
MUST_USE enum err blob_cache_read(struct blob_store *, const char *hash, int *ret_fd, uint64_t *ret_size);
MUST_USE enum err blob_cache_keep(struct blob_store *, int fd, const char *path, const char *hash);
void blob_hex(EVP_MD_CTX *, char *ret); /* room for HASH_SIZE */
MUST_USE enum err blob_hash_of(int fd, char ret_hash[HASH_SIZE]);
/* Calls each with the file's bytes from its start. */
MUST_USE enum err blob_blocks(int fd, enum err (*each)(void *with, const void *bytes, size_t n), void *with);
