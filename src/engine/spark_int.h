/*
 * spark_int.h - running one script on Spark; spark*.c only.
 */
#ifndef ENGINE_SPARK_INT_H
#define ENGINE_SPARK_INT_H

#include "core/fs.h"
#include "engine/engine.h"

struct spark_task {
    const char *script; /* a file of statements, from the root */
    const char *log;    /* all that Spark says goes here */
    int64_t timeout_us; /* 0: none */
    /* asked now and then: true ends it; or NULL */
    bool (*give_up)(void *arg);
    void *arg;
};

/* Where Spark is installed: the setting, else SPARK_HOME; NULL: neither. */
const char *spark_home(const struct engine_far *far);
/* HOME/jars/PREFIX*.jar; ERR_NOTFOUND when there is none. */
int spark_jar(const char *home, const char *prefix, char path[FS_PATH_MAX],
              struct err *e) MUST_USE;

/* Run it to its end by spark-sql in a process of its own, or, where the
 * master is a submission server, as a driver on the cluster.  When Spark
 * refuses it, ERR_INVALID with the line that matters and where the log is. */
int spark_run(const struct engine_far *far, const struct spark_task *t,
              struct err *e) MUST_USE;
int spark_submit(const struct engine_far *far, const struct spark_task *t,
                 struct err *e) MUST_USE;

/* The line of a log that says why; without one the last line.  It is cut to
 * what a person reads, and points into the log. */
struct slice spark_reason(struct slice log);
/* ERR_INVALID by the log's file; `what` begins the sentence. */
int spark_fault(const char *what, const char *log, struct err *e);

#endif
