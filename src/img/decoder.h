/* decoder.h - image files decoded in sandboxed processes, so that a hostile one can at most spoil itself.
 *
 * A child gets a descriptor and hands pixels back through shared memory; it has no network, opens no files, and has limits of
 * memory and time. A child that dies or hangs is replaced, and only the image that did it fails (E_INVALID). Thread-safe: calls
 * from several threads run in parallel, in as many children as there are calls, up to `most`; further calls wait. */
#pragma once
#include "img/img.h"

struct decoder;
/* self_path NULL: children are forks; start it before the process has threads or secrets. Otherwise they are started as
 * `self_path infer decoder`, which keeps them small. One child is started at once, others when needed. */
MUST_USE enum err decoder_start(const char *self_path, int most, struct decoder **ret);
void decoder_stop(struct decoder *); /* NULL is fine; no call may be under way */
static inline void auto_decoder(struct decoder **d)
{
    decoder_stop(*d);
}

/* The file is read from its start whatever the descriptor's offset is. longest: as in image_decode(). */
MUST_USE enum err decoder_decode(struct decoder *, int image_fd, int longest, struct image *ret);
/* Decodes everything, hands back what image_probe() says. */
MUST_USE enum err decoder_probe(struct decoder *, int image_fd, struct image_info *ret);
/* A JPEG whose longer side is at most max_side. ret: heap, for free(). */
MUST_USE enum err decoder_thumbnail(struct decoder *, int image_fd, int max_side, uint8_t **ret, size_t *ret_n);

/* The role of a child: answers requests on the socket until its other end closes. Never returns. */
_Noreturn void decoder_child(int socket, int shared_fd);
