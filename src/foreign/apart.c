/* Reading in a child that can do nothing but read: what it is given are names, and a descriptor for each file when it asks. */
#include "base/child.h"
#include "base/file.h"
#include "base/sandbox.h"
#include "foreign/record.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_BYTES (1ULL << 30) /* address space, all libraries in it */
enum {
    SILENCE_S = 120, /* the child says how far it is; one that is silent for so long hangs */
    BATCH = 100 << 10
};

/* Messages begin with one of these. To the child: */
enum {
    TO_FILE = 'f', /* u64 size, u64 offset, name: one of the files that were sent */
    TO_GO = 'g',   /* with the scratch file, if there is one */
    TO_OPEN = 'o', /* with the descriptor that was asked for */
    TO_NONE = 'n', /* it cannot be opened */
    /* to the parent: */
    OF_RECORDS = 'r',
    OF_NEED = 'n', /* u32: which file */
    OF_END = 'e'   /* u32 enum err, text */
};

static char message[MESSAGE_SIZE]; /* the child's */

/* ---- the child */

static struct text sending;

static enum err flush(void)
{
    for (size_t at = 0; at < sending.n; at += BATCH) {
        size_t n = sending.n - at < BATCH ? sending.n - at : BATCH;
        message[0] = OF_RECORDS;
        memcpy(message + 1, sending.bytes + at, n);
        TRY(message_send(CHILD_SOCKET, message, n + 1, NULL, 0));
    }
    text_clear(&sending);
    return OK;
}

static enum err send_record(void *with, const struct foreign_record *r)
{
    (void)with;
    record_put(&sending, r);
    if (text_full(&sending))
        return fail(E_TOO_BIG, "an annotation is too large");
    return sending.n >= BATCH || r->kind == FOREIGN_PROGRESS ? flush() : OK;
}

static enum err ask_file(void *with, size_t i, int *ret_fd)
{
    (void)with;
    uint32_t index = (uint32_t)i;
    char answer = 0;
    size_t n;
    message[0] = OF_NEED;
    memcpy(message + 1, &index, sizeof index);
    TRY(message_send(CHILD_SOCKET, message, 1 + sizeof index, NULL, 0));
    TRY(message_receive(CHILD_SOCKET, 0, &answer, 1, &n, ret_fd, 1));
    return answer == TO_OPEN && *ret_fd >= 0 ? OK : fail(E_BROKEN, "a file cannot be opened");
}

/* What there is to read, until the parent says go. */
static enum err receive_list(struct arena *a, struct foreign_files *ret)
{
    struct foreign_file *items = NULL;
    size_t room = 0;
    for (;;) {
        size_t n;
        int fd;
        TRY(message_receive(CHILD_SOCKET, 0, message, sizeof message - 1, &n, &fd, 1));
        message[n] = 0;
        if (message[0] == TO_GO) {
            ret->scratch = fd;
            ret->items = items;
            return OK;
        }
        if (ret->n == room) {
            struct foreign_file *more = arena_new_array(a, struct foreign_file, room = room ? 2 * room : 64);
            if (ret->n)
                memcpy(more, items, ret->n * sizeof *more);
            items = more;
        }
        struct foreign_file *f = &items[ret->n++];
        memcpy(&f->size, message + 1, sizeof f->size);
        memcpy(&f->offset, message + 1 + sizeof f->size, sizeof f->offset);
        f->name = arena_str(a, message + 1 + sizeof f->size + sizeof f->offset);
    }
}

static _Noreturn void serve(void)
{
    AUTO(arena) struct arena *a = arena_new();
    struct foreign_files files = { .open = ask_file };
    if (sandbox_enter_writing(CHILD_BYTES, FOREIGN_BYTES) != OK)
        _exit(CHILD_NOT_STARTED);
    text_init(&sending, (size_t)RECORD_MOST + 2 * BATCH);
    enum err e = receive_list(a, &files);
    e = e == OK ? foreign_read(&files, (struct foreign_sink){ send_record, NULL }) : e;
    const char *why = e == OK ? "" : arena_str(a, fail_text());
    if (flush() == OK) {
        uint32_t code = e;
        size_t n = strlen(why);
        message[0] = OF_END;
        memcpy(message + 1, &code, sizeof code);
        memcpy(message + 1 + sizeof code, why, n);
        if (message_send(CHILD_SOCKET, message, 1 + sizeof code + n, NULL, 0) != OK)
            _exit(1);
    }
    _exit(0);
}

static void serve_fork(void)
{
    serve();
}

_Noreturn void foreign_child(void)
{
    serve();
}

/* ---- the parent */

