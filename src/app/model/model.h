/* model.h - the registry: models, their versions 0, 1, 2 …, each with files, labels, parameters and where it came from; and the
 * hub: read-only models without an organization that the program brings along. */
#pragma once
#include "api/remove.h"
#include "api/resource.h"
#include "infer/infer.h"

extern const struct removal model_removal, model_version_removal;

extern const struct resource model_resource, model_version_resource, model_file_resource, model_context_resource,
    parameter_resource, model_look_resource, model_evidence_resource;
extern const struct job_kind describe_model_job;

extern const struct version_user model_uses_versions;
extern const char *const frameworks[]; /* words of the contract; those of types are in dataset.h */

/* The short form, nested in other answers. */
extern const struct resource model_version_short;

/* Frees an object that no row names any more, and the triggers that do so for a table with a column object_name. */
#define OBJECT_FREE(name_)                                                                                                         \
    "DELETE FROM object WHERE name = " name_ " AND NOT EXISTS (SELECT 1 FROM data u WHERE u.object_name = object.name)"            \
    " AND NOT EXISTS (SELECT 1 FROM artifact u WHERE u.object_name = object.name)"                                                 \
    " AND NOT EXISTS (SELECT 1 FROM model_file u WHERE u.object_name = object.name)"                                               \
    " AND NOT EXISTS (SELECT 1 FROM logging_file u WHERE u.object_name = object.name);"
#define OBJECT_FREED_BY(table)                                                                                                     \
    "CREATE INDEX " table "_object ON " table " (object_name);"                                                                    \
    "CREATE TRIGGER " table "_gone AFTER DELETE ON " table                                                                         \
    " BEGIN " OBJECT_FREE("old.object_name") " END;"                                                                               \
                                             "CREATE TRIGGER " table "_replaced AFTER UPDATE OF object_name ON " table             \
                                             " BEGIN " OBJECT_FREE("old.object_name") " END"

struct model_version_new {
    const char *model_id, *name, *description; /* name: NULL for the version's number */
    const char *type, *framework;              /* NULL: NOT_CONFIGURED */
    const char *labels, *parameters;           /* JSON objects; NULL: none */
    const char *architecture;                  /* the hub model that it is, so that it can be trained on; NULL: made elsewhere */
    const char *docker_image, *docker_tag, *docker_flags, *docker_env, *thumbnail,
        *notebook;                     /* as the contract has them, or NULL */
    const char *experiment_id, *datas; /* where it came from: datas is the JSON array of the contract's model context */
    const char *user_id;
};
/* All three inside the caller's transaction. The version gets the next number of its model. */
struct model_new {
    const char *org, *user_id, *name;
    const char *description, *type, *framework; /* may be NULL; the type and framework of versions that do not say theirs */
};
MUST_USE enum err model_add(struct sql *, struct arena *, const struct model_new *, const char **ret_id);
MUST_USE enum err model_version_add(struct sql *, struct arena *, const struct model_version_new *, const char **ret_id);
MUST_USE enum err model_file_add(struct sql *, const char *model_version_id, const char *name, const char *filename,
                                 const char *object_name, bool large);

/* A version of the caller's organization or of the hub: E_NOT_FOUND otherwise. */
MUST_USE enum err model_version_seen(struct op *, const char *id);
/* The same as the whole answer. */
MUST_USE enum err model_version_reply(struct op *, const char *id);

/* An object that the caller's organization has uploaded; E_UNMEANT otherwise. */
MUST_USE enum err object_is_own(struct op *, const char *object_name);

/* {"0": "cat", …}: an object whose values are text. E_INVALID names the key. */
MUST_USE enum err labels_check(const struct json *labels, const char *where);

/* The file that a version serves, what it tells about it (told.c; NULL: nothing), and its other files, in which tensors may lie:
 * the newest first, MODEL_PARTS at most; none of a version that was trained here. E_UNMEANT: it has no such file. */
struct model_beside {
    const char *filename, *hash, *object_name;
};
struct model_served {
    const char *hash, *told, *type;
    struct model_beside *beside;
    size_t n_beside;
};
MUST_USE enum err model_file_find(struct sql *, struct arena *, const char *model_version_id, struct model_served *ret);
/* The same, opened for the process that runs it. To be closed, also after a failure; .fd and .parts are set before. */
#define MODEL_CLOSED ((struct infer_model){ .fd = -1 })
MUST_USE enum err model_open(struct sql *, const struct services *, struct arena *, const char *model_version_id,
                             struct model_served *, struct infer_model *);
MUST_USE enum err model_open_served(const struct services *, struct arena *, const struct model_served *, struct infer_model *);
void auto_infer_model(struct infer_model *);
/* Whether a file of that name, of a version of that framework, is one that could be served: an ONNX file, or a zip of one. */
bool model_is_servable_file(const char *filename, const char *framework);
/* type, labels and parameters as the table has them, or NULL. */
MUST_USE enum err model_told(struct arena *, const char *type, const char *labels, const char *parameters, const char **ret);
/* The same with the facts of `onnx`, a JSON object, for this once. E_INVALID names the key. */
MUST_USE enum err model_told_as(struct arena *, const char *told, const char *onnx, const char **ret);
/* What parameters say under "onnx": E_INVALID names the key. */
MUST_USE enum err model_parameters_check(const struct json *parameters, const char *where);
/* Before a version is deployed to be served: E_UNMEANT says why its file cannot be, E_NOT_FOUND that the caller sees no such
 * version. Outside of a transaction, since the file is looked at in the sandbox (look.c). */
MUST_USE enum err model_need_servable(struct op *, const char *model_version_id);
