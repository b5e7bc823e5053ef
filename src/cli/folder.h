/* folder.h - the data folder, for commands that work on it beside a server or without one. */
#pragma once
#include "sql/sql.h"

/* Its database, with the functions that the resources' SQL uses. E_NOT_FOUND where there is none: nothing is made. */
MUST_USE enum err folder_open(const char *data, struct sql **ret);
/* E_NOT_FOUND unless a server has been started on it. */
MUST_USE enum err folder_check(const char *data);