struct apart {
    const struct foreign_files *files;
    struct foreign_sink sink;
    struct child child;
    char *message;
    struct text got; /* records that are not all there yet */
    struct record_check check;
};

static enum err send_list(struct apart *p)
{
    for (size_t i = 0; i < p->files->n; i++) {
        const struct foreign_file *f = &p->files->items[i];
        size_t n = strlen(f->name) + 1;
        if (n > FOREIGN_NAME)
            return fail(E_INVALID, "file %zu has a name of %zu bytes", i, n);
        p->message[0] = TO_FILE;
        memcpy(p->message + 1, &f->size, sizeof f->size);
        memcpy(p->message + 1 + sizeof f->size, &f->offset, sizeof f->offset);
        memcpy(p->message + 1 + sizeof f->size + sizeof f->offset, f->name, n);
        TRY(message_send(p->child.socket, p->message, 1 + sizeof f->size + sizeof f->offset + n, NULL, 0));
    }
    p->message[0] = TO_GO;
    return message_send(p->child.socket, p->message, 1, &p->files->scratch, p->files->scratch >= 0);
}

static enum err hand_file(struct apart *p, size_t n)
{
    uint32_t i = UINT32_MAX;
    AUTO(fd) int fd = -1;
    if (n == 1 + sizeof i)
        memcpy(&i, p->message + 1, sizeof i);
    if (i >= p->files->n)
        return fail(E_BROKEN, "the reader of annotation files asked for a file that there is not");
    TRY(p->files->open(p->files->with, i, &fd));
    p->message[0] = TO_OPEN;
    return message_send(p->child.socket, p->message, 1, &fd, 1);
}

static enum err take_records(struct apart *p, size_t n)
{
    text_bytes(&p->got, p->message + 1, n - 1);
    size_t at = 0, used;
    AUTO(arena) struct arena *a = arena_new(); /* of a message's records: 100 KB or so */
    for (;;) {
        struct foreign_record r;
        TRY(record_take(a, &p->check, p->got.bytes + at, p->got.n - at, &r, &used));
        if (!used)
            break;
        TRY(p->sink.take(p->sink.with, &r));
        at += used;
    }
    memmove(p->got.bytes, p->got.bytes + at, p->got.n - at + 1);
    p->got.n -= at;
    return text_full(&p->got) ? fail(E_BROKEN, "the reader of annotation files answered too much at once") : OK;
}

static enum err ended(struct apart *p, size_t n)
{
    uint32_t code = ERR_KINDS;
    if (n >= 1 + sizeof code)
        memcpy(&code, p->message + 1, sizeof code);
    if (code == OK && !p->got.n)
        return OK;
    p->message[n] = 0;
    return fail(code > OK && code < ERR_KINDS ? (enum err)code : E_BROKEN, "%.1000s", p->message + 1 + sizeof code);
}

/* It has gone without a word. */
static enum err spoilt(int status)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NOT_STARTED)
        return fail(E_BROKEN, "the reader of annotation files could not be started");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return fail(E_BUSY, "the reader of annotation files was stopped from outside");
    return fail(E_INVALID, "the files broke their reader, or need more memory than %llu MiB", CHILD_BYTES >> 20);
}

static enum err follow(struct apart *p)
{
    TRY(send_list(p));
    for (;;) {
        size_t n = 0;
        enum err e = message_receive(p->child.socket, SILENCE_S, p->message, MESSAGE_SIZE - 1, &n, NULL, 0);
        if (e == E_BUSY)
            return fail(E_INVALID, "the files kept their reader busy for more than %d s", SILENCE_S);
        if (e != OK)
            return e;
        switch (p->message[0]) {
        case OF_NEED: TRY(hand_file(p, n)); break;
        case OF_RECORDS: TRY(take_records(p, n)); break;
        case OF_END: return ended(p, n);
        default: return fail(E_BROKEN, "the reader of annotation files answered something that makes no sense");
        }
    }
}

enum err foreign_read_apart(const char *self_path, const struct foreign_files *files, struct foreign_sink sink)
{
    struct apart p = { .files = files, .sink = sink };
    const char *const argv[] = { self_path, "infer", "annotations", NULL };
    TRY(child_start(self_path ? argv : NULL, serve_fork, -1, &p.child));
    p.message = heap_take(MESSAGE_SIZE);
    text_init(&p.got, (size_t)RECORD_MOST + MESSAGE_SIZE);
    bool alone = false; /* the child's socket closed without its last word */
    enum err e = follow(&p);
    alone = e == E_CANCELLED && strstr(fail_text(), "other end of the socket");
    int status = child_end(&p.child);
    if (alone)
        e = spoilt(status);
    text_done(&p.got);
    free(p.message);
    return e;
}
