#include "http/call.h"

enum { FORM_BUFFER = 64 << 10 };

/* RFC 7578 §4.2: each part has a name. One without is refused here, once, so that no reader of forms has to think of it. */
static enum err take(struct http_call *c, const struct http_part *part, const char *bytes, size_t n)
{
    if (!part->name)
        return fail(E_INVALID, "a part of the form has no name");
    return c->part(c->part_with, part, bytes, n);
}

static enum MHD_Result form_step(void *with, enum MHD_ValueKind kind, const char *name, const char *filename, const char *type,
                                 const char *encoding, const char *bytes, uint64_t offset, size_t n)
{
    (void)kind, (void)encoding;
    struct http_call *c = with;
    const struct http_part part = { name, filename, type, offset };
    enum err e = take(c, &part, bytes, n);
    if (e != OK)
        call_remember(c, e);
    return e == OK ? MHD_YES : MHD_NO;
}

enum err http_read_form(struct http_call *c, http_part_function *part, void *with)
{
    c->form = MHD_create_post_processor(c->connection, FORM_BUFFER, form_step, c);
    if (!c->form)
        return fail(E_INVALID, "the body must be a form (multipart/form-data)");
    c->part = part;
    c->part_with = with;
    return OK;
}

enum err form_bytes(struct http_call *c, const char *bytes, size_t n)
{
    return MHD_post_process(c->form, bytes, n) == MHD_YES ? OK : fail(E_INVALID, "the form is malformed");
}

enum err form_end(struct http_call *c)
{
    struct MHD_PostProcessor *form = c->form;
    c->form = NULL;
    return MHD_destroy_post_processor(form) == MHD_YES ? OK : fail(E_INVALID, "the form ends too early");
}
