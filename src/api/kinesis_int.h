/*
 * kinesis_int.h - what the actions of Kinesis share: the request they serve
 * and the ways to answer it.
 */
#ifndef API_KINESIS_INT_H
#define API_KINESIS_INT_H

#include "api/api_int.h"
#include "api/kinesis_shard.h"
#include "json/json.h"

#define KINESIS_ACCOUNT "000000000000"
#define KINESIS_JSON    "application/x-amz-json-1.1"
#define KINESIS_TAGS    "_kinesis.tags" /* the topic that keeps the tags */

enum {
    KINESIS_RECORDS_MAX = 500,      /* of one PutRecords */
    KINESIS_DATA_MAX = 10485760,    /* bytes of one record */
    KINESIS_KEY_MAX = 256,          /* characters of a partition key */
    KINESIS_ANSWER_BYTES = 4 << 20, /* of data in one GetRecords */
    KINESIS_GET_MAX = 10000,        /* records of one GetRecords */
};

/* One call of an action. */
struct kinesis {
    struct api *a;
    struct http_request *r;
    yyjson_val *body; /* an object */
    char region[32];
};

/* 400 with AWS's name of the fault (500 for InternalFailure). */
void kinesis_fault(struct http_request *r, const char *type, const char *fmt,
                   ...) PRINTF_LIKE(3, 4);
/* What the broker said about a stream. */
void kinesis_err(struct http_request *r, const char *stream,
                 const struct err *e);
/* 200; the caller appends the body. */
struct buf *kinesis_begin(struct http_request *r);
/* The stream that StreamName or StreamARN names; false: answered. */
bool kinesis_stream(struct kinesis *k, struct broker_topic *ret);
/* Its name alone, checked. */
bool kinesis_name(struct kinesis *k, char name[KINESIS_NAME_MAX + 1]);
/* An integer member within a range; `otherwise` when it is not there; false:
 * answered. */
bool kinesis_number(struct kinesis *k, const char *member, int64_t low,
                    int64_t high, int64_t otherwise, int64_t *ret);

/* One record to be put, in bytes. */
struct kinesis_put {
    struct slice data, key, hash_key; /* hash_key: digits, or empty */
};
/* Store n of them in the stream and answer as PutRecord, or as PutRecords. */
void kinesis_store(struct kinesis *k, const char *stream,
                   const struct kinesis_put *puts, size_t n, bool many);

/* Do what the request asks for, once it may. */
void kinesis_act(struct api *a, struct http_request *r);

/* ---- the actions ---- */

void kinesis_add_tags(struct kinesis *k);
void kinesis_create_stream(struct kinesis *k);
void kinesis_delete_stream(struct kinesis *k);
void kinesis_describe_stream(struct kinesis *k);
void kinesis_describe_summary(struct kinesis *k);
void kinesis_get_iterator(struct kinesis *k);
void kinesis_get_records(struct kinesis *k);
void kinesis_list_shards(struct kinesis *k);
void kinesis_list_streams(struct kinesis *k);
void kinesis_list_tags(struct kinesis *k);
void kinesis_put_record(struct kinesis *k);
void kinesis_put_records(struct kinesis *k);
void kinesis_remove_tags(struct kinesis *k);

#endif
