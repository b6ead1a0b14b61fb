/*
 * bench_clean.c - read, clean and deduplicate files, without a sink.
 *
 *     bench_clean SPEC THREADS TABLE=FILE...
 *
 * Prints one line of JSON: seconds, CPU seconds, rows, distinct and bytes of
 * the sets, a table.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clean/crew_files.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/num.h"

struct total {
    int64_t rows, duplicates;
};

static int fill(void *arg, struct crew_block *b, struct err *e)
{
    struct crew_files **f = arg;

    return crew_files_fill(*f, b, e);
}

static int take(void *arg, struct crew_block *b, struct err *e)
{
    (void)arg;
    (void)b;
    (void)e;
    return 0;
}

static double cpu_seconds(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int one(const struct spec *s, char *arg, int threads, struct err *e)
{
    char *path = strchr(arg, '=');
    struct crew_files *f = NULL;
    struct clean_counts counts = {0};
    struct crew_conf conf = {.threads = threads,
                             .arg = &f,
                             .fill = fill,
                             .cut = crew_files_cut,
                             .take = take};
    int64_t begin = clock_mono_us();
    double cpu = cpu_seconds();
    int rc = -1;

    if (path == NULL) {
        return err_set(e, ERR_INVALID, "\"%s\" is not TABLE=FILE", arg);
    }
    *path++ = '\0';
    hash_key_seed(&conf.key, 1);
    if (spec_table(s, arg, &conf.table, e) != 0 ||
        clean_counts_init(&counts, conf.table, e) != 0 ||
        dedup_new(&conf.seen, &conf.key, INT64_MAX, e) != 0 ||
        crew_files_new(&f, (const char *const *)&path, 1, conf.table, e) != 0) {
        goto out;
    }
    rc = crew_run(&conf, &counts, e);
    if (rc == 0) {
        (void)printf(
            "{\"table\":\"%s\",\"seconds\":%.4f,\"cpu\":%.4f,"
            "\"records\":%" PRId64 ",\"rows\":%" PRId64 ",\"rejected\":%" PRId64
            ",\"distinct\":%" PRId64 ",\"set_bytes\":%zu}\n",
            arg, (double)(clock_mono_us() - begin) / 1e6, cpu_seconds() - cpu,
            counts.records, counts.rows, counts.rejected, dedup_rows(conf.seen),
            dedup_bytes(conf.seen));
    }
out:
    crew_files_free(f);
    dedup_free(conf.seen);
    clean_counts_release(&counts);
    return rc;
}

int main(int argc, char **argv)
{
    struct spec *s = NULL;
    struct faults faults;
    struct buf text;
    struct err e;
    int64_t threads = 0;
    int rc = 1;

    faults_init(&faults);
    buf_init(&text, 1 << 22);
    if (argc < 4 || !num_i64(slice_of(argv[2]), &threads)) {
        (void)fputs("usage: bench_clean SPEC THREADS TABLE=FILE...\n", stderr);
        return 2;
    }
    if (fs_read(argv[1], &text, &e) != 0 ||
        spec_load(&s, buf_slice(&text), argv[1], NULL, &faults, &e) != 0) {
        goto out;
    }
    rc = 0;
    for (int i = 3; i < argc && rc == 0; i++) {
        rc = one(s, argv[i], (int)threads, &e) != 0 ? 1 : 0;
    }
out:
    if (rc != 0) {
        (void)fprintf(stderr, "bench_clean: %s\n", e.msg);
    }
    spec_free(s);
    buf_release(&text);
    faults_release(&faults);
    return rc;
}
