#include "app/account/account.h"
#include "app/annotation/batch.h"
#include "app/datalake/datalake.h"
#include "app/dataset/dataset.h"
#include "base/test.h"

#define LABEL "01900000-0000-7000-8000-00000000000a"

static enum err read_all(struct arena *a, const char *text, struct shape_list *ret)
{
    static const char *ids[] = { LABEL };
    const struct label_set labels = { ids, 1 };
    const struct json *v;
    TRY(json_parse(a, text, strlen(text), &v));
    return shapes_read(a, v, &labels, 100, 50, "annotations[3]", ret);
}

TEST(shapes_outside_the_image_or_empty_are_refused_by_name)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "{\"rectangles\":[{\"x\":0,\"y\":0,\"w\":100,\"h\":50,\"label_id\":\"" LABEL "\"}]}", NULL },
        { "{\"rectangles\":[{\"x\":0,\"y\":0,\"w\":101,\"h\":50,\"label_id\":\"" LABEL "\"}]}", "rectangles[0] lies outside" },
        { "{\"rectangles\":[{\"x\":-1,\"y\":0,\"w\":5,\"h\":5,\"label_id\":\"" LABEL "\"}]}", "outside the image" },
        { "{\"rectangles\":[{\"x\":0,\"y\":0,\"w\":0,\"h\":5,\"label_id\":\"" LABEL "\"}]}", "is empty" },
        { "{\"rectangles\":[{\"x\":0,\"y\":0,\"w\":-5,\"h\":5,\"label_id\":\"" LABEL "\"}]}", "is empty" },
        { "{\"rectangles\":[{\"x\":9223372036854775807,\"y\":0,\"w\":5,\"h\":5,\"label_id\":\"" LABEL "\"}]}", "outside" },
        { "{\"rectangles\":[{\"x\":1,\"y\":0,\"w\":9223372036854775807,\"h\":5,\"label_id\":\"" LABEL "\"}]}", "outside" },
        { "{\"rectangles\":[{\"x\":0.5,\"y\":0,\"w\":5,\"h\":5,\"label_id\":\"" LABEL "\"}]}", "x must be a whole number" },
        { "{\"rectangles\":[{\"x\":0,\"y\":0,\"w\":5,\"h\":5,\"label_id\":\"01900000-0000-7000-8000-00000000000b\"}]}",
          "no label" },
        { "{\"rectangles\":[{\"x\":0,\"y\":0,\"w\":5,\"h\":5}]}", "annotations[3].rectangles[0].label_id is missing" },
        { "{\"rectangles\":[7]}", "must be a JSON object" },
        { "{\"rectangles\":{}}", "rectangles must be a list" },
        { "{\"polygons\":[{\"polygon\":[[0,0],[1,1],[99.5,50]],\"label_id\":\"" LABEL "\"}]}", NULL },
        { "{\"polygons\":[{\"polygon\":[[0,0],[1,1]],\"label_id\":\"" LABEL "\"}]}", "at least 3 points" },
        { "{\"polygons\":[{\"polygon\":[[0,0],[1,1],[1,51]],\"label_id\":\"" LABEL "\"}]}", "point 2 (1, 51) lies outside" },
        { "{\"polygons\":[{\"polygon\":[[0,0],[1,1],[1,1e308]],\"label_id\":\"" LABEL "\"}]}", "outside" },
        { "{\"polygons\":[{\"polygon\":[[0,0],[1,1],[1,\"2\"]],\"label_id\":\"" LABEL "\"}]}", "point 2 must be 2 numbers" },
        { "{\"polygons\":[{\"polygon\":[[0,0],[1,1],[1,2,3]],\"label_id\":\"" LABEL "\"}]}", "point 2 must be 2 numbers" },
        { "{\"polygons\":[{\"label_id\":\"" LABEL "\"}]}", "at least 3 points" },
        { "{\"keypoints\":[{\"keypoints\":[[1,2,2],[900,900,0]],\"label_id\":\"" LABEL "\"}]}", NULL },
        { "{\"keypoints\":[{\"keypoints\":[[1,2,3]],\"label_id\":\"" LABEL "\"}]}", "visibility" },
        { "{\"points\":[{\"point\":[1,2],\"label_id\":\"" LABEL "\"}]}", NULL },
        { "{\"points\":[{\"point\":[1],\"label_id\":\"" LABEL "\"}]}", "2 numbers" },
        { "{\"lines\":[{\"line\":[[1,2]],\"label_id\":\"" LABEL "\"}]}", "at least 2 points" },
        { "{\"classifications\":[{\"label_id\":\"" LABEL "\"}]}", NULL },
        { "{\"masks\":[{\"mask\":\"\",\"label_id\":\"" LABEL "\"}]}", "run lengths" },
        { "{\"masks\":[{\"mask\":\"~\",\"label_id\":\"" LABEL "\"}]}", "no run length" },
        { "{\"masks\":[{\"mask\":\"PPPPPPPPPPPPPP0\",\"label_id\":\"" LABEL "\"}]}", "no run length" },
        { "{\"masks\":[{\"mask\":\"11\",\"label_id\":\"" LABEL "\"}]}", "covers 2 pixels" },
        { "{\"masks\":[{\"mask\":\"oooo0\",\"label_id\":\"" LABEL "\"}]}", "does not fit" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        AUTO(arena) struct arena *a = arena_new();
        struct shape_list list = { 0 };
        if (cases[i].says)
            MUST_FAIL(read_all(a, cases[i].text, &list), E_INVALID, cases[i].says);
        else
            MUST(read_all(a, cases[i].text, &list));
    }
}

