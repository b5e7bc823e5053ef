/* Clients of bench/serving: each keeps a connection, sends the request in FILE again and again, and waits for each answer. In the
 * request the text @@@@@@@@@@@@ becomes a number that no other request has, so that each picture is another one.
 *
 *     serving_load PORT CLIENTS COUNT FILE
 *
 * Prints one line of JSON: seconds, answers of status 200, others by status, latencies in milliseconds. One thread a client: this
 * program shall take as little as can be of the processors that it measures. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MARK = 12, ROOM = 1 << 20, CLIENTS_MOST = 512 };

static char *request;
static size_t n_request, mark;
static int port;
static long count;
static atomic_long next, status_of[600];
static double *took;
static char refused[200];

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int connected(void)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(s, (struct sockaddr *)&to, sizeof to) != 0) {
        perror("connect");
        exit(1);
    }
    return s;
}

static int sent(int s, const char *bytes, size_t n)
{
    while (n) {
        ssize_t put = send(s, bytes, n, MSG_NOSIGNAL);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return 0;
        bytes += put;
        n -= (size_t)put;
    }
    return 1;
}

/* The status of an answer that was read to its end; 0: the connection broke. */
static int answered(int s, char *room)
{
    size_t n = 0, want = 0;
    int status = 0;
    while (!want || n < want) {
        ssize_t got = n < ROOM ? recv(s, room + n, ROOM - n, 0) : 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return 0;
        n += (size_t)got;
        room[n] = 0;
        char *end = strstr(room, "\r\n\r\n"), *length = strcasestr(room, "\r\ncontent-length:");
        if (!want && end && length && length < end) {
            want = (size_t)(end + 4 - room) + strtoul(length + 17, NULL, 10);
            status = atoi(room + 9);
        }
        if (end && !want)
            return 0;
    }
    if (status != 200)
        snprintf(refused, sizeof refused, "%.199s", strstr(room, "\r\n\r\n") + 4);
    return status;
}

static void *client(void *with)
{
    (void)with;
    char *mine = malloc(n_request), *room = malloc(ROOM + 1);
    memcpy(mine, request, n_request);
    int s = connected();
    for (long i; (i = atomic_fetch_add(&next, 1)) < count;) {
        char number[32];
        snprintf(number, sizeof number, "%0*ld", MARK, (i + (long)getpid() * 10000000L) % 1000000000000L);
        if (mark)
            memcpy(mine + mark, number, MARK);
        double began = now();
        int status = sent(s, mine, n_request) ? answered(s, room) : 0;
        took[i] = now() - began;
        atomic_fetch_add(&status_of[status < 600 ? status : 0], 1);
        if (!status) {
            close(s);
            s = connected();
        }
    }
    close(s);
    free(mine);
    free(room);
    return NULL;
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    static pthread_t threads[CLIENTS_MOST];
    if (argc != 5)
        return 64;
    port = atoi(argv[1]);
    int clients = atoi(argv[2]);
    count = atol(argv[3]);
    FILE *f = fopen(argv[4], "rb");
    if (!f || clients < 1 || clients > CLIENTS_MOST || count < 1)
        return 64;
    request = malloc(64 << 20);
    n_request = fread(request, 1, 64 << 20, f);
    fclose(f);
    char *at = memmem(request, n_request, "@@@@@@@@@@@@", MARK);
    mark = at ? (size_t)(at - request) : 0;
    took = calloc((size_t)count, sizeof *took);
    double began = now();
    for (int i = 0; i < clients; i++)
        pthread_create(&threads[i], NULL, client, NULL);
    for (int i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    double seconds = now() - began;
    qsort(took, (size_t)count, sizeof *took, ascending);
    printf("{\"seconds\": %.6f, \"good\": %ld, \"others\": {", seconds, atomic_load(&status_of[200]));
    int any = 0;
    for (int i = 0; i < 600; i++)
        if (i != 200 && status_of[i])
            printf("%s\"%d\": %ld", any++ ? ", " : "", i, atomic_load(&status_of[i]));
    for (char *c = refused; *c; c++)
        *c = *c < ' ' || *c == '"' || *c == '\\' ? ' ' : *c;
    printf("}, \"said\": \"%s\", \"p50\": %.4f, \"p99\": %.4f, \"most\": %.4f}\n", refused, took[count / 2] * 1e3,
           took[(size_t)((double)count * 0.99)] * 1e3, took[count - 1] * 1e3);
    return 0;
}
