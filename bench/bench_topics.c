/*
 * bench_topics - durable topics against a plain file with fdatasync.
 *
 * argv: FOLDER [MB].  In slices of at most 200 MB, alternating, until MB each:
 *   file     1 MB write() + fdatasync() a time into one file
 *   append   1 MB requests, one after the other, each answered when durable
 *   ahead    the same with four requests under way
 * then `read`: what was appended, in order, checksums verified; then requests
 * of one 744-byte record by 64 callers and by one, and of 100 records.  Prints
 * one JSON object.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench_crowd.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/num.h"

enum {
    BATCH = 1000000,
    AHEAD = 4,
    CALLERS = 64,
    RECORD = 744,
    SLICE_MB = 200,
    PAIRS_MAX = 32
};

static struct err e;
static const char *folder;
static char *bytes;     /* BATCH of them */
static int64_t batches; /* of a slice */

static void die(const char *what)
{
    (void)fprintf(stderr, "%s: %s\n", what, e.msg);
    exit(1);
}

static int64_t plain(void)
{
    char path[FS_PATH_MAX];
    int64_t began;
    int fd;

    if (fs_join(path, folder, "plain", &e) < 0) {
        die("plain");
    }
    fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
    began = clock_mono_us();
    for (int64_t i = 0; i < batches; i++) {
        if (fs_write_all(fd, (struct slice){bytes, BATCH}, path, &e) < 0 ||
            fdatasync(fd) < 0) {
            die("plain");
        }
    }
    began = clock_mono_us() - began;
    (void)close(fd);
    (void)unlink(path);
    return began;
}

static struct broker *open_topics(const char *name)
{
    char dir[FS_PATH_MAX];
    struct broker_conf conf = {.dir = dir, .mode = BROKER_WRITE};
    struct broker_topic t = {.name = "t",
                             .partitions = 1,
                             .retention_us = -1,
                             .retention_bytes = -1};
    struct broker *b = NULL;

    if (fs_join(dir, folder, name, &e) < 0 || fs_remove(dir, &e) < 0 ||
        broker_open(&b, &conf, &e) < 0 || broker_topic_create(b, &t, &e) < 0) {
        die("open");
    }
    return b;
}

struct caller {
    struct broker_record *r;
    struct broker_report *rep;
    struct broker_produce p;
};

static void caller_init(struct caller *c, struct crowd *all, size_t n,
                        size_t len)
{
    c->r = mem_zero(n, sizeof(*c->r));
    c->rep = mem_zero(n, sizeof(*c->rep));
    for (size_t i = 0; c->r && i < n; i++) {
        c->r[i] = (struct broker_record){
            .partition = -1,
            .has_value = true,
            .value = {bytes + i * len % (BATCH - len + 1), len}};
    }
    c->p = (struct broker_produce){.topic = "t",
                                   .records = c->r,
                                   .n = n,
                                   .reports = c->rep,
                                   .done = crowd_answered,
                                   .arg = all};
}

/* `requests` of n records of len bytes by `callers` at once; microseconds. */
static int64_t drive(struct broker *b, int callers, int64_t requests, size_t n,
                     size_t len)
{
    static struct caller list[CALLERS];
    struct crowd all;
    int64_t began = clock_mono_us();

    crowd_init(&all, b, callers, requests);
    for (int i = 0; i < callers; i++) {
        caller_init(&list[i], &all, n, len);
        if (broker_produce_start(b, &list[i].p, &e) < 0) {
            die("produce");
        }
    }
    crowd_wait(&all);
    began = clock_mono_us() - began;
    for (int i = 0; i < callers; i++) {
        mem_free(list[i].r);
        mem_free(list[i].rep);
    }
    if (all.failed) {
        die("answers");
    }
    return began;
}

static int64_t read_back(struct broker *b, int64_t bytes_there)
{
    struct broker_fetch f = {0};
    int64_t began = clock_mono_us();
    int64_t n = 0;

    do {
        if (broker_fetch(b, "t", 0, f.next, BATCH, &f, &e) < 0) {
            die("fetch");
        }
        for (size_t i = 0; i < f.n; i++) {
            n += (int64_t)f.messages[i].value.len;
        }
    } while (f.n > 0);
    began = clock_mono_us() - began;
    broker_fetch_release(b, &f);
    if (n != bytes_there) {
        die("read");
    }
    return began;
}

static void large(int64_t mb)
{
    struct broker *b = open_topics("topics");
    int64_t us[4] = {0};
    int64_t done = 0;

    for (; done < mb; done += batches) {
        batches = mb - done < SLICE_MB ? mb - done : SLICE_MB;
        us[0] += plain();
        us[1] += drive(b, 1, batches, BATCH / 1000, 1000);
        us[2] += drive(b, AHEAD, batches, BATCH / 1000, 1000);
    }
    us[3] = read_back(b, 2 * mb * BATCH);
    broker_close(b);
    /* bytes a microsecond are MB a second */
    printf("{\"file_mb_s\":%.1f,\"append_mb_s\":%.1f,\"ahead_mb_s\":%.1f,"
           "\"read_mb_s\":%.1f",
           (double)(mb * BATCH) / (double)us[0],
           (double)(mb * BATCH) / (double)us[1],
           (double)(mb * BATCH) / (double)us[2],
           (double)(2 * mb * BATCH) / (double)us[3]);
}

static void small(int64_t n)
{
    struct broker *b = open_topics("topics");
    struct broker_stats s;
    double single = (double)n * 1e6 / (double)drive(b, CALLERS, n, 1, RECORD);
    double hundred;

    broker_stats(b, &s);
    hundred = (double)n * 1e6 / (double)drive(b, CALLERS, n / 100, 100, RECORD);
    printf(",\"single_s\":%.0f,\"single_in_a_commit\":%.1f,"
           "\"hundred_s\":%.0f,\"alone_s\":%.0f}\n",
           single, (double)s.records / (double)s.commits, hundred,
           (double)(n / 50) * 1e6 / (double)drive(b, 1, n / 50, 1, RECORD));
    broker_close(b);
}

int main(int argc, char **argv)
{
    int64_t mb = 200;

    if (argc < 2 || argc > 3 ||
        (argc > 2 && (!num_i64(slice_of(argv[2]), &mb) || mb < 10))) {
        (void)fprintf(stderr, "usage: bench_topics FOLDER [MB]\n");
        return 2;
    }
    folder = argv[1];
    bytes = mem_zero(BATCH, 1);
    if (fs_make_folders(folder, &e) < 0 || bytes == NULL) {
        die("start");
    }
    for (size_t i = 0; i < BATCH; i++) {
        bytes[i] = (char)(' ' + (i * 7919 + i / 97) % 90);
    }
    large(mb);
    small(mb * 500);
    mem_free(bytes);
    return 0;
}
