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

/* A version of the experiment: its alias, its id (NULL: it is gone) and its labels. */
struct part {
    const char *alias, *version;
    const struct json *labels;
    struct label_ids ids;
};
/* What is learnt from comes first, then what is evaluated on, if anything is. */
struct parts {
    struct part *items;
    size_t n, learnt;
};

/* ---- labels */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void number_labels(struct remote *r, struct part *p)
{
    size_t count = json_count(p->labels);
    p->ids = (struct label_ids){ arena_new_array(r->arena, const char *, count + 1), arena_new_array(r->arena, int, count + 1), 0 };
    for (size_t i = 0; i < count; i++) {
        const struct json *l = json_at(p->labels, i);
        if (!remote_text(l, "name") || !remote_text(l, "id"))
            continue;
        p->ids.id[p->ids.n] = remote_text(l, "id");
        p->ids.number[p->ids.n++] = remote_label(r, remote_text(l, "name"));
    }
}

/* The labels of all versions are one set, by name. Those of the start weights come first, the others sorted. */
static enum err merge_labels(struct remote *r, struct parts *p)
{
    size_t all = 0, at = 0;
    for (size_t v = 0; v < p->n; v++)
        all += json_count(p->items[v].labels);
    const char **names = arena_new_array(r->arena, const char *, all + 1);
    for (size_t v = 0; v < p->n; v++)
        for (size_t i = 0; i < json_count(p->items[v].labels); i++)
            if (remote_text(json_at(p->items[v].labels, i), "name"))
                names[at++] = remote_text(json_at(p->items[v].labels, i), "name");
    if (at)
        qsort(names, at, sizeof *names, by_text);
    for (size_t i = 0; i < at; i++)
        remote_label(r, names[i]);
    for (size_t v = 0; v < p->n; v++)
        number_labels(r, &p->items[v]);
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

/* must: without an image of it there is nothing to learn. */
static enum err fetch_version(struct remote *r, const struct part *p, bool must, struct growing *to)
{
    const char *cursor = NULL;
    size_t before = to->samples.n, without = 0, bad = 0;
    do {
        const struct json *page;
        TRY(remote_get(r, &page, "/api/dataset/version/%s/assets?annotations=true&limit=%d%s%s", p->version, PAGE,
                       cursor ? "&cursor=" : "", cursor ? cursor : ""));
        const struct json *items = json_get(page, "items");
        struct errand *errands = arena_new_array(r->arena, struct errand, json_count(items) + 1);
        size_t n = 0;
        for (size_t i = 0; i < json_count(items); i++) {
            struct sample sample;
            const char *url, *why = NULL;
            if (remote_sample(r, json_at(items, i), &p->ids, &sample, &url, &why)) {
                sample.origin = remote_origin(r, json_at(items, i), p->version);
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
    SAY(r, "%s: %zu annotated images%s%s", p->alias, to->samples.n - before,
        without ? arena_fmt(r->arena, ", %zu without %s %s are not used", without, r->model->task->whole ? "a" : "an", what) : "",
        bad ? arena_fmt(r->arena, ", %zu with more than one label are not used", bad) : "");
    if (must && to->samples.n == before)
        return fail(E_UNMEANT,
                    without || bad ? "the dataset version attached as \"%s\" has no image with %s %s to learn: annotate or import"
                                     " annotations first"
                                   : "the dataset version attached as \"%s\" is empty",
                    p->alias, r->model->task->whole ? "one" : "an", what);
    return OK;
}

/* ---- which version is for what */

static const char *version_of(const struct json *attached)
{
    return remote_text(json_get(attached, "dataset_version"), "id");
}

/* The version whose alias comes first among those to evaluate on; NULL: none. */
static const struct json *to_evaluate(const struct json *items)
{
    const struct json *best = NULL;
    int place = -1;
    for (size_t i = 0; i < json_count(items); i++) {
        int at = alias_place(alias_eval, remote_text(json_at(items, i), "name"));
        if (at >= 0 && (!best || at < place)) {
            best = json_at(items, i);
            place = at;
        }
    }
    return best;
}

/* A version under two names is learnt from once. */
static void add_part(struct parts *p, const struct json *attached, size_t from)
{
    const char *version = version_of(attached);
    for (size_t i = from; version && i < p->n; i++)
        if (strcmp(p->items[i].version, version) == 0)
            return;
    if (version)
        p->items[p->n++] = (struct part){ .alias = remote_text(attached, "name"), .version = version };
}

static enum err choose(struct remote *r, const struct json *items, struct parts *ret)
{
    const struct json *eval = to_evaluate(items);
    const char *names = "";
    *ret = (struct parts){ .items = arena_new_array(r->arena, struct part, json_count(items) + 1) };
    for (size_t i = 0; i < json_count(items); i++) {
        const char *name = remote_text(json_at(items, i), "name");
        names = arena_fmt(r->arena, "%s%s\"%s\"", names, i ? ", " : "", name);
        if (!alias_measures(name))
            add_part(ret, json_at(items, i), 0);
    }
    ret->learnt = ret->n;
    if (!json_count(items))
        return fail(E_UNMEANT, "no dataset version is attached: attach one as \"train\"");
    if (!ret->learnt)
        return fail(E_UNMEANT, "none of the attached dataset versions is there to learn from, or it is gone: %s", names);
    if (eval)
        add_part(ret, eval, ret->learnt);
    return OK;
}

static enum err labels_of(struct remote *r, const char *version, const struct json **ret)
{
    const struct json *answer;
    TRY(remote_get(r, &answer, "/api/dataset/version/%s/labels?limit=10000", version));
    *ret = json_kind(answer) == J_ARRAY ? answer : json_get(answer, "items");
    return OK;
}

static enum err read_labels(struct remote *r, struct parts *p)
{
    int start_labels = r->n_labels;
    bool differ = false;
    for (size_t i = 0; i < p->n; i++)
        TRY(labels_of(r, p->items[i].version, &p->items[i].labels));
    TRY(merge_labels(r, p));
    for (size_t i = 0; i < p->n; i++)
        differ |= p->items[i].ids.n != (size_t)(r->n_labels - start_labels);
    if (differ && !start_labels)
        SAY(r, "the label sets of the versions differ; they are taken together by name: %d labels", r->n_labels);
    return OK;
}

/* One to learn from may be empty beside others: nothing has come back from production yet. */
static enum err fetch_all(struct remote *r, const struct parts *p)
{
    for (size_t i = 0; i < p->learnt; i++)
        TRY(fetch_version(r, &p->items[i], i + 1 == p->learnt && !r->train.samples.n, &r->train));
    for (size_t i = p->learnt; i < p->n; i++)
        TRY(fetch_version(r, &p->items[i], true, &r->eval));
    return OK;
}

enum err remote_data(struct remote *r)
{
    const struct json *answer;
    struct parts parts;
    TRY(remote_get(r, &answer, "/api/experiment/%s/datasets", r->options->experiment));
    TRY(choose(r, json_get(answer, "items"), &parts));
    TRY(file_make_dirs(arena_fmt(r->arena, "%s/images", r->work), 0700));
    TRY(read_labels(r, &parts));
    TRY(fetch_all(r, &parts));
    size_t twins = train_drop_twins(r->arena, &r->train.samples);
    if (twins)
        SAY(r, "%zu images are in several of the versions that are learnt from: each is taken once, as the last has it", twins);
    train_sort(&r->train.samples);
    train_sort(&r->eval.samples);
    if (parts.n == parts.learnt) {
        train_split(r->arena, &r->train.samples, r->model->task->whole, (uint64_t)r->settings.seed, &r->eval.samples);
        SAY(r, "no dataset version is attached as \"eval\": %zu of the images are kept for evaluation", r->eval.samples.n);
    }
    return OK;
}
