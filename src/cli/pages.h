/* pages.h - the browser's pages, built into the program by tools/embed. */
#pragma once
#include "http/server.h"

/* Answers a GET of a path that is no API: a file of the pages, or for any other path index.html, whose script knows the way. */
MUST_USE enum err pages_answer(struct http_call *);
