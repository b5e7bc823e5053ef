#include "app/annotation/import.h"
#include "base/text.h"
#include "base/unicode.h"
#include <stdlib.h>
#include <string.h>

/* Names and ids of a million images take 100 MB, so they stand in one text, and are named by their place in it. */
struct entry {
    uint32_t id, name, key; /* key: the name in the form that is compared; often the name itself */
    uint32_t stem;          /* bytes of the key before its ending */
    int32_t width, height;
};
struct known_images {
    struct text text;
    struct entry *entries; /* sorted by key */
    uint32_t *by_stem;
    size_t n, room;
};

/* One form for a name: composed letters, %20 decoded. */
static const char *key_of(struct arena *a, const char *name)
{
    char *copy = arena_str(a, name);
    if (strchr(name, '%') && (!url_decode(copy, false) || !utf8_valid(copy, strlen(copy))))
        copy = arena_str(a, name);
    return unicode_nfc(a, copy);
}

static uint32_t stem_length(const char *key)
{
    const char *dot = strrchr(key, '.');
    return (uint32_t)(dot && dot > key ? (size_t)(dot - key) : strlen(key));
}

static uint32_t keep(struct known_images *k, const char *s)
{
    uint32_t at = (uint32_t)k->text.n;
    text_bytes(&k->text, s, strlen(s) + 1);
    return at;
}

static const char *at(const struct known_images *k, uint32_t place)
{
    return k->text.bytes + place;
}

static void add(struct known_images *k, struct rows *r)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *name = rows_text(r, 0), *key = key_of(a, name);
    if (k->n == k->room)
        k->entries = heap_grow(k->entries, (k->room = k->room ? 2 * k->room : 1024) * sizeof *k->entries);
    struct entry *e = &k->entries[k->n++];
    *e = (struct entry){ .name = keep(k, name), .width = (int32_t)rows_int(r, 2), .height = (int32_t)rows_int(r, 3) };
    e->key = strcmp(key, name) == 0 ? e->name : keep(k, key);
    e->stem = stem_length(key);
    e->id = keep(k, rows_text(r, 1));
}

/* ---- sorting */

static _Thread_local const struct known_images *sorted;

static int by_key(const void *a, const void *b)
{
    return strcmp(at(sorted, ((const struct entry *)a)->key), at(sorted, ((const struct entry *)b)->key));
}

static int compare_stems(const char *a, size_t n, const char *b, size_t m)
{
    int c = memcmp(a, b, n < m ? n : m);
    return c ? c : (n > m) - (n < m);
}

static int by_stem(const void *a, const void *b)
{
    const struct entry *x = &sorted->entries[*(const uint32_t *)a], *y = &sorted->entries[*(const uint32_t *)b];
    return compare_stems(at(sorted, x->key), x->stem, at(sorted, y->key), y->stem);
}

static void sort(struct known_images *k)
{
    sorted = k;
    if (k->n)
        qsort(k->entries, k->n, sizeof *k->entries, by_key);
    k->by_stem = heap_take((k->n + 1) * sizeof *k->by_stem);
    for (size_t i = 0; i < k->n; i++)
        k->by_stem[i] = (uint32_t)i;
    qsort(k->by_stem, k->n, sizeof *k->by_stem, by_stem);
}

static enum err read(struct sql *db, const char *version, struct known_images *k)
{
    AUTO(rows) struct rows *r = NULL;
    TRY(sql_rows(
        db, &r,
        "SELECT d.filename, a.id, d.width, d.height FROM asset a JOIN data d ON d.id = a.data_id WHERE a.dataset_version_id = ?1",
        V(version)));
    while (rows_next(r))
        add(k, r);
    TRY(rows_error(r));
    return text_full(&k->text) ? fail(E_TOO_BIG, "the dataset version has too many images to import into") : OK;
}

enum err known_images_read(struct sql *db, const char *version, struct known_images **ret)
{
    struct known_images *k = heap_take(sizeof *k);
    text_init(&k->text, (size_t)1 << 30);
    enum err e = read(db, version, k);
    if (e != OK) {
        known_images_free(k);
        return e;
    }
    sort(k);
    *ret = k;
    return OK;
}

void known_images_free(struct known_images *k)
{
    if (!k)
        return;
    text_done(&k->text);
    free(k->entries);
    free(k->by_stem);
    free(k);
}

/* ---- finding */

static enum foreign_reason take(const struct known_images *k, const struct entry *e, struct known_image *ret)
{
    *ret = (struct known_image){ at(k, e->id), at(k, e->name), e->width, e->height };
    return LEFT_NOTHING;
}

/* Of several with one key the one that is called exactly so. */
static enum foreign_reason find_key(const struct known_images *k, const char *name, const char *key, struct known_image *ret)
{
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (strcmp(at(k, k->entries[mid].key), key) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    size_t n = 0, exact = 0, which = low;
    for (size_t i = low; i < k->n && strcmp(at(k, k->entries[i].key), key) == 0; i++, n++)
        if (strcmp(at(k, k->entries[i].name), name) == 0) {
            exact++;
            which = i;
        }
    if (!n)
        return LEFT_UNKNOWN;
    return n == 1 || exact == 1 ? take(k, &k->entries[which], ret) : LEFT_SEVERAL;
}

static enum foreign_reason find_stem(const struct known_images *k, const char *stem, size_t n, struct known_image *ret)
{
    size_t low = 0, high = k->n;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        const struct entry *e = &k->entries[k->by_stem[mid]];
        if (compare_stems(at(k, e->key), e->stem, stem, n) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    const struct entry *first = low < k->n ? &k->entries[k->by_stem[low]] : NULL;
    if (!first || compare_stems(at(k, first->key), first->stem, stem, n) != 0)
        return LEFT_UNKNOWN;
    const struct entry *next = low + 1 < k->n ? &k->entries[k->by_stem[low + 1]] : NULL;
    if (next && compare_stems(at(k, next->key), next->stem, stem, n) == 0)
        return LEFT_SEVERAL;
    return take(k, first, ret);
}

enum foreign_reason known_images_find(const struct known_images *k, const struct foreign_image *i, struct known_image *ret)
{
    AUTO(arena) struct arena *a = arena_new();
    const char *name = foreign_base(i->name), *key = key_of(a, name);
    enum foreign_reason by_name = find_key(k, name, key, ret);
    if (by_name != LEFT_UNKNOWN)
        return by_name;
    enum foreign_reason by_stem = find_stem(k, key, i->stem ? strlen(key) : stem_length(key), ret);
    if (by_stem != LEFT_UNKNOWN || !i->other)
        return by_stem;
    const char *other = key_of(a, foreign_base(i->other));
    return find_stem(k, other, strlen(other), ret);
}
