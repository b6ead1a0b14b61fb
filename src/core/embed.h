/*
 * embed.h - files that the build put into the program (tools/embed).
 */
#ifndef CORE_EMBED_H
#define CORE_EMBED_H

#include "core/slice.h"

struct embed_file {
    const char *name; /* path below the source root; NULL ends a table */
    const unsigned char *bytes; /* followed by a NUL that is not counted */
    size_t len;
};

/* The named file of a table; false when it holds none. */
bool embed_find(const struct embed_file *table, const char *name,
                struct slice *ret);

#endif
