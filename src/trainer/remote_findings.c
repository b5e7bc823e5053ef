/* The logs of what a training found out about itself and its annotations. */
#include "trainer/remote.h"
#include <string.h>

enum { LOG_CAP = 1 << 20 };

static void write_words(struct out *o, const char *key, const char *const *words, size_t n)
{
    out_array(o, key);
    for (size_t i = 0; i < n; i++)
        out_text(o, NULL, words[i]);
    out_end_array(o);
}

static void send_diagnosis(struct remote *r, const struct finding *found, int n)
{
    static const char *const columns[] = { "what it means" };
    AUTO(out) struct out o = { 0 };
    out_init(&o, LOG_CAP);
    out_object(&o, NULL);
    write_words(&o, "columns", columns, COUNT_OF(columns));
    out_array(&o, "rows");
    for (int i = 0; i < n; i++)
        out_text(&o, NULL, found[i].what);
    out_end_array(&o);
    out_array(&o, "data");
    for (int i = 0; i < n; i++) {
        out_array(&o, NULL);
        out_text(&o, NULL, found[i].says);
        out_end_array(&o);
    }
    out_end_array(&o);
    out_end_object(&o);
    report_log(r->report, "diagnosis", "TABLE", o.text.bytes);
}

static void text_or_null(struct out *o, const char *text)
{
    if (text)
        out_text(o, NULL, text);
    else
        out_null(o, NULL);
}

static void write_doubt(struct remote *r, struct out *o, const struct doubt *d)
{
    static const struct origin unknown = { 0 };
    const struct origin *from = d->sample->origin ? d->sample->origin : &unknown;
    const struct box *b = &d->box;
    out_array(o, NULL);
    out_text(o, NULL, d->sample->name);
    text_or_null(o, d->label >= 0 ? r->labels[d->label] : NULL);
    out_text(o, NULL, doubt_words[d->kind]);
    out_number(o, NULL, (double)d->score);
    out_text(o, NULL, doubt_text(d, r->labels, r->arena));
    const double numbers[] = { (double)b->x0,           (double)b->y0,       (double)(b->x1 - b->x0),
                               (double)(b->y1 - b->y0), (double)from->width, (double)from->height };
    for (size_t i = 0; i < COUNT_OF(numbers); i++)
        out_number(o, NULL, numbers[i]);
    text_or_null(o, from->asset);
    text_or_null(o, from->data);
    text_or_null(o, from->version);
    out_end_array(o);
}

static void send_doubts(struct remote *r, const struct doubts *d)
{
    static const char *const columns[] = { "image", "label", "suspicion", "score",  "reason", "x",       "y",
                                           "w",     "h",     "width",     "height", "asset",  "data_id", "version_id" };
    AUTO(out) struct out o = { 0 };
    out_init(&o, LOG_CAP);
    out_object(&o, NULL);
    write_words(&o, "columns", columns, COUNT_OF(columns));
    out_array(&o, "data");
    for (int i = 0; i < d->n; i++)
        write_doubt(r, &o, &d->items[i]);
    out_end_array(&o);
    out_end_object(&o);
    report_log(r->report, "suspicious-annotations", "TABLE", o.text.bytes);
}

void remote_examined(void *with, const struct finding *found, int n, const struct doubts *d)
{
    send_diagnosis(with, found, n);
    send_doubts(with, d);
}
