/*
 * json.h - the door to yyjson: bytes -> tree, tree -> bytes.
 *
 * yyjson's value type may be used wherever JSON values are walked; only
 * parsing and printing go through here, so that limits, error positions and
 * number handling are the same everywhere.
 *
 * Numbers: by default they are kept as raw text (YYJSON_TYPE_RAW), so that
 * what was posted is stored digit for digit; JSON_NUMBERS parses them to
 * uint64 (not negative), int64 (negative) or double, and keeps as raw text
 * only what fits none of these: integers past 64 bits, 1e999.
 */
#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <yyjson.h>

#include "core/buf.h"

enum json_flag {
    JSON_NUMBERS = 1, /* numbers as int64, uint64 or double, not raw text */
    JSON_PREFIX = 2,  /* stop after the first value; see json_doc.read */
    JSON_ESCAPE_ASTRAL = 4, /* print: over U+FFFF as \uXXXX\uXXXX, like
                               Kafka Connect's JsonConverter */
};

enum {
    JSON_DEPTH_MAX = 512
};

struct json_doc {
    yyjson_doc *doc; /* json_release() */
    yyjson_val *root;
    size_t read; /* bytes consumed */
};

/*
 * Parse s.  ERR_MALFORMED with line, column and the reason; ERR_LIMIT when it
 * nests deeper than JSON_DEPTH_MAX.  alc may be NULL (then core/mem.h).
 */
int json_parse(struct json_doc *ret, struct slice s, int flags,
               const yyjson_alc *alc, struct err *e) MUST_USE;
void json_release(struct json_doc *d); /* a zeroed one is fine */

enum {
    JSON_FLAT_MEMBERS = 64,
    JSON_LEAD_BYTES = 40
};

/* Where objects are read flat, one after another; zeroed before the first. */
struct json_flat {
    yyjson_val vals[1 + 2 * JSON_FLAT_MEMBERS];
    struct json_lead { /* what stood before the value there: ,"name": */
        char bytes[JSON_LEAD_BYTES];
        size_t len;   /* 0: not known */
        size_t name;  /* where in bytes */
        uint64_t tag; /* the name's */
    } leads[JSON_FLAT_MEMBERS];
};

/*
 * Read an object of few plain members: texts without an escape, which stay in
 * s, short numbers, null, true and false.  vals[0] is then what json_parse()
 * gives with JSON_NUMBERS, some times quicker, most of all when the names are
 * those of the object before.  False: not such an object, or no JSON; ask
 * that one.
 */
bool json_read_flat(struct slice s, struct json_flat *ret);

/* Append v to b as compact JSON; ERR_LIMIT when it nests too deep or b is
 * full, ERR_INVALID for a double that is not finite.  b is then as before. */
int json_print(struct buf *b, yyjson_val *v, int flags, struct err *e) MUST_USE;
/* Append one string in quotes, escaped; s must be UTF-8. */
int json_print_text(struct buf *b, struct slice s, struct err *e) MUST_USE;
/* Append the shortest digits that read back to the same double; whole numbers
 * in the int64 range without a fraction, minus zero as -0.0; v is finite. */
int json_print_double(struct buf *b, double v, struct err *e) MUST_USE;
int json_print_i64(struct buf *b, int64_t v, struct err *e) MUST_USE;

bool json_given(yyjson_val *v); /* it is there, and not null */
/* Member of an object, the last one of that name; NULL when absent or o is
 * no object. */
yyjson_val *json_get(yyjson_val *o, const char *key);
/* A string member as a slice; false when absent or of another type. */
bool json_get_text(yyjson_val *o, const char *key, struct slice *ret);
/* A member that is an integer in the int64 range, raw or parsed. */
bool json_get_i64(yyjson_val *o, const char *key, int64_t *ret);

/* The first byte in [at, end) that a JSON text cannot hold as it is: a control,
 * a quote or a backslash; end when there is none. */
const char *json_plain_end(const char *at, const char *end);

/*
 * Memory for parsing one document after another without malloc: give &p.alc
 * to json_parse(), and json_pool_reset() when the trees are no longer needed.
 * What a document needs past the ceiling fails as if memory had run out.
 * The struct must not move.  One thread at a time.
 */
struct json_pool {
    yyjson_alc alc;
    struct json_chunk *head;
    size_t used; /* bytes of the chunks behind head's */
    size_t max;
    bool hit_max; /* since the last reset: the ceiling refused an allocation */
};

void json_pool_init(struct json_pool *p, size_t max);
void json_pool_release(struct json_pool *p);
void json_pool_reset(struct json_pool *p); /* trees are gone, memory kept */

#endif
