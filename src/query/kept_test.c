/* What is kept of documents gives the answers that looking at each document would give. */
#include "base/test.h"
#include "query/query.h"
#include "json/json.h"
#include <stdlib.h>

enum { DOCUMENTS = 60, QUESTIONS = 3000 };

static const struct field fields[] = {
    { "id", T_ID, F_FILTER },
    { "metadata", T_OBJECT, F_FILTER, .owner = "d.id", .keys = KEPT_KEYS(KEPT_METADATA),
      .drive = "SELECT m.owner_id AS id FROM metadata_key k CROSS JOIN metadata_value m WHERE m.key_id = k.id" },
};
static const struct resource things = { "data", NULL, FIELDS(fields), .from = "data d", .key = "d.id" };

struct world {
    struct sql *db;
    struct arena *a;
    const char *documents[DOCUMENTS];
    uint64_t chance;
};

static unsigned draw(struct world *w, unsigned below)
{
    w->chance = w->chance * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(w->chance >> 33) % below;
}

static const char *const keys[] = { "a", "b", "c" }, *const words[] = { "", "x", "X", "xy", "yx", "zX", "%", "2" };
static const double numbers[] = { 0, 1, 2, -1, 2.5 };

static void out_value(struct world *w, struct out *o, const char *key, int depth)
{
    switch (draw(w, depth < 3 ? 7 : 4)) {
    case 0: out_text(o, key, words[draw(w, COUNT_OF(words))]); break;
    case 1: out_number(o, key, numbers[draw(w, COUNT_OF(numbers))]); break;
    case 2: out_bool(o, key, draw(w, 2)); break;
    case 3: out_null(o, key); break;
    case 4:
        out_array(o, key);
        for (unsigned n = draw(w, 4); n; n--)
            out_value(w, o, NULL, depth + 1);
        out_end_array(o);
        break;
    default:
        out_object(o, key);
        for (unsigned i = 0; i < COUNT_OF(keys); i++)
            if (draw(w, 2))
                out_value(w, o, keys[i], depth + 1);
        out_end_object(o);
    }
}

static const char *document(struct world *w)
{
    AUTO(out) struct out o;
    out_init(&o, 1 << 16);
    out_object(&o, NULL);
    for (unsigned i = 0; i < COUNT_OF(keys); i++)
        out_value(w, &o, keys[i], 0);
    if (draw(w, 4) == 0)
        out_value(w, &o, "a.b", 0); /* the same path as b within a */
    out_end_object(&o);
    return arena_str(w->a, o.text.bytes);
}

/* ---- the plain way: every value under the path is looked at */

struct question {
    const char *path, *sign;
    bool is_text;
    const char *text;
    double number;
};

static bool text_fulfils(const struct question *q, const char *v)
{
    size_t n = strlen(v), part = strlen(q->text);
    if (strcmp(q->sign, "~") == 0)
        return strcasestr(v, q->text) != NULL;
    if (strcmp(q->sign, "startswith") == 0)
        return strncmp(v, q->text, part) == 0;
    if (strcmp(q->sign, "endswith") == 0)
        return n >= part && strcmp(v + n - part, q->text) == 0;
    int c = strcmp(v, q->text);
    return strcmp(q->sign, "=") == 0 ? c == 0 : strcmp(q->sign, "<") == 0 ? c < 0 : c >= 0;
}

static bool fulfils(const struct question *q, const struct json *v)
{
    bool truth;
    double d;
    if (strcmp(q->sign, "None") == 0)
        return true;
    if (json_text(v))
        return q->is_text && text_fulfils(q, json_text(v));
    if (json_bool(v, &truth))
        d = truth;
    else if (!json_number(v, &d))
        return false;
    return !q->is_text && (strcmp(q->sign, "=") == 0 ? d == q->number : strcmp(q->sign, "<") == 0 ? d < q->number : d >= q->number);
}

