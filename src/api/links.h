/*
 * links.h - addresses of this server in its answers, as the client sees it.
 */
#ifndef API_LINKS_H
#define API_LINKS_H

#include "api/api_int.h"

/* "http://HOST[/prefix]" and the mark: HOST as the client named it, and the
 * prefix that stood before the mark ("/consumers/") in the path it asked. */
int links_base(struct api *a, struct http_request *r, const char *mark,
               struct buf *b) MUST_USE;
/* One segment of a path, escaped. */
int links_segment(struct buf *b, const char *text) MUST_USE;

#endif
