/* The images and boxes of an experiment's dataset versions. */
#include "base/clock.h"
#include "base/file.h"
#include "learn/data/alias.h"
#include "trainer/remote.h"
#include "trainer/split.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE = 1000, DOWNLOADERS = 4, MISSING_NAMED = 5 };

int remote_label(struct remote *r, const char *name)
{
    for (int i = 0; i < r->n_labels; i++)
        if (strcmp(r->labels[i], name) == 0)
            return i;
    if (r->n_labels == r->room_labels) {
        const char **more = arena_new_array(r->arena, const char *, r->room_labels * 2 + 16);
        if (r->n_labels)
            memcpy(more, r->labels, sizeof *more * (size_t)r->n_labels);
        r->labels = more;
        r->room_labels = r->room_labels * 2 + 16;
    }
    r->labels[r->n_labels] = name;
    return r->n_labels++;
}

static struct sample *add_sample(struct arena *a, struct growing *g)
{
    if (g->samples.n == g->room) {
        struct sample *more = arena_new_array(a, struct sample, g->room * 2 + 256);
        if (g->samples.n)
            memcpy(more, g->samples.items, sizeof *more * g->samples.n);
        g->samples.items = more;
        g->room = g->room * 2 + 256;
    }
    return &g->samples.items[g->samples.n++];
}

/* ---- labels */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The labels of all versions are one set, by name. Those of the start weights come first, the others sorted. */
static enum err merge_labels(struct remote *r, const struct json *const *lists, size_t n, struct label_ids *ret)
{
    size_t all = 0, at = 0;
    for (size_t v = 0; v < n; v++)
        all += json_count(lists[v]);
    const char **names = arena_new_array(r->arena, const char *, all + 1);
    for (size_t v = 0; v < n; v++)
        for (size_t i = 0; i < json_count(lists[v]); i++)
            if (remote_text(json_at(lists[v], i), "name"))
                names[at++] = remote_text(json_at(lists[v], i), "name");
    if (at)
        qsort(names, at, sizeof *names, by_text);
    for (size_t i = 0; i < at; i++)
        remote_label(r, names[i]);
    for (size_t v = 0; v < n; v++) {
        size_t count = json_count(lists[v]);
        ret[v] =
            (struct label_ids){ arena_new_array(r->arena, const char *, count + 1), arena_new_array(r->arena, int, count + 1), 0 };
        for (size_t i = 0; i < count; i++) {
            const struct json *l = json_at(lists[v], i);
            if (!remote_text(l, "name") || !remote_text(l, "id"))
                continue;
            ret[v].id[ret[v].n] = remote_text(l, "id");
            ret[v].number[ret[v].n++] = remote_label(r, remote_text(l, "name"));
        }
    }
    if (!r->n_labels)
        return fail(E_UNMEANT, "the dataset versions have no labels: make labels and annotate the images first");
    return OK;
}

/* ---- images */

/* One image to bring, if it is not there. */
struct errand {
    const char *url, *path, *name;
    bool missing;
};

struct errands {
    struct remote *remote;
    struct errand *items;
    size_t n;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock;
    enum err why;
    char text[512];
};

static enum err run_errand(struct http_client *client, struct errand *e)
{
    if (file_exists(e->path))
        return OK;
    enum err err = remote_download(client, e->url, e->path, IMAGE_BYTES);
    e->missing = err == E_NOT_FOUND;
    return e->missing ? OK : fail_within(err, "downloading %s: ", e->name);
}

static void *run_errands(void *with)
{
    struct errands *all = with;
    struct http_client *client = NULL;
    enum err e = http_client_new(all->remote->options->host, NULL, &client);
    for (size_t i; e == OK && !atomic_load(&all->failed) && (i = atomic_fetch_add(&all->next, 1)) < all->n;)
        e = remote_stopped(all->remote) ? fail(E_CANCELLED, "stopped while images were downloaded")
                                        : run_errand(client, &all->items[i]);
    if (e != OK && !atomic_exchange(&all->failed, true)) {
        all->why = e;
        strncpy(all->text, fail_text(), sizeof all->text - 1);
    }
    http_client_free(client);
    return NULL;
}

static enum err download_all(struct remote *r, struct errand *items, size_t n)
{
    struct errands all = { .remote = r, .items = items, .n = n };
    pthread_t thread[DOWNLOADERS];
    int started = 0;
    while (started < DOWNLOADERS && pthread_create(&thread[started], NULL, run_errands, &all) == 0)
        started++;
    if (!started)
        run_errands(&all);
    for (int i = 0; i < started; i++)
        pthread_join(thread[i], NULL);
    return all.failed ? fail(all.why, "%s", all.text) : OK;
}

/* Images that the storage does not have any more are named and left out. */
static void drop_missing(struct remote *r, const struct errand *items, size_t n, struct growing *g)
{
    size_t first = g->samples.n - n, kept = first, missing = 0;
    for (size_t i = 0; i < n; i++)
        if (items[i].missing && missing++ < MISSING_NAMED)
            SAY(r, "skipped %s: it is not in the storage", items[i].name);
        else if (!items[i].missing)
            g->samples.items[kept++] = g->samples.items[first + i];
    g->samples.n = kept;
    if (missing > MISSING_NAMED)
        SAY(r, "%zu images in all are not in the storage", missing);
}

