/*
 * bench_batch.c - pinline's side of `bench/run batch`: the three raw files
 * read, cleaned and deduplicated on all cores, then the fifteen answers, by
 * the modules that the program uses and nothing else.
 *
 * bench_batch SPEC DATA OUT clean|memory|parquet THREADS prints one JSON line
 * of seconds and row counts and writes OUT/answers.json.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clean/crew_files.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/num.h"
#include "db/duck.h"
#include "engine/engine.h"
#include "flow/analysis.h"
#include "lake/parquet.h"
#include "record/batch_json.h"
#include "record/batch_store.h"

enum {
    ROWS_MAX = 1 << 30,
    ANSWER_MAX = 64 << 20,
};

struct table {
    const char *name;
    const struct spec_table *spec;
    struct batch_store store;
    int64_t rows;
};

struct job {
    const char *spec_file, *data, *out, *what;
    int threads;
    struct spec *spec;
    struct table tables[3];
    int64_t clean_us, write_us, answer_us;
};

static int load_spec(struct job *j, struct err *e)
{
    struct faults faults;
    struct buf text;
    int rc = -1;

    faults_init(&faults);
    buf_init(&text, 4 << 20);
    if (fs_read(j->spec_file, &text, e) == 0) {
        rc = spec_load(&j->spec, buf_slice(&text), j->spec_file, NULL, &faults,
                       e);
    }
    buf_release(&text);
    faults_release(&faults);
    return rc;
}

struct keeper {
    struct table *table;
    struct crew_files *files;
};

static int fill(void *arg, struct crew_block *b, struct err *e)
{
    struct keeper *k = arg;

    return crew_files_fill(k->files, b, e);
}

/* A copy of the block's rows becomes the table's. */
static int keep_rows(void *arg, struct crew_block *b, struct err *e)
{
    struct keeper *k = arg;
    struct table *t = k->table;

    t->rows += (int64_t)b->out.rows.rows;
    return batch_store_add(&t->store, &b->out.rows, e);
}

static int run_crew(struct job *j, struct table *t, const char *path,
                    struct err *e)
{
    struct keeper k = {.table = t};
    struct crew_conf conf = {.table = t->spec,
                             .threads = j->threads,
                             .arg = &k,
                             .fill = fill,
                             .cut = crew_files_cut,
                             .take = keep_rows};
    struct clean_counts counts = {0};
    struct dedup *seen = NULL;
    int rc = -1;

    hash_key_random(&conf.key);
    if (clean_counts_init(&counts, t->spec, e) == 0 &&
        dedup_new(&seen, &conf.key, ROWS_MAX, e) == 0 &&
        crew_files_new(&k.files, &path, 1, t->spec, e) == 0) {
        conf.seen = seen;
        rc = crew_run(&conf, &counts, e);
    }
    crew_files_free(k.files);
    dedup_free(seen);
    clean_counts_release(&counts);
    return rc;
}

static int clean_table(struct job *j, struct table *t, struct err *e)
{
    char path[FS_PATH_MAX];
    char name[64];

    (void)snprintf(name, sizeof(name), "%s.jsonl", t->name);
    batch_store_init(&t->store);
    if (spec_table(j->spec, t->name, &t->spec, e) < 0 ||
        fs_join(path, j->data, name, e) < 0) {
        return -1;
    }
    return run_crew(j, t, path, e);
}

static int write_tables(struct job *j, struct err *e)
{
    struct duck_conf conf = {.threads = j->threads};
    struct duck *d = NULL;
    char path[FS_PATH_MAX];
    char name[64];
    int rc = duck_open(&d, &conf, e);

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(j->tables); i++) {
        const struct table *t = &j->tables[i];

        (void)snprintf(name, sizeof(name), "%s.parquet", t->name);
        rc = fs_join(path, j->out, name, e) < 0
                 ? -1
                 : parquet_write(d, path, t->store.list, t->store.n, NULL, e);
    }
    duck_close(d);
    return rc;
}

