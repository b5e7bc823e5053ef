#include "../fuzz.h"
#include "api/dispatch.h"
#include "app/account/account.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "json/json.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The whole server in this process, so that a form goes the way it goes in use: over a connection to the route that takes it. */
static struct {
    struct arena *arena;
    struct services services;
    struct http_server *http;
    struct first_start first;
    char folder[64];
    const char *paths[2];
} all;

static void must(enum err e)
{
    if (e == OK)
        return;
    fprintf(stderr, "forms: %s (%s)\n", fail_text(), fail_place());
    _exit(1);
}

static void clean_up(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", all.folder);
    if (system(command) != 0)
        fprintf(stderr, "forms: %s was left\n", all.folder);
}

static enum err no_session(struct sql *db, struct arena *a, const char *cookie, struct identity *ret)
{
    (void)db, (void)a, (void)cookie, (void)ret;
    return fail(E_UNKNOWN_USER, "no sessions here");
}

/* What came back to one request on a connection of its own. */
static char *ask(const char *head, const void *body, size_t n)
{
    static const struct timeval patience = { 20, 0 };
    AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)http_server_port(all.http)),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    AUTO(text) struct text got;
    char block[4096];
    text_init(&got, 1 << 20);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        must(fail(E_BROKEN, "cannot connect"));
    bool sent = file_write_all(fd, head, strlen(head)) == OK && file_write_all(fd, body, n) == OK;
    for (ssize_t k; (k = read(fd, block, sizeof block)) > 0;)
        text_bytes(&got, block, (size_t)k);
    return got.n || !sent ? heap_str(got.bytes) : NULL;
}

static const char *post(struct arena *a, const char *path, const char *json)
{
    char *got = ask(arena_fmt(a,
                              "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                              "Content-Length: %zu\r\n\r\n",
                              path, all.first.token, strlen(json)),
                    json, strlen(json));
    const char *body = got ? strstr(got, "\r\n\r\n") : NULL;
    const struct json *v = NULL;
    must(body ? json_parse(a, body + 4, strlen(body + 4), &v) : fail(E_BROKEN, "no answer to %s", path));
    const char *id = json_text(json_get(v, "id"));
    must(id ? OK : fail(E_BROKEN, "%s answered %s", path, body));
    free(got);
    return id;
}

static void start_server(void)
{
    static const struct api_hooks hooks = {
        .by_token = account_by_token, .by_token_id = account_by_token_id, .by_session = no_session,
        .reach = account_reach,       .given = ACCOUNT_GIVEN,
    };
    static const struct http_limits limits = { 100, 100 };
    static struct http_app app;
    struct sql *db = NULL;
    strcpy(all.folder, "/tmp/saccade_forms_XXXXXX");
    must(mkdtemp(all.folder) ? OK : fail(E_BROKEN, "cannot make a folder"));
    atexit(clean_up);
    log_start("forms", LOG_ERROR);
    all.arena = arena_new();
    all.services = (struct services){ .data_dir = all.folder, .version = "fuzz", .started = clock_seconds() };
    must(sign_key_open(arena_fmt(all.arena, "%s/key", all.folder), &all.services.key));
    must(blob_open(all.folder, &all.services.blobs));
    const char *path = arena_fmt(all.arena, "%s/saccade.db", all.folder);
    must(sql_open(path, &db));
    must(api_make_schema(db));
    must(account_first_start(db, all.arena, &all.first));
    sql_close(db);
    must(sql_pool_open(path, &all.services.pool));
    must(http_server_listen("127.0.0.1:0", &all.http));
    must(api_open(&all.services, &hooks, &app));
    must(http_server_start(all.http, &app, &limits));
}

/* The routes that take a form, each with something that it takes it for. */
static void make_things(void)
{
    struct sql *db = NULL;
    AUTO(rows) struct rows *r = NULL;
    must(sql_pool_take(all.services.pool, &db));
    must(sql_first(db, &r, "SELECT o.id, l.id FROM organization o JOIN datalake l ON l.org = o.id"));
    const char *org = arena_str(all.arena, rows_text(r, 0)), *lake = arena_str(all.arena, rows_text(r, 1));
    rows_done(r);
    r = NULL;
    const char *model = post(all.arena, arena_fmt(all.arena, "/api/organization/%s/models", org), "{\"name\":\"m\"}"),
               *version = post(all.arena, arena_fmt(all.arena, "/api/model/%s/versions", model),
                               "{\"type\":\"OBJECT_DETECTION\",\"framework\":\"ONNX\",\"labels\":{\"0\":\"cell\"}}"),
               *deployment = id_new(all.arena),
               *dataset = post(all.arena, arena_fmt(all.arena, "/api/organization/%s/datasets", org), "{\"name\":\"s\"}"),
               *dataset_version = post(all.arena, arena_fmt(all.arena, "/api/dataset/%s/versions", dataset),
                                       "{\"version\":\"one\",\"type\":\"OBJECT_DETECTION\"}");
    must(
        sql_run(db,
                "INSERT INTO deployment (id, org, name, type, model_version_id, min_threshold, target_datalake_id, status, serving,"
                " created_at, updated_at, deployed_at) VALUES (?1, ?2, 'd', 'OBJECT_DETECTION', ?3, 0, ?4, 'RUNNING', 1, 0, 0, 0)",
                V(deployment), V(org), V(version), V(lake)));
    sql_pool_give(all.services.pool, db);
    all.paths[0] = arena_fmt(all.arena, "/api/dataset/version/%s/annotations/import", dataset_version);
    all.paths[1] = arena_fmt(all.arena, "/api/deployment/%s/predict", deployment);
}

/* The first byte picks the route; the rest is a form with the boundary BB. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    if (!all.http) {
        start_server();
        make_things();
    }
    if (n < 1)
        return 0;
    AUTO(arena) struct arena *a = arena_new();
    char *got = ask(arena_fmt(a,
                              "POST %s HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer %s\r\n"
                              "Content-Type: multipart/form-data; boundary=BB\r\nContent-Length: %zu\r\n\r\n",
                              all.paths[bytes[0] % COUNT_OF(all.paths)], all.first.token, n - 1),
                    bytes + 1, n - 1);
    if (!got || strncmp(got, "HTTP/1.1 5", 10) == 0) {
        fprintf(stderr, "forms: answered %s\n", got ? got : "nothing");
        __builtin_trap();
    }
    free(got);
    return 0;
}
