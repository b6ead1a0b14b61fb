/*
 * fault.h - many faults found in one go, each with where it stands.
 *
 * A checker adds every fault it finds and goes on; at the end the caller
 * prints them all or turns them into one error.  One thread at a time.
 */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include "core/buf.h"

enum {
    FAULTS_MAX = 100 /* kept; more are only counted */
};

struct fault {
    char *file; /* NULL: no place is known (a flag, the environment) */
    int line;   /* from 1; 0: the file as a whole */
    int column; /* from 1 */
    char *text;
};

struct fault_place {
    const char *file; /* NULL: none */
    int line, column;
};

struct faults {
    struct fault *list;
    size_t kept;
    size_t count; /* all that were added */
};

void faults_init(struct faults *f);
void faults_release(struct faults *f);
/* Texts are copied; out of memory, the fault is still counted. */
void faults_add(struct faults *f, struct fault_place where, const char *fmt,
                ...) PRINTF_LIKE(3, 4);
/* `KIND "WORD" is not known; did you mean "NEAREST"?`, or the list of all
 * words when none is near and there are few. */
void faults_unknown(struct faults *f, struct fault_place where,
                    const char *kind, struct slice word,
                    const char *const *words, size_t n);
/* "FILE:LINE:COLUMN: text" lines in the order of adding. */
int faults_print(const struct faults *f, struct buf *b, struct err *e) MUST_USE;
/* 0 when there is none; else ERR_INVALID with the first and how many more. */
int faults_err(const struct faults *f, struct err *e) MUST_USE;

#endif
