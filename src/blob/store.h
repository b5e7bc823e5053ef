/* store.h - the store's insides, for the files of this folder. */
#pragma once
#include "blob/blob.h"
#include <openssl/evp.h>
#include <stdatomic.h>

enum { GOOD_SLOTS = 1 << 16 };

struct blob_store {
    char *dir;
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
void blob_hex(EVP_MD_CTX *, char ret[HASH_SIZE]);
MUST_USE enum err blob_hash_of(int fd, char ret_hash[HASH_SIZE]);
/* Calls each with the file's bytes from its start. */
MUST_USE enum err blob_blocks(int fd, enum err (*each)(void *with, const void *bytes, size_t n), void *with);
