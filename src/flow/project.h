/*
 * project.h - a project's configuration: pinline.yaml, environment, flags.
 *
 * One table of settings (project.c) fills the struct, prints the commented
 * file that `init` writes and the reference page.  Texts live in the
 * project's arena until project_release().
 */
#ifndef FLOW_PROJECT_H
#define FLOW_PROJECT_H

#include "engine/engine.h"
#include "flow/project_type.h"

/*
 * Read file (NULL: ./pinline.yaml when there is one), environ, then `sets`
 * ("key=value", or "table.option=value" for the spec).  Every fault is added
 * to *faults, the first is in *e.  data (may be NULL) overrides the data
 * directory.
 */
int project_load(struct project *p, const char *file, const char *data,
                 const char *const *sets, size_t nsets, struct faults *faults,
                 struct err *e) MUST_USE;
void project_release(struct project *p);
/* The settings table, for `init` and the reference page. */
const struct conf_table *project_settings(void);

/* The topic of a table: topics TABLE=NAME, else PREFIX.TABLE, else TABLE; NULL
 * with *e set when out of memory. */
const char *project_topic(struct project *p, const char *table,
                          struct err *e) MUST_USE;
/* What follows "TABLE=" in a list of settings, ended by a NUL; false: the
 * table is not in it. */
bool project_item(const struct conf_list *list, const char *table,
                  struct slice *ret);
/* "COLUMN+COLUMN" of it, in the arena; none when the table is not in it. */
int project_columns(struct project *p, const struct conf_list *list,
                    const char *table, const char *const **ret, size_t *ret_n,
                    struct err *e) MUST_USE;
/* "DATA/name" in the arena; NULL with *e set. */
const char *project_path(struct project *p, const char *name, struct err *e);
/* How stores are reached, with this url; in the arena; NULL with *e set. */
const struct store_conf *project_store(struct project *p, const char *url,
                                       struct err *e) MUST_USE;
/* How objects are named and cut; in the arena; NULL with *e set. */
const struct sink_objects *project_objects(struct project *p,
                                           struct err *e) MUST_USE;
/* How engines outside of this process are reached; in the arena; NULL with *e
 * set. */
const struct engine_far *project_far(struct project *p, struct err *e) MUST_USE;
/* The folder or url that holds the objects. */
const char *project_objects_dir(struct project *p, struct err *e);

#endif
