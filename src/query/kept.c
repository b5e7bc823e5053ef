/* What is kept of JSON documents, so that lists find things by their members: a row for each value, which an index leads to.
 *
 * A member's path is its keys with dots between; a list's items are values of the list's path. A value is a number (true is 1,
 * false 0) or words; an object or a list is a value with neither, before those inside. null is no value. */
#include "query/query.h"
#include "json/json.h"
#include <string.h>

static const char table[] =
    "CREATE TABLE metadata_key (id INTEGER PRIMARY KEY, org TEXT NOT NULL REFERENCES organization(id), document TEXT NOT NULL,"
    " path TEXT NOT NULL, UNIQUE (document, path, org)) STRICT;"
    "CREATE TABLE metadata_value (owner_id TEXT NOT NULL, key_id INTEGER NOT NULL REFERENCES metadata_key(id), place INTEGER NOT "
    "NULL, number REAL, words TEXT, PRIMARY KEY (owner_id, key_id, place)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX metadata_value_of_key ON metadata_value (key_id, number, words, owner_id)";
const struct resource metadata_key_resource = { .name = "metadata key", .table = table };

struct keeping {
    struct sql *db;
    struct arena *arena;
    const char *org, *document, *owner;
    int64_t n;
    struct text *into; /* the values as text instead of rows; NULL: rows */
    bool lenient;      /* what is over a limit is passed over: documents of before there were any */
};

static enum err key_id(struct keeping *k, const char *path, int64_t *ret)
{
    for (int tries = 0; tries < 2; tries++) {
        AUTO(rows) struct rows *r = NULL;
        enum err e = sql_first(k->db, &r, "SELECT id FROM metadata_key WHERE document = ?1 AND path = ?2 AND org = ?3",
                               V(k->document), V(path), V(k->org));
        if (e == OK)
            *ret = rows_int(r, 0);
        if (e != E_NOT_FOUND)
            return e;
        TRY(sql_run(
            k->db,
            "INSERT INTO metadata_key (id, org, document, path) VALUES ((SELECT coalesce(max(id), 0) + 1 FROM metadata_key),"
            " ?1, ?2, ?3)",
            V(k->org), V(k->document), V(path)));
    }
    return fail(E_BROKEN, "a metadata key that was made is not there");
}

/* As many whole characters as fit. */
static const char *beginning(struct arena *a, const char *s)
{
    size_t n = KEPT_WORDS;
    while (((unsigned char)s[n] & 0xc0) == 0x80)
        n--;
    return arena_copy(a, s, n);
}

static void add_line(struct text *t, const char *path, const struct value *number, const char *words)
{
    text_fmt(t, "%s\n", path);
    if (number->kind == VALUE_REAL)
        text_fmt(t, "%.17g", number->r);
    text_fmt(t, "\n%s\n", words ? words : "");
}

static enum err put(struct keeping *k, const char *path, const struct json *v)
{
    int64_t id;
    double number = 0;
    bool truth = false, is_truth = json_bool(v, &truth), is_number = is_truth || json_number(v, &number);
    const char *words = json_text(v);
    if (words && strlen(words) > KEPT_WORDS)
        words = beginning(k->arena, words);
    struct value v_number = is_number ? value_real(is_truth ? truth : number) : value_text(NULL);
    if (k->into) {
        add_line(k->into, path, &v_number, words);
        return OK;
    }
    TRY(key_id(k, path, &id));
    return sql_run(k->db, "INSERT INTO metadata_value (owner_id, key_id, place, number, words) VALUES (?1, ?2, ?3, ?4, ?5)",
                   V(k->owner), V(id), V(k->n), V(v_number), V(words));
}

static enum err keep(struct keeping *k, const char *path, const struct json *v);

static enum err inside(struct keeping *k, const char *path, const struct json *v)
{
    for (struct json_member m = json_first(v); json_kind(v) == J_OBJECT && m.key; m = json_next(v, m))
        TRY(keep(k, *path ? arena_fmt(k->arena, "%s.%s", path, m.key) : m.key, m.value));
    size_t items = json_kind(v) == J_ARRAY && json_count(v) <= KEPT_ITEMS ? json_count(v) : 0;
    for (size_t i = 0; i < items; i++)
        TRY(keep(k, path, json_at(v, i)));
    return OK;
}

static enum err keep(struct keeping *k, const char *path, const struct json *v)
{
    if (json_absent(v))
        return OK;
    if (strlen(path) > KEPT_PATH)
        return k->lenient ? OK : fail(E_UNMEANT, "the key %.40s… is longer than %d bytes", path, KEPT_PATH);
    if (k->n == KEPT_VALUES)
        return k->lenient ? OK : fail(E_UNMEANT, "there are more than %d values", KEPT_VALUES);
    k->n++;
    TRY(put(k, path, v));
    return inside(k, path, v);
}

