#include "flow/clean_job.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "clean/crew_files.h"
#include "clean/decoded.h"
#include "clean/sql.h"
#include "core/digest.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/text.h"
#include "flow/rows_file.h"
#include "flow/spark_job.h"
#include "lake/frame.h"
#include "json/json.h"

enum {
    LINE_MAX_LEN = 256 << 20,
    SQL_MAX = 16 << 20,
    ROWS_AT_ONCE = 20000
};

struct job {
    const struct clean_job *j;
    struct clean_job_result *result;
    struct crew_files *files;
    struct rows_file *out;     /* rows or decoded records */
    struct rows_file *rejects; /* NULL: none wanted */
    struct dedup *seen;
    struct dedup_last *last;
    int64_t place; /* of the next row, keeping the last */
    bool noting;   /* the first of two passes */
    struct decoder *decoder;
    struct buf line;
    uint8_t *keep;
    size_t keep_cap;
};

static int put_reject(struct job *j, const char *file,
                      const struct clean_reject *r, struct err *e)
{
    bool text = text_utf8_valid(r->payload, NULL);

    if (j->rejects == NULL) {
        return 0;
    }
    buf_clear(&j->line);
    if (buf_puts(&j->line, "{\"file\":", e) != 0 ||
        json_print_text(&j->line, slice_of(file), e) != 0 ||
        buf_putf(&j->line, e,
                 ",\"offset\":%" PRId64 ",\"sub\":%" PRId32
                 ",\"rule\":\"%s\",\"reason\":\"%s\",\"%s\":",
                 r->offset, r->sub, r->rule, r->reason,
                 text ? "payload" : "payload_base64") != 0) {
        return -1;
    }
    if (text ? json_print_text(&j->line, r->payload, e) != 0
             : buf_putc(&j->line, '"', e) != 0 ||
                   digest_base64(r->payload, &j->line, e) != 0 ||
                   buf_putc(&j->line, '"', e) != 0) {
        return -1;
    }
    return buf_putc(&j->line, '}', e) != 0
               ? -1
               : rows_file_text(j->rejects, buf_slice(&j->line), e);
}

/* Keep the rows that are the last of their key. */
static int keep_last(struct job *j, struct crew_block *b, struct err *e)
{
    size_t rows = b->out.rows.rows, kept = 0;

    if (rows > j->keep_cap) {
        uint8_t *keep = mem_resize(j->keep, rows, 1);

        if (keep == NULL) {
            return err_nomem(e, rows);
        }
        j->keep = keep;
        j->keep_cap = rows;
    }
    for (size_t i = 0; i < rows; i++) {
        j->keep[i] = dedup_last_is(j->last, b->out.hash[i], j->place++);
        kept += j->keep[i];
    }
    batch_filter(&b->out.rows, j->keep);
    b->duplicates = (int64_t)(rows - kept);
    return 0;
}

static int take(void *arg, struct crew_block *b, struct err *e)
{
    struct job *j = *(struct job **)arg;

    if (j->noting) {
        for (size_t i = 0; i < b->out.rows.rows; i++) {
            if (dedup_last_note(j->last, b->out.hash[i], j->place++, e) != 0) {
                return -1;
            }
        }
        return 0;
    }
    if (j->last != NULL && keep_last(j, b, e) != 0) {
        return -1;
    }
    for (size_t i = 0; i < b->out.nrejects; i++) {
        if (put_reject(j, b->topic, &b->out.rejects[i], e) != 0) {
            return -1;
        }
    }
    j->result->rows += (int64_t)b->out.rows.rows;
    j->result->duplicates += b->duplicates;
    return rows_file_put(j->out, &b->out.rows, e);
}

static int fill(void *arg, struct crew_block *b, struct err *e)
{
    struct job *j = *(struct job **)arg;

    return crew_files_fill(j->files, b, e);
}

static int open_files(struct job *j, struct err *e)
{
    const struct clean_job *c = j->j;

    if (crew_files_new(&j->files, c->paths, c->npaths, c->table, e) != 0) {
        return -1;
    }
    if (c->names != NULL) {
        crew_files_name(j->files, c->names);
    }
    return 0;
}

static int one_pass(struct job *j, struct clean_counts *counts, struct err *e)
{
    struct crew_conf conf = {.table = j->j->table,
                             .seen = j->seen,
                             .threads = j->j->threads,
                             .arg = &j,
                             .fill = fill,
                             .cut = crew_files_cut,
                             .take = take};
    int rc;

    hash_key_random(&conf.key);
    if (j->seen != NULL) {
        conf.key = *dedup_key(j->seen);
    } else if (j->last != NULL) {
        hash_key_seed(&conf.key, 1); /* the same in both passes */
    }
    if (open_files(j, e) != 0) {
        return -1;
    }
    rc = crew_run(&conf, counts, e);
    crew_files_free(j->files);
    j->files = NULL;
    return rc;
}

