/*
 * spark_submit.c - a script as a driver on a standalone cluster, by the
 * submission server of its master: no JVM on this side.
 */
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "engine/rest.h"
#include "engine/spark_int.h"

enum {
    BODY_BYTES = 1 << 20,
    LOG_BYTES = 16 << 20,
    ID_BYTES = 128,
    PATH_BYTES = 256
};

#define CORE_JAR "spark-core_"
#define SQL_JAR  "spark-hive-thriftserver_"
#define DRIVER   "org.apache.spark.sql.hive.thriftserver.SparkSQLCLIDriver"

/* A driver's life, as the server tells it. */
struct driver {
    char id[ID_BYTES];
    char state[ID_BYTES];
    char worker[ID_BYTES];
};

/* "spark-core_2.13-4.2.0.jar" -> 4.2.0 */
static struct slice version_of(const char *jar)
{
    struct slice name = slice_of(strrchr(jar, '-') + 1);

    name.len -= slice_ends(name, SLICE(".jar")) ? 4 : 0;
    return name;
}

static int put_property(struct buf *b, struct slice name, struct slice value,
                        struct err *e)
{
    return buf_putc(b, ',', e) < 0 || json_print_text(b, name, e) < 0 ||
                   buf_putc(b, ':', e) < 0 || json_print_text(b, value, e) < 0
               ? -1
               : 0;
}

