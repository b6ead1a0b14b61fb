/*
 * recognise.h - the raw fields that a spec knows, for sources to recognise
 * files and databases' tables by.
 */
#ifndef FLOW_RECOGNISE_H
#define FLOW_RECOGNISE_H

#include "clean/spec.h"
#include "flow/project.h"
#include "record/decode.h"
#include "record/guess.h"
#include "source/source.h"

struct recognise {
    struct guess guess; /* points into this struct, which must not move */
    struct guess_table tables[SOURCE_TABLES_MAX];
    const char *keys[DECODE_KEYS_MAX];
};

/* For n tables by name; one that the spec does not have is known by its name
 * only.  The spec's texts are borrowed. */
void recognise_init(struct recognise *r, const struct spec *s,
                    const char *const *names, size_t n);

/* source_open() with what the project's spec knows; the spec is read only for
 * sources that need it. */
int recognise_open(struct source **ret, struct source_conf *conf,
                   const struct project *p, struct err *e) MUST_USE;

#endif
