#include "flow/decode_job.h"

#include "clean/decoded.h"
#include "flow/rows_file.h"
#include "flow/table_job.h"
#include "record/decode.h"

enum {
    LINE_BYTES = 256 << 20
};

struct decoding {
    struct decode_counts counts;
    struct decoder *decoder;
    struct rows_file *out;
    struct buf line;
    struct err err; /* the first failure */
    bool failed;
};

static int put(struct decoding *d, const struct message *m, struct err *e)
{
    struct decode_result got;

    if (decoder_decode(d->decoder, m->value, m->has_value, &got, e) < 0) {
        return -1;
    }
    d->counts.messages++;
    for (size_t i = 0; i < got.n; i++) {
        if (got.records[i].object == NULL) {
            d->counts.rejected++;
            continue;
        }
        buf_clear(&d->line);
        if (decoded_print(&d->line, got.records[i].object, e) < 0 ||
            rows_file_text(d->out, buf_slice(&d->line), e) < 0) {
            return -1;
        }
        d->counts.records++;
    }
    return 0;
}

static void took(void *arg, const struct message *m, size_t n)
{
    struct decoding *d = arg;

    for (size_t i = 0; i < n && !d->failed; i++) {
        d->failed = put(d, &m[i], &d->err) < 0;
    }
}

/* A job that only looks; the messages come by on the way. */
static int run(const struct decode_job *j, const struct spec_table *t,
               struct decoding *d, struct err *e)
{
    const struct table_job_conf conf = {.project = j->project,
                                        .spec = j->spec,
                                        .table = t,
                                        .broker = j->broker,
                                        .from_topics = j->from_topics,
                                        .arg = d,
                                        .took = took};

    if (table_job_again(&conf, NULL, e) < 0) {
        return -1;
    }
    if (d->failed && e != NULL) {
        *e = d->err;
    }
    return d->failed ? -1 : 0;
}

int decode_table(const struct decode_job *j, const struct spec_table *t,
                 const char *path, struct decode_counts *ret, struct err *e)
{
    struct decoding d = {.failed = false};
    int rc = -1;

    buf_init(&d.line, LINE_BYTES);
    if (decoder_new(&d.decoder, t->keys, t->nkeys, e) == 0 &&
        rows_file_begin(&d.out, path, NULL, NULL, 0, e) == 0 &&
        run(j, t, &d, e) == 0) {
        rc = rows_file_end(d.out, e);
    }
    if (rc == 0) {
        *ret = d.counts;
    }
    rows_file_free(d.out);
    decoder_free(d.decoder);
    buf_release(&d.line);
    return rc < 0 ? err_wrap(e, "table \"%s\"", t->name) : 0;
}