static int put_request(struct buf *b, const struct engine_far *far,
                       const struct spark_task *t, struct err *e)
{
    const char *home = spark_home(far);
    char core[FS_PATH_MAX];
    char sql[FS_PATH_MAX];

    if (home == NULL) {
        return err_set(e, ERR_INVALID,
                       "a cluster needs spark.home: where Spark is installed "
                       "on its machines, and here");
    }
    if (spark_jar(home, CORE_JAR, core, e) < 0 ||
        spark_jar(home, SQL_JAR, sql, e) < 0 ||
        buf_putf(b, e,
                 "{\"action\":\"CreateSubmissionRequest\","
                 "\"clientSparkVersion\":\"%.*s\",\"mainClass\":\"" DRIVER "\","
                 "\"environmentVariables\":{\"SPARK_ENV_LOADED\":\"1\"},"
                 "\"appResource\":",
                 SLICE_FMT(version_of(core))) < 0 ||
        json_print_text(b, slice_of(sql), e) < 0 ||
        buf_puts(b, ",\"appArgs\":[\"-f\",", e) < 0 ||
        json_print_text(b, slice_of(t->script), e) < 0 ||
        buf_puts(b,
                 "],\"sparkProperties\":{\"spark.app.name\":\"pinline\","
                 "\"spark.submit.deployMode\":\"cluster\","
                 "\"spark.ui.enabled\":\"false\","
                 "\"spark.sql.catalogImplementation\":\"in-memory\"",
                 e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < far->spark_noptions; i++) {
        struct slice value = slice_of(far->spark_options[i]);
        struct slice name;

        if (slice_cut(&value, '=', &name) &&
            put_property(b, name, value, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}}", e);
}

static void keep(char to[ID_BYTES], const struct json_doc *doc,
                 const char *name)
{
    struct slice s;

    if (json_get_text(doc->root, name, &s)) {
        (void)snprintf(to, ID_BYTES, "%.*s", SLICE_FMT(s));
    }
}

static int create(struct rest *r, const struct engine_far *far,
                  const struct spark_task *t, struct driver *d, struct err *e)
{
    struct json_doc doc = {0};
    struct slice why = SLICE("it did not say why");
    struct buf b;
    int rc = -1;

    buf_init(&b, BODY_BYTES);
    if (put_request(&b, far, t, e) == 0 &&
        rest_call(r, "/v1/submissions/create", buf_slice(&b), &doc, e) == 0) {
        keep(d->id, &doc, "submissionId");
        rc = 0;
    }
    if (rc == 0 && d->id[0] == '\0') {
        (void)json_get_text(doc.root, "message", &why);
        rc = err_set(e, ERR_INVALID, "the cluster refused the script: %.*s",
                     SLICE_FMT(why));
    }
    json_release(&doc);
    buf_release(&b);
    return rc;
}

static int look(struct rest *r, struct driver *d, struct err *e)
{
    char path[PATH_BYTES];
    struct json_doc doc = {0};

    (void)snprintf(path, sizeof(path), "/v1/submissions/status/%s", d->id);
    if (rest_call(r, path, (struct slice){0}, &doc, e) < 0) {
        return -1;
    }
    keep(d->state, &doc, "driverState");
    keep(d->worker, &doc, "workerId");
    json_release(&doc);
    return 0;
}

/* Best effort: the run is given up anyway. */
static void end_driver(struct rest *r, const struct driver *d)
{
    char path[PATH_BYTES];
    struct json_doc doc = {0};

    (void)snprintf(path, sizeof(path), "/v1/submissions/kill/%s", d->id);
    if (rest_call(r, path, SLICE("{}"), &doc, NULL) == 0) {
        json_release(&doc);
    }
}

/* The driver's stderr, from the worker that ran it, into t->log. */
static int fetch_log(const struct engine_far *far, const struct driver *d,
                     const char *log, struct err *e)
{
    char url[PATH_BYTES + ID_BYTES];
    struct rest *ui = NULL;
    struct json_doc doc = {0};
    yyjson_val *w;
    struct buf text;
    size_t i;
    size_t n;
    int rc = -1;

    buf_init(&text, LOG_BYTES);
    if (rest_open(&ui, far->spark_ui, (struct slice){0}, e) < 0 ||
        rest_call(ui, "/json/", (struct slice){0}, &doc, e) < 0) {
        goto out;
    }
    err_set(e, ERR_NOTFOUND, "worker \"%s\" has gone", d->worker);
    yyjson_arr_foreach(json_get(doc.root, "workers"), i, n, w)
    {
        struct slice id;
        struct slice at;

        if (json_get_text(w, "id", &id) && slice_is(id, d->worker) &&
            json_get_text(w, "webuiaddress", &at)) {
            (void)snprintf(url, sizeof(url),
                           "%.*s/log/?driverId=%s&logType=stderr&byteLength=%d",
                           SLICE_FMT(at), d->id, LOG_BYTES / 2);
            rc = rest_text(ui, url, &text, e);
        }
    }
    if (rc == 0) {
        rc = fs_publish(log, buf_slice(&text), e);
    }
out:
    json_release(&doc);
    rest_close(ui);
    buf_release(&text);
    return rc;
}

static int tell(const struct engine_far *far, const struct spark_task *t,
                const struct driver *d, struct err *e)
{
    struct err why;

    if (strcmp(d->state, "FINISHED") == 0) {
        return 0;
    }
    if (far->spark_ui[0] == '\0') {
        return err_set(e, ERR_INVALID,
                       "the driver \"%s\" ended as %s; its log is in the "
                       "folder work/%s of worker \"%s\" (with spark.ui it is "
                       "fetched)",
                       d->id, d->state, d->id, d->worker);
    }
    if (fetch_log(far, d, t->log, &why) < 0) {
        return err_set(e, ERR_INVALID,
                       "the driver \"%s\" ended as %s; its log could not be "
                       "fetched: %s",
                       d->id, d->state, why.msg);
    }
    return spark_fault("Spark refused it", t->log, e);
}

static bool is_over(const char *state)
{
    static const char *const ends[] = {"FINISHED", "FAILED", "ERROR", "KILLED"};

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (strcmp(state, ends[i]) == 0) {
            return true;
        }
    }
    return false;
}

int spark_submit(const struct engine_far *far, const struct spark_task *t,
                 struct err *e)
{
    int64_t until = t->timeout_us > 0 ? clock_mono_us() + t->timeout_us : 0;
    struct driver d = {.state = ""};
    struct rest *r = NULL;
    int rc = -1;

    if (rest_open(&r, far->spark_master, (struct slice){0}, e) < 0 ||
        create(r, far, t, &d, e) < 0) {
        goto out;
    }
    for (unsigned looks = 0;; looks++) {
        if (look(r, &d, e) < 0) {
            break;
        }
        if (is_over(d.state)) {
            rc = tell(far, t, &d, e);
            break;
        }
        if (until > 0 && clock_mono_us() > until) {
            err_set(e, ERR_TIMEOUT,
                    "the driver \"%s\" was ended: it took "
                    "longer than the time limit",
                    d.id);
        } else if (t->give_up != NULL && t->give_up(t->arg)) {
            err_set(e, ERR_INTERRUPTED, "interrupted");
        } else if (rest_pause(looks, e) == 0) {
            continue;
        }
        end_driver(r, &d);
        break;
    }
out:
    rest_close(r);
    return rc;
}
