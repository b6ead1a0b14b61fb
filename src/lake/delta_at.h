/*
 * delta_at.h - Delta tables in a store that settings say how to reach.
 */
#ifndef LAKE_DELTA_AT_H
#define LAKE_DELTA_AT_H

#include "lake/delta.h"
#include "store/store.h"

/* As delta_open() and delta_create(); the url of `where` does not count, NULL
 * is what store.h finds by itself. */
int delta_open_at(struct delta **ret, const char *url,
                  const struct store_conf *where, struct duck *duck,
                  struct err *e) MUST_USE;
int delta_create_at(struct delta **ret, const char *url,
                    const struct store_conf *where,
                    const struct delta_schema *schema, struct duck *duck,
                    struct err *e) MUST_USE;

#endif
