/* edge.h - inside cli/: predictions without the server, delivered later.
 *
 * The folder holds the champion (its settings, its file), and what waits to be delivered: for each prediction its image and then a
 * record, which makes it one; both synced before it is told. They go when the server has said that it has them; what it has is
 * remembered by key, so that the same image is not predicted again. A kill at any moment leaves each prediction waiting or
 * delivered, and one that is told twice is the same to the server, by its key. */
#pragma once
#include "base/arena.h"
#include "http/client.h"
#include "infer/infer.h"
#include <pthread.h>

enum { EDGE_KEY_SIZE = 65, EDGE_KNOWN_MOST = 1000000, EDGE_IMAGE_CAP = 32 << 20 };

struct edge_file { /* beside the model: its tensors may lie in it */
    const char *name, *sha, *url;
};
struct edge_model { /* texts of the arena that it was read with */
    const char *version, *sha, *type, *labels;
    const struct edge_file *files;
    size_t n_files;   /* MODEL_PARTS at most */
    const char *told; /* how to read its answers, where its file does not say; NULL */
    double threshold;
};

struct edge {
    struct arena *arena;
    const char *dir, *host, *token, *deployment, *source;
    uint64_t cap; /* bytes of what waits */
    int lock;
    struct infer_pool *pool;

    pthread_mutex_t guard; /* of what is below: predicting and delivering are two threads */
    uint64_t bytes;        /* that wait */
    int64_t waiting, next; /* next: number of the next prediction */
    struct edge_known *known;
    struct edge_model model;
    bool has_model;
    size_t delivered, refused;
};

/* ---- the folder (edge_store.c) */

/* Makes or opens it: reads the champion and what waits, and clears away halves. E_CONFLICT: another process uses it; it is of
 * another deployment. */
MUST_USE enum err edge_open(struct edge *);
void edge_close(struct edge *);
/* Whether a prediction of that key waits or was delivered. */
bool edge_knows(struct edge *, const char *key);
/* E_TOO_BIG: what waits would be over the cap. */
MUST_USE enum err edge_keep(struct edge *, const char *key, int image, uint64_t size, const char *record);
/* The first that waits: its number, its record, and its image in base64 as a member of it. E_NOT_FOUND: none waits. */
MUST_USE enum err edge_first(struct edge *, struct arena *, int64_t *ret_number, const char **ret_key, const char **ret_body);
/* The server has it; or, why: refused it for good, and it is put aside with the reason. */
MUST_USE enum err edge_done(struct edge *, int64_t number, const char *key, const char *why);

/* ---- the champion (edge_model.c) */

MUST_USE enum err edge_read_model(struct edge *);                        /* what an earlier run brought; none is fine */
MUST_USE enum err edge_fetch_model(struct edge *, struct http_client *); /* today's; nothing if it is the same */
/* Opened for the process that runs it; to be closed by edge_model_close(), also after a failure. */
MUST_USE enum err edge_model_open(struct edge *, struct arena *, const struct edge_model *, struct infer_model *ret);
void edge_model_close(struct infer_model *);

/* ---- the server (edge_send.c) */

/* A thread that brings the champion and delivers, first come, first served, until edge_send_end(): which waits until all is
 * delivered or the server cannot be reached. */
MUST_USE enum err edge_send_start(struct edge *);
void edge_send_wake(struct edge *);
/* Brings the champion now. */
MUST_USE enum err edge_reach(struct edge *);
/* why: what kept the rest from being delivered; NULL: nothing did. */
void edge_send_end(struct edge *, char *ret_why, size_t room);