static int note_last(struct job *j, struct err *e)
{
    struct clean_counts counts;
    int rc;

    for (size_t i = 0; i < j->j->npaths; i++) {
        if (strcmp(j->j->paths[i], "-") == 0) {
            return err_set(e, ERR_INVALID,
                           "keeping the last row of a key reads the files "
                           "twice, which standard input cannot be");
        }
    }
    if (dedup_last_new(&j->last, INT64_MAX - 1, e) != 0 ||
        clean_counts_init(&counts, j->j->table, e) != 0) {
        return -1;
    }
    j->noting = true;
    rc = one_pass(j, &counts, e);
    j->noting = false;
    j->place = 0;
    clean_counts_release(&counts);
    return rc;
}

static int run_c(struct job *j, struct err *e)
{
    enum spec_dedup how = j->j->table->dedup;
    struct hash_key key;

    if (how == SPEC_DEDUP_LAST) {
        if (note_last(j, e) != 0) {
            return -1;
        }
    } else if (how != SPEC_DEDUP_NONE) {
        hash_key_random(&key);
        if (dedup_new(&j->seen, &key, INT64_MAX, e) != 0) {
            return -1;
        }
    }
    return one_pass(j, &j->result->counts, e);
}

static int decode_one(struct job *j, const struct crew_block *b, size_t i,
                      struct err *e)
{
    struct clean_counts *s = &j->result->counts;
    const struct message *m = &b->m[i];
    struct decode_result got;

    if (decoder_decode(j->decoder, m->value, m->has_value, &got, e) != 0) {
        return -1;
    }
    s->messages++;
    for (unsigned h = 0; h < DECODE_HOWS; h++) {
        s->how[h] += (got.how >> h) & 1;
    }
    for (size_t k = 0; k < got.n; k++) {
        const struct decoded *d = &got.records[k];

        s->records++;
        if (d->object == NULL) {
            struct clean_reject r = {
                m->offset, d->sub, -1, "decode", decode_reject_word(d->reject),
                m->value,  i};

            s->rejected++;
            s->undecoded[d->reject]++;
            if (put_reject(j, b->topic, &r, e) != 0) {
                return -1;
            }
            continue;
        }
        buf_clear(&j->line);
        if (decoded_print(&j->line, d->object, e) != 0 ||
            rows_file_text(j->out, buf_slice(&j->line), e) != 0) {
            return -1;
        }
        s->rows++;
    }
    return 0;
}

static int run_decoded(struct job *j, struct err *e)
{
    const struct spec_table *t = j->j->table;
    struct crew_block b = {0};
    int rc = -1;

    buf_init(&b.bytes, LINE_MAX_LEN);
    if (decoder_new(&j->decoder, t->keys, t->nkeys, e) != 0 ||
        open_files(j, e) != 0) {
        goto out;
    }
    for (;;) {
        buf_clear(&b.bytes);
        b.n = 0;
        b.uncut = false;
        if (crew_files_fill(j->files, &b, e) != 0 ||
            (b.uncut && crew_files_cut(&b, e) != 0)) {
            goto out;
        }
        if (b.n == 0 && !b.uncut) {
            break;
        }
        for (size_t i = 0; i < b.n; i++) {
            if (decode_one(j, &b, i, e) != 0) {
                goto out;
            }
        }
    }
    j->result->rows = j->result->counts.rows;
    rc = 0;
out:
    buf_release(&b.bytes);
    mem_free(b.m);
    crew_files_free(j->files);
    j->files = NULL;
    return rc;
}

static int put_rows(void *arg, const struct batch *rows, struct err *e)
{
    struct job *j = arg;

    j->result->rows += (int64_t)rows->rows;
    return rows_file_put(j->out, rows, e);
}

static int take_count(void *arg, const struct batch *rows, struct err *e)
{
    int64_t *n = arg;

    (void)e;
    for (size_t i = 0; i < rows->rows; i++) {
        *n = rows->cols[0].fixed.i64[i];
    }
    return 0;
}

/* What SQL left out: rejected are the records that give no row also when
 * nothing is a duplicate; rows: those that do. */
static void count_left_out(struct job *j, int64_t rows)
{
    struct clean_counts *s = &j->result->counts;

    s->rejected += s->rows - rows;
    if (s->ncolumns > 0) { /* SQL does not say which */
        s->rejects[0][CLEAN_RULES] += s->rows - rows;
    }
    s->rows = rows;
    j->result->duplicates = rows - j->result->rows;
}

static int count_sql(struct job *j, struct duck *d, struct err *e)
{
    struct spec_table all = *j->j->table;
    int64_t rows = 0;
    struct buf b;
    const char *sql;
    int rc = -1;

    all.dedup = SPEC_DEDUP_NONE;
    all.ndedup_cols = 0;
    buf_init(&b, SQL_MAX);
    if (buf_puts(&b, "SELECT count(*) AS n FROM (", e) == 0 &&
        sql_query(&all, SQL_DUCKDB, &b, e) == 0 && buf_puts(&b, ")", e) == 0 &&
        buf_text(&b, &sql, e) == 0 &&
        frame_each(d, sql, ROWS_AT_ONCE, take_count, &rows, e) == 0) {
        count_left_out(j, rows);
        rc = 0;
    }
    buf_release(&b);
    return rc;
}

