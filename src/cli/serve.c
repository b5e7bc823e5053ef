/* saccade serve: the HTTP server, its children, and their end. */
#include "api/dispatch.h"
#include "app/account/account.h"
#include "app/datalake/datalake.h"
#include "app/deployment/deployment.h"
#include "app/monitor/monitor.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/keeper.h"
#include "cli/options.h"
#include "cli/outside.h"
#include "cli/pages.h"
#include "infer/infer.h"
#include "query/query.h"
#include "sql/held.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    FILES_WANTED = 16384,
    CONNECTIONS = 2000,
    OF_ONE_ADDRESS = 500,
    GRACE_S = 20,
    MODELS_MOST = 4,
    DECODERS = 2 /* one user takes one of them at most */
};

struct server {
    struct arena *arena;
    const char *data, *db, *listen, *public_url, *names, *secrets;
    int lock;
    struct services services;
    struct http_server *http;
    struct keeper *worker;
    struct first_start first;
    struct outside outside;
};

static char *in_dir(struct server *s, const char *name)
{
    return arena_fmt(s->arena, "%s/%s", s->data, name);
}

static enum err lock_folder(struct server *s)
{
    TRY(file_make_dirs(s->data, 0700));
    TRY(folder_lock(s->data, &s->lock));
    TRY(folder_use_db(s->data, s->db));
    return folder_may_begin(s->data);
}

static enum err open_data(struct server *s)
{
    TRY(sign_key_open(in_dir(s, "key"), &s->services.key));
    TRY(blob_open(s->data, &s->services.blobs));
    TRY(held_share(in_dir(s, "write-lock"), true));
    struct sql *db = NULL;
    const char *where;
    TRY(folder_db(s->arena, s->data, &where));
    TRY(sql_open(where, &db));
    enum err e = folder_walk(db, s->data);
    if (e == OK)
        e = api_make_schema(db);
    if (e == OK)
        e = account_first_start(db, s->arena, &s->first);
    sql_close(db);
    TRY(e);
    TRY(sql_pool_open(where, &s->services.pool));
    outside_fetch(&s->outside, &s->services);
    return OK;
}

static enum err start_worker(struct server *s)
{
    const char *argv[7 + OUTSIDE_ARGUMENTS] = {
        s->services.self_path, "worker", "--data", s->data, "--host", s->services.local_url
    };
    size_t n = 6;
    outside_pass(&s->outside, argv, &n);
    return keeper_start(argv, "worker", &s->worker);
}

/* The names it answers to: of --public-url, of --host, and the machine's own. */
static void tell_names(struct server *s)
{
    char own[256] = "";
    if (gethostname(own, sizeof own - 1) == 0)
        http_server_answer_to(s->http, own);
    const char *public = s->public_url ? strstr(s->public_url, "://") + 3 : NULL;
    if (public)
        http_server_answer_to(s->http, arena_copy(s->arena, public, strcspn(public, ":/")));
    for (const char *p = s->names ? s->names : "", *end; *p; p = *end ? end + 1 : end) {
        end = strchrnul(p, ',');
        http_server_answer_to(s->http, arena_copy(s->arena, p, (size_t)(end - p)));
    }
}

/* Before anything is made in the folder: a port that is taken must not cost the first start's password. */
static enum err open_port(struct server *s)
{
    TRY(http_server_listen(s->listen, &s->http));
    if (s->public_url)
        http_server_behind_proxy(s->http);
    tell_names(s);
    char host[300];
    size_t n = (size_t)(strrchr(s->listen, ':') - s->listen);
    bool any = n == 0 || strncmp(s->listen, "0.0.0.0", n) == 0 || strncmp(s->listen, "[::]", n) == 0;
    snprintf(host, sizeof host, "%.*s", any ? 9 : (int)n, any ? "127.0.0.1" : s->listen);
    s->services.local_url = arena_fmt(s->arena, "http://%s:%d", host, http_server_port(s->http));
    return OK;
}

static enum err start_http(struct server *s)
{
    static const struct api_hooks hooks = {
        .by_token = account_by_token,
        .by_token_id = account_by_token_id,
        .by_session = account_by_session,
        .reach = account_reach,
        .given = ACCOUNT_GIVEN,
        .page = pages_answer,
    };
    static const struct http_limits limits = { CONNECTIONS, OF_ONE_ADDRESS };
    struct http_app app;
    query_install();
    TRY(api_open(&s->services, &hooks, &app));
    TRY(account_uses_start(s->services.pool));
    TRY(served_start(s->services.pool));
    return http_server_start(s->http, &app, &limits);
}

static enum err tell_first_login(struct server *s, const char *url)
{
    if (!s->first.made)
        return OK;
    printf("\nThis is the first start. Log in as  %s  with the password  %s\nAPI token:  %s\nThey are shown this once and stored "
           "only as "
           "hashes.\n\n",
           s->first.username, s->first.password, s->first.token);
    if (!s->secrets)
        return OK;
    AUTO(out) struct out o;
    out_init(&o, 1 << 12);
    out_object(&o, NULL);
    out_text(&o, "url", url);
    out_text(&o, "username", s->first.username);
    out_text(&o, "password", s->first.password);
    out_text(&o, "token", s->first.token);
    out_end_object(&o);
    return file_write(s->secrets, o.text.bytes, o.text.n, 0600);
}

