/*
 * answer.h - filling in an answer, in the words of its contract.
 *
 * These may be called once a request; a failed allocation leaves an answer
 * with an empty body and status 500.
 */
#ifndef API_ANSWER_H
#define API_ANSWER_H

#include "api/produce_body.h"
#include "api/router.h"

/* Status and type; the caller then appends the body to r->answer.body. */
struct buf *answer_begin(struct http_request *r, int status, const char *type);
/* What was appended since is incomplete: 500 without a body. */
void answer_broken(struct http_request *r);
/* name is static, value is copied. */
void answer_header(struct http_request *r, const char *name,
                   struct slice value);
/* Static text as the body. */
void answer_text(struct http_request *r, int status, const char *type,
                 const char *text);

/* Bytes that are no UTF-8 become '?'. */
void answer_utf8(char *text);
/* Kafka {"error_code":code,"message":...}, FastAPI {"detail":...}, Kinesis
 * {"__type":...,"message":...} with 400 for all faults of clients; plain is as
 * Kafka but application/json. */
void answer_error(struct http_request *r, enum family f, int status, int code,
                  const char *fmt, ...) PRINTF_LIKE(5, 6);
/* The error's own words, as a status and a code of the contract. */
void answer_err(struct http_request *r, enum family f, const struct err *e);
/* "HTTP 404 Not Found" and such. */
void answer_status(struct http_request *r, enum family f, int status);
/* Its status, code and text. */
void answer_fault(struct http_request *r, enum family f,
                  const struct produce_fault *fault);
/* Whether Accept, if there is one, takes JSON; false: answered with 406. */
bool answer_accepts(struct http_request *r, enum family f);

#endif
