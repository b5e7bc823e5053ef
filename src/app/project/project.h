/* project.h - projects: experiments on one question, with the dataset versions that they use. */
#pragma once
#include "api/remove.h"
#include "api/resource.h"

extern const struct removal project_removal;
extern const struct resource project_resource;
extern const struct version_user project_uses_versions;

MUST_USE enum err project_touch(struct sql *, const char *project_id); /* something in it is new */
/* Attaching twice is fine. */
MUST_USE enum err project_attach(struct sql *, const char *project_id, const char *dataset_version_id);
