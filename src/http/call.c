/* What the app may ask about a request. */
#include "http/call.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

struct arena *http_arena(struct http_call *c)
{
    return c->arena;
}

const char *http_method(struct http_call *c)
{
    return c->method;
}

const char *http_path(struct http_call *c)
{
    return c->path;
}

const char *http_header(struct http_call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, name);
}

struct query_walk {
    struct http_call *call;
    const char *name;
    const char **ret;
    size_t n, room;
    void (*each)(void *, const char *, const char *);
    void *with;
    bool broken;
};

/* MHD hands over names and values as they were sent (see keep_escapes()). query_check() has refused what cannot be decoded. */
static enum MHD_Result query_step(void *with, enum MHD_ValueKind kind, const char *name, const char *value)
{
    (void)kind;
    struct query_walk *w = with;
    char *plain_name = arena_str(w->call->arena, name), *plain = arena_str(w->call->arena, value ? value : "");
    if (!url_decode(plain_name, true) || !url_decode(plain, true))
        w->broken = true;
    else if (w->each)
        w->each(w->with, plain_name, plain);
    else if (w->name && strcmp(plain_name, w->name) == 0 && w->n < w->room)
        w->ret[w->n++] = plain;
    return w->broken ? MHD_NO : MHD_YES;
}

enum err query_check(struct http_call *c)
{
    struct query_walk w = { .call = c };
    MHD_get_connection_values(c->connection, MHD_GET_ARGUMENT_KIND, query_step, &w);
    return w.broken ? fail(E_INVALID, "the query holds an escape that is none, or that of a NUL") : OK;
}

size_t http_query_all(struct http_call *c, const char *name, const char **ret, size_t room)
{
    struct query_walk w = { .call = c, .name = name, .ret = ret, .room = room };
    MHD_get_connection_values(c->connection, MHD_GET_ARGUMENT_KIND, query_step, &w);
    return w.n;
}

const char *http_query(struct http_call *c, const char *name)
{
    const char *value = NULL;
    return http_query_all(c, name, &value, 1) ? value : NULL;
}

void http_query_each(struct http_call *c, void (*each)(void *, const char *, const char *), void *with)
{
    struct query_walk w = { .call = c, .each = each, .with = with };
    MHD_get_connection_values(c->connection, MHD_GET_ARGUMENT_KIND, query_step, &w);
}

const char *http_cookie(struct http_call *c, const char *name)
{
    return MHD_lookup_connection_value(c->connection, MHD_COOKIE_KIND, name);
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 || strncmp(address, "::ffff:127.", 11) == 0;
}

const char *http_peer(struct http_call *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    char text[INET6_ADDRSTRLEN] = "";
    if (info && info->client_addr)
        getnameinfo(info->client_addr,
                    info->client_addr->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in), text,
                    sizeof text, NULL, 0, NI_NUMERICHOST);
    const char *named = c->server->behind_proxy && is_loopback(text) ? http_header(c, "X-Forwarded-For") : NULL;
    if (named && strrchr(named, ','))
        named = strrchr(named, ',') + 1;
    if (named)
        named += strspn(named, " ");
    bool fine = named && *named && strlen(named) < sizeof text && strspn(named, "0123456789abcdefABCDEF.:") == strlen(named);
    return arena_str(c->arena, fine ? named : text);
}

int64_t http_body_length(struct http_call *c)
{
    const char *s = http_header(c, "Content-Length");
    return s ? strtoll(s, NULL, 10) : http_header(c, "Transfer-Encoding") ? -1 : 0;
}

void http_set_state(struct http_call *c, void *state)
{
    c->state = state;
}

void *http_state(struct http_call *c)
{
    return c->state;
}

void call_remember(struct http_call *c, enum err e)
{
    if (c->error != OK)
        return;
    c->error = e;
    c->error_text = arena_fmt(c->arena, "%s", fail_text());
    c->error_detail = arena_str(c->arena, fail_detail());
}
