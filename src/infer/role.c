#include "base/confine.h"
#include "foreign/foreign.h"
#include "img/decoder.h"
#include "infer/model.h"
#include "infer/scorer.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* The server counts the processors, since a process in the sandbox cannot. */
static int threads_of(const char *s)
{
    char *end;
    long n = strtol(s, &end, 10);
    return end != s && !*end && n >= 1 && n <= 1024 ? (int)n : 1;
}

/* What no request waits for shall not slow down one that does. */
static void give_way(void)
{
    enum { NICER = 10 };
    if (setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + NICER) != 0)
        fputs("saccade infer cannot be made to give way\n", stderr);
}

int infer_main(int argc, char **argv)
{
    int type = 0;
    socklen_t n = sizeof type;
    setenv("HOME", "/nonexistent", 1); /* no library finds a place to keep something */
    confine_offer_to_die(700);
    confine_privileges();
    confine_writes(NULL, 0); /* before the libraries are loaded and start threads; reading ends with sandbox_enter() */
    if ((argc == 2 || argc == 3) && getsockopt(CHILD_SOCKET, SOL_SOCKET, SO_TYPE, &type, &n) == 0 && type == SOCK_SEQPACKET) {
        if (strcmp(argv[1], "decoder-behind") == 0 || strcmp(argv[1], "scorer") == 0)
            give_way();
        if (strcmp(argv[1], "decoder") == 0 || strcmp(argv[1], "decoder-behind") == 0)
            decoder_child();
        if (strcmp(argv[1], "model") == 0)
            model_child(threads_of(argc == 3 ? argv[2] : "1"));
        if (strcmp(argv[1], "scorer") == 0)
            scorer_child();
        if (strcmp(argv[1], "annotations") == 0)
            foreign_child();
    }
    fputs("saccade infer is started by saccade serve\n", stderr);
    return 64;
}
