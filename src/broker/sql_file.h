/*
 * sql_file.h - statements kept in .sql files of the program.
 */
#ifndef BROKER_SQL_FILE_H
#define BROKER_SQL_FILE_H

#include "core/buf.h"

/* The statement behind the line "-- name: NAME" of FILE ("broker/meta.sql"),
 * up to the next such line; in b. */
int sql_file_find(const char *file, const char *name, struct buf *b,
                  const char **ret, struct err *e) MUST_USE;

#endif