/* COCO's run lengths, written as cocoapi's rleToString does. */
static const char *encode(struct arena *a, const int64_t *runs, size_t n)
{
    char *s = arena_take(a, n * 12 + 1);
    size_t at = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t x = runs[i] - (i > 2 ? runs[i - 2] : 0);
        for (bool more = true; more;) {
            int c = (int)(x & 31);
            x >>= 5;
            more = c & 16 ? x != -1 : x != 0;
            s[at++] = (char)(c + (more ? 32 : 0) + 48);
        }
    }
    return s;
}

TEST(masks_are_measured_down_their_columns)
{
    AUTO(arena) struct arena *a = arena_new();
    struct shape_list list = { 0 };
    const int64_t runs[] = { 60, 5, 45, 3, 5000 - 113 }; /* 50 high: column 1, rows 10 to 14; column 2, rows 10 to 12 */
    MUST(read_all(a, arena_fmt(a, "{\"masks\":[{\"mask\":\"%s\",\"label_id\":\"" LABEL "\"}]}", encode(a, runs, COUNT_OF(runs))),
                  &list));
    const struct shape *s = &list.items[0];
    CHECK(s->area == 8);
    CHECK_INT(s->x, 1);
    CHECK_INT(s->y, 10);
    CHECK_INT(s->w, 2);
    CHECK_INT(s->h, 5);
    list.n = 0;
    const int64_t empty[] = { 5000 };
    MUST_FAIL(read_all(a, arena_fmt(a, "{\"masks\":[{\"mask\":\"%s\",\"label_id\":\"" LABEL "\"}]}", encode(a, empty, 1)), &list),
              E_INVALID, "is empty");
}

TEST(polygons_have_a_box_and_an_area)
{
    AUTO(arena) struct arena *a = arena_new();
    struct shape_list list = { 0 };
    MUST(read_all(a, "{\"polygons\":[{\"polygon\":[[10,10],[20.5,10],[20.5,20],[10,20]],\"label_id\":\"" LABEL "\"}]}", &list));
    CHECK(list.items[0].area == 105);
    CHECK_INT(list.items[0].x, 10);
    CHECK_INT(list.items[0].w, 11);
    CHECK_INT(list.items[0].h, 10);
}

/* ---- writing */

struct world {
    struct sql *db;
    const char *org, *version, *asset;
};

