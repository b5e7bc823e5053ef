/* datalake.h - images and other objects, stored once, with tags, sources and metadata. */
#pragma once
#include "api/remove.h"
#include "api/resource.h"

extern const struct removal source_removal, bucket_removal;

extern const struct resource datalake_resource, data_resource, register_resource, tag_resource, source_resource, object_resource,
    look_resource, bucket_resource, bucket_import_resource, bucket_sync_resource, connector_resource; /* where uploads go */

extern const char *const data_statuses[], *const data_types[]; /* the words of a data's upload_status and type */

/* The short forms of a tag and of a data, nested in other answers; a data in the same row is the table data as d. */
extern const struct resource tag_of_thing, data_short, image_size;
#define TAGS(id)                                                                                                                   \
    {                                                                                                                              \
        "tags", T_MANY, 0, id, .of = &tag_of_thing, .by = "x.target_id"                                                            \
    }
#define HAS_TAG(id) "FROM tagged x JOIN tag t ON t.id = x.tag_id WHERE x.target_id = " id
#define TAG_NAMES(type) "FROM tag t WHERE t.org = ?1 AND t.target_type = '" type "'"
#define SOURCE_NAMES "FROM data_source s WHERE s.org = ?1"
#define FILE_NAMES "FROM datalake k CROSS JOIN data d WHERE d.datalake_id = k.id AND k.org = ?1"
/* The same where the name stands in the list's own row, a. */
#define NAMES_OFFERED "FROM datalake k CROSS JOIN data a WHERE a.datalake_id = k.id AND k.org = ?1"
#define TAGGED "SELECT x.target_id AS id FROM tag t CROSS JOIN tagged x WHERE x.tag_id = t.id AND t.scope = ?1"
/* Those of a list's things whose data fulfils a condition: thing is a table with data_id, scope the column that the list is of. */
#define OF_DATA(thing, scope)                                                                                                      \
    "SELECT a.id AS id FROM datalake k CROSS JOIN data d CROSS JOIN " thing                                                        \
    " a WHERE d.datalake_id = k.id AND a.data_id = d.id AND a." scope " = ?1"
#define OF_TAGGED_DATA(thing, scope)                                                                                               \
    "SELECT a.id AS id FROM tag t CROSS JOIN tagged x CROSS JOIN " thing                                                           \
    " a WHERE x.tag_id = t.id AND a.data_id = x.target_id AND t.target_type = 'DATA' AND a." scope " = ?1"
#define OF_SOURCE(thing, scope)                                                                                                    \
    "SELECT a.id AS id FROM data_source s CROSS JOIN data d CROSS JOIN " thing                                                     \
    " a WHERE d.data_source_id = s.id AND a.data_id = d.id AND a." scope " = ?1"

/* Names of objects: ORG/KIND/ID/FILENAME. The random middle makes them unguessable and unique, the first part says whose they are.
 */
MUST_USE enum err object_name_new(struct arena *, const char *org, const char *kind, const char *dir, const char *filename,
                                  const char **ret);
/* The object_name that was sent, if it has the organization's own prefix, and no way out of it; else E_NOT_FOUND. */
MUST_USE enum err object_own_name(struct op *, const char **ret);
/* E_INVALID unless it can be the last part of a path everywhere: no separators, no control characters, not "." or "..". */
MUST_USE enum err filename_check(const char *filename);
/* The row that gives a stored blob its name; inside a transaction. The same name with other bytes: E_CONFLICT. */
MUST_USE enum err object_add(struct sql *, const char *org, const char *name, const char *hash, uint64_t size,
                             const char *content_type);
/* The bytes of that object are in a bucket; inside the transaction that adds it. */
MUST_USE enum err object_put_away(struct sql *, const char *name);
/* For blob_elsewhere(): gets the bytes of an object from a bucket that has them. with: the services, whose pool it uses. */
MUST_USE enum err bucket_fetch(void *with, const char *hash, int to_fd);
/* Begins the runs of what is to be kept in step with buckets and is due; in transactions of its own. */
MUST_USE enum err syncs_look(struct sql *, int64_t now_ms);
/* The server's file of credentials that connectors may name profiles of; NULL: none. Once at the start; the text must stay. */
void buckets_credentials(const char *file);
extern const struct job_kind import_objects_job;
/* How many bytes each organization may store; 0, and unless set: no limit. What is made of stored images (thumbnails) is always
 * kept. */
