/* xml.h - small XML documents of others as events (XML 1.0). DTDs, and with them all entities but the five, are refused. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct xml_events { /* each is told the same `with`; false ends the reading */
    void *with;
    bool (*start)(void *with, const char *name);
    bool (*text)(void *with, const char *s, size_t n); /* some of it: there may be several for one text */
    bool (*end)(void *with);
};
/* False: it is no XML, is cut off, has a DTD, or an event ended the reading. */
bool xml_read(const char *xml, size_t n, const struct xml_events *);
