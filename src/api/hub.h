/* hub.h - what has just been written into the table `event`, for those who listen. Inside api/. */
#pragma once
#include "sql/sql.h"

struct heard {
    int64_t id;
    char *org, *topic, *json;
};

MUST_USE enum err hub_start(struct sql_pool *);
void hub_stop(void); /* wakes all that listen */

uint64_t hub_join(bool from_the_first); /* where to hear from: what comes next, or all that is kept */
void hub_leave(void);

enum hub_taken { HUB_PASSED, HUB_TOOK, HUB_FULL };                 /* full: it is offered the same once more */
typedef enum hub_taken hub_take(void *with, const struct heard *); /* called with the hub's lock held */
/* Waits so long until there is something that is taken. False: the program ends. */
bool hub_hear(uint64_t *at, double seconds, hub_take *, void *with);