static void make_world(struct arena *a, struct world *w)
{
    struct first_start first;
    const char *data;
    MUST(sql_open(":memory:", &w->db));
    MUST(api_make_schema(w->db));
    MUST(account_first_start(w->db, a, &first));
    MUST(account_default_org(w->db, a, &w->org));
    w->version = "v";
    MUST(sql_run(w->db, "INSERT INTO dataset VALUES ('s', ?1, 'set', '', 0, 0, NULL)", V(w->org)));
    MUST(sql_run(w->db,
                 "INSERT INTO dataset_version (id, dataset_id, org, version, description, type, created_at, updated_at) VALUES "
                 "('v', 's', ?1, 'one', '', 'OBJECT_DETECTION', 0, 0)",
                 V(w->org)));
    MUST(object_add(w->db, w->org, "o/1", "aa", 5, "image/png"));
    struct rows *r = NULL;
    MUST(sql_first(w->db, &r, "SELECT id FROM datalake"));
    struct data_new n = { .org = w->org,
                          .datalake_id = rows_text(r, 0),
                          .object_name = "o/1",
                          .filename = "1.png",
                          .content_type = "image/png",
                          .hash = "aa",
                          .size = 5,
                          .width = 100,
                          .height = 50 };
    MUST(data_add(w->db, a, &n, &data));
    rows_done(r);
    MUST(asset_need(w->db, a, w->org, w->version, data, &w->asset));
}

static int64_t number(struct sql *db, const char *text)
{
    int64_t n = -1;
    MUST(sql_int_text(db, &n, text, NULL, 0));
    return n;
}

static enum err save_from(struct world *w, struct arena *a, const char *text)
{
    const struct json *v;
    TRY(json_parse(a, text, strlen(text), &v));
    return annotation_from_json(w->db, a, w->org, NULL, w->asset, "ACCEPTED", v);
}

TEST(annotations_are_replaced_kept_or_added_to)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w;
    bool written;
    make_world(a, &w);
    MUST(save_from(&w, a, "{\"rectangles\":[{\"x\":1,\"y\":1,\"w\":2,\"h\":2,\"label\":\"cat\"}]}"));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 1);
    CHECK_INT(number(w.db, "SELECT revision FROM annotation WHERE status = 'ACCEPTED'"), 1);
    MUST(save_from(&w, a, "{\"classifications\":[{\"label\":\"dog\"},{\"label\":\"cat\"}]}"));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 2);
    CHECK_INT(number(w.db, "SELECT count(*) FROM label"), 2);
    struct shape s = { .kind = shape_kind_called("classification") };
    const char *label;
    MUST(label_need(w.db, a, w.org, w.version, "cat", &label));
    s.label_id = label;
    struct annotation_save add = { w.org, w.asset, w.version, NULL, "KEEP", NULL, NULL, -1, &s, 1 };
    MUST(annotation_save(w.db, a, &add, &written, NULL));
    CHECK(!written);
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 2);
    add.mode = "CONCATENATE";
    MUST(annotation_save(w.db, a, &add, &written, NULL));
    CHECK(written);
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 3);
    CHECK_INT(number(w.db, "SELECT max(position) FROM shape"), 2);
    CHECK_INT(number(w.db, "SELECT revision FROM annotation WHERE status = 'ACCEPTED'"), 3);
    add.mode = "REPLACE";
    add.kept_kinds = (const char *const[]){ "classification", NULL }; /* a tool that knows other kinds only */
    MUST(annotation_save(w.db, a, &add, &written, NULL));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 4);
    add.kept_kinds = (const char *const[]){ "mask", NULL };
    MUST(annotation_save(w.db, a, &add, &written, NULL));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 1);
    sql_close(w.db);
}

TEST(a_locked_version_takes_no_annotation_and_no_faulty_one_is_written)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w;
    make_world(a, &w);
    MUST_FAIL(save_from(&w, a, "{\"rectangles\":[{\"x\":1,\"y\":1,\"w\":200,\"h\":2,\"label\":\"cat\"}]}"), E_INVALID, "outside");
    MUST_FAIL(save_from(&w, a, "{\"rectangles\":[{\"x\":1,\"y\":1,\"w\":2,\"h\":2}]}"), E_INVALID, "names no label");
    CHECK_INT(number(w.db, "SELECT count(*) FROM annotation"), 0);
    MUST(sql_run(w.db, "UPDATE dataset_version SET locked = 1"));
    MUST_FAIL(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"}]}"), E_LOCKED, "locked");
    sql_close(w.db);
}

