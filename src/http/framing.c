/* A proxy in front of us must not see other borders between requests than we do (RFC 9112 §6.3, §11.2): what can be read in two
 * ways is refused and the connection closed. */
#include "http/call.h"
#include <ctype.h>
#include <string.h>
#include <strings.h>

struct framing {
    int hosts, lengths, encodings;
    const char *line_end; /* where the line before this one ends */
    const char *fault;
};

/* Lines end in CR LF, and no value goes on in the next line (RFC 9112 §2.2, §5.2). The library up to 0.9.76 takes both otherwise.
 * It puts a NUL in place of each byte of a line's end and leaves the lines where they came, so that what it understood can be seen:
 * two NULs, and the next name right behind them. Newer ones are asked to be strict (see http_server_start()). */
#define LINES "a header's line must end in CR LF and must not go on in the next"
#if MHD_VERSION < 0x00097701
static void check_line(struct framing *f, const char *name, const char *value)
{
    bool next = name == f->line_end, ends = value[strlen(value) + 1] == 0;
    if (!next || !ends)
        f->fault = LINES;
    f->line_end = value + strlen(value) + 2;
}

static void check_lines(struct http_call *c, const char *method, struct framing *f)
{
    const union MHD_ConnectionInfo *size = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    if (size && f->line_end + 2 != method + size->header_size)
        f->fault = LINES;
}
#else
static void check_line(struct framing *f, const char *name, const char *value)
{
    (void)f, (void)name, (void)value;
}

static void check_lines(struct http_call *c, const char *method, struct framing *f)
{
    (void)c, (void)method, (void)f;
}
#endif

static enum MHD_Result framing_step(void *with, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct framing *f = with;
    if (!value) {
        f->fault = LINES;
        return MHD_YES;
    }
    check_line(f, name, value);
    f->hosts += strcasecmp(name, "Host") == 0;
    f->lengths += strcasecmp(name, "Content-Length") == 0;
    bool encoding = strcasecmp(name, "Transfer-Encoding") == 0;
    f->encodings += encoding;
    if (encoding && strcasecmp(value, "chunked") != 0)
        f->fault = "the only Transfer-Encoding taken is chunked";
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && !strchr("!#$%&'*+-.^_`|~", *p))
            f->fault = "a header's name holds a character that may not stand there";
    for (const unsigned char *p = (const unsigned char *)value; *p; p++)
        if ((*p < ' ' && *p != '\t') || *p == 0x7f)
            f->fault = "a header's value holds a control character";
    return MHD_YES;
}

enum err framing_check(struct http_call *c, const char *method, const char *version)
{
    struct framing f = { .line_end = version };
    check_line(&f, version, version);
    MHD_get_connection_values(c->connection, MHD_HEADER_KIND, framing_step, &f);
    check_lines(c, method, &f);
    if (!f.hosts && strcmp(version, "HTTP/1.1") == 0)
        f.fault = "a request must name its Host";
    if (f.lengths + f.encodings > 1)
        f.fault = "more than one of Content-Length and Transfer-Encoding";
    if (f.hosts > 1)
        f.fault = "more than one Host";
    if (c->path[0] != '/' || strchr(c->path, ' '))
        f.fault = "the target must be a path";
    return f.fault ? fail(E_INVALID, "%s", f.fault) : OK;
}

/* ---- Host */

static bool is_address(const char *host, size_t n)
{
    return host[0] == '[' || strspn(host, "0123456789.") >= n;
}

static bool ends_in(const char *host, size_t n, const char *end)
{
    size_t k = strlen(end);
    return n > k && strncasecmp(host + n - k, end, k) == 0;
}

/* A foreign page can make its own name lead to this machine and ask us as if we were its server (DNS rebinding). It needs a name
 * that it can buy: one with a dot. So we answer to addresses, to names without a dot, to localhost, and to the names we were told.
 */
enum err host_check(const struct http_server *s, const char *host)
{
    size_t n = host ? strcspn(host, ":") : 0;
    if (!host || is_address(host, n) || !memchr(host, '.', n) || ends_in(host, n, ".localhost"))
        return OK;
    for (size_t i = 0; i < s->n_hosts; i++)
        if (strlen(s->hosts[i]) == n && strncasecmp(s->hosts[i], host, n) == 0)
            return OK;
    return fail(E_INVALID, "this server does not answer to the name \"%.*s\"; --host adds a name, --public-url too",
                (int)(n < 255 ? n : 255), host);
}
