/*
 * crew_files.h - raw files as blocks of messages for a crew.
 *
 * Plain JSON Lines are read in large pieces and cut into lines by the threads
 * that clean them; everything else goes through record/split.  A record's
 * offset is the byte where it begins in the (unpacked) file, its topic the
 * file's name.
 */
#ifndef CLEAN_CREW_FILES_H
#define CLEAN_CREW_FILES_H

#include "clean/crew.h"

struct crew_files; /* opaque; one thread at a time */

/* paths ("-" is standard input) and the table are borrowed. */
int crew_files_new(struct crew_files **ret, const char *const *paths, size_t n,
                   const struct spec_table *table, struct err *e) MUST_USE;
/* What errors and blocks call the files; borrowed, one for each path. */
void crew_files_name(struct crew_files *f, const char *const *names);
void crew_files_free(struct crew_files *f); /* NULL is fine */

/* For crew_conf: fill with f as its argument, and cut. */
int crew_files_fill(struct crew_files *f, struct crew_block *b,
                    struct err *e) MUST_USE;
int crew_files_cut(struct crew_block *b, struct err *e) MUST_USE;

#endif
