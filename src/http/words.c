/* The library refuses some requests by itself: a head that is no HTTP, lengths that are no numbers, headers that are too large. It
 * answers with a page of its own, and up to 0.9.76 in some cases with two status lines. It logs what it refuses before it answers,
 * in the thread of the connection: so we answer there, and close our side, so that its own answer goes nowhere. */
#include "http/call.h"
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static _Thread_local int socket_at_hand = -1;

void own_words_for(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    socket_at_hand = info ? info->connect_fd : -1;
}

static void say(int socket, unsigned status)
{
    char text[400];
    static const char body[] = "{\"message\":\"the request is malformed, or too large\"}";
    int n = snprintf(text, sizeof text,
                     "HTTP/1.1 %u %s\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\nConnection: "
                     "close\r\nContent-Length: %zu\r\n\r\n%s",
                     status, MHD_get_reason_phrase_for(status), sizeof body - 1, body);
    ssize_t ignored = send(socket, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)ignored;
    shutdown(socket, SHUT_WR);
}

void own_words(void *with, const char *format, va_list args)
{
    (void)with;
    if (socket_at_hand < 0 || !strstr(format, "Error processing request (HTTP response code is %u"))
        return;
    say(socket_at_hand, va_arg(args, unsigned));
    socket_at_hand = -1;
}
