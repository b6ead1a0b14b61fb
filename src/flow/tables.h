/*
 * tables.h - the cleaned tables of a folder, given to an engine.
 *
 * Every subfolder NAME that is a Delta table becomes clean_NAME.
 */
#ifndef FLOW_TABLES_H
#define FLOW_TABLES_H

#include "engine/engine.h"

/* where: how a dir in a store is reached; NULL: as store.h finds it.
 * ERR_NOTFOUND when there is none, with what to do.  An engine that has tables
 * of its own is left as it is. */
int tables_add(struct engine *g, const char *dir,
               const struct store_conf *where, struct err *e) MUST_USE;

#endif