static bool any_fulfils(struct world *w, const struct question *q, const char *path, const struct json *v)
{
    if (json_absent(v))
        return false;
    if (strcmp(path, q->path) == 0 && fulfils(q, v))
        return true;
    for (struct json_member m = json_first(v); json_kind(v) == J_OBJECT && m.key; m = json_next(v, m))
        if (any_fulfils(w, q, *path ? arena_fmt(w->a, "%s.%s", path, m.key) : m.key, m.value))
            return true;
    for (size_t i = 0; json_kind(v) == J_ARRAY && i < json_count(v); i++)
        if (any_fulfils(w, q, path, json_at(v, i)))
            return true;
    return false;
}

static bool holds(struct world *w, const struct question *q, const char *text)
{
    const struct json *v;
    MUST(json_parse(w->a, text, strlen(text), &v));
    return any_fulfils(w, q, "", v);
}

/* ---- the question in the language */

static struct question ask(struct world *w)
{
    static const char *const paths[] = { "a", "b", "c", "a.b", "a.b.c", "b.a", "c.c", "nowhere" };
    static const char *const signs[] = { "=", "<", ">=", "None", "~", "startswith", "endswith" };
    struct question q = { .path = paths[draw(w, COUNT_OF(paths))], .is_text = draw(w, 2), .text = words[draw(w, COUNT_OF(words))] };
    q.number = numbers[draw(w, COUNT_OF(numbers))];
    q.sign = signs[draw(w, q.is_text ? COUNT_OF(signs) : 4)];
    return q;
}

static const char *in_words(struct world *w, const struct question *q)
{
    if (strcmp(q->sign, "None") == 0)
        return arena_fmt(w->a, "metadata.%s != None", q->path);
    return q->is_text ? arena_fmt(w->a, "metadata.%s %s \"%s\"", q->path, q->sign, q->text)
                      : arena_fmt(w->a, "metadata.%s %s %g", q->path, q->sign, q->number);
}

static bool found(struct world *w, const char *query, int i, bool *ret_driven)
{
    struct where where = { 0 };
    int64_t n = 0, driven = 0;
    MUST(query_where(w->a, &things, query, 0, &where));
    const char *one = arena_fmt(w->a, "SELECT count(*) FROM data d WHERE d.id = '%d' AND %s", i, where.sql);
    MUST(sql_int_text(w->db, &n, one, where.values, where.n));
    *ret_driven = where.n_drivers == 0;
    if (where.n_drivers) {
        one = arena_fmt(w->a, "SELECT count(*) FROM (%s) named WHERE id = '%d'", where.drivers[0], i);
        MUST(sql_int_text(w->db, &driven, one, where.values, where.n));
        *ret_driven = driven != 0;
    }
    return n != 0;
}

static void check(struct world *w)
{
    struct question q = ask(w);
    const char *query = in_words(w, &q);
    int i = (int)draw(w, DOCUMENTS);
    bool want = holds(w, &q, w->documents[i]), driven, ignored;
    if (found(w, query, i, &driven) != want)
        fail_msg("%s of %s: should be %d", query, w->documents[i], want);
    if (want && !driven)
        fail_msg("%s: the driver does not name %s", query, w->documents[i]);
    if (found(w, arena_fmt(w->a, "not (%s)", query), i, &ignored) == want)
        fail_msg("not %s of %s: should be %d", query, w->documents[i], !want);
}

static void open_world(struct world *w)
{
    *w = (struct world){ .a = arena_new(), .chance = 7 };
    MUST(sql_open(":memory:", &w->db));
    MUST(sql_script(w->db, "CREATE TABLE organization (id TEXT PRIMARY KEY); INSERT INTO organization VALUES ('o');"
                           "CREATE TABLE data (id TEXT PRIMARY KEY)"));
    MUST(sql_script(w->db, metadata_key_resource.table));
}

static void close_world(struct world *w)
{
    sql_close(w->db);
    arena_free(w->a);
}

