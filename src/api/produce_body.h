/*
 * produce_body.h - the JSON body of a Kafka REST v2 produce request.
 *
 * {"records":[{"key":any,"value":any,"partition":int},...]}; one object in
 * the place of the array is taken as one record.  An absent or null key or
 * value is none (a tombstone); 0, false, "", {} and [] are values.
 */
#ifndef API_PRODUCE_BODY_H
#define API_PRODUCE_BODY_H

#include "api/media.h"
#include "broker/broker.h"
#include "json/json.h"

struct produce_fault {
    int status; /* of HTTP */
    int code;   /* error_code */
    char text[400];
};

/* Fill it in; false, for bodies of all sorts. */
bool produce_fault_set(struct produce_fault *f, int status, int code,
                       const char *fmt, ...) PRINTF_LIKE(4, 5);
/* 422: a name that is no field, shown, but not at any length. */
bool produce_fault_field(struct produce_fault *f, yyjson_val *name);

struct produce_body {
    struct json_doc doc;
    yyjson_val *records; /* an array, or one object */
    size_t n;
};

/* The envelope; false with *f filled in. produce_body_release() after true. */
bool produce_body_parse(struct produce_body *ret, struct slice body,
                        enum media_format format, size_t records_max,
                        struct produce_fault *f);
void produce_body_release(struct produce_body *b);

/*
 * The records: n of them into recs; their bytes are appended to text, which
 * they point into and which must not move while they are in use.  Records
 * without a partition of their own get `partition` (-1: by the key).
 */
bool produce_body_records(const struct produce_body *b,
                          enum media_format format, int32_t partition,
                          struct broker_record *recs, struct buf *text,
                          struct produce_fault *f);

#endif
