#include "base/clock.h"
#include "base/file.h"
#include "cli/demo.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum err demo_connect(struct demo *d)
{
    const struct json *v;
    TRY(demo_ask(d, "GET", "/api/home/ping", NULL, &v));
    d->org = demo_text(v, "default_organization");
    TRY(demo_ask(d, "GET", demo_fmt(d, "/api/organization/%s/datalake", d->org), NULL, &v));
    d->lake = demo_text(v, "id");
    d->connector = demo_text(v, "connector_id");
    return OK;
}

static enum err tag_called(struct demo *d, const char *name, const char **ret)
{
    const struct json *v;
    enum err e = demo_ask(d, "GET", demo_fmt(d, "/api/datalake/%s/tags/find?name=%s", d->lake, demo_url(d, name)), NULL, &v);
    if (e == E_NOT_FOUND)
        e = demo_ask(d, "POST", demo_fmt(d, "/api/datalake/%s/tags", d->lake), demo_fmt(d, "{\"name\":%s}", demo_quoted(d, name)),
                     &v);
    TRY(e);
    *ret = demo_text(v, "id");
    return OK;
}

enum err demo_put(struct demo *d, const char *file, const char *kind, const char **ret_object)
{
    const struct json *v;
    AUTO(fd) int fd = open(file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fail(E_NOT_FOUND, "cannot read %s", file);
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/organization/%s/connector/%s/generate_object_name", d->org, d->connector),
                 demo_fmt(d, "{\"filename\":%s,\"type\":\"%s\"}", demo_quoted(d, foreign_base(file)), kind), &v));
    *ret_object = demo_text(v, "object_name");
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/object-storage/%s/generate_presigned_url", d->connector),
                 demo_fmt(d, "{\"object_name\":%s,\"content_type\":\"image/jpeg\"}", demo_quoted(d, *ret_object)), &v));
    const struct json *grant = json_get(v, "presigned_url_data"), *fields = json_get(grant, "fields");
    const char *headers[16];
    size_t n = 0;
    for (struct json_member m = json_first(fields); m.key && n < COUNT_OF(headers); m = json_next(fields, m))
        headers[n++] = demo_fmt(d, "%s: %s", m.key, json_text(m.value));
    return http_put_file(d->client, demo_text(grant, "url"), headers, n, fd, 0, (uint64_t)st.st_size);
}

enum err demo_upload(struct demo *d)
{
    const char *tags[SPLITS], *run_tag;
    TRY(tag_called(d, d->run, &run_tag));
    for (int s = 0; s < SPLITS; s++)
        TRY(tag_called(d, demo_splits[s], &tags[s]));
    double began = clock_seconds();
    for (size_t i = 0; i < d->n; i++) {
        struct picture *p = &d->pictures[i];
        const struct json *v;
        const char *object = NULL;
        TRY(demo_put(d, p->path, "DATA", &object));
        TRY(demo_ask(
            d, "POST", demo_fmt(d, "/api/datalake/%s/datas", d->lake),
            demo_fmt(
                d,
                "{\"type\":\"IMAGE\",\"filename\":%s,\"object_name\":%s,\"content_type\":\"image/jpeg\",\"tags\":[\"%s\",\"%s\"]}",
                demo_quoted(d, p->name), demo_quoted(d, object), tags[p->split], run_tag),
            &v));
        if (strcmp(demo_text(v, "upload_status"), "DONE") != 0)
            return fail(E_INVALID, "%s: %s", p->name, demo_text(v, "error"));
        p->id = demo_text(v, "id");
        int64_t w = 0, h = 0;
        json_int(json_get(json_get(v, "meta"), "width"), &w);
        json_int(json_get(json_get(v, "meta"), "height"), &h);
        p->width = (int)w;
        p->height = (int)h;
    }
    double seconds = clock_seconds() - began;
    demo_say(d, "datalake", "%zu images uploaded and tagged in %.1f s (%.0f a second)", d->n, seconds, (double)d->n / seconds);
    return OK;
}

