/* op.h - one request on its way through a handler, and the rows that say which handlers there are.
 *
 * The dispatcher finds the route, checks the right, reads and checks the body against the route's fields, opens the transaction if
 * the route writes, calls the handler, commits or rolls back, and sends what the handler put into op->out. A handler only does the
 * thing. */
#pragma once
#include "http/server.h"
#include "sql/sql.h"
#include "json/json.h"

struct blob_store;
struct sign_key;
struct infer_pool;
struct resource;
struct job_kind;

/* What a handler or a job may use besides its op. Owned by cli/serve.c or cli/worker.c, the same for all. */
struct services {
    struct blob_store *blobs;
    struct sign_key *key;
    struct infer_pool *infer; /* NULL in the worker */
    struct sql_pool *pool;
    const char *data_dir;
    const char *public_url; /* without a slash at the end; NULL: taken from the Host header */
    const char *local_url;  /* where this machine's own processes reach the server */
    const char *self_path;  /* of the program, for starting its roles */
    const char *version;
    double started; /* clock_seconds() */
};

enum type {
    T_ID = 1,
    T_TEXT,
    T_INT,
    T_NUMBER,
    T_BOOL,
    T_TIME, /* milliseconds in the database, ISO 8601 on the wire */
    T_JSON, /* these three: JSON text in the database */
    T_OBJECT,
    T_ARRAY,
    T_IDS,
    T_TEXTS,
    /* of answers only: */
    T_LINK,    /* an object's name in the database, on the wire a link that gives it for an hour */
    T_LINKED,  /* a JSON object with an object_name; such a link is added to it as presigned_url */
    T_HERE,    /* a path in the database, on the wire its address on this server */
    T_PART,    /* an object of further columns of the same row: the fields of `of`. With sql: null where that is NULL */
    T_TUPLE,   /* the same as a list */
    T_ONE,     /* the row of `of` whose `by` (NULL: its key) equals sql (NULL: the key of this one); null if there is none */
    T_MANY,    /* all such rows, in the order of `of`; those of a resource whose only field is "*" are bare values */
    T_COLUMNS, /* all such rows as an object of lists, one for each field */
};
enum {
    F_NEED = 1,        /* input, and F_NEW: must be sent and not null unless F_NULL */
    F_NULL = 2,        /* may be null: in answers, and in changes */
    F_SORT = 4,        /* order_by may name it */
    F_FILTER = 8,      /* the query language may name it */
    F_HIDE = 16,       /* not part of the answer (filter and sort only) */
    F_ONE = 32,        /* only in the answer for a single one, not in lists */
    F_WHEN = 64,       /* left out of the answer where it is NULL: one of several fields of that name */
    F_NEW = 128,       /* may be sent when one is made; with F_NEED it must be. Its limits are the row's, its column is written */
    F_EDIT = 256,      /* may be changed; to null if F_NULL */
    F_NAME = 512,      /* input: what name_check() asks of names */
    F_COMPOSED = 1024, /* kept in composed form, so that it is not there twice: see in_composed() */
};

/* A value that comes in or goes out. In a resource: one member of its JSON, and one expression of its SELECT. In a route's `in`:
 * one member of the request's body (or, for GET, of its query). */
struct field {
    const char *name;
    enum type type;
    unsigned flags;
    const char *sql;  /* the expression; NULL: the column called like the field */
    const char *many; /* a to-many path of the query language: "FROM … WHERE …"; sql is then evaluated inside it */
    /* How to find the few rows that fulfil a condition on this field: "SELECT … AS id FROM … WHERE …" gives their keys, and sql can
     * be evaluated inside it as well. ?1 is what all lists of the resource are restricted to. It may name too many. */
    const char *drive;
    /* Where the values that occur are found without looking at the things: "FROM … WHERE …" of the caller's organization, ?1. */
    const char *offer;
    /* Of a T_OBJECT that is searched by its members (query/kept.c): the expression of the id of whose document it is; which
     * documents k of them; and drive gives the things by a value m under a key k, as does drive_too, whose rows are added. */
    const char *owner, *keys, *drive_too;
    /* Of many numbers: an expression of the greatest, which is compared in their place by > and >=, and what drives that. */
    const char *most, *drive_most;
    const char *drive_count; /* likewise, ended by a comparison of a number: those of which there are so many in all */
    double min, max; /* of a number; of a text's or list's length (characters, items). max 0: 1000 for texts, 10000 for lists */
    const char *const *words; /* an enumeration, NULL-terminated */
    const struct resource *of; /* of T_PART … T_COLUMNS: what is inside. The short form of a thing is a resource of fewer fields. Of
                                * T_OBJECT and T_ARRAY, for the description: what their JSON holds; "*": each value of it */
    const char *by;            /* of T_ONE and T_MANY: an expression of `of` */
};
#define FIELDS(array) (array), COUNT_OF(array)

