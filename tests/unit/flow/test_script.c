/* test_script.c - the batch as Spark SQL: what every choice changes. */
#include "flow/script.h"

#include <stdlib.h>

#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

enum {
    SCRIPT_MAX = 16 << 20
};

static struct spec *spec;
static struct analyses *all;

static void load(void)
{
    struct spec_texts none = {0};
    struct faults f;
    struct buf text;
    struct err e;

    faults_init(&f);
    buf_init(&text, 1 << 20);
    CHECK_OK(fs_read("pipelines/pinterest.yaml", &text, &e), &e);
    CHECK_OK(spec_load(&spec, buf_slice(&text), "p.yaml", &none, &f, &e), &e);
    CHECK_OK(analyses_load(&all, NULL, &e), &e);
    if (spec == NULL || all == NULL) {
        exit(1);
    }
    buf_release(&text);
    faults_release(&f);
}

static struct script_conf conf(void)
{
    if (spec == NULL) {
        load();
    }
    return (struct script_conf){.spec = spec,
                                .analyses = all,
                                .raw = "/raw/{table}/*.json",
                                .tables = "s3a://bucket/clean"};
}

static bool has(const struct script_conf *c, const char *words)
{
    const char *text;
    struct buf b;
    struct err e;
    bool found = false;

    buf_init(&b, SCRIPT_MAX);
    CHECK_OK(script_spark(c, &b, &e), &e);
    CHECK_OK(buf_text(&b, &text, &e), &e);
    found = strstr(text, words) != NULL;
    buf_release(&b);
    return found;
}

static void paths(void)
{
    struct script_conf c = conf();
    struct buf b;
    struct err e;

    CHECK(has(&c, "FROM text.`/raw/geo/*.json`"));
    CHECK(has(&c, "'s3a://bucket/clean/user' USING parquet"));
    CHECK(has(&c, "CREATE OR REPLACE TEMPORARY VIEW df_pin AS"));
    c.raw = "here/{table}";
    CHECK(!has(&c, "text.`here"));
    CHECK(has(&c, "/here/pin`"));
    c.raw = "it's";
    buf_init(&b, SCRIPT_MAX);
    CHECK_INT(script_spark(&c, &b, &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    buf_release(&b);
}

static void kinds_of_tables(void)
{
    struct script_conf c = conf();

    CHECK(has(&c, "CREATE OR REPLACE TEMPORARY VIEW clean_pin AS\n"
                  "SELECT * FROM parquet.`s3a://bucket/clean/pin`;"));
    c.delta = true;
    CHECK(has(&c, "CREATE OR REPLACE TABLE delta.`s3a://bucket/clean/pin` "
                  "USING delta AS\nWITH"));
    c.metastore = true;
    CHECK(has(&c, "DROP TABLE IF EXISTS clean_pin;"));
    CHECK(has(&c, "CREATE TABLE clean_pin USING delta LOCATION "
                  "'s3a://bucket/clean/pin';"));
}

static void answers(void)
{
    struct script_conf c = conf();

    CHECK(!has(&c, "USING json"));
    CHECK(has(&c, "-- 15  Data quality\nWITH"));
    c.answers = "/answers";
    CHECK(has(&c, "INSERT OVERWRITE DIRECTORY '/answers/15' USING json"));
}

static void notebook(void)
{
    struct script_conf c = conf();

    CHECK(!has(&c, "-- COMMAND"));
    c.format = SCRIPT_DATABRICKS;
    CHECK(has(&c, "-- Databricks notebook source\n"));
    CHECK(has(&c, ";\n\n-- COMMAND ----------\n\n-- 01  "));
}

static void out_of_memory(void)
{
    struct script_conf c = conf();
    struct err e;
    unsigned n = 0;
    int rc = -1;

    while (rc != 0 && n < 200000) {
        struct buf b;

        buf_init(&b, SCRIPT_MAX);
        n += 1 + n / 8;
        mem_fail_after(n);
        rc = script_spark(&c, &b, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        buf_release(&b);
    }
    CHECK_INT(rc, 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"paths are absolute, with the table's name", paths},
        {"tables are Parquet or Delta, with or without a name",
         kinds_of_tables},
        {"answers are printed or stored", answers},
        {"a notebook has a cell for every statement", notebook},
        {"want of memory is an error", out_of_memory},
    };
    int rc;

    rc = test_main(tests, ARRAY_LEN(tests));
    analyses_free(all);
    spec_free(spec);
    return rc;
}
