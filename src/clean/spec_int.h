/*
 * spec_int.h - the loading of a spec, shared by the spec_*.c files.
 *
 * Loading goes on after a fault; only want of memory (failed) stops it.
 */
#ifndef CLEAN_SPEC_INT_H
#define CLEAN_SPEC_INT_H

#include "clean/spec.h"

enum {
    SPEC_SETS_MAX = 64,
    SPEC_ARENA_MAX = 16 << 20,
    SPEC_IDENT_MAX = 63
};

struct spec_int {
    struct yaml_doc doc;
    struct yaml_doc set_docs[SPEC_SETS_MAX]; /* the values of --set */
    bool set_used[SPEC_SETS_MAX];
    size_t nsets;
    struct arena arena;
};

struct spec_loader {
    struct spec *s;
    struct spec_int *mem;
    const struct spec_texts *set;
    struct faults *f;
    struct err *e;
    bool failed; /* *e says why */
};

/* Zeroed memory of the spec; NULL after a failure. */
void *spec_alloc(struct spec_loader *l, size_t count, size_t size);
/* A list of texts; one text alone is a list of one. */
void spec_texts_read(struct spec_loader *l, const struct yaml_node *n,
                     const char *what, struct spec_texts *ret);
bool spec_texts_have(const struct spec_texts *t, struct slice s);
/* A name that SQL and tables take without surprises; else a fault. */
void spec_ident_check(struct spec_loader *l, const struct yaml_node *n,
                      struct slice name, const char *what);

/* spec_column.c: lay the attributes of a mapping over *c. */
void spec_column_read(struct spec_loader *l, const struct yaml_node *n,
                      struct spec_column *c);
void spec_column_attr(struct spec_loader *l, const struct yaml_node *n,
                      struct slice name, struct spec_column *c);
/* What does not go together; n is where faults are shown. */
void spec_column_check(struct spec_loader *l, const struct yaml_node *n,
                       struct spec_column *c);

/* spec_table.c */
void spec_table_read(struct spec_loader *l, const struct yaml_node *n,
                     struct spec_table *t);
/* spec_test.c */
void spec_tests_read(struct spec_loader *l, const struct yaml_node *n);
/* spec_hash.c: the hashes of every table and of the whole. */
void spec_hash(struct spec_loader *l);

#endif
