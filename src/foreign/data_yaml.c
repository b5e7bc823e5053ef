/* data.yaml, as Ultralytics and Roboflow write it, read by libyaml. */
#include "foreign/foreign.h"
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

static const char *text_of(struct arena *a, const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? arena_copy(a, (const char *)n->data.scalar.value, n->data.scalar.length) : NULL;
}

static yaml_node_t *member(yaml_document_t *d, const yaml_node_t *map, const char *key)
{
    yaml_node_t *found = NULL;
    if (map && map->type == YAML_MAPPING_NODE)
        for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top; p++) {
            const yaml_node_t *k = yaml_document_get_node(d, p->key);
            if (k && k->type == YAML_SCALAR_NODE && strcmp((const char *)k->data.scalar.value, key) == 0)
                found = yaml_document_get_node(d, p->value);
        }
    return found;
}

static size_t items(const yaml_node_t *list)
{
    return list && list->type == YAML_SEQUENCE_NODE ? (size_t)(list->data.sequence.items.top - list->data.sequence.items.start) : 0;
}

/* A folder or file, or several. */
static void paths(struct arena *a, yaml_document_t *d, const yaml_node_t *n, const char ***ret, size_t *ret_n)
{
    size_t room = items(n) + 1;
    *ret = arena_new_array(a, const char *, room);
    *ret_n = 0;
    if (text_of(a, n))
        (*ret)[(*ret_n)++] = text_of(a, n);
    for (size_t i = 0; i < items(n); i++) {
        const char *s = text_of(a, yaml_document_get_node(d, n->data.sequence.items.start[i]));
        if (s)
            (*ret)[(*ret_n)++] = s;
    }
}

static enum err class_number(const char *file, const char *key, int64_t *ret)
{
    char *end;
    *ret = key ? strtoll(key, &end, 10) : -1;
    if (!key || end == key || *end || *ret < 0 || *ret >= FOREIGN_LABELS)
        return fail(E_INVALID, "%s: names: '%.40s' is no class from 0 to %d", file, key ? key : "", FOREIGN_LABELS - 1);
    return OK;
}

/* names: a list, or a map of numbers, which may have gaps. */
static enum err names(struct arena *a, const char *file, yaml_document_t *d, const yaml_node_t *n, struct data_yaml *ret)
{
    bool map = n && n->type == YAML_MAPPING_NODE;
    size_t count = map ? (size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start) : items(n);
    if (count > FOREIGN_LABELS)
        return fail(E_TOO_BIG, "%s: more than %d names", file, FOREIGN_LABELS);
    for (size_t i = 0; i < count && map; i++) {
        int64_t at;
        TRY(class_number(file, text_of(a, yaml_document_get_node(d, n->data.mapping.pairs.start[i].key)), &at));
        ret->n_names = (size_t)at + 1 > ret->n_names ? (size_t)at + 1 : ret->n_names;
    }
    ret->n_names = map ? ret->n_names : count;
    ret->names = arena_new_array(a, const char *, ret->n_names + 1);
    for (size_t i = 0; i < count; i++) {
        int64_t at = (int64_t)i;
        if (map)
            TRY(class_number(file, text_of(a, yaml_document_get_node(d, n->data.mapping.pairs.start[i].key)), &at));
        const char *name =
            text_of(a, yaml_document_get_node(d, map ? n->data.mapping.pairs.start[i].value : n->data.sequence.items.start[i]));
        if (!name)
            return fail(E_INVALID, "%s: the name of class %lld is no text", file, (long long)at);
        ret->names[at] = name;
    }
    return OK;
}

static enum err read(struct arena *a, const char *file, yaml_document_t *d, struct data_yaml *ret)
{
    const yaml_node_t *root = yaml_document_get_root_node(d), *shape = member(d, root, "kpt_shape");
    *ret = (struct data_yaml){ .path = text_of(a, member(d, root, "path")) };
    paths(a, d, member(d, root, "train"), &ret->train, &ret->n_train);
    paths(a, d, member(d, root, "val"), &ret->val, &ret->n_val);
    if (!ret->n_val)
        paths(a, d, member(d, root, "valid"), &ret->val, &ret->n_val);
    paths(a, d, member(d, root, "test"), &ret->test, &ret->n_test);
    for (size_t i = 0; i < items(shape) && i < 2; i++) {
        const char *s = text_of(a, yaml_document_get_node(d, shape->data.sequence.items.start[i]));
        ret->keypoints[i] = s ? (int)strtol(s, NULL, 10) : 0;
    }
    return names(a, file, d, member(d, root, "names"), ret);
}

enum err data_yaml_read(struct arena *a, const char *file, const char *bytes, size_t n, struct data_yaml *ret)
{
    yaml_parser_t p;
    yaml_document_t d;
    if (!yaml_parser_initialize(&p))
        return fail(E_BROKEN, "no memory for the YAML parser");
    yaml_parser_set_input_string(&p, (const unsigned char *)bytes, n);
    if (!yaml_parser_load(&p, &d)) {
        enum err e = fail(E_INVALID, "%s, line %zu: %s", file, p.problem_mark.line + 1, p.problem ? p.problem : "not valid YAML");
        yaml_parser_delete(&p);
        return e;
    }
    enum err e = read(a, file, &d, ret);
    yaml_document_delete(&d);
    yaml_parser_delete(&p);
    return e;
}