static enum err start_all(struct server *s)
{
    TRY(infer_start(s->services.self_path, DECODERS, MODELS_MOST, &s->services.infer));
    TRY(start_http(s));
    TRY(start_worker(s));
    shadow_wake(&s->services);
    lookout_start(&s->services);
    return OK;
}

static enum err start(struct server *s)
{
    TRY(lock_folder(s));
    TRY(open_port(s));
    confine_privileges(); /* the port, which may be one of root's, is open; no thread has been started */
    TRY(open_data(s));
    enum err e = start_all(s);
    const char *url = s->public_url ? s->public_url : s->services.local_url, *why = arena_str(s->arena, e == OK ? "" : fail_text());
    TRY(tell_first_login(s, url)); /* also when what comes after failed: it is shown once */
    if (e != OK)
        return fail(e, "%s", why);
    printf("Saccade is ready at %s (%.0f ms)\n", url, (clock_seconds() - s->services.started) * 1000);
    fflush(stdout);
    return OK;
}

/* The worker first, while its trainers can still tell the server where they stopped. */
static void stop(struct server *s)
{
    keeper_stop(s->worker, GRACE_S);
    api_quiet();
    http_server_stop(s->http, GRACE_S);
    shadow_stop();
    lookout_stop();
    account_uses_stop();
    served_stop();
    infer_stop(s->services.infer);
    api_close();
    sql_pool_close(s->services.pool);
    blob_close(s->services.blobs);
    sign_key_free(s->services.key);
}

static void wait_for_the_end(void)
{
    sigset_t ends;
    int got;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    do
        sigwait(&ends, &got);
    while (got != SIGTERM && got != SIGINT);
}

static void block_signals(void)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a write over the limit of file sizes fails instead */
}

/* Links are made by appending to it. */
static enum err check_public_url(struct arena *a, const char **url)
{
    if (!*url)
        return OK;
    const char *host = strncmp(*url, "http://", 7) == 0 ? *url + 7 : strncmp(*url, "https://", 8) == 0 ? *url + 8 : "";
    size_t n = strlen(*url);
    while (n && (*url)[n - 1] == '/')
        n--;
    if (strcspn(host, "/?#@ ") == 0 || strcspn(host, "/?#@ ") < strlen(host) - (strlen(*url) - n))
        return fail(E_INVALID, "--public-url must be like https://vision.example.org, without a path; it is \"%s\"", *url);
    *url = arena_copy(a, *url, n);
    return OK;
}

static enum err log_level_called(const char *word, enum log_level *ret)
{
    static const struct {
        const char *word;
        enum log_level level;
    } levels[] = { { "debug", LOG_DEBUG }, { "info", LOG_INFO }, { "quiet", LOG_ERROR } };
    for (size_t i = 0; i < COUNT_OF(levels); i++)
        if (strcmp(word, levels[i].word) == 0) {
            *ret = levels[i].level;
            return OK;
        }
    return fail(E_INVALID, "--log must be info, quiet or debug; it is \"%s\"", word);
}

/* Many systems give 1024 files by default; a crowd of connections needs more. */
static void raise_file_limit(void)
{
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= FILES_WANTED)
        return;
    r.rlim_cur = r.rlim_max < FILES_WANTED ? r.rlim_max : FILES_WANTED;
    setrlimit(RLIMIT_NOFILE, &r);
}

int serve_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    struct server s = { .arena = a, .data = "data", .listen = "127.0.0.1:8080", .lock = -1 };
    const char *word = "info", *quota = NULL;
    uint64_t quota_bytes = 0;
    enum log_level level = LOG_INFO;
    const struct option_row options[] = {
        { "--data", &s.data },  { "--listen", &s.listen }, { "--public-url", &s.public_url },
        { "--host", &s.names }, { "--db", &s.db },         { "--first-secrets", &s.secrets },
        { "--log", &word },     { "--quota", &quota },     OUTSIDE_OPTIONS(&s.outside),
    };
    if (options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL) != OK || log_level_called(word, &level) != OK ||
        check_public_url(a, &s.public_url) != OK || option_bytes("--quota", quota, &quota_bytes) != OK ||
        outside_use(a, &s.outside) != OK)
        return command_failed("serve");
    block_signals();
    raise_file_limit();
    quota_set(quota_bytes);
    log_start("serve", level);
    s.services = (struct services){ .data_dir = s.data,
                                    .public_url = s.public_url,
                                    .self_path = file_self(a),
                                    .version = saccade_version,
                                    .started = clock_seconds() };
    bool fine = start(&s) == OK;
    int code = fine ? 0 : command_failed("serve");
    if (fine)
        wait_for_the_end();
    stop(&s);
    return code;
}
