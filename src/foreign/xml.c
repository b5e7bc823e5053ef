#include "foreign/xml.h"
#include <expat.h>
#include <stdint.h>

struct reading {
    XML_Parser parser;
    const struct xml_events *events;
    bool ended;
};

static void go_on(struct reading *r, bool fine)
{
    if (fine)
        return;
    r->ended = true;
    XML_StopParser(r->parser, XML_FALSE);
}

static void start(void *with, const char *name, const char **attributes)
{
    struct reading *r = with;
    (void)attributes;
    if (!r->ended)
        go_on(r, r->events->start(r->events->with, name));
}

static void end(void *with, const char *name)
{
    struct reading *r = with;
    (void)name;
    if (!r->ended)
        go_on(r, r->events->end(r->events->with));
}

static void characters(void *with, const char *s, int n)
{
    struct reading *r = with;
    if (!r->ended)
        go_on(r, r->events->text(r->events->with, s, (size_t)n));
}

static void doctype(void *with, const char *name, const char *system, const char *public, int inside)
{
    (void)name, (void)system, (void)public, (void)inside;
    go_on(with, false);
}

bool xml_read(const char *xml, size_t n, const struct xml_events *events)
{
    struct reading r = { .parser = XML_ParserCreate(NULL), .events = events };
    if (!r.parser || n > INT32_MAX) {
        if (r.parser)
            XML_ParserFree(r.parser);
        return false;
    }
    XML_SetUserData(r.parser, &r);
    XML_SetElementHandler(r.parser, start, end);
    XML_SetCharacterDataHandler(r.parser, characters);
    XML_SetStartDoctypeDeclHandler(r.parser, doctype);
    bool fine = XML_Parse(r.parser, xml, (int)n, 1) == XML_STATUS_OK && !r.ended;
    XML_ParserFree(r.parser);
    return fine;
}
