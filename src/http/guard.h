/* guard.h - which addresses may be called when a user names them: only those that anybody on the internet could call as well.
 *
 * Loopback, private, link-local, shared (RFC 6598) and all other special addresses (RFC 6890) are refused, also where they are
 * written inside of an IPv6 address (mapped, compatible, NAT64, 6to4, Teredo); `serve --may-call` allows listed ranges. What is
 * asked is the address that a socket is about to connect to, so that no name, no odd form of a number and no second answer of a
 * name server leads past it. */
#pragma once
#include "base/fail.h"
#include <sys/socket.h>

/* "127.0.0.1/32,fd00::/8" or NULL; E_INVALID names what is no range. Once at the start, before threads. */
MUST_USE enum err guard_allow(const char *ranges);
bool guard_refuses(const struct sockaddr *);
/* Whether it is one of the special ones, allowed or not. */
bool guard_special(const struct sockaddr *);