TEST(members_of_documents_are_found_as_if_each_document_was_looked_at)
{
    struct world w;
    open_world(&w);
    for (int i = 0; i < DOCUMENTS; i++) {
        const char *id = arena_fmt(w.a, "%d", i);
        MUST(sql_run(w.db, "INSERT INTO data VALUES (?1)", V(id)));
        MUST(kept_put(w.db, "o", KEPT_METADATA, id, document(&w))); /* replaced below */
        MUST(kept_put(w.db, "o", KEPT_CUSTOM, arena_fmt(w.a, "of %d", i), document(&w)));
        w.documents[i] = document(&w);
        MUST(kept_replace(w.db, "o", KEPT_METADATA, id, w.documents[i]));
    }
    for (int i = 0; i < QUESTIONS; i++) {
        struct arena *kept = w.a;
        w.a = arena_new();
        check(&w);
        arena_free(w.a);
        w.a = kept;
    }
    close_world(&w);
}

static int64_t values_of(struct world *w, const char *owner)
{
    int64_t n = 0;
    MUST(sql_int(w->db, &n, "SELECT count(*) FROM metadata_value WHERE owner_id = ?1", V(owner)));
    return n;
}

static const char *list_of(struct world *w, const char *key, int n)
{
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    text_fmt(&t, "\"%s\":[", key);
    for (int i = 0; i < n; i++)
        text_fmt(&t, "%s%d", i ? "," : "", i);
    text_add(&t, "]");
    return arena_str(w->a, t.bytes);
}

TEST(a_document_of_too_many_values_or_too_long_keys_is_refused)
{
    struct world w;
    open_world(&w);
    MUST(kept_put(w.db, "o", KEPT_METADATA, "list", arena_fmt(w.a, "{%s}", list_of(&w, "l", KEPT_ITEMS))));
    CHECK_INT(values_of(&w, "list"), KEPT_ITEMS + 1);
    MUST(kept_put(w.db, "o", KEPT_METADATA, "vector", arena_fmt(w.a, "{%s}", list_of(&w, "l", 100000))));
    CHECK_INT(values_of(&w, "vector"), 1);
    AUTO(text) struct text many;
    text_init(&many, 1 << 20);
    for (int i = 0; i <= KEPT_VALUES / KEPT_ITEMS; i++)
        text_fmt(&many, "%s%s", i ? "," : "{", list_of(&w, arena_fmt(w.a, "k%d", i), KEPT_ITEMS));
    text_add(&many, "}");
    MUST_FAIL(kept_put(w.db, "o", KEPT_PREDICTION_METADATA, "many", many.bytes), E_UNMEANT,
              "metadata: there are more than 1000 values");
    char key[KEPT_PATH + 2];
    memset(key, 'k', sizeof key - 1);
    key[sizeof key - 1] = 0;
    MUST_FAIL(kept_put(w.db, "o", KEPT_CUSTOM, "long", arena_fmt(w.a, "{\"%s\":1}", key)), E_UNMEANT, "longer than 200 bytes");
    struct where where = { 0 };
    MUST_FAIL(query_where(w.a, &things, arena_fmt(w.a, "metadata.%s = 1", key), 0, &where), E_INVALID, "at most 200 bytes");
    close_world(&w);
}

TEST(a_long_text_is_found_by_its_beginning)
{
    struct world w;
    bool driven;
    open_world(&w);
    AUTO(text) struct text t;
    text_init(&t, 1 << 20);
    text_add(&t, "{\"note\":\"begins");
    while (t.n < 3 * KEPT_WORDS)
        text_add(&t, "\xc3\xb6");
    text_add(&t, "\"}");
    MUST(sql_run(w.db, "INSERT INTO data VALUES ('1')"));
    MUST(kept_put(w.db, "o", KEPT_METADATA, "1", t.bytes));
    CHECK(found(&w, "metadata.note startswith \"begins\xc3\xb6\"", 1, &driven));
    CHECK(!found(&w, "metadata.note = \"begins\"", 1, &driven));
    char *faults = NULL;
    MUST(sql_check(w.db, w.a, &faults)); /* cut between letters, not within one */
    CHECK(!faults);
    close_world(&w);
}
