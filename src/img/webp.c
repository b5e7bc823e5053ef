#include "img/format.h"
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>
#include <webp/demux.h>

static void auto_demuxer(WebPDemuxer **d)
{
    WebPDemuxDelete(*d);
}

static bool is(const uint8_t *bytes, size_t n)
{
    return n >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static enum err open_webp(const uint8_t *bytes, size_t n, WebPDemuxer **ret)
{
    WebPData data = { bytes, n };
    *ret = WebPDemux(&data);
    return *ret ? OK : fail(E_INVALID, "damaged WebP: it is cut off or its parts do not fit together");
}

static enum err probe(const uint8_t *bytes, size_t n, struct image_info *info)
{
    AUTO(demuxer) WebPDemuxer *d = NULL;
    TRY(open_webp(bytes, n, &d));
    info->width = (int)WebPDemuxGetI(d, WEBP_FF_CANVAS_WIDTH);
    info->height = (int)WebPDemuxGetI(d, WEBP_FF_CANVAS_HEIGHT);
    WebPChunkIterator chunk;
    if (WebPDemuxGetChunk(d, "EXIF", 1, &chunk))
        info->orientation = exif_orientation(chunk.chunk.bytes, chunk.chunk.size);
    WebPDemuxReleaseChunkIterator(&chunk);
    return OK;
}

/* A frame of an animation may cover a part of the canvas only; the rest stays black. */
static enum err decode_frame(const WebPIterator *frame, struct image *image)
{
    int width, height;
    if (!WebPGetInfo(frame->fragment.bytes, frame->fragment.size, &width, &height) || frame->x_offset < 0 || frame->y_offset < 0 ||
        width > image->width - frame->x_offset || height > image->height - frame->y_offset)
        return fail(E_INVALID, "damaged WebP: a frame outside the picture");
    size_t row = (size_t)image->width * 3;
    size_t skip = (size_t)frame->y_offset * row + (size_t)frame->x_offset * 3;
    size_t room = (size_t)image->height * row - skip;
    if (!WebPDecodeRGBInto(frame->fragment.bytes, frame->fragment.size, image->pixels + skip, room, (int)row))
        return fail(E_INVALID, "damaged WebP: its pixels cannot be decoded");
    return OK;
}

static enum err decode(const uint8_t *bytes, size_t n, const struct image_info *info, int longest, struct image *ret)
{
    (void)longest;
    AUTO(demuxer) WebPDemuxer *d = NULL;
    TRY(open_webp(bytes, n, &d));
    WebPIterator frame;
    if (!WebPDemuxGetFrame(d, 1, &frame))
        return fail(E_INVALID, "damaged WebP: no picture in it");
    AUTO(image) struct image image = { 0 };
    enum err e = image_new(info->width, info->height, &image);
    if (e == OK)
        e = decode_frame(&frame, &image);
    WebPDemuxReleaseIterator(&frame);
    TRY(e);
    *ret = image;
    image = (struct image){ 0 };
    return OK;
}

const struct image_format webp_format = { "image/webp", is, probe, decode };