static enum err keep_text(struct keeping *k, const char *json)
{
    const struct json *object;
    if (!json)
        return OK;
    TRY(json_parse(k->arena, json, strlen(json), &object));
    return inside(k, "", object);
}

enum err kept_put(struct sql *db, const char *org, const char *document, const char *owner, const char *json)
{
    AUTO(arena) struct arena *a = arena_new();
    struct keeping k = { .db = db, .arena = a, .org = org, .document = document, .owner = owner };
    const char *name = strrchr(document, ' ');
    return fail_within(keep_text(&k, json), "%s: ", name ? name + 1 : document);
}

static enum err drop(struct sql *db, const char *document, const char *owner)
{
    return sql_run(db,
                   "DELETE FROM metadata_value WHERE owner_id = ?1 AND key_id IN (SELECT v.key_id FROM metadata_value v JOIN "
                   "metadata_key k ON k.id = v.key_id WHERE v.owner_id = ?1 AND k.document = ?2)",
                   V(owner), V(document));
}

enum err kept_replace(struct sql *db, const char *org, const char *document, const char *owner, const char *json)
{
    TRY(drop(db, document, owner));
    return kept_put(db, org, document, owner, json);
}

enum err kept_copy(struct sql *db, const char *from, const char *to)
{
    return sql_run(
        db,
        "INSERT INTO metadata_value (owner_id, key_id, place, number, words) SELECT ?2, key_id, place, number, words FROM "
        "metadata_value WHERE owner_id = ?1",
        V(from), V(to));
}

enum err kept_is(struct sql *db, const char *document, const char *owner, const char *json, bool *ret_same)
{
    AUTO(arena) struct arena *a = arena_new();
    AUTO(rows) struct rows *r = NULL;
    AUTO(text) struct text want, got;
    text_init(&want, (size_t)1 << 30);
    text_init(&got, (size_t)1 << 30);
    struct keeping k = { .arena = a, .into = &want, .lenient = true };
    if (keep_text(&k, json) != OK && fail_kind() != E_INVALID)
        return fail_kind();
    TRY(sql_rows(
        db, &r,
        "SELECT k.path, m.number, m.words FROM metadata_value m JOIN metadata_key k ON k.id = m.key_id WHERE m.owner_id = ?1 "
        "AND k.document = ?2 ORDER BY m.place",
        V(owner), V(document)));
    while (rows_next(r)) {
        struct value number = rows_null(r, 1) ? value_text(NULL) : value_real(rows_real(r, 1));
        add_line(&got, rows_text(r, 0), &number, rows_text(r, 2));
    }
    *ret_same = want.n == got.n && (!want.n || memcmp(want.bytes, got.bytes, want.n) == 0);
    return rows_error(r);
}

/* ---- of older databases: a step that changes these tables later gives this one statements of its own */

static enum err fill(struct sql *db, const char *document, const char *select)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows_text(db, &r, select, NULL, 0));
    while (rows_next(r)) {
        AUTO(arena) struct arena *a = arena_new();
        struct keeping k = { .db = db,
                             .arena = a,
                             .org = arena_str(a, rows_text(r, 1)),
                             .document = document,
                             .owner = arena_str(a, rows_text(r, 0)),
                             .lenient = true };
        if (keep_text(&k, rows_text(r, 2)) != OK && fail_kind() != E_INVALID) /* what is no JSON has no members */
            return fail_kind();
    }
    return rows_error(r);
}

enum err kept_migrate(struct sql *db, struct arena *a)
{
    (void)a;
    TRY(fill(db, KEPT_METADATA, "SELECT id, org, metadata FROM data WHERE metadata IS NOT NULL"));
    TRY(fill(db, KEPT_CUSTOM, "SELECT id, org, custom_metadata FROM data WHERE custom_metadata IS NOT NULL"));
    TRY(fill(
        db, KEPT_PREDICTION_METADATA,
        "SELECT a.id, o.org, a.metadata FROM predicted_asset a JOIN deployment o ON o.id = a.deployment_id WHERE a.metadata IS "
        "NOT NULL"));
    TRY(fill(db, KEPT_PREDICTION_CUSTOM,
             "SELECT a.id, o.org, a.custom_metadata FROM predicted_asset a JOIN deployment o ON o.id = a.deployment_id WHERE "
             "a.custom_metadata IS NOT NULL"));
    return fill(db, KEPT_ATTRIBUTES, "SELECT id, org, attributes FROM annotation_row WHERE attributes IS NOT NULL");
}
