/*
 * router.h - which route a method and a path mean.
 *
 * A route is a row of a table (routes.c).  In a pattern {name} takes one
 * segment, decoded; {model} takes only the name of a configured model.
 * Patterns that end in '/' are FastAPI's: the same path without it is sent
 * there with 307; elsewhere a '/' at the end makes no difference.
 */
#ifndef API_ROUTER_H
#define API_ROUTER_H

#include "api/server.h"

struct api;

enum family { /* whose words an error is told in */
    FAMILY_PLAIN,
    FAMILY_KAFKA,
    FAMILY_FASTAPI,
    FAMILY_KINESIS,
    FAMILY_GATEWAY, /* Kinesis behind an API Gateway */
    FAMILY_DATABRICKS,
};

enum route_flag {
    ROUTE_OPEN = 1,    /* needs no token */
    ROUTE_METRICS = 2, /* needs none if so configured */
    ROUTE_SIGNED = 8,  /* none if its handler checks a signature */
    ROUTE_NOOP = 4,    /* there only when asked for: tests and benches */
    ROUTE_SLOW = 16,   /* asks the broker, and never suspends: slow.h */
};

struct route {
    enum http_method method;
    const char *pattern;
    enum family family;
    unsigned flags;
    void (*handle)(struct api *a, struct http_request *r);
    const char *summary;
    /* what GET /openapi.json and GET /docs tell of it */
    const char *tag;   /* the chapter */
    const char *query; /* parameters with blanks between: "topic! timeout";
                          '!' must be given, a capital begins a header; NULL */
    const char *takes; /* a shape of web/shapes.json; NULL: no body */
    const char *gives; /* status, unless 200, and shape, unless there is no
                          body: "Run", "201 V3Topic", "204", NULL */
};

struct router {
    const struct route *routes;
    size_t n;
    unsigned without;         /* flags of rows to leave out */
    const char *const *strip; /* prefixes of paths that fit no route */
    size_t n_strip;
    bool (*is_model)(const void *arg, struct slice name);
    const void *arg;
};

enum router_result {
    ROUTER_FOUND,
    ROUTER_REDIRECT, /* path + '/' is there */
    ROUTER_METHOD,   /* the path is there, see allowed */
    ROUTER_NOTFOUND,
    ROUTER_BAD, /* a broken %-escape, or no memory */
};

struct router_match {
    const struct route *route; /* also for METHOD: one of the path's */
    struct slice params[HTTP_PARAMS_MAX];
    size_t n_params;
    unsigned allowed; /* 1 << method */
};

/* path is as sent; params are the arena's. HEAD finds what GET finds. */
enum router_result router_match(const struct router *rt,
                                enum http_method method, struct slice path,
                                struct arena *a, struct router_match *ret);
/* %XX decoded (and '+' as a blank if plus); false when an escape is broken
 * or memory is short.  *ret is the arena's or s itself. */
bool router_unescape(struct slice s, bool plus, struct arena *a,
                     struct slice *ret);
/* One value of a query string, decoded; false when it is not there. */
bool router_query(struct slice query, const char *name, struct arena *a,
                  struct slice *ret);
/* "GET,HEAD,POST" for an Allow header. */
void router_allow(unsigned allowed, char text[64]);

#endif