static enum err fetch_version(struct remote *r, const char *version, const char *alias, const struct label_ids *ids,
                              struct growing *to)
{
    const char *cursor = NULL;
    size_t before = to->samples.n, without = 0, bad = 0;
    do {
        const struct json *page;
        TRY(remote_get(r, &page, "/api/dataset/version/%s/assets?annotations=true&limit=%d%s%s", version, PAGE,
                       cursor ? "&cursor=" : "", cursor ? cursor : ""));
        const struct json *items = json_get(page, "items");
        struct errand *errands = arena_new_array(r->arena, struct errand, json_count(items) + 1);
        size_t n = 0;
        for (size_t i = 0; i < json_count(items); i++) {
            struct sample sample;
            const char *url, *why = NULL;
            if (remote_sample(r, json_at(items, i), ids, &sample, &url, &why)) {
                sample.origin = remote_origin(r, json_at(items, i), version);
                *add_sample(r->arena, to) = sample;
                errands[n++] = (struct errand){ url, sample.path, sample.name, false };
            } else if (why && bad++ < MISSING_NAMED) {
                SAY(r, "skipped %s: %s", sample.name, why);
            } else {
                without += !why;
            }
        }
        TRY(download_all(r, errands, n));
        drop_missing(r, errands, n, to);
        AUTO(text) struct text url;
        text_init(&url, 1 << 16);
        if (remote_text(page, "next_cursor"))
            text_url(&url, remote_text(page, "next_cursor"), false);
        cursor = url.n ? arena_str(r->arena, url.bytes) : NULL;
    } while (cursor);
    const char *what = r->model->task->whole ? "classification" : "annotation";
    SAY(r, "%s: %zu annotated images%s%s", alias, to->samples.n - before,
        without ? arena_fmt(r->arena, ", %zu without %s %s are not used", without, r->model->task->whole ? "a" : "an", what) : "",
        bad ? arena_fmt(r->arena, ", %zu with more than one label are not used", bad) : "");
    if (to->samples.n == before)
        return fail(E_UNMEANT,
                    without || bad ? "the dataset version attached as \"%s\" has no image with %s %s to learn: annotate or import"
                                     " annotations first"
                                   : "the dataset version attached as \"%s\" is empty",
                    alias, r->model->task->whole ? "one" : "an", what);
    return OK;
}

/* ---- which version is for what */

/* The version whose alias comes first among the words; NULL: none. */
static const struct json *by_alias(const struct json *items, const char *const *words)
{
    const struct json *best = NULL;
    int place = -1;
    for (size_t i = 0; i < json_count(items); i++) {
        int at = alias_place(words, remote_text(json_at(items, i), "name"));
        if (at >= 0 && (!best || at < place)) {
            best = json_at(items, i);
            place = at;
        }
    }
    return best;
}

static enum err choose(struct remote *r, const struct json *items, const struct json **ret_train, const struct json **ret_eval)
{
    *ret_train = by_alias(items, alias_train);
    *ret_eval = by_alias(items, alias_eval);
    if (!json_count(items))
        return fail(E_UNMEANT, "no dataset version is attached: attach one as \"train\"");
    if (!*ret_train && !*ret_eval && json_count(items) == 1) /* one of its own name; what is called "test" is never learnt from */
        *ret_train = json_at(items, 0);
    if (!*ret_train) {
        const char *names = "";
        for (size_t i = 0; i < json_count(items); i++)
            names = arena_fmt(r->arena, "%s%s\"%s\"", names, i ? ", " : "", remote_text(json_at(items, i), "name"));
        return fail(E_UNMEANT, "none of the attached dataset versions is called \"train\": %s", names);
    }
    return OK;
}

static enum err labels_of(struct remote *r, const char *version, const struct json **ret)
{
    const struct json *answer;
    TRY(remote_get(r, &answer, "/api/dataset/version/%s/labels?limit=10000", version));
    *ret = json_kind(answer) == J_ARRAY ? answer : json_get(answer, "items");
    return OK;
}

enum err remote_data(struct remote *r)
{
    const struct json *answer, *train, *eval, *lists[2] = { NULL, NULL };
    struct label_ids ids[2];
    TRY(remote_get(r, &answer, "/api/experiment/%s/datasets", r->options->experiment));
    TRY(choose(r, json_get(answer, "items"), &train, &eval));
    TRY(file_make_dirs(arena_fmt(r->arena, "%s/images", r->work), 0700));
    const char *versions[2] = { remote_text(json_get(train, "dataset_version"), "id"),
                                remote_text(json_get(eval, "dataset_version"), "id") };
    if (!versions[0])
        return fail(E_UNMEANT, "the dataset version attached as \"train\" is gone");
    int start_labels = r->n_labels;
    TRY(labels_of(r, versions[0], &lists[0]));
    if (versions[1])
        TRY(labels_of(r, versions[1], &lists[1]));
    TRY(merge_labels(r, lists, 2, ids));
    if (versions[1] && ids[0].n != (size_t)(r->n_labels - start_labels) && !start_labels)
        SAY(r, "the label sets of the versions differ; they are taken together by name: %d labels", r->n_labels);
    TRY(fetch_version(r, versions[0], remote_text(train, "name"), &ids[0], &r->train));
    if (versions[1])
        TRY(fetch_version(r, versions[1], remote_text(eval, "name"), &ids[1], &r->eval));
    train_sort(&r->train.samples);
    train_sort(&r->eval.samples);
    if (!versions[1]) {
        train_split(r->arena, &r->train.samples, r->model->task->whole, (uint64_t)r->settings.seed, &r->eval.samples);
        SAY(r, "no dataset version is attached as \"eval\": %zu of the images are kept for evaluation", r->eval.samples.n);
    }
    return OK;
}
