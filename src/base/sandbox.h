/* sandbox.h - a process gives up everything but arithmetic and the descriptors it holds.
 *
 * After sandbox_enter() it opens no file, makes no socket, process or thread, maps nothing executable: an allow-list of system
 * calls (seccomp) that holds for all its threads and cannot be undone. What is not on the list fails with EPERM; starting programs,
 * connecting and tracing kill the process. Descriptors above CHILD_SHARED are closed. Limits of memory, file size and descriptors
 * come with it, core dumps and tracing by others are off. */
#pragma once
#include "base/fail.h"

/* memory: most bytes of address space. Ignored in builds with AddressSanitizer, which reserves terabytes. */
MUST_USE enum err sandbox_enter(uint64_t memory);
/* The same for one who holds a descriptor to write to: its file may become so many bytes. */
MUST_USE enum err sandbox_enter_writing(uint64_t memory, uint64_t file_bytes);
