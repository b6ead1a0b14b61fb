/*
 * clean_int.h - the compiled column program and its state; clean*.c only.
 */
#ifndef CLEAN_CLEAN_INT_H
#define CLEAN_CLEAN_INT_H

#include "clean/op_int.h"

enum {
    SHAPE_MAX = 512 /* fields of a record whose order is remembered */
};

/* One value of a column: a field and the operations on it. */
struct clean_part {
    struct op_part op;
    op_fn run[OPS_MAX + 1]; /* ended by NULL */
    const int *fields;      /* numbers of the fields, first there counts */
    size_t nfields;
    unsigned natural; /* bits 1u << json type that are not drift */
    const char *field;
    size_t drift; /* index of its "missing" entry; "retyped" follows */
};

struct clean_col {
    const struct spec_column *spec;
    struct clean_part *parts;
    size_t nparts;
    size_t scratch;     /* of the first part */
    int def;            /* column of the batch, -1: dropped */
    bool plain;         /* text of one field as it is: see run_plain() */
    uint64_t null_lens; /* bit n: a placeholder has n bytes; 63: or more */
};

/* The keys of the last record, in order, and what they are. */
struct shape {
    char *key; /* mem_free */
    size_t len;
    int field;    /* -1: not in the spec */
    size_t drift; /* of an unknown one: its entry */
};

struct clean {
    const struct spec_table *t;
    struct hash_key key;
    struct decoder *decoder;
    struct clean_counts counts;
    struct clean_col *cols;
    struct clean_part *parts;
    struct op_scratch *scratch; /* one a part */
    size_t ncols, nparts;
    yyjson_val *vals[SPEC_FIELDS_MAX];
    struct shape shape[SHAPE_MAX];
    size_t nshape;
    const char *topic;
    int32_t partition;
    int64_t time_us; /* of the message at hand */
    struct buf joined;
};

/* Where a record stands, and where its row goes. */
struct clean_row {
    int64_t offset;
    int32_t sub;
    size_t message;
    struct slice payload;
    struct clean_out *out;
    /* what was made NULL so far: counted when the row is kept */
    unsigned char nulled[SPEC_COLUMNS_MAX];
};

/* clean_fields.c: the object's values into c->vals. */
int clean_fields(struct clean *c, yyjson_val *object, int64_t offset,
                 struct err *e) MUST_USE;
void clean_fields_release(struct clean *c);
/* clean_counts.c */
int clean_drift_new(struct clean_counts *s, enum clean_drift_kind kind,
                    struct slice field, size_t *ret, struct err *e) MUST_USE;
void clean_drift_add(struct clean_counts *s, size_t at, int64_t offset);
/* clean_hash.c */
struct hash128 clean_raw_hash(const struct clean *c);
/* clean_program.c */
int clean_compile(struct clean *c, struct err *e) MUST_USE;
/* Run the program on c->vals; one row or one reject is added. */
int clean_run(struct clean *c, struct clean_row *r, struct err *e) MUST_USE;
int clean_reject(struct clean_row *r, int column, const char *rule,
                 const char *reason, struct err *e) MUST_USE;

#endif
