/*
 * slice.h - a borrowed, counted run of bytes; not NUL-terminated.
 *
 * A slice owns nothing.  It is passed by value and is good for as long as
 * the buffer, arena or literal that it points into.
 */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include "core/base.h"

struct slice {
    const char *ptr;
    size_t len;
};

#define SLICE(lit)   ((struct slice){"" lit, sizeof(lit) - 1})
#define SLICE_FMT(s) (int)(s).len, (s).ptr /* for "%.*s" */

struct slice slice_of(const char *text); /* of a NUL-terminated text */
bool slice_eq(struct slice a, struct slice b);
bool slice_is(struct slice s, const char *text);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
/* <0, 0, >0 by bytes; a prefix comes first. */
int slice_cmp(struct slice a, struct slice b);
/* Without ASCII white space (tab, LF, VT, FF, CR, space) at both ends. */
struct slice slice_trim(struct slice s);
/* The part from byte n on; empty when n is past the end. */
struct slice slice_from(struct slice s, size_t n);

/*
 * Take the part of *s before `sep` off its front, and the separator too.
 * Returns false, with *head the whole of it and *s empty, when there is none.
 */
bool slice_cut(struct slice *s, char sep, struct slice *head);

#endif