static int add_answer(struct buf *b, const struct analysis *a,
                      const struct frame *f, struct err *e)
{
    if (buf_putf(b, e, "%s\"%s\": ", b->len > 1 ? ", " : "", a->id) < 0) {
        return -1;
    }
    return batch_json_rows(&f->rows, b, e);
}

static int answer(struct job *j, struct buf *b, struct err *e)
{
    static const char *const views[] = {"clean_pin", "clean_geo", "clean_user"};
    struct engine_conf conf = {.kind = "duckdb", .threads = j->threads};
    struct analyses *all = NULL;
    struct engine *g = NULL;
    int rc = analyses_load(&all, NULL, e) < 0 || engine_open(&g, &conf, e) < 0
                 ? -1
                 : buf_putc(b, '{', e);

    for (size_t i = 0; rc == 0 && i < ARRAY_LEN(views); i++) {
        rc = engine_add_batches(g, views[i], j->tables[i].store.list,
                                j->tables[i].store.n, e);
    }
    for (size_t i = 0; rc == 0 && i < analyses_count(all); i++) {
        const struct analysis *a = analyses_at(all, i);
        struct frame f = {0};

        rc = analysis_run(all, a, NULL, 0, g, &f, e);
        if (rc == 0) {
            rc = add_answer(b, a, &f, e);
            frame_release(&f);
        }
    }
    engine_close(g);
    analyses_free(all);
    return rc < 0 ? -1 : buf_puts(b, "}\n", e);
}

static int run(struct job *j, struct buf *answers, struct err *e)
{
    char path[FS_PATH_MAX];
    int64_t began = clock_mono_us();

    if (fs_make_folders(j->out, e) < 0 || load_spec(j, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < ARRAY_LEN(j->tables); i++) {
        if (clean_table(j, &j->tables[i], e) < 0) {
            return -1;
        }
    }
    j->clean_us = clock_mono_us() - began;
    if (strcmp(j->what, "parquet") == 0 && write_tables(j, e) < 0) {
        return -1;
    }
    j->write_us = clock_mono_us() - began - j->clean_us;
    if (strcmp(j->what, "clean") == 0) {
        return 0;
    }
    if (answer(j, answers, e) < 0 ||
        fs_join(path, j->out, "answers.json", e) < 0 ||
        fs_publish(path, buf_slice(answers), e) < 0) {
        return -1;
    }
    j->answer_us = clock_mono_us() - began - j->clean_us - j->write_us;
    return 0;
}

static void print(const struct job *j)
{
    printf("{\"seconds\": {\"clean\": %.4f, \"write\": %.4f, "
           "\"answers\": %.4f, \"total\": %.4f}, \"rows\": {",
           (double)j->clean_us / 1e6, (double)j->write_us / 1e6,
           (double)j->answer_us / 1e6,
           (double)(j->clean_us + j->write_us + j->answer_us) / 1e6);
    for (size_t i = 0; i < ARRAY_LEN(j->tables); i++) {
        printf("%s\"%s\": %" PRId64, i > 0 ? ", " : "", j->tables[i].name,
               j->tables[i].rows);
    }
    printf("}}\n");
}

int main(int argc, char **argv)
{
    struct job j = {.tables = {{"pin"}, {"geo"}, {"user"}}};
    struct buf answers;
    int64_t threads = 0;
    struct err e;
    int rc;

    if (argc != 6 || !num_i64(slice_of(argv[5]), &threads) || threads < 1 ||
        threads > CREW_THREADS_MAX) {
        (void)fprintf(stderr, "usage: bench_batch SPEC DATA OUT "
                              "clean|memory|parquet THREADS\n");
        return 2;
    }
    j.spec_file = argv[1];
    j.data = argv[2];
    j.out = argv[3];
    j.what = argv[4];
    j.threads = (int)threads;
    buf_init(&answers, ANSWER_MAX);
    rc = run(&j, &answers, &e);
    if (rc < 0) {
        (void)fprintf(stderr, "bench_batch: %s\n", e.msg);
    } else {
        print(&j);
    }
    /* the rows go with the process, as the rivals' do */
    buf_release(&answers);
    spec_free(j.spec);
    return rc < 0 ? 1 : 0;
}
