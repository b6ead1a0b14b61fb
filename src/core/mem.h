/*
 * mem.h - the only door to malloc.
 *
 * Every allocation may fail and says so; mem_fail_after() makes the n-th one
 * fail, so that a test can walk every such path.  Any thread may call these.
 */
#ifndef CORE_MEM_H
#define CORE_MEM_H

#include "core/base.h"

/* realloc() with the product checked; count and size are not 0. */
void *mem_resize(void *p, size_t count, size_t size) MUST_USE;
/* Zeroed memory for count things; count and size are not 0. */
void *mem_zero(size_t count, size_t size) MUST_USE;
/* A NUL-terminated copy of n bytes. */
char *mem_text(const char *s, size_t n) MUST_USE;
void mem_free(void *p); /* NULL is fine */

/* For programs that run long; before the first thread.  A block of a megabyte
 * or more goes back to the system when it is freed, and grows without a copy;
 * malloc would else learn from the first such block to keep them all. */
void mem_give_back(void);

/* Tests: fail the n-th allocation from now, in any thread; 0 never. */
void mem_fail_after(unsigned n);

#endif
