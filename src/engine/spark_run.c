/* spark_run.c - spark-sql -f in a process of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/arena.h"
#include "core/fs.h"
#include "core/proc.h"
#include "engine/spark_int.h"

enum {
    ARGS_MAX = 200, /* of which most are options */
    TEXTS_MAX = 1 << 20
};

const char *spark_home(const struct engine_far *far)
{
    const char *home =
        far->spark_home[0] != '\0' ? far->spark_home : getenv("SPARK_HOME");

    return home != NULL && home[0] != '\0' ? home : NULL;
}

int spark_jar(const char *home, const char *prefix, char path[FS_PATH_MAX],
              struct err *e)
{
    char dir[FS_PATH_MAX];
    struct fs_names names = {0};
    int rc = -1;

    if (fs_join(dir, home, "jars", e) < 0 || fs_names(dir, &names, e) < 0) {
        return -1;
    }
    err_set(e, ERR_NOTFOUND,
            "\"%s\" holds no %s*.jar: spark.home must be where Spark is "
            "installed",
            dir, prefix);
    for (size_t i = 0; i < names.n && rc < 0; i++) {
        if (slice_starts(slice_of(names.names[i]), slice_of(prefix))) {
            rc = fs_join(path, dir, names.names[i], e);
        }
    }
    fs_names_release(&names);
    return rc;
}

struct words {
    struct arena texts;
    const char *list[ARGS_MAX];
    size_t n;
    bool full;
};

static void add(struct words *w, const char *word)
{
    w->full = w->full || word == NULL || w->n + 1 == ARGS_MAX;
    if (!w->full) {
        w->list[w->n++] = word;
    }
}

/* env SPARK_HOME=... HOME/bin/spark-sql --master ... --conf ... -f SCRIPT */
static int put_words(struct words *w, const struct engine_far *far,
                     const struct spark_task *t, struct err *e)
{
    const char *home = spark_home(far);
    bool local = strncmp(far->spark_master, "local", 5) == 0;

    add(w, "env");
    if (home != NULL) {
        add(w, arena_printf(&w->texts, e, "SPARK_HOME=%s", home));
    }
    if (local && getenv("SPARK_LOCAL_IP") == NULL) {
        add(w, "SPARK_LOCAL_IP=127.0.0.1");
    }
    add(w, home == NULL ? "spark-sql"
                        : arena_printf(&w->texts, e, "%s/bin/spark-sql", home));
    add(w, "--master");
    add(w, far->spark_master);
    add(w, "--conf");
    add(w, "spark.ui.enabled=false");
    add(w, "--conf"); /* else each run leaves a metastore where it began */
    add(w, "spark.sql.catalogImplementation=in-memory");
    add(w, "--conf");
    add(w, arena_printf(&w->texts, e, "spark.sql.warehouse.dir=%s/warehouse",
                        far->dir));
    for (size_t i = 0; i < far->spark_noptions; i++) {
        add(w, "--conf");
        add(w, far->spark_options[i]);
    }
    add(w, "-f");
    add(w, t->script);
    w->list[w->n] = NULL;
    return w->full ? err_set(e, ERR_LIMIT, "over %d options for Spark",
                             ARGS_MAX / 2 - 10)
                   : 0;
}

static int run_local(const struct engine_far *far, const struct spark_task *t,
                     struct err *e)
{
    struct words w = {.n = 0};
    struct proc p = {
        .timeout_us = t->timeout_us, .give_up = t->give_up, .arg = t->arg};
    int rc = -1;

    arena_init(&w.texts, TEXTS_MAX);
    p.log_fd = open(t->log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (p.log_fd < 0) {
        err_set(e, ERR_IO, "could not write \"%s\": %s", t->log,
                strerror(errno));
        goto out;
    }
    if (put_words(&w, far, t, e) < 0) {
        goto out;
    }
    p.argv = w.list;
    rc = proc_run(&p, e);
    if (rc == 0 && p.timed_out) {
        rc = err_set(e, ERR_TIMEOUT, "Spark was ended after %lld s",
                     (long long)(t->timeout_us / 1000000));
    } else if (rc == 0 && p.status == 127) {
        rc = err_set(e, ERR_NOTFOUND,
                     "there is no program \"spark-sql\": set spark.home, or "
                     "SPARK_HOME, to where Spark is installed");
    } else if (rc == 0 && p.status != 0) {
        rc = spark_fault("Spark refused it", t->log, e);
    }
out:
    if (p.log_fd >= 0) {
        (void)close(p.log_fd);
    }
    arena_release(&w.texts);
    return rc;
}

int spark_run(const struct engine_far *far, const struct spark_task *t,
              struct err *e)
{
    return strncmp(far->spark_master, "http", 4) == 0 ? spark_submit(far, t, e)
                                                      : run_local(far, t, e);
}
