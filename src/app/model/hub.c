#include "app/model/hub.h"
#include "base/clock.h"
#include "blob/sign.h"
#include "learn/models.h"
#include <stdio.h>
#include <string.h>

/* An id that the same words always have (RFC 9562, version 8), so that experiments keep their base model from start to start. */
static void fixed_id(const char *what, const char *name, char ret[ID_SIZE])
{
    char words[200], hex[65], text[33];
    snprintf(words, sizeof words, "saccade hub %s %s", what, name);
    sha256_hex(words, strlen(words), hex);
    memcpy(text, hex, 32);
    text[32] = 0;
    text[12] = '8';
    text[16] = 'a';
    id_parse(text, ret);
}

static enum err refresh(struct sql *db, const struct model *m, const char *parameters)
{
    char id[ID_SIZE], version[ID_SIZE], context[ID_SIZE];
    int64_t now = clock_now_ms();
    fixed_id("model", m->name, id);
    fixed_id("version", m->name, version);
    fixed_id("context", m->name, context);
    TRY(sql_run(
        db,
        "INSERT INTO model (id, org, name, description, created_at, updated_at, place) VALUES (?1, NULL, ?2, ?3, ?4, ?4, ?5)"
        " ON CONFLICT (id) DO UPDATE SET name = excluded.name, description = excluded.description, place = excluded.place",
        V((const char *)id), V(m->name), V(m->says), V(now), V((int64_t)(m - models))));
    TRY(sql_run(db,
                "INSERT INTO model_version (id, model_id, version, name, description, type, framework, architecture, parameters,"
                " created_at, updated_at) VALUES (?1, ?2, 0, ?3, ?4, ?5, 'ONNX', ?3, ?6, ?7, ?7) ON CONFLICT (id) DO UPDATE SET"
                " name = excluded.name, description = excluded.description, parameters = excluded.parameters",
                V((const char *)version), V((const char *)id), V(m->name), V(m->says), V(m->task->type), V(parameters), V(now)));
    return sql_run(db,
                   "INSERT INTO model_context (id, model_version_id, datas, parameters) VALUES (?1, ?2, '[]', ?3)"
                   " ON CONFLICT (id) DO UPDATE SET parameters = excluded.parameters",
                   V((const char *)context), V((const char *)version), V(parameters));
}

enum err hub_first(struct sql *db)
{
    for (const struct model *m = models; m->name; m++) {
        AUTO(out) struct out o;
        struct settings s;
        model_settings(m, &s);
        out_init(&o, 1 << 16);
        out_object(&o, NULL);
        settings_write(&s, &o);
        out_end_object(&o);
        TRY(refresh(db, m, o.text.bytes));
    }
    return OK;
}