static const char *text_of(struct sql *db, struct arena *a, const char *sql)
{
    AUTO(rows) struct rows *r = NULL;
    MUST(sql_first_text(db, &r, sql, NULL, 0));
    return arena_str(a, rows_text(r, 0));
}

/* The counters beside annotations and labels say what counting would. */
static bool counters_agree(struct sql *db)
{
    return number(
               db,
               "SELECT count(*) FROM annotation n WHERE n_shapes <> (SELECT count(*) FROM shape h WHERE h.annotation_id = n.id)") ==
               0 &&
           number(db, "SELECT count(*) FROM label l WHERE n_shapes <> (SELECT count(*) FROM shape h WHERE h.label_id = l.id)") == 0;
}

TEST(shapes_are_counted_as_they_come_and_go)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w;
    make_world(a, &w);
    MUST(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"},{\"label\":\"dog\"},{\"label\":\"dog\"}]}"));
    CHECK(counters_agree(w.db));
    CHECK_INT(number(w.db, "SELECT n_shapes FROM label WHERE name = 'dog'"), 2);
    MUST(sql_run(w.db, "UPDATE shape_row SET label_id = (SELECT id FROM label WHERE name = 'cat')"));
    CHECK(counters_agree(w.db));
    CHECK_INT(number(w.db, "SELECT n_shapes FROM label WHERE name = 'cat'"), 3);
    MUST(shape_goes(w.db, text_of(w.db, a, "SELECT id FROM shape WHERE position = 1")));
    CHECK(counters_agree(w.db));
    MUST(sql_run(w.db, "DELETE FROM asset"));
    CHECK(counters_agree(w.db));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 0);
    sql_close(w.db);
}

/* ---- batches */

static const char *label_called(struct world *w, struct arena *a, const char *name)
{
    const char *id = NULL;
    MUST(label_need(w->db, a, w->org, w->version, name, &id));
    return id;
}

/* A batch with so many shapes of one label on the asset. */
static int64_t written_batch(struct world *w, struct arena *a, const char *mode, const char *label, size_t n)
{
    int64_t batch = 0;
    bool written;
    struct slice s;
    struct shape shapes[8] = { 0 };
    for (size_t i = 0; i < n; i++)
        shapes[i] = (struct shape){ .kind = shape_kind_called("classification"), .label_id = label };
    const struct batch_image image = { w->org, w->version, w->asset, NULL, mode, "PENDING", shapes, n };
    MUST(batch_begin(w->db, w->version, "j", &batch));
    MUST(slice_begin(&s, w->db));
    MUST(slice_end(&s, batch_write(&s, a, batch, &image, &written)));
    return batch;
}

static void show(struct world *w, int64_t batch)
{
    MUST(sql_begin(w->db));
    MUST(sql_end(w->db, batch_show(w->db, batch)));
}

TEST(what_a_batch_writes_is_seen_all_at_once_and_what_it_replaces_until_then)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w;
    make_world(a, &w);
    MUST(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"}]}"));
    int64_t batch = written_batch(&w, a, "REPLACE", label_called(&w, a, "dog"), 3);
    CHECK_INT(number(w.db, "SELECT count(*) FROM annotation"), 1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 1);
    CHECK(counters_agree(w.db));
    MUST_FAIL(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"}]}"), E_LOCKED, "being imported");
    show(&w, batch);
    for (int finished = 0; finished < 2; finished++) {
        CHECK_INT(number(w.db, "SELECT count(*) FROM annotation"), 1);
        CHECK_INT(number(w.db, "SELECT n_shapes FROM annotation"), 3);
        CHECK_INT(number(w.db, "SELECT revision FROM annotation"), 2);
        CHECK_INT(number(w.db, "SELECT count(*) FROM shape h JOIN label l ON l.id = h.label_id WHERE l.name = 'dog'"), 3);
        CHECK(counters_agree(w.db));
        MUST(batch_finish(w.db, batch));
    }
    CHECK_INT(number(w.db, "SELECT count(*) FROM annotation_row"), 1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape_row"), 3);
    MUST(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"}]}"));
    CHECK(counters_agree(w.db));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape_row"), 1);
    sql_close(w.db);
}

