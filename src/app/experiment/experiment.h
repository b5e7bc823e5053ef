/* experiment.h - one training and its record: base model or base experiment, dataset versions under aliases, logs, artifacts,
 * console, status; and how it becomes a model version. */
#pragma once
#include "api/remove.h"
#include "api/resource.h"

extern const struct removal experiment_removal;
extern const struct resource experiment_resource, experiment_dataset_resource, log_resource, artifact_resource, console_resource,
    evaluation_resource, evaluate_resource, publish_resource, compare_resource, launch_resource, experiment_source_resource;

extern const char *const experiment_statuses[];
extern const struct version_user experiment_uses_versions;

struct experiment_new {
    const char *project_id, *name, *description, *user_id;
    const char *base_model_version_id, *base_experiment_id; /* either or both may be NULL */
    const char *parameters; /* a JSON object, merged over the base's; NULL: the base's as they are */
    bool without_files;     /* the base's files do not become artifacts */
};
/* All of these work inside the caller's transaction; the caller has checked that the ids are of one organization. */
MUST_USE enum err experiment_add(struct sql *, struct arena *, const struct experiment_new *, const char **ret_id);
/* E_CONFLICT: the alias is taken. The version is attached to the project too. */
MUST_USE enum err experiment_attach(struct sql *, const char *experiment_id, const char *alias, const char *dataset_version_id);
/* Names and numbers of what it learns from, as they are now; they outlive that. */
MUST_USE enum err experiment_keep_sources(struct sql *, const char *id);
MUST_USE enum err experiment_drop_sources(struct sql *, const char *id, struct value dataset_version_ids);
/* Puts a job into the lane for trainings. E_CONFLICT: it runs already or has succeeded; E_UNMEANT: what is missing. */
MUST_USE enum err experiment_launch(struct sql *, struct arena *, const char *id, const char *org, const char *user_id,
                                    const char **ret_job);
/* The job works on the experiment: says so by its name. */
MUST_USE enum err experiment_job(struct sql *, const char *job_id, const char *id);
/* A change of status: tells the pages and, if it is the end, the listeners. The same status again changes nothing. why: shown to
 * the user for FAILED, or NULL. E_CONFLICT: it was cancelled. */
MUST_USE enum err experiment_set_status(struct sql *, struct arena *, const char *id, const char *status, const char *why);
/* The experiment as a new version of a model: artifacts become files; labels, parameters and lineage are kept. */
MUST_USE enum err experiment_publish(struct sql *, struct arena *, const char *id, const char *model_id, const char *user_id,
                                     const char **ret_version_id);

/* Called in the transaction in which an experiment ends (SUCCESS, FAILED, CANCELED or TERMINATED); app/listeners.c. */
typedef enum err experiment_listener(struct sql *, struct arena *, const char *experiment_id, const char *status);
extern experiment_listener *const experiment_listeners[];

/* E_INVALID says what data of that type (but LINE) looks like. */
MUST_USE enum err log_check(const char *type, const struct json *data);
/* Creates a log or replaces the one of that name and type; a LINE is appended to. data is checked for the type. */
MUST_USE enum err log_put(struct sql *, struct arena *, const char *experiment_id, const char *name, const char *type,
                          const struct json *data, const char **ret_id);
/* The same for JSON text that is known to fit, for logs that are not lines. */
MUST_USE enum err log_put_text(struct sql *, struct arena *, const char *experiment_id, const char *name, const char *type,
                               const char *data);

MUST_USE enum err evaluation_migrate(struct sql *, struct arena *); /* the step that gave evaluated shapes a table of their own */