enum right {
    MAY_UNSET,    /* stops the server at start */
    MAY_ANYONE,   /* no login: health, login itself, the pages */
    MAY_SIGNED,   /* the URL carries our signature; the handler checks it */
    MAY_READ,     /* viewer and above */
    MAY_ANNOTATE, /* annotator and above */
    MAY_WRITE,    /* member and above */
    MAY_ADMIN,    /* admin and owner */
    MAY_OWN,      /* owner */
    MAY_PREDICT,  /* a token of that one deployment (op->only_on), or MAY_WRITE by API token or session; GET: MAY_READ */
};
enum role { ROLE_NONE, ROLE_VIEWER, ROLE_ANNOTATOR, ROLE_MEMBER, ROLE_ADMIN, ROLE_OWNER };

enum work {
    WORK_UNSET, /* stops the server at start */
    WORK_READ,  /* a read transaction: one consistent view */
    WORK_WRITE, /* BEGIN IMMEDIATE … COMMIT around the handler */
    WORK_FREE,  /* the handler says itself when it touches the database: uploads, predictions, event streams */
};

struct op {
    struct arena *arena;
    const struct services *services;
    struct http_call *call;
    const struct route *route;
    struct sql *db;
    const char *user_id, *user_name,
        *org;                 /* NULL for MAY_ANYONE and MAY_SIGNED. org: of what the route is on, else the chosen one */
    enum role limit;          /* of the token that was sent: role is never above it */
    int64_t expires_at;       /* of that token, milliseconds; 0: never */
    bool guest;               /* does not belong to `org`: sees there only what access was given on */
    enum role role;           /* on what the route is on; of routes on nothing: in `org` */
    const char *id, *second;  /* of route->on and on_too: they exist, and the caller may do with them what the route needs */
    const char *made;         /* what this request put up, and a job still makes: its answer tells of it though it is hidden */
    const char *root;         /* the id of what access to `id` may have been given on; NULL: of nothing */
    bool is_public;           /* `id` belongs to no organization: everybody sees it, nobody changes it. org is the caller's then */
    const char *only_on;      /* the one thing that the bearer's token is for, NULL: it is for all */
    const char *host_url;     /* "http://host:port": public_url, or what the client called us */
    const struct json *body;  /* checked against route->in; NULL if there was none */
    const struct json *query; /* those of route->in that came in the query string, likewise */
    struct out out;           /* the answer's JSON */
    int status;               /* 200 unless the handler sets it; 204 sends no body */
    const char *values[8];    /* of {names} in the path, decoded, in order; ids are in `id` and `second` */
    void *state;              /* of WORK_FREE handlers with a body of their own */
};

/* What an answer is: GIVES_ONE of route->answers, or … */
enum gives {
    GIVES_ONE,
    GIVES_PAGE,    /* {"items": […], "count", "next_cursor"} of them */
    GIVES_ROWS,    /* a bare list of them */
    GIVES_AS_SENT, /* one, or a bare list of them: as the body was */
    GIVES_NOTHING, /* 204, or an empty object */
    GIVES_FILE,    /* bytes that are no JSON */
};

typedef enum err handler(struct op *);

struct route {
    const char *method; /* "GET", "POST", "PUT", "PATCH", "DELETE", "XGET" */
    const char *path;   /* "/api/dataset/{id}"; a last "{name*}" takes the rest, slashes and all */
    handler *run;
    enum right need;
    enum work work;
    const char *says;       /* one line for the API's description */
    const struct field *in; /* what may be sent, besides the members of `makes` or `changes`; others are ignored */
    size_t in_n;
    const struct resource *answers; /* what the answer holds, for the description and the pages' types */
    size_t body_cap;                /* bytes; 0: 1 MiB */
    /* Whose: the first and second value of the path are ids of these. The dispatcher looks them up, and refuses those that the
     * caller's organization or role does not reach. A path with a value that none of them explains stops the server at start. */
    const struct resource *on, *on_too;
    const struct resource *or_answers; /* the answer is this or `answers`, by what was sent */
    const char *by_name;    /* an expression of `on`: the first value may also be this, of one in the caller's organization */
    const char *on_nothing; /* why the other values of the path are ids of nothing that somebody owns */
    enum gives gives;
    /* Another name, or another form, of the route of this path (and of the same method): what this row leaves out is that one's,
     * its right and whose the things are always. A `run` of its own turns what was sent into what that one takes, see run_as(). */
    const char *as;
    int64_t page_most; /* items of a page at most, and if the request names no limit; 0: 1000 and 100 */
    bool public_too;   /* a public one may be named although the route writes: it is only used */
    bool queues;       /* waits for its turn with others, and is turned away (429) when too many do */
    /* The members of this with F_NEW (of the second: F_EDIT) may be sent; resource_add() and resource_update() write them. */
    const struct resource *makes, *changes;
    const struct job_kind *starts;  /* a job of this kind, … */
    const struct resource *ends_in; /* … whose result, when it has succeeded, holds this */
    /* For bodies that are no JSON: called with the body's pieces instead of collecting it; `start` runs before the first.
     * Rights are checked before `start`; the handler `run` is called after the last piece. */
    handler *start;
    enum err (*piece)(struct op *, const char *bytes, size_t n);
    void (*stop)(struct op *); /* always called once after start, answered or not */
};
#define ROUTES(array) (array), COUNT_OF(array)
#define MAKES(resource) .makes = (resource), .answers = (resource)
#define CHANGES(resource) .changes = (resource), .answers = (resource)

