#include "flow/spark_job.h"

#include <stdio.h>

#include "clean/sql.h"
#include "core/fs.h"
#include "flow/script.h"

enum {
    SQL_MAX = 16 << 20
};

static int decode_all(const struct decode_job *j, const char *dir,
                      struct decode_counts *ret, struct err *e)
{
    int rc = fs_make_folders(dir, e);

    for (size_t i = 0; i < j->spec->ntables && rc == 0; i++) {
        const struct spec_table *t = &j->spec->tables[i];
        char name[FS_PATH_MAX];
        char path[FS_PATH_MAX];

        (void)snprintf(name, sizeof(name), "%s.jsonl", t->name);
        rc = fs_join(path, dir, name, e) < 0
                 ? -1
                 : decode_table(j, t, path, &ret[i], e);
    }
    return rc;
}

int spark_job_batch(const struct decode_job *j, struct engine *g,
                    struct decode_counts *ret, struct err *e)
{
    struct project *p = j->project;
    const struct engine_far *far = project_far(p, e);
    char dir[FS_PATH_MAX];
    char files[FS_PATH_MAX];
    char tables[FS_PATH_MAX];
    struct script_conf conf = {.spec = j->spec,
                               .raw = files,
                               .tables = tables,
                               .delta = p->spark_storage != 0};
    struct buf b;
    int rc = -1;

    if (far == NULL || fs_join(dir, far->dir, "raw", e) < 0 ||
        fs_join(files, dir, "{table}.jsonl", e) < 0 ||
        fs_join(tables, far->dir, "clean", e) < 0) {
        return -1;
    }
    if (p->spark_raw[0] != '\0') {
        conf.raw = p->spark_raw;
    } else if (decode_all(j, dir, ret, e) < 0) {
        return -1;
    }
    if (p->spark_tables[0] != '\0') {
        conf.tables = p->spark_tables;
    }
    buf_init(&b, SQL_MAX);
    if (script_spark(&conf, &b, e) == 0) {
        rc = engine_before(g, buf_slice(&b), e);
    }
    buf_release(&b);
    return rc;
}

/* The records as the relation that the query reads. */
static int put_records(struct engine *g, const char *records, struct err *e)
{
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (buf_puts(&b, "CREATE OR REPLACE TEMPORARY VIEW decoded AS\n", e) == 0 &&
        sql_input(SQL_SPARK, records, &b, e) == 0 &&
        buf_puts(&b, ";\n", e) == 0) {
        rc = engine_before(g, buf_slice(&b), e);
    }
    buf_release(&b);
    return rc;
}

int spark_job_clean(const struct engine_far *far, const struct spec_table *t,
                    const char *records, struct frame *ret, int64_t *ret_all,
                    struct err *e)
{
    const struct engine_conf conf = {.kind = "spark", .far = far};
    struct spec_table all = *t;
    struct frame frames[2];
    struct engine *g = NULL;
    const char *sql[2];
    struct buf rows;
    struct buf count;
    int rc = -1;

    all.dedup = SPEC_DEDUP_NONE;
    all.ndedup_cols = 0;
    buf_init(&rows, SQL_MAX);
    buf_init(&count, SQL_MAX);
    if (sql_query(t, SQL_SPARK, &rows, e) == 0 &&
        buf_text(&rows, &sql[0], e) == 0 &&
        buf_puts(&count, "SELECT count(*) AS n FROM (", e) == 0 &&
        sql_query(&all, SQL_SPARK, &count, e) == 0 &&
        buf_puts(&count, ")", e) == 0 && buf_text(&count, &sql[1], e) == 0 &&
        engine_open(&g, &conf, e) == 0 && put_records(g, records, e) == 0 &&
        engine_query_many(g, sql, 2, SPARK_JOB_BYTES_MAX, frames, e) == 0) {
        *ret = frames[0];
        *ret_all = frames[1].rows.cols[0].fixed.i64[0];
        frame_release(&frames[1]);
        rc = 0;
    }
    engine_close(g);
    buf_release(&rows);
    buf_release(&count);
    return rc;
}
