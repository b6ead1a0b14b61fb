/*
 * spec.h - what a cleaning spec (pipelines/NAME.yaml) says, checked.
 *
 * Loading looks at everything and collects every fault with file, line and
 * the nearest known word.  A spec is read-only after loading and may be shared
 * between threads; all texts live as long as it does.
 */
#ifndef CLEAN_SPEC_H
#define CLEAN_SPEC_H

#include "core/fault.h"
#include "core/yaml.h"
#include "record/batch.h"

enum {
    SPEC_TABLES_MAX = 16,
    SPEC_COLUMNS_MAX = 128,
    SPEC_NAMES_MAX = 8, /* names in from:, parts in parts: */
    SPEC_FIELDS_MAX = 256,
    SPEC_HASH_TEXT = 65, /* 64 hex digits and a NUL */
};

/* XX(NAME, word, what a batch holds): the words that type: takes. */
#define SPEC_TYPE_MAP(XX)                     \
    XX(INT, "int", COL_INT32)                 \
    XX(BIGINT, "bigint", COL_INT64)           \
    XX(DOUBLE, "double", COL_DOUBLE)          \
    XX(TEXT, "text", COL_TEXT)                \
    XX(COUNT, "count", COL_INT32)             \
    XX(TIMESTAMP, "timestamp", COL_TIMESTAMP) \
    XX(TEXTS, "text[]", COL_TEXT_LIST)        \
    XX(DOUBLES, "double[]", COL_DOUBLE_LIST)  \
    XX(POINT, "struct", COL_POINT)

enum spec_type {
#define XX(name, word, col) SPEC_##name,
    SPEC_TYPE_MAP(XX)
#undef XX
    SPEC_TYPES
};

enum spec_on_error {
    SPEC_TO_NULL,
    SPEC_REJECT,
    SPEC_STOP
};

enum spec_dedup {
    SPEC_DEDUP_ROW,   /* equal cleaned rows */
    SPEC_DEDUP_FIRST, /* by key columns, the first by (partition, offset) */
    SPEC_DEDUP_LAST,
    SPEC_DEDUP_RAW, /* equal records before cleaning */
    SPEC_DEDUP_NONE,
};

struct spec_range {
    bool set;
    double low, high; /* both are allowed values */
};

struct spec_texts {
    struct slice *at;
    size_t n;
};

struct spec_column {
    const char *name;
    const char *comment; /* NULL: none */
    enum spec_type type;
    struct spec_texts from;  /* the field's names; the first one there counts */
    struct spec_texts parts; /* derived columns: the fields it is made of */
    struct spec_texts nulls; /* placeholders, trimmed */
    struct spec_texts strip_prefix;
    struct slice strip_each; /* off the front of each item; empty: nothing */
    struct slice split;      /* text[]: between items; one ASCII character */
    struct slice join;       /* between parts */
    struct spec_range range[SPEC_NAMES_MAX];
    enum spec_on_error on_error;
    bool join_letters, ascii, skip_null, required, drop;
    int line;
    /* compiled: the table's field numbers of from: or parts: */
    int fields[SPEC_NAMES_MAX];
};

struct spec_table {
    const char *name;
    struct spec_texts topics;            /* patterns for text_glob() */
    struct spec_column *columns;         /* as in the file, dropped ones too */
    const char *fields[SPEC_FIELDS_MAX]; /* every source field once */
    const char *keys[SPEC_NAMES_MAX];    /* names that mark a record */
    struct col_def *defs; /* what comes out, provenance columns last */
    size_t ncolumns, nfields, nkeys, ndefs, ndedup_cols;
    size_t nvalues; /* of ndefs those that are not provenance */
    enum spec_dedup dedup;
    int dedup_cols[SPEC_COLUMNS_MAX]; /* indexes into defs */
    bool provenance;     /* topic, partition, offset, ingest_time are added */
    int64_t max_rejects; /* -1: no limit in number */
    double max_reject_share;   /* of the records; 1: no limit */
    char hash[SPEC_HASH_TEXT]; /* of everything that changes rows */
};

/* One case of tests: as JSON texts. */
struct spec_test {
    const char *name;
    const struct spec_table *table;
    struct slice input;        /* an object */
    struct slice expect;       /* some or all columns; empty: a reject */
    struct slice reason;       /* the reject's */
    struct spec_texts options; /* switched on for this case: "table.name=on" */
    int line;
};

struct spec_option {
    const char *table, *name, *about;
    bool on;
};

struct spec {
    struct spec_int *mem; /* the file's tree and the memory behind the texts */
    const char *file;
    const char *title; /* NULL: none */
    struct spec_table *tables;
    struct spec_test *tests;
    struct spec_option *options; /* every named option of every table */
    size_t ntables, ntests, noptions;
    char hash[SPEC_HASH_TEXT]; /* over all tables */
};

/*
 * Check and compile a spec.  `file` is named in messages.  Each of the n texts
 * of `set` is "table.option=on|off", "table.key=value" (deduplicate,
 * max_rejects, provenance) or "table.column.key=value", applied in order.
 * ERR_INVALID when faults were added.
 */
int spec_load(struct spec **ret, struct slice text, const char *file,
              const struct spec_texts *set, struct faults *faults,
              struct err *e) MUST_USE;
void spec_free(struct spec *s); /* NULL is fine */

/* The table whose topics match; NULL: none. */
const struct spec_table *spec_topic_table(const struct spec *s,
                                          struct slice topic);
/* By name; ERR_INVALID that names the nearest table. */
int spec_table(const struct spec *s, const char *name,
               const struct spec_table **ret, struct err *e) MUST_USE;

const char *spec_type_word(enum spec_type t);

#endif
