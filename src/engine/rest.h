/*
 * rest.h - JSON over HTTP, for the engines that are servers; engine/ only.
 *
 * One thread.  Passing faults (no connection, 429, 5xx) are tried again for
 * up to a minute, so a call that must happen once carries a token of its own.
 */
#ifndef ENGINE_REST_H
#define ENGINE_REST_H

#include "json/json.h"

struct rest; /* opaque */

/* base: "http://HOST:PORT", a '/' at its end is fine; token: sent as bearer;
 * empty: none.  Both are copied. */
int rest_open(struct rest **ret, const char *base, struct slice token,
              struct err *e) MUST_USE;
void rest_close(struct rest *r); /* NULL is fine */

/*
 * GET when body is empty, else POST.  ret: json_release().  A status over 299
 * is an error with the far side's own words: ERR_DENIED for 401 and 403,
 * ERR_NOTFOUND for 404, ERR_INVALID for other 4xx, ERR_CONNECT for the rest.
 */
int rest_call(struct rest *r, const char *path, struct slice body,
              struct json_doc *ret, struct err *e) MUST_USE;
/* GET an address as text, appended to *b. */
int rest_text(struct rest *r, const char *url, struct buf *b,
              struct err *e) MUST_USE;

/* Sleep between two looks at what runs far away, longer with each one (from 0
 * on), at most 5 s; ERR_INTERRUPTED when asked to stop meanwhile. */
int rest_pause(unsigned looks, struct err *e) MUST_USE;

#endif
