/*
 * slow.h - threads for what may have to wait for a broker elsewhere.
 *
 * A few threads of the pool serve all connections, so a handler that asks
 * another machine runs here instead, with its request suspended.  What is not
 * begun when the time for an answer is over is refused (503).
 */
#ifndef API_SLOW_H
#define API_SLOW_H

#include "api/server.h"

struct api;
struct slow; /* opaque */

int slow_start(struct slow **ret, struct api *a, struct err *e) MUST_USE;
/* After the server has ended; NULL is fine. */
void slow_free(struct slow *s);
/*
 * From a handler: run `step`, which may not suspend, in one of the threads;
 * then, if it left r without an answer, `then` in one of the pool (NULL: it
 * always answers).  Answers at once when there is no room.
 */
void slow_do(struct slow *s, struct http_request *r,
             void (*step)(struct api *a, struct http_request *r),
             void (*then)(struct api *a, struct http_request *r));

#endif
