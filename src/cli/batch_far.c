#include "cli/batch_far.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/digest.h"
#include "flow/spark_job.h"

enum {
    TOKEN_BYTES = 64 + 1,
    HEX_BYTES = 32, /* of the digest that is in a token */
    SEED_BYTES = 1 << 16
};

static void print_decoded(struct cli *c, const struct spec *s,
                          const struct decode_counts *n)
{
    for (size_t i = 0; i < s->ntables && !c->quiet; i++) {
        (void)fprintf(c->err,
                      "%s: %" PRId64 " messages: %" PRId64
                      " records for Spark, %" PRId64 " rejected\n",
                      s->tables[i].name, n[i].messages, n[i].records,
                      n[i].rejected);
    }
}

static int prepare(struct cli *c, struct workspace *w,
                   const struct batch_far *conf, struct engine *g,
                   struct err *e)
{
    const struct decode_job job = {.project = &w->project,
                                   .spec = w->spec,
                                   .broker = w->broker,
                                   .from_topics = conf->from_topics};
    struct decode_counts counts[SPEC_TABLES_MAX] = {{0}};

    if (spark_job_batch(&job, g, counts, e) < 0) {
        return -1;
    }
    if (w->project.spark_raw[0] == '\0') {
        print_decoded(c, w->spec, counts);
    }
    return 0;
}

/* The same notebook for the same interval is the same run, so that whoever
 * asks again after a crash gets the run there was; else each is its own. */
static int make_token(const struct project *p, const char *interval,
                      char token[TOKEN_BYTES], struct err *e)
{
    uint8_t digest[DIGEST_SHA256];
    char hex[2 * DIGEST_SHA256 + 1];
    struct buf b;
    int rc;

    buf_init(&b, SEED_BYTES);
    rc = interval != NULL
             ? buf_putf(&b, e, "%s\n%s", p->databricks_notebook, interval)
             : buf_putf(&b, e, "%" PRId64 " %ld", clock_wall_us(),
                        (long)getpid());
    digest_sha256(buf_slice(&b), digest);
    digest_hex(digest, sizeof(digest), hex);
    (void)snprintf(token, TOKEN_BYTES, "pinline-%.*s", HEX_BYTES, hex);
    buf_release(&b);
    return rc;
}

static int run_notebook(struct workspace *w, const struct batch_far *conf,
                        struct engine *g, struct err *e)
{
    char token[TOKEN_BYTES];

    if (make_token(&w->project, conf->interval, token, e) < 0) {
        return -1;
    }
    return engine_notebook(g, w->project.databricks_notebook, conf->interval,
                           token, e) < 0
               ? err_wrap(e, "notebook \"%s\"", w->project.databricks_notebook)
               : 0;
}

int batch_far_run(struct answers **ret, struct cli *c, struct workspace *w,
                  const struct batch_far *conf, struct err *e)
{
    bool spark = conf->engine == PROJECT_ENGINE_SPARK;
    struct engine_conf ec = {.kind = spark ? "spark" : "databricks",
                             .far = project_far(&w->project, e)};
    struct engine *g = NULL;
    int rc;

    if (ec.far == NULL || engine_open(&g, &ec, e) < 0) {
        return -1;
    }
    rc = spark ? prepare(c, w, conf, g, e) : run_notebook(w, conf, g, e);
    *ret = NULL;
    if (rc == 0 && conf->answer) {
        return answers_make_by(ret, w, g, e); /* which takes g */
    }
    if (rc == 0 && spark) {
        rc = engine_query_many(g, NULL, 0, 0, NULL, e);
    }
    engine_close(g);
    return rc;
}