/* The path by which handlers of several routes tell them apart. */
static inline const char *route_path(const struct route *r)
{
    return r->as ? r->as : r->path;
}
/* Runs the route that this one is another form of, with a body that is checked as if it had been sent there (NULL: that of this
 * request). What it answers stands in op->out; answered() takes it back out, for an answer in another form. */
MUST_USE enum err run_as(struct op *op, const struct out *body);
/* The same with another route on the same thing, which must not need a higher right. */
MUST_USE enum err run_route(struct op *op, const char *method, const char *path, const struct out *body);
MUST_USE enum err answered(struct op *op, const struct json **ret);

/* What the body, or else the query string, holds under a name, after the check. Absent and null: NULL, or `missing`.
 * A field called "*" stands for a body that is no object (a bare array). */
const char *in_text(struct op *, const char *name); /* T_ID and enumerations too; ids are in the dashed lower-case form */
int64_t in_int(struct op *, const char *name, int64_t missing);
double in_number(struct op *, const char *name, double missing);
bool in_bool(struct op *, const char *name, bool missing);
bool in_has(struct op *, const char *name); /* sent, and not null */
const struct json *in_json(struct op *, const char *name);
char *in_print(struct op *, const char *name); /* the JSON text of it, NULL if absent */
/* T_IDS in canonical form, and T_TEXTS, as one value for LISTED(); NULL if absent. */
MUST_USE enum err in_ids(struct op *, const char *name, struct value *ret);
MUST_USE enum err in_texts(struct op *, const char *name, struct value *ret);
/* T_TEXTS that names are compared with: composed and decomposed, since a name is kept as it was typed. */
MUST_USE enum err in_names(struct op *, const char *name, struct value *ret);
/* A name in composed form, for what must not be there twice: a tag typed on a Mac is the tag typed elsewhere. */
const char *in_composed(struct op *, const char *name);

/* Checks one JSON object against fields; `where` names it in errors ("annotations[3].rectangles[0]"). Used by the dispatcher for
 * the body, by handlers for nested objects. E_INVALID names the field. */
MUST_USE enum err fields_check(const struct field *, size_t n, const struct json *object, const char *where);
/* Names of tags, sources, labels …: 1 to 100 characters (checked by the fields), no control characters, no spaces around. */
MUST_USE enum err name_check(const char *what, const char *name);

/* An absolute URL that gives (GET) or takes (PUT) the object for an hour. */
char *signed_url(struct op *, const char *method, const char *object_name);
/* The same of another route of ours for objects, MAY_SIGNED: path is what stands before the object's name ("/storage/"). */
char *signed_link(struct op *, const char *method, const char *path, const char *object_name);
MUST_USE enum err signed_link_check(struct op *, const char *method, const char *path, const char *object_name);

/* Something happened to a thing: pages of its organization that watch the topic are told when the transaction commits. json: an
 * object's text. */
MUST_USE enum err event_tell(struct sql *, const struct resource *about, const char *about_id, const char *topic, const char *json);

/* The id of the last event there was, 0 of none: a page that reads something now and listens after this id misses nothing. */
MUST_USE enum err event_last(struct sql *, int64_t *ret);

/* For routes that make something new in the organization of the thing that they are on: E_FORBIDDEN for who may change that thing,
 * but is no member (or more) of the organization. */
MUST_USE enum err organization_need_to_change(struct op *);

/* Handlers of WORK_FREE use these around their own database work. What the route is on is looked for again by both. */
/* BEGIN, work(op), COMMIT: all that is read is of one moment. */
MUST_USE enum err op_read(struct op *, handler *work);
/* BEGIN IMMEDIATE, work(op), COMMIT or ROLLBACK; with others that come at the same time, in one transaction on the pool's writer
 * (op->db is that connection meanwhile), each undone alone if it fails. Work that fails with E_BUSY is done anew for some
 * seconds: somebody is doing something there that is over soon. */
MUST_USE enum err op_write(struct op *, handler *work);
/* The same for a thread that does what no request waits for: work gets the connection. It may be run by another thread, so that it
 * neither waits nor asks anything but the database. */
MUST_USE enum err write_together(struct sql_pool *, enum err (*work)(struct sql *, void *with), void *with);

/* Who takes turns with others where work has to wait: the user, or the organization whose login token is used. */
static inline const char *op_party(const struct op *op)
{
    return op->user_id ? op->user_id : op->org;
}
