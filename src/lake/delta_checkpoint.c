/* delta_checkpoint.c - the whole state of a table in one Parquet file. */
#include <stdio.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/inject.h"
#include "core/mem.h"
#include "lake/delta_handle_int.h"
#include "lake/delta_tidy.h"

enum {
    SQL_MAX = 1 << 20,
    CHECKPOINT_ROWS = 4096, /* read in portions of this many */
    CLEAN_EVERY = 32,       /* checkpoints of a handle */
};

/* What a checkpoint's columns are; the smallest that every reader takes. */
static const char shape[] =
    "{\"txn\":{\"appId\":\"VARCHAR\",\"version\":\"BIGINT\","
    "\"lastUpdated\":\"BIGINT\"},"
    "\"add\":{\"path\":\"VARCHAR\",\"partitionValues\":\"MAP(VARCHAR,VARCHAR)"
    "\",\"size\":\"BIGINT\",\"modificationTime\":\"BIGINT\","
    "\"dataChange\":\"BOOLEAN\",\"stats\":\"VARCHAR\"},"
    "\"remove\":{\"path\":\"VARCHAR\",\"deletionTimestamp\":\"BIGINT\","
    "\"dataChange\":\"BOOLEAN\"},"
    "\"metaData\":{\"id\":\"VARCHAR\",\"format\":{\"provider\":\"VARCHAR\","
    "\"options\":\"MAP(VARCHAR,VARCHAR)\"},\"schemaString\":\"VARCHAR\","
    "\"partitionColumns\":[\"VARCHAR\"],"
    "\"configuration\":\"MAP(VARCHAR,VARCHAR)\",\"createdTime\":\"BIGINT\"},"
    "\"protocol\":{\"minReaderVersion\":\"INTEGER\","
    "\"minWriterVersion\":\"INTEGER\"}}";

/* The state's lines as a batch of one text column. */
static int fill_lines(const struct delta *t, struct batch *b, struct err *e)
{
    struct slice rest;
    struct slice line;
    struct buf lines;
    int rc = -1;

    buf_init(&lines, DELTA_LOG_MAX);
    if (delta_state_lines(&t->s, &lines, e) < 0) {
        goto out;
    }
    rest = buf_slice(&lines);
    while (slice_cut(&rest, '\n', &line)) {
        if (batch_put_text(b, 0, line, e) < 0) {
            goto out;
        }
        batch_end_row(b);
    }
    rc = 0;
out:
    buf_release(&lines);
    return rc;
}

static int write_pointer(struct delta *t, size_t rows, struct err *e)
{
    char text[96];
    int n = snprintf(text, sizeof(text), "{\"version\":%lld,\"size\":%zu}",
                     (long long)t->s.version, rows);

    return store_put(t->store, "_delta_log/_last_checkpoint",
                     (struct slice){text, n > 0 ? (size_t)n : 0}, STORE_REPLACE,
                     e);
}

int delta_checkpoint(struct delta *t, struct err *e)
{
    static const struct col_def defs[] = {{.name = "line", .type = COL_TEXT}};
    struct frame_feed *feed = NULL;
    char path[FS_PATH_MAX];
    char key[DELTA_KEY_MAX];
    char sql[sizeof(shape) + 128];
    struct delta_tidied ignored;
    struct batch b;
    const struct batch *batches[] = {&b};
    int rc = -1;

    if (batch_init(&b, defs, 1, e) < 0) {
        return -1;
    }
    (void)snprintf(sql, sizeof(sql),
                   "SELECT unnest(from_json(line, '%s')) FROM delta_lines",
                   shape);
    delta_log_key(key, t->s.version, ".checkpoint.parquet");
    delta_state_forget(&t->s, (clock_wall_us() - delta_gone_us(t)) / 1000);
    INJECT(delta_before_checkpoint);
    if (delta_need_duck(t, e) == 0 && fill_lines(t, &b, e) == 0 &&
        delta_place(t, key, path, e) == 0 &&
        frame_feed(t->duck, "delta_lines", batches, 1, false, &feed, e) == 0 &&
        parquet_write_query(t->duck, path, sql, NULL, e) == 0 &&
        delta_send(t, key, path, e) == 0 && write_pointer(t, b.rows, e) == 0) {
        t->checkpointed = t->s.version;
        rc = 0;
    }
    if (rc == 0 && t->checkpoints++ % CLEAN_EVERY == 0) {
        rc = delta_clean_log(t, &ignored, e);
    }
    frame_feed_free(feed);
    batch_release(&b);
    return rc;
}

static int apply_rows(void *arg, const struct batch *rows, struct err *e)
{
    struct delta *t = arg;

    for (size_t i = 0; i < rows->rows; i++) {
        if (!batch_is_null(rows, 0, i) &&
            delta_state_apply(&t->s, batch_text(rows, 0, i), "checkpoint", e) <
                0) {
            return -1;
        }
    }
    return 0;
}

int delta_checkpoint_read(struct delta *t, int64_t version, struct err *e)
{
    char key[DELTA_KEY_MAX];
    char path[FS_PATH_MAX];
    const char *sql;
    struct buf b;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    delta_log_key(key, version, ".checkpoint.parquet");
    if (delta_need_duck(t, e) == 0 && delta_place(t, key, path, e) == 0 &&
        (t->folder != NULL || store_get_file(t->store, key, path, e) == 0) &&
        buf_puts(&b, "SELECT to_json(t)::VARCHAR FROM read_parquet(", e) == 0 &&
        duck_quote(&b, slice_of(path), '\'', e) == 0 &&
        buf_puts(&b, ") t", e) == 0 && buf_text(&b, &sql, e) == 0) {
        rc = frame_each(t->duck, sql, CHECKPOINT_ROWS, apply_rows, t, e);
    }
    if (t->folder == NULL) {
        (void)unlink(path);
    }
    buf_release(&b);
    return rc < 0 ? err_wrap(e, "table \"%s\"", t->dir) : 0;
}
