/*
 * clean.h - messages in, cleaned rows out: decode + the spec's column program.
 *
 * Batch and stream share it.  A handle belongs to one thread; several handles
 * on one spec give the same rows for the same messages.  Nothing is allocated
 * per row; the output's memory is reused from call to call.
 */
#ifndef CLEAN_CLEAN_H
#define CLEAN_CLEAN_H

#include "clean/spec.h"
#include "core/hash.h"
#include "record/batch.h"
#include "record/decode.h"
#include "record/message.h"

/* XX(NAME, word, does on_error apply?): why a value became NULL. */
#define CLEAN_RULE_MAP(XX)                \
    XX(PLACEHOLDER, "placeholder", false) \
    XX(BLANK, "blank", false)             \
    XX(PART, "a part is missing", false)  \
    XX(TYPE, "wrong type", true)          \
    XX(VALUE, "not such a value", true)   \
    XX(RANGE, "out of range", true)

enum clean_rule {
#define XX(name, word, error) CLEAN_##name,
    CLEAN_RULE_MAP(XX)
#undef XX
    CLEAN_RULES,
    CLEAN_OK = CLEAN_RULES, /* a value */
    CLEAN_ABSENT,           /* missing or null in the record: nothing made */
};

/* A record that gave no row. */
struct clean_reject {
    int64_t offset;
    int32_t sub;
    int column;           /* into spec_table.columns; -1: not decoded */
    const char *rule;     /* the column's name, or "decode" */
    const char *reason;   /* a word of the lists here and in decode.h */
    struct slice payload; /* the whole message's value, borrowed from it */
    size_t message;       /* index into the messages of the call */
};

enum clean_drift_kind {
    CLEAN_UNKNOWN,
    CLEAN_MISSING,
    CLEAN_RETYPED,
    CLEAN_REPEATED,
    CLEAN_DRIFTS
};

enum {
    CLEAN_DRIFT_MAX = 64 /* unknown names remembered; more are "..." */
};

struct clean_drift {
    enum clean_drift_kind kind;
    char *field; /* mem_free */
    int64_t count;
    int64_t first; /* the smallest offset */
};

/* Sums over all calls; add those of several threads with clean_counts_add. */
struct clean_counts {
    int64_t messages, records, rows, rejected;
    int64_t how[DECODE_HOWS];
    int64_t undecoded[DECODE_REJECTS];
    int64_t (*nulled)[CLEAN_RULES];      /* per column of the spec */
    int64_t (*rejects)[CLEAN_RULES + 1]; /* last: a required value is absent */
    size_t ncolumns;
    struct clean_drift *drift;
    size_t ndrift, drift_cap;
};

struct clean_out {
    struct batch rows;
    int64_t *offset; /* per row: where it came from */
    int32_t *sub;
    struct hash128 *hash; /* per row, by the table's deduplicate: */
    size_t cap;
    struct clean_reject *rejects;
    size_t nrejects, rejects_cap;
};

struct clean; /* opaque */

struct clean_conf {
    const struct spec_table *table; /* borrowed */
    struct hash_key key;            /* for clean_out.hash */
    const char *topic;              /* provenance; may be NULL */
    int32_t partition;
};

int clean_new(struct clean **ret, const struct clean_conf *conf,
              struct err *e) MUST_USE;
void clean_free(struct clean *c); /* NULL is fine */
/* Provenance from here on; topic is borrowed until the next call. */
void clean_set_place(struct clean *c, const char *topic, int32_t partition);

int clean_out_init(struct clean_out *o, const struct spec_table *t,
                   struct err *e) MUST_USE;
void clean_out_release(struct clean_out *o);
void clean_out_clear(struct clean_out *o); /* memory kept */

/*
 * Append the rows and rejects of n messages to *out, in order.  ERR_DATA when
 * a column says on_error: stop (with offset and reason); ERR_NOMEM.
 */
int clean_messages(struct clean *c, const struct message *m, size_t n,
                   struct clean_out *out, struct err *e) MUST_USE;
/* The same for one decoded record (an object). */
int clean_record(struct clean *c, yyjson_val *object, int64_t offset,
                 int32_t sub, struct clean_out *out, struct err *e) MUST_USE;

/* The sums so far of this handle. */
const struct clean_counts *clean_counted(const struct clean *c);
int clean_counts_init(struct clean_counts *s, const struct spec_table *t,
                      struct err *e) MUST_USE;
void clean_counts_release(struct clean_counts *s);
int clean_counts_add(struct clean_counts *into, const struct clean_counts *from,
                     struct err *e) MUST_USE;
/* ERR_DATA when the rejects are over the table's max_rejects. */
int clean_counts_check(const struct clean_counts *s, const struct spec_table *t,
                       struct err *e) MUST_USE;

/* The hash of row `row` of a batch with the table's columns (read back from
 * a table, say): the same as clean_out.hash unless deduplicate is raw. */
struct hash128 clean_row_hash(const struct spec_table *t,
                              const struct hash_key *key, const struct batch *b,
                              size_t row);

const char *clean_rule_word(enum clean_rule r);
const char *clean_drift_word(enum clean_drift_kind k);

#endif