TEST(a_batch_that_is_undone_leaves_everything_as_it_was)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w;
    make_world(a, &w);
    MUST(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"}]}"));
    int64_t batch = written_batch(&w, a, "CONCATENATE", label_called(&w, a, "dog"), 3);
    MUST(sql_begin(w.db));
    MUST(sql_end(w.db, batch_label(w.db, batch, label_called(&w, a, "made for it"), 0, true)));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape_row"), 5);
    MUST(batch_sweep(w.db)); /* there is no such job: it was killed */
    CHECK_INT(number(w.db, "SELECT count(*) FROM annotation"), 1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape_row h JOIN label l ON l.id = h.label_id WHERE l.name = 'cat' AND batch = 0"),
              1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM label"), 2);
    CHECK(counters_agree(w.db));
    CHECK_INT(number(w.db, "SELECT count(*) FROM batch") + number(w.db, "SELECT count(*) FROM batch_shown"), 0);
    MUST(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"}]}"));
    sql_close(w.db);
}

TEST(batches_keep_add_and_count_what_goes_meanwhile)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w;
    make_world(a, &w);
    MUST(save_from(&w, a, "{\"classifications\":[{\"label\":\"cat\"}]}"));
    int64_t batch = written_batch(&w, a, "KEEP", label_called(&w, a, "dog"), 3);
    show(&w, batch);
    MUST(batch_sweep(w.db));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape_row"), 1);
    batch = written_batch(&w, a, "CONCATENATE", label_called(&w, a, "dog"), 2);
    show(&w, batch);
    MUST(batch_sweep(w.db));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape"), 3);
    CHECK(counters_agree(w.db));
    batch = written_batch(&w, a, "REPLACE", label_called(&w, a, "cat"), 4);
    MUST(sql_run(w.db, "DELETE FROM asset"));
    show(&w, batch);
    MUST(batch_sweep(w.db));
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape_row"), 0);
    CHECK(counters_agree(w.db));
    sql_close(w.db);
}

static struct sql *between_db;
static const char *between_annotation;
static int64_t between_batch;

/* What another connection does between the reading and the writing of batch_finish(). */
static enum err replace_between(const char *text)
{
    if (!strstr(text, "UPDATE annotation_row SET batch = 0"))
        return OK;
    sql_fault = NULL;
    return batch_hide_later(between_db, between_batch, between_annotation);
}

TEST(an_import_that_begins_while_the_one_before_is_tidied_keeps_what_it_replaces)
{
    AUTO(arena) struct arena *a = arena_new();
    struct world w;
    make_world(a, &w);
    int64_t first = written_batch(&w, a, "REPLACE", label_called(&w, a, "dog"), 3);
    show(&w, first);
    MUST(sql_begin(w.db));
    MUST(sql_end(w.db, batch_make(w.db, w.version, "k", &between_batch)));
    between_db = w.db;
    between_annotation = text_of(w.db, a, "SELECT id FROM annotation");
    sql_fault = replace_between;
    MUST(batch_finish(w.db, first));
    CHECK(!sql_fault);
    CHECK(counters_agree(w.db));
    MUST(batch_undo(w.db, between_batch));
    CHECK_INT(number(w.db, "SELECT count(*) FROM annotation WHERE n_shapes = 3"), 1);
    CHECK_INT(number(w.db, "SELECT count(*) FROM shape WHERE batch = 0"), 3);
    CHECK(counters_agree(w.db));
    sql_close(w.db);
}