static int run_sql(struct job *j, const char *records, struct err *e)
{
    /* it deduplicates whole rows in memory: a million pins take 2 GB */
    struct duck_conf conf = {.memory_bytes = (int64_t)4 << 30};
    struct duck *d = NULL;
    struct buf b;
    const char *sql;
    int rc = -1;

    buf_init(&b, SQL_MAX);
    if (duck_open(&d, &conf, e) != 0 ||
        buf_puts(&b, "CREATE TEMP TABLE decoded AS ", e) != 0 ||
        sql_input(SQL_DUCKDB, records, &b, e) != 0 ||
        buf_text(&b, &sql, e) != 0 || duck_run(d, sql, e) != 0) {
        goto out;
    }
    buf_clear(&b);
    if (sql_query(j->j->table, SQL_DUCKDB, &b, e) == 0 &&
        buf_text(&b, &sql, e) == 0 &&
        frame_each(d, sql, ROWS_AT_ONCE, put_rows, j, e) == 0) {
        rc = count_sql(j, d, e);
    }
out:
    buf_release(&b);
    duck_close(d);
    return rc;
}

static int run_spark(struct job *j, const char *records, struct err *e)
{
    struct frame f;
    int64_t all = 0;
    int rc;

    if (spark_job_clean(j->j->far, j->j->table, records, &f, &all, e) < 0) {
        return -1;
    }
    rc = put_rows(j, &f.rows, e);
    frame_release(&f);
    if (rc == 0) {
        count_left_out(j, all);
    }
    return rc;
}

/* Decode into a file beside the output, then let the SQL clean it. */
static int run_decoded_by(struct job *j,
                          int (*clean)(struct job *j, const char *records,
                                       struct err *e),
                          struct err *e)
{
    char path[FS_PATH_MAX];
    const char *base =
        strcmp(j->j->output, "-") == 0 ? "/tmp/pinline" : j->j->output;
    struct rows_file *rows = j->out;
    int n = snprintf(path, sizeof(path), "%s.decoded.%ld.jsonl", base,
                     (long)getpid());
    int rc;

    if (n < 0 || (size_t)n >= sizeof(path)) {
        return err_set(e, ERR_LIMIT, "path \"%s\" is too long", base);
    }
    if (rows_file_begin(&j->out, path, NULL, NULL, 0, e) != 0) {
        j->out = rows;
        return -1;
    }
    rc = run_decoded(j, e);
    if (rc == 0) {
        rc = rows_file_end(j->out, e);
    }
    rows_file_free(j->out);
    j->out = rows;
    j->result->rows = 0;
    if (rc == 0) {
        rc = clean(j, path, e);
    }
    (void)unlink(path);
    return rc;
}

static int run(struct job *j, struct err *e)
{
    switch (j->j->how) {
    case CLEAN_JOB_DECODED:
        return run_decoded(j, e);
    case CLEAN_JOB_DUCKDB:
        return run_decoded_by(j, run_sql, e);
    case CLEAN_JOB_SPARK:
        return run_decoded_by(j, run_spark, e);
    case CLEAN_JOB_C:
    default:
        return run_c(j, e);
    }
}

static int open_outputs(struct job *j, struct err *e)
{
    const struct clean_job *c = j->j;

    if (c->how == CLEAN_JOB_DECODED && strcmp(c->output, "-") != 0 &&
        !slice_ends(slice_of(c->output), SLICE(".jsonl"))) {
        return err_set(e, ERR_INVALID,
                       "decoded records are JSON Lines: file \"%s\" must end "
                       "in .jsonl, or be -",
                       c->output);
    }
    if (rows_file_begin(&j->out, c->output, c->out, c->table->defs,
                        c->table->ndefs, e) != 0) {
        return -1;
    }
    return c->rejects != NULL
               ? rows_file_begin(&j->rejects, c->rejects, c->out, NULL, 0, e)
               : 0;
}

int clean_job_run(const struct clean_job *c, struct clean_job_result *ret,
                  struct err *e)
{
    struct job j = {.j = c, .result = ret};
    int rc = -1;

    memset(ret, 0, sizeof(*ret));
    buf_init(&j.line, LINE_MAX_LEN);
    if (clean_counts_init(&ret->counts, c->table, e) != 0) {
        return -1;
    }
    if (open_outputs(&j, e) == 0 && run(&j, e) == 0 &&
        clean_counts_check(&ret->counts, c->table, e) == 0 &&
        rows_file_end(j.out, e) == 0 &&
        (j.rejects == NULL || rows_file_end(j.rejects, e) == 0)) {
        rc = 0;
    }
    rows_file_free(j.out);
    rows_file_free(j.rejects);
    dedup_free(j.seen);
    dedup_last_free(j.last);
    decoder_free(j.decoder);
    buf_release(&j.line);
    mem_free(j.keep);
    if (rc != 0) {
        clean_counts_release(&ret->counts);
    }
    return rc;
}
