/* blob.h - objects on disk, named by the SHA-256 of their bytes: DIR/objects/ab/abcdef…, and a cache of those that are elsewhere.
 *
 * Written to DIR/incoming/, hashed while written, fsynced, renamed, folder fsynced: what was committed survives a power cut, what
 * was not leaves no trace after the next start. Equal bytes are stored once. Never overwritten. */
#pragma once
#include "base/arena.h"

enum { HASH_SIZE = 65 }; /* hex and a NUL */

struct blob_store;
MUST_USE enum err blob_open(const char *dir,
                            struct blob_store **ret); /* makes the folders; empties incoming/ of what is over 48 h old */
void blob_close(struct blob_store *);

struct blob_writer;
MUST_USE enum err blob_begin(struct blob_store *, uint64_t cap, struct blob_writer **ret);
/* Nothing was written yet: the hash is made when the writer commits, from what is in the file then. For what may be given up, or is
 * committed while something else is waited for. */
void blob_hash_late(struct blob_writer *);
MUST_USE enum err blob_write(struct blob_writer *, const void *bytes, size_t n); /* E_TOO_BIG over the cap */
MUST_USE enum err blob_reread(struct blob_writer *, int *ret_fd); /* what was written, for reading only; it outlives the writer */
MUST_USE enum err blob_commit(struct blob_writer *, char ret_hash[HASH_SIZE],
                              uint64_t *ret_size); /* frees the writer, also on failure */
void blob_abort(struct blob_writer *);             /* NULL is fine */
static inline void auto_blob_writer(struct blob_writer **w)
{
    blob_abort(*w);
}
/* The file itself, for who writes to a descriptor; what is then in it counts, whatever blob_write() was given. */
int blob_writer_fd(const struct blob_writer *);
/* Into the cache instead of the store: bytes that are kept elsewhere. wanted: E_NOT_FOUND if they are not those of that hash; NULL:
 * any. Frees the writer, also on failure. */
MUST_USE enum err blob_commit_cached(struct blob_writer *, const char *wanted, char ret_hash[HASH_SIZE], uint64_t *ret_size);
MUST_USE enum err blob_put(struct blob_store *, const void *bytes, size_t n, char ret_hash[HASH_SIZE]);
MUST_USE enum err blob_put_fd(struct blob_store *, int fd, uint64_t cap, char ret_hash[HASH_SIZE], uint64_t *ret_size);

/* Objects whose bytes are kept elsewhere (cache.c). One that is read and not here is fetched: `fetch` writes its bytes to the file;
 * they are compared with the hash, and the latest `most` bytes of all that was fetched stay in DIR/cache/. E_NOT_FOUND: it is not
 * kept elsewhere, either. Before threads. */
typedef enum err blob_fetch(void *with, const char *hash, int to_fd);
void blob_elsewhere(struct blob_store *, blob_fetch *, void *with, uint64_t most);

/* Uploads that come in parts, by an id of our own making: parts may be sent again, out of order, and after a restart. */
MUST_USE enum err blob_part_open(struct blob_store *, const char *upload_id, int *ret_fd); /* the file that collects the parts */
MUST_USE enum err blob_part_finish(struct blob_store *, const char *upload_id, uint64_t size, char ret_hash[HASH_SIZE]);

/* E_NOT_FOUND names the hash, or says why what is elsewhere cannot be had; E_BUSY: it cannot be had now. E_BROKEN: its bytes have
 * changed; it was put aside, and is there again when it is stored again. Objects over 64 MiB are not compared here. */
MUST_USE enum err blob_read(struct blob_store *, const char *hash, int *ret_fd, uint64_t *ret_size);
MUST_USE enum err blob_read_sized(struct blob_store *, const char *hash, uint64_t size, int *ret_fd); /* and it has that size */
bool blob_holds(struct blob_store *, const char *hash);
/* Moves it to DIR/trash/, from where reading it, or storing the same bytes again, takes it back; after 48 h it is gone. */
MUST_USE enum err blob_delete(struct blob_store *, const char *hash);
/* Deletes what nothing names and nobody has stored for 48 h, and empties the trash of what is older than that. */
MUST_USE enum err blob_sweep(struct blob_store *, enum err (*named)(void *with, const char *hash, bool *ret), void *with,
                             int64_t *ret_n);
/* Reads all objects once, slowly, and puts damaged ones aside. wait: sleeps so many seconds; false: end. */
MUST_USE enum err blob_scrub(struct blob_store *, double bytes_s, bool (*wait)(void *with, double seconds), void *with,
                             int64_t *ret_damaged);
int64_t blob_damaged(struct blob_store *); /* how many were put aside and not stored again */
/* Reads the whole object and compares: E_BROKEN "changed on disk" or E_NOT_FOUND. Changes nothing. */
MUST_USE enum err blob_verify(struct blob_store *, const char *hash);
/* MD5 (RFC 1321) in hex of a file's bytes: what many stores call an object's ETag. Of no use against who means ill. */
MUST_USE enum err blob_md5(int fd, char ret[33]);
/* Calls each with every stored hash; for fsck and the sweeper. */
MUST_USE enum err blob_each(struct blob_store *, enum err (*each)(void *with, const char *hash), void *with);
