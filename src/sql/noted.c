#define ASKS_FOR_OTHERS
#include "sql/noted.h"
#include "base/text.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef NOTE_STATEMENTS

_Thread_local const char *sql_asked_at = "";
static int file = -1;

/* Before a process confines itself to what it works on. */
__attribute__((constructor)) static void open_file(void)
{
    const char *path = getenv("SACCADE_STATEMENTS");
    if (path)
        file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
}

/* In one piece, since several processes write it. */
void sql_note(const char *text)
{
    if (file < 0)
        return;
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    text_fmt(&t, "%s\t%s", sql_asked_at, text);
    if (write(file, t.bytes, t.n + 1) != (ssize_t)t.n + 1)
        abort(); /* the check would miss it */
}
#endif
