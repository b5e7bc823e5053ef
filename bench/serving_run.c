/* Times a model's process, for bench/serving, as the server asks it: by the pool.
 *
 *     serving_run PROGRAM MODEL IMAGE THRESHOLD
 *
 * Reads a number of predictions a line from standard input, makes them one after the other, and answers a line of JSON: the medians
 * of what the process says of its parts and of all of it with asking, in milliseconds; boxes found; the size of the image. */
#include "base/clock.h"
#include "base/file.h"
#include "blob/blob.h"
#include "blob/sign.h"
#include "img/decoder.h"
#include "infer/infer.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MOST = 100000, MODEL_MOST = 1 << 30 };

struct measured {
    double decode[MOST], run[MOST], post[MOST], total[MOST];
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *all, int n)
{
    qsort(all, (size_t)n, sizeof *all, by_value);
    return all[n / 2] * 1e3;
}

static enum err measure(struct infer_pool *pool, const struct infer_model *model, int image, double threshold, int n)
{
    static struct measured m;
    struct detections d = { 0 };
    for (int i = 0; i < n; i++) {
        AUTO(arena) struct arena *a = arena_new();
        double began = clock_seconds();
        TRY(infer_predict(pool, "bench", model, image, threshold, a, &d));
        m.total[i] = clock_seconds() - began;
        m.decode[i] = d.decode_s;
        m.run[i] = d.run_s;
        m.post[i] = d.post_s;
    }
    printf("{\"decode\": %.4f, \"run\": %.4f, \"nms\": %.4f, \"total\": %.4f, \"found\": %zu, \"width\": %d, \"height\": %d}\n",
           median(m.decode, n), median(m.run, n), median(m.post, n), median(m.total, n), d.n, d.width, d.height);
    fflush(stdout);
    return OK;
}

static enum err serve(char **argv)
{
    AUTO(infer_pool) struct infer_pool *pool = NULL;
    AUTO(mapped_file) struct mapped_file file = { 0 };
    AUTO(fd) int model = open(argv[2], O_RDONLY | O_CLOEXEC), image = open(argv[3], O_RDONLY | O_CLOEXEC);
    char hash[HASH_SIZE];
    TRY(mapped_file_open(model, MODEL_MOST, "the model file", &file));
    sha256_hex(file.bytes, file.n, hash);
    const struct infer_model of = { hash, model, NULL };
    TRY(infer_start(argv[1], 1, 1, &pool));
    for (int n; scanf("%d", &n) == 1 && n > 0 && n <= MOST;)
        TRY(measure(pool, &of, image, strtod(argv[4], NULL), n));
    return OK;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: serving_run PROGRAM MODEL IMAGE THRESHOLD\n");
        return 64;
    }
    enum err e = serve(argv);
    if (e != OK)
        fprintf(stderr, "%s\n", fail_text());
    return err_exit_code(e);
}
