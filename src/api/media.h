/*
 * media.h - Content-Type and Accept as the contracts read them.
 */
#ifndef API_MEDIA_H
#define API_MEDIA_H

#include "core/slice.h"

#define MEDIA_KAFKA "application/vnd.kafka.v2+json"
#define MEDIA_JSON  "application/json"

enum media_format { /* embedded in application/vnd.kafka.FORMAT.v2+json */
    MEDIA_BINARY,
    MEDIA_JSON_VALUES,
    MEDIA_AVRO,
    MEDIA_JSONSCHEMA,
    MEDIA_PROTOBUF,
    MEDIA_NO_FORMAT, /* application/vnd.kafka.v2+json */
};

/* Parameters such as "; charset=utf-8" and case make no difference. */
bool media_kafka(struct slice content_type, enum media_format *ret);
/* application/json, or application/ anything +json */
bool media_is_json(struct slice content_type);
/* Whether an Accept header lets a Kafka REST v2 answer through: any of
 * application/vnd.kafka*.v2+json, application/json or a wildcard. */
bool media_accepts(struct slice accept);

#endif
