/* decoder.h - image files decoded in sandboxed processes, so that a hostile one can at most spoil itself.
 *
 * A child gets a descriptor and hands pixels back through shared memory; it has no network, opens no files, and has limits of
 * memory and time. A child that dies or hangs is replaced, and only the image that did it fails (E_INVALID). Thread-safe: calls
 * from several threads run in parallel, in as many children as there are calls, up to `most`; further calls wait. */
#pragma once
#include "img/img.h"

struct decoder;
/* self_path NULL: children are forks, all made at once; call this before the process has threads or secrets. Otherwise they are
 * started as `self_path infer decoder`, one at once, others when needed, and end after two idle minutes. */
MUST_USE enum err decoder_start(const char *self_path, int most, struct decoder **ret);
/* One child, started when it is first needed, for what nobody waits for: it leaves the processors to whoever wants them. */
struct decoder *decoder_behind(const char *self_path);
void decoder_stop(struct decoder *); /* NULL is fine; no call may be under way */
static inline void auto_decoder(struct decoder **d)
{
    decoder_stop(*d);
}

void decoder_sweep(struct decoder *);                     /* buries children that have ended from idleness; calls do it too */
void decoder_set_limit(struct decoder *, double seconds); /* wall time of one image; 30 s unless set */

/* The file is read from its start whatever the descriptor's offset is. longest: as in image_decode(). */
MUST_USE enum err decoder_decode(struct decoder *, int image_fd, int longest, struct image *ret);
/* Decodes everything, hands back what image_probe() says. */
MUST_USE enum err decoder_probe(struct decoder *, int image_fd, struct image_info *ret);
/* A JPEG whose longer side is at most max_side. ret: heap, for free(). */
MUST_USE enum err decoder_thumbnail(struct decoder *, int image_fd, int max_side, uint8_t **ret, size_t *ret_n);

/* Decodes everything, at a reduced size where the format can. */
MUST_USE enum err decoder_look(struct decoder *, int image_fd, struct image_look *ret);

/* The whole image as side × side pixels, at most SMALL_SIDE: side × side × 3 bytes. */
enum { SMALL_SIDE = 512 };
MUST_USE enum err decoder_small(struct decoder *, int image_fd, int side, uint8_t *ret);

/* The role of a child started from self_path: answers requests until its socket closes, or nothing was asked for two minutes. */
_Noreturn void decoder_child(void);

/* For those who decode inside a sandboxed process of their own: the file behind a passed descriptor, mapped for reading. */
struct mapped_file {
    const uint8_t *bytes;
    size_t n;
};
MUST_USE enum err mapped_file_open(int fd, size_t cap, const char *what, struct mapped_file *ret); /* E_TOO_BIG over cap */
void auto_mapped_file(struct mapped_file *);