/* The ids that a query selects, as the items of a JSON list. */
static enum err query(struct demo *d, const char *q, const char **ret_ids, int64_t *ret_count)
{
    AUTO(text) struct text ids;
    text_init(&ids, 64 << 20);
    const char *cursor = NULL;
    do {
        const struct json *page;
        TRY(demo_ask(d, "GET",
                     demo_fmt(d, "/api/datalake/%s/datas?limit=1000&q=%s%s%s", d->lake, demo_url(d, q), cursor ? "&cursor=" : "",
                              cursor ? cursor : ""),
                     NULL, &page));
        for (size_t i = 0; i < json_count(json_get(page, "items")); i++)
            text_fmt(&ids, "%s\"%s\"", ids.n ? "," : "", demo_text(json_at(json_get(page, "items"), i), "id"));
        json_int(json_get(page, "count"), ret_count);
        cursor = json_text(json_get(page, "next_cursor"));
    } while (cursor);
    *ret_ids = arena_str(d->arena, ids.bytes);
    return OK;
}

enum err demo_new_version(struct demo *d, const char *name, const char *ids, const char **ret)
{
    const struct json *v;
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/dataset/%s/versions", d->dataset),
                 demo_fmt(d, "{\"version\":\"%s\",\"description\":\"made by the demo\",\"type\":\"OBJECT_DETECTION\"}", name), &v));
    *ret = demo_text(v, "id");
    if (!ids)
        return OK;
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/dataset/version/%s/assets", *ret),
                 demo_fmt(d, "{\"asset_tag_ids\":[],\"data_ids\":[%s]}", ids), &v));
    return demo_wait_for_job(d, demo_text(json_get(v, "job"), "id"), NULL);
}

enum err demo_datasets(struct demo *d)
{
    const struct json *v;
    TRY(demo_ask(d, "POST", demo_fmt(d, "/api/organization/%s/datasets", d->org),
                 demo_fmt(d, "{\"name\":%s,\"description\":\"made by the demo\"}", demo_quoted(d, demo_fmt(d, "cells %s", d->run))),
                 &v));
    d->dataset = demo_text(v, "id");
    int64_t counts[SPLITS] = { 0 };
    for (int s = 0; s < SPLITS; s++) {
        const char *ids;
        TRY(query(d, demo_fmt(d, "tags.name = \"%s\" and tags.name = \"%s\"", d->run, demo_splits[s]), &ids, &counts[s]));
        TRY(demo_new_version(d, demo_splits[s], ids, &d->versions[s]));
    }
    demo_say(d, "dataset", "versions from queries like tags.name = \"train\": %lld + %lld + %lld assets", (long long)counts[0],
             (long long)counts[1], (long long)counts[2]);
    return OK;
}

static enum err put_bytes(void *with, const char *bytes, size_t n)
{
    return file_write_all(*(int *)with, bytes, n);
}

/* Many files go as one. */
static enum err pack(struct demo *d, const char **ret)
{
    *ret = d->annotations;
    if (d->files->n == 1)
        return OK;
    *ret = demo_fmt(d, "%s/annotations.zip", d->work);
    AUTO(fd) int fd = open(*ret, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return fail(E_BROKEN, "cannot write %s", *ret);
    return foreign_zip(d->files, (struct foreign_put){ put_bytes, &fd });
}

/* Each version gets what the files say about its images; the server finds out the format. */
enum err demo_annotations(struct demo *d)
{
    const char *file;
    TRY(pack(d, &file));
    AUTO(text) struct text found;
    text_init(&found, 1 << 16);
    for (int s = 0; s < SPLITS; s++) {
        const struct json *v;
        const char *const fields[] = { "mode", "REPLACE", "skip_invalid", "true" };
        TRY(http_post_form(d->client, d->arena, demo_fmt(d, "/api/dataset/version/%s/annotations/import", d->versions[s]), fields,
                           COUNT_OF(fields), "files", file, &v));
        TRY(demo_wait_for_job(d, demo_text(json_get(v, "job"), "id"), &v));
        int64_t left_out = 0;
        if (json_int(json_get(json_get(v, "result"), "skipped_shapes"), &left_out) && left_out)
            demo_say(d, "annotations", "%s: %lld boxes without an area were left out", demo_splits[s], (long long)left_out);
        TRY(demo_ask(d, "GET", demo_fmt(d, "/api/dataset/version/%s/stats", d->versions[s]), NULL, &v));
        const struct json *labels = json_get(v, "label_repartition");
        text_fmt(&found, "%s%s:", s ? "; " : "", demo_splits[s]);
        for (struct json_member m = json_first(labels); m.key; m = json_next(labels, m)) {
            int64_t boxes = 0;
            json_int(m.value, &boxes);
            text_fmt(&found, " %s %lld", m.key, (long long)boxes);
        }
    }
    demo_say(d, "annotations", "%s imported. %s", d->truth->format, found.bytes);
    return OK;
}
