/* A version's file and those beside it, opened for the process that runs it. */
#include "app/model/model.h"
#include "base/file.h"
#include "blob/blob.h"
#include <string.h>

bool model_is_servable_file(const char *filename, const char *framework)
{
    size_t n = filename ? strlen(filename) : 0;
    if (n > 4 && strcmp(filename + n - 4, ".zip") == 0) /* other frameworks have zips too */
        return framework && strcmp(framework, "ONNX") == 0;
    return n > 5 && strcmp(filename + n - 5, ".onnx") == 0;
}

enum err model_open_served(const struct services *s, struct arena *a, const struct model_served *of, struct infer_model *ret)
{
    struct model_part *parts = arena_new_array(a, struct model_part, of->n_beside + 1);
    uint64_t size;
    *ret = (struct infer_model){ .hash = of->hash, .fd = -1, .told = of->told, .parts = parts };
    for (size_t i = 0; i < of->n_beside; i++) {
        parts[i] = (struct model_part){ of->beside[i].filename, of->beside[i].hash, -1 };
        TRY(blob_read(s->blobs, parts[i].hash, &parts[i].fd, &size));
        ret->n_parts++;
    }
    return blob_read(s->blobs, of->hash, &ret->fd, &size);
}

enum err model_open(struct sql *db, const struct services *s, struct arena *a, const char *version, struct model_served *served,
                    struct infer_model *ret)
{
    TRY(model_file_find(db, a, version, served));
    return model_open_served(s, a, served, ret);
}

void auto_infer_model(struct infer_model *m)
{
    for (size_t i = 0; i < m->n_parts; i++) {
        int fd = m->parts[i].fd;
        auto_fd(&fd);
    }
    auto_fd(&m->fd);
}