void quota_set(uint64_t bytes);
/* E_TOO_BIG: so many more would be over it. */
MUST_USE enum err quota_check(struct sql *, const char *org, uint64_t more);
/* The same, and counts them; before object_add() of what a user sends. An object that is there already takes nothing. */
MUST_USE enum err quota_take(struct sql *, const char *org, const char *object_name, uint64_t size);
/* E_NOT_FOUND if the organization has no such object. */
MUST_USE enum err object_find(struct sql *, struct arena *, const char *org, const char *name, const char **ret_hash,
                              uint64_t *ret_size);

/* A row of data, inside a transaction; its object must be there. */
struct data_new {
    const char *org, *datalake_id, *object_name, *filename, *content_type, *hash, *user_id;
    const char *source_id;                  /* may be NULL */
    const char *metadata, *custom_metadata; /* JSON objects, may be NULL */
    const char *error;                      /* why it is no usable image: upload_status ERROR; NULL: DONE */
    uint64_t size;
    int width, height, orientation; /* as shown */
};
bool object_shown_inline(const char *content_type);
MUST_USE enum err data_add(struct sql *, struct arena *, const struct data_new *, const char **ret_id);
/* The same of many, of which pages are told once by data_tell(): that they look at the datalake again. */
MUST_USE enum err data_add_quietly(struct sql *, struct arena *, const struct data_new *, const char **ret_id);
MUST_USE enum err data_tell(struct sql *, const char *lake);
/* Whether the datalake takes that custom metadata. */
MUST_USE enum err custom_check(struct op *, const char *lake, const struct json *custom);
/* What is told of a data later, where it has none of it yet: a source by its id, JSON objects; each may be NULL. */
MUST_USE enum err data_complete(struct sql *, const char *id, const char *source_id, const char *metadata,
                                const char *custom_metadata);

/* Get or create; inside a transaction. scope: what the names are unique in (the datalake's, dataset version's or organization's
 * id). */
MUST_USE enum err tag_need(struct sql *, struct arena *, const char *org, const char *scope, const char *target_type,
                           const char *name, const char **ret_id);
/* The routes of tags that other areas' paths have too: the scope is what the path is on. */
MUST_USE enum err tag_list(struct op *);
MUST_USE enum err tag_find(struct op *);
MUST_USE enum err tag_create(struct op *);
enum { TAG_NAME_FIELDS = 1 };
extern const struct field tag_name_in[TAG_NAME_FIELDS];
MUST_USE enum err tag_put_on(struct sql *, const char *tag_id, const char *target_id); /* having it already is fine */
MUST_USE enum err tag_take_off_all(struct sql *, const char *target_id);
/* Those of the ids under that member of the request; E_NOT_FOUND if some are no tags of the datalake. */
MUST_USE enum err tags_check(struct op *, const char *member, const char *lake, struct value *ret);
/* E_NOT_FOUND: the organization has no such data source; NULL is fine. */
MUST_USE enum err source_check(struct op *, const char *id);
MUST_USE enum err source_need(struct sql *, struct arena *, const char *org, const char *name, const char **ret_id);

/* How an image looks is wanted (table image_look): inside a transaction; it is measured later, or never if very many wait. */
MUST_USE enum err look_want(struct sql *, const char *data_id);
/* Measures the next one that is wanted, in a transaction of its own; any: there was one. E_BUSY: try again later. */
MUST_USE enum err look_next(struct sql *, const struct services *, bool *ret_any);

/* The check of a datalake's schema of custom metadata; E_UNMEANT names the key. Both may be NULL. */
MUST_USE enum err metadata_check(const struct json *schema, bool allow_extra, const struct json *custom_metadata);
