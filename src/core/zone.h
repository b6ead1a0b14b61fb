/*
 * zone.h - time zones: from UTC to the clock on the wall and back.
 *
 * Rules come from the machine's zone files (TZif, RFC 8536: $TZDIR, else
 * /usr/share/zoneinfo), read by ourselves, since the C library knows one
 * zone a process.  Times are microseconds since 1970; a local time is the
 * same count read off the wall clock.  Immutable after zone_load(): any
 * thread may ask.
 */
#ifndef CORE_ZONE_H
#define CORE_ZONE_H

#include "core/err.h"
#include "core/slice.h"

struct zone; /* opaque */

/* "Europe/Berlin"; "" and "UTC" need no file.  ERR_INVALID when there is no
 * such zone. */
int zone_load(struct zone **ret, const char *name, struct err *e) MUST_USE;
/* From the bytes of a zone file; `name` is for messages. */
int zone_parse(struct zone **ret, struct slice file, const char *name,
               struct err *e) MUST_USE;
void zone_free(struct zone *z); /* NULL is fine */
const char *zone_name(const struct zone *z);

int64_t zone_to_local(const struct zone *z, int64_t utc_us);
/* The instants at which the wall shows `local_us`: none in the gap when clocks
 * go forward, two when they go back, else one; in order. */
int zone_instants(const struct zone *z, int64_t local_us, int64_t ret[2]);
/* The first of these; in a gap, the first instant behind it. */
int64_t zone_to_utc(const struct zone *z, int64_t local_us);

#endif
