/*
 * kafka_v3_int.h - what the files of Kafka REST v3 share.
 */
#ifndef API_KAFKA_V3_INT_H
#define API_KAFKA_V3_INT_H

#include "api/api_int.h"
#include "json/json.h"

/* An answer being written; rc is the first failure. */
struct v3_out {
    struct buf *b;
    struct api *a;
    struct http_request *r;
    const char *cluster; /* its id */
    char base[600];      /* "http://HOST/v3/clusters/ID" */
    int rc;
};

/* Whether v3_begin() does not ask the broker. */
bool v3_met(struct api *a);
/* Accept and the cluster of the path; false: answered. */
bool v3_begin(struct v3_out *o, struct api *a, struct http_request *r);
/* 200 and so on, application/json. */
void v3_answer(struct v3_out *o, int status);
/* Empty and 500 when something was not written. */
void v3_end(struct v3_out *o);

/* Append as printf does. */
void v3_put(struct v3_out *o, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "name":"text" with escapes; v3_null where text is NULL. */
void v3_text(struct v3_out *o, const char *name, const char *text);
/* "kind":"...","metadata":{"self":BASE + path,"resource_name":...} */
void v3_kind(struct v3_out *o, const char *kind, const char *path);
/* "name":{"related":BASE + path} */
void v3_related(struct v3_out *o, const char *name, const char *path);
/* {"kind":"...","metadata":{"self":...,"next":null},"data":[ ; ends in "]}" */
void v3_list(struct v3_out *o, const char *kind, const char *path);

/* A code of ours in the words and numbers of v3. */
void v3_err(struct http_request *r, const struct err *e);
/* The i-th parameter of the path as text, which is a topic that exists (404,
 * 40403); false: answered. */
bool v3_topic(struct api *a, struct http_request *r, struct broker_topic *ret);

#endif
