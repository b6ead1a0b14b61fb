/*
 * decode.h - from a message's bytes to records (SEMANTICS 1).
 *
 * Unwraps, at most DECODE_DEPTH levels deep, until objects that carry one of
 * the table's key names are found.  A decoder belongs to one thread and keeps
 * its scratch memory from message to message.
 */
#ifndef RECORD_DECODE_H
#define RECORD_DECODE_H

#include "core/err.h"
#include "json/json.h"

enum {
    DECODE_DEPTH = 4,
    DECODE_KEYS_MAX = 8,
    DECODE_BYTES_MAX = 64 << 20,  /* of a message; more: too large */
    DECODE_RECORDS_MAX = 1 << 20, /* of a message; more: too large */
    DECODE_MEMORY_MAX = 1 << 30   /* for a message's trees; more: the same */
};

/* XX(name, word): the ways that were needed; counted and shown. */
#define DECODE_HOW_MAP(XX)            \
    XX(PLAIN, "plain")                \
    XX(WRAPPER, "wrapper")            \
    XX(ARRAY, "array")                \
    XX(JSON_TEXT, "json in a string") \
    XX(BASE64, "base64")              \
    XX(PYTHON, "python literal")

/* XX(name, words): why a message or a part of it is no record. */
#define DECODE_REJECT_MAP(XX)       \
    XX(NONE, "")                    \
    XX(NOT_JSON, "not JSON")        \
    XX(NOT_UTF8, "invalid UTF-8")   \
    XX(NO_KEY, "no key")            \
    XX(TOO_DEEP, "nested too deep") \
    XX(TOO_LARGE, "too large")      \
    XX(NO_VALUE, "no value")

enum decode_how {
#define XX(name, word) DECODE_##name,
    DECODE_HOW_MAP(XX)
#undef XX
    DECODE_HOWS
};

enum decode_reject {
#define XX(name, words) DECODE_REJECT_##name,
    DECODE_REJECT_MAP(XX)
#undef XX
    DECODE_REJECTS
};

/* Members stand in the order they were posted; where a name is repeated the
 * last one counts (as json_get() has it). */
struct decoded {
    yyjson_val *object; /* JSON_NUMBERS; NULL when rejected */
    enum decode_reject reject;
    int32_t sub;  /* 0, 1, ... within the message */
    unsigned how; /* bits 1u << enum decode_how that led here */
};

struct decode_result {
    const struct decoded *records; /* n >= 1; until the next call, and as long
                                      as the message's bytes are there */
    size_t n;
    unsigned how; /* of all records */
};

struct decoder; /* opaque */

/* keys: the names that mark a record ("index", "ind", "idx"), borrowed. */
int decoder_new(struct decoder **ret, const char *const *keys, size_t nkeys,
                struct err *e) MUST_USE;
void decoder_free(struct decoder *d);

/* Decode one message.  Fails only for want of memory; what cannot be read
 * comes back as a rejected record.  has_value false: DECODE_REJECT_NO_VALUE. */
int decoder_decode(struct decoder *d, struct slice value, bool has_value,
                   struct decode_result *ret, struct err *e) MUST_USE;

const char *decode_how_word(enum decode_how how);
const char *decode_reject_word(enum decode_reject r);

#endif
