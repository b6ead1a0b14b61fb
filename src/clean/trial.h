/*
 * trial.h - the cases that a spec carries under tests:, tried.
 */
#ifndef CLEAN_TRIAL_H
#define CLEAN_TRIAL_H

#include "clean/spec.h"

/*
 * Run every case of `s`, which was loaded from `text` (a case with options
 * loads it again).  Each case that fails is a fault at its line that says what
 * came out.  *ret_passed counts the others.
 */
int trial_run(const struct spec *s, struct slice text, struct faults *faults,
              size_t *ret_passed, struct err *e) MUST_USE;

#endif
