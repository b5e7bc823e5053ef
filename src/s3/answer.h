/* answer.h - the XML that a store answers with. Entities of its own and DTDs are refused, depth and lengths have limits. */
#pragma once
#include "s3/s3.h"

/* A page of ListObjectsV2, asked for with encoding-type=url. E_UNMEANT: it is none. */
MUST_USE enum err s3_read_list(struct arena *, const char *xml, size_t n, struct s3_list *ret);
/* The word of an error's <Code>, of letters and digits only; "" if there is none. */
void s3_read_code(const char *xml, size_t n, char *ret, size_t room);
