/* folder.h - the data folder, for commands that work on it beside a server or without one.
 *
 * Who walks an old database to today's version: serve and migrate, which hold the folder's lock. Commands that write refuse one of
 * another version; those that only read (backup, fsck) take older ones too. */
#pragma once
#include "sql/sql.h"

/* Where its database is: its file saccade.db, or what its file `database` names. */
MUST_USE enum err folder_db(struct arena *, const char *data, const char **ret);
/* From now on its database is on this server; url NULL changes nothing. E_CONFLICT: it has one in a file. */
MUST_USE enum err folder_use_db(const char *data, const char *url);
/* Its database, with the functions that the resources' SQL uses, of today's version. E_NOT_FOUND where there is none: nothing is
 * made. E_CONFLICT: of another version. */
MUST_USE enum err folder_open(const char *data, struct sql **ret);
/* The same of any version that this program knows: only the tables `object` and `schema_of` may be counted on. */
MUST_USE enum err folder_open_old(const char *data, struct sql **ret);
/* E_NOT_FOUND unless a server has been started on it. */
MUST_USE enum err folder_check(const char *data);
/* Before a server makes a database in it. E_CONFLICT: it holds objects, or a part of a database, but none whole: a restore was cut
 * off, or the database was lost. An empty server would take its place. */
MUST_USE enum err folder_may_begin(const char *data);
/* Held until the process ends, however it ends. E_CONFLICT: a server or another command has it. */
MUST_USE enum err folder_lock(const char *data, int *ret);
/* The walk to today's version, told on standard output. The folder is locked. */
MUST_USE enum err folder_walk(struct sql *, const char *data);
