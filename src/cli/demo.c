/* saccade demo: the whole loop against a running server, through its public API, one line a step. Every step is a function that
 * reads like the chapter of the tour it stands for; what they share is in struct demo. */
#include "cli/demo.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/cli.h"
#include "cli/options.h"
#include <stdio.h>
#include <stdlib.h>

const char *const demo_splits[SPLITS] = { "train", "test", "valid" };

static void farewell(struct demo *d)
{
    printf("\nDone in %.0f s. Look at\n"
           "  %s/datalake                       the images; try  tags.name = \"test\"\n"
           "  %s/projects/%s   the experiments and their curves\n"
           "  %s/deployments/%s   the dashboard: champion, shadow, latency, predictions\n",
           clock_seconds() - d->began, d->host, d->host, d->project, d->host, d->deployment);
    fflush(stdout);
}

static enum err make_model(struct demo *d)
{
    TRY(demo_train(d, 0, "first", d->steps, 0.01));
    TRY(demo_train(d, 1, "second", d->own ? d->steps * 2 / 3 : d->steps / 3, 0.005));
    TRY(demo_compare(d));
    return demo_publish(d);
}

static enum err walk(struct demo *d)
{
    TRY(demo_connect(d));
    TRY(demo_make_pictures(d));
    TRY(demo_read_truth(d));
    TRY(demo_list_pictures(d));
    TRY(demo_upload(d));
    TRY(demo_datasets(d));
    TRY(demo_annotations(d));
    TRY(demo_project(d));
    TRY(d->file ? demo_bring(d) : make_model(d));
    TRY(demo_deploy(d));
    TRY(demo_predict(d));
    TRY(demo_loops(d));
    TRY(demo_review(d));
    TRY(demo_loop_closes(d));
    if (d->shadowed)
        TRY(demo_shadow_predicts(d));
    TRY(demo_drift(d));
    farewell(d);
    return OK;
}

int demo_main(int argc, char **argv)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *steps = NULL, *count = NULL, *size = NULL;
    struct demo d = {
        .arena = a, .host = "http://127.0.0.1:8080", .count = 180, .steps = 300, .image_size = 320, .began = clock_seconds()
    };
    const struct option_row options[] = {
        { "--host", &d.host },  { "--token", &d.token },   { "--images", &d.images }, { "--annotations", &d.annotations },
        { "--steps", &steps },  { "--image-size", &size }, { "--count", &count },     { "--work", &d.work },
        { "--model", &d.file }, { "--labels", &d.labels }, { "--onnx", &d.onnx },
    };
    enum err e = options_read(argc, argv, options, COUNT_OF(options), NULL, 0, NULL);
    if (e == OK && !d.token)
        d.token = getenv("SACCADE_TOKEN");
    if (e == OK && !d.token)
        e = fail(E_INVALID, "--token is missing (or the variable SACCADE_TOKEN)");
    if (e == OK && d.images && !steps)
        d.steps = 800; /* real images deserve a longer training */
    if (e == OK)
        e = option_int("--steps", steps, 2, 1000000, &d.steps);
    if (e == OK)
        e = option_int("--image-size", size, 64, 1280, &d.image_size);
    if (e == OK)
        e = option_int("--count", count, 24, 100000, &d.count);
    char folder[] = "/tmp/saccade-demo-XXXXXX";
    if (e == OK && !d.work && !(d.work = mkdtemp(folder)))
        e = fail(E_BROKEN, "cannot make a folder under /tmp");
    char *now = clock_iso(a, clock_now_ms());
    now[10] = ' ';
    now[19] = 0; /* "2026-01-31 08:15:30": names of one run */
    d.run = now;
    if (e == OK)
        e = http_client_new(d.host, d.token, &d.client);
    if (e == OK)
        e = walk(&d);
    http_client_free(d.client);
    int code = e == OK ? 0 : command_failed("demo");
    if (d.work == folder && file_remove_tree(folder) != OK)
        command_failed("demo");
    return code;
}
