/*
 * table_seen.c - the set of rows that a table holds, kept beside it.
 *
 * _pinline.seen.at says for which offsets a set is true, a line each, and
 * _pinline.seen.<mark of these lines> is the set.  Messages between those
 * offsets and the table's own are cleaned again and only noted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/mem.h"
#include "core/num.h"
#include "flow/table_job_int.h"

enum {
    DEDUP_ROWS_MAX = 1 << 30,
    HASH_SEED = 7528,
    LINES_MAX = 4 << 20,
};

#define LIST "_pinline.seen.at"

/* Tells apart every list of offsets. */
static int64_t mark_of(struct slice lines)
{
    struct hash_key key;

    hash_key_seed(&key, HASH_SEED);
    return (int64_t)(hash_bytes(&key, lines).a >> 1);
}

static int set_path(struct table_job *j, int64_t mark, char path[FS_PATH_MAX],
                    struct err *e)
{
    char name[48];

    (void)snprintf(name, sizeof(name), "_pinline.seen.%016" PRIx64,
                   (uint64_t)mark);
    return fs_join(path, j->dir, name, e);
}

static int list_path(struct table_job *j, char path[FS_PATH_MAX], struct err *e)
{
    return fs_join(path, j->dir, LIST, e);
}

/* "TOPIC EPOCH PARTITION OFFSET": how far the set knows this range; 0 when
 * it does not. */
static bool known_to(struct slice lines, const struct table_range *r,
                     int64_t *ret)
{
    struct slice line;

    *ret = 0;
    while (slice_cut(&lines, '\n', &line)) {
        struct slice word[3];
        int64_t epoch;
        int64_t partition;

        for (size_t i = 0; i < ARRAY_LEN(word); i++) {
            if (!slice_cut(&line, ' ', &word[i])) {
                return false;
            }
        }
        if (!num_i64(word[1], &epoch) || !num_i64(word[2], &partition)) {
            return false;
        }
        if (slice_is(word[0], r->topic) && epoch == r->span.epoch &&
            partition == r->span.partition) {
            return num_i64(line, ret) && *ret >= 0 && *ret <= r->span.from;
        }
    }
    return true;
}

/* The stored set, when it fits; `known` gets how far it reaches. */
static bool load(struct table_job *j, int64_t *known)
{
    const char *hash = j->conf.table->hash;
    char path[FS_PATH_MAX];
    struct buf lines;
    struct err why;
    bool ok;

    buf_init(&lines, LINES_MAX);
    ok = list_path(j, path, &why) == 0 && fs_read(path, &lines, &why) == 0;
    for (size_t i = 0; i < j->n && ok; i++) {
        ok = known_to(buf_slice(&lines), j->ranges[i], &known[i]);
    }
    if (ok) {
        int64_t mark = mark_of(buf_slice(&lines));

        ok = set_path(j, mark, path, &why) == 0 &&
             dedup_load(&j->seen, path, mark, hash, DEDUP_ROWS_MAX, &why) == 0;
    }
    buf_release(&lines);
    return ok;
}

/* Note the rows of what the table took and the set does not know. */
static int catch_up(struct table_job *j, const int64_t *known, struct err *e)
{
    struct clean_counts ignored;
    int rc = 0;

    if (clean_counts_init(&ignored, j->conf.table, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n && rc == 0; i++) {
        struct span s = j->ranges[i]->span;

        s.to = s.from;
        s.from = known[i];
        if (s.from < s.to) {
            rc = table_job_clean(j, j->ranges[i], &s, NULL, &ignored, e);
        }
    }
    clean_counts_release(&ignored);
    return rc;
}

int table_seen_open(struct table_job *j, struct err *e)
{
    int64_t *known;
    int rc = 0;

    if (j->conf.table->dedup == SPEC_DEDUP_NONE ||
        j->conf.table->dedup == SPEC_DEDUP_LAST) {
        return 0;
    }
    known = mem_zero(j->n + 1, sizeof(*known));
    if (known == NULL) {
        return err_nomem(e, j->n * sizeof(*known));
    }
    if (j->full || !load(j, known)) {
        struct hash_key key;

        hash_key_random(&key);
        memset(known, 0, (j->n + 1) * sizeof(*known));
        rc = dedup_new(&j->seen, &key, DEDUP_ROWS_MAX, e);
    }
    if (rc == 0) {
        rc = catch_up(j, known, e);
    }
    mem_free(known);
    return rc;
}

/* Sets that the list does not name any more. */
static void remove_others(struct table_job *j, const char *keep)
{
    struct fs_names names;
    char path[FS_PATH_MAX];

    if (fs_names(j->dir, &names, NULL) < 0) {
        return;
    }
    for (size_t i = 0; i < names.n; i++) {
        if (strncmp(names.names[i], "_pinline.seen", 13) == 0 &&
            strcmp(names.names[i], LIST) != 0 &&
            strcmp(names.names[i], keep) != 0 &&
            fs_join(path, j->dir, names.names[i], NULL) == 0) {
            (void)unlink(path);
        }
    }
    fs_names_release(&names);
}

int table_seen_save(struct table_job *j, struct err *e)
{
    char set[FS_PATH_MAX];
    char list[FS_PATH_MAX];
    struct buf lines;
    int64_t mark;
    int rc = -1;

    buf_init(&lines, LINES_MAX);
    for (size_t i = 0; i < j->n; i++) {
        const struct table_range *r = j->ranges[i];

        if (buf_putf(&lines, e, "%s %" PRId64 " %" PRId32 " %" PRId64 "\n",
                     r->topic, r->span.epoch, r->span.partition,
                     r->span.from) < 0) {
            goto out;
        }
    }
    mark = mark_of(buf_slice(&lines));
    if (set_path(j, mark, set, e) == 0 && list_path(j, list, e) == 0 &&
        dedup_save(j->seen, set, mark, j->conf.table->hash, e) == 0 &&
        fs_publish(list, buf_slice(&lines), e) == 0) {
        remove_others(j, strrchr(set, '/') + 1);
        rc = 0;
    }
out:
    buf_release(&lines);
    return rc;
}
