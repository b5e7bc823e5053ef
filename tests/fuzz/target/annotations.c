#include "../fuzz.h"
#include "base/file.h"
#include "foreign/foreign.h"
#include "foreign/record.h"
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct {
    const char *bytes;
    size_t n;
} * sent;

static enum err open_sent(void *with, size_t i, int *ret_fd)
{
    (void)with;
    *ret_fd = memfd_create("sent", MFD_CLOEXEC);
    return file_write_all(*ret_fd, sent[i].bytes, sent[i].n);
}

/* Each record goes over the wire too, and must be taken there. */
static enum err take(void *with, const struct foreign_record *r)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(text) struct text t;
    struct foreign_record back;
    size_t used = 0;
    text_init(&t, RECORD_MOST);
    record_put(&t, r);
    if (text_full(&t) || record_take(a, with, t.bytes, t.n, &back, &used) != OK || used != t.n || back.kind != r->kind)
        __builtin_trap();
    return OK;
}

/* The first byte picks the file's name; names decide little, the bytes much. With bit 8 the bytes are records instead. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const names[] = { "a.json",    "a.xml",        "a.txt",          "a.zip",
                                         "data.yaml", "labels/a.txt", "x/train/a.json", "obj.names" };
    static const char classes[] = "cat\ndog\n", line[] = "0 0.5 0.5 0.1 0.1\n1 0 0 1 0 1 1\n";
    AUTO(arena) struct arena *a = arena_new();
    if (n < 1)
        return 0;
    struct record_check check = { 0 };
    if (bytes[0] & 128) {
        struct foreign_record r;
        size_t used = 1, at = 1;
        while (used && record_take(a, &check, (const char *)bytes + at, n - at, &r, &used) == OK)
            at += used;
        return 0;
    }
    typeof(*sent) all[] = { { (const char *)bytes + 1, n - 1 }, { classes, sizeof classes - 1 }, { line, sizeof line - 1 } };
    const struct foreign_file files[] = { { names[bytes[0] & 7], n - 1 }, { "classes.txt", all[1].n }, { "b.txt", all[2].n } };
    sent = all;
    struct foreign_files f = { files, bytes[0] & 8 ? 3 : 1, open_sent, NULL, memfd_create("scratch", MFD_CLOEXEC) };
    enum err e = foreign_read(&f, (struct foreign_sink){ take, &check });
    close(f.scratch);
    return e == OK && check.shapes > FOREIGN_SHAPES;
}
