#include "flow/batch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "clean/crew.h"
#include "clean/dedup.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/inject.h"
#include "core/lock.h"
#include "core/mem.h"
#include "flow/catalog.h"
#include "flow/pipeline.h"
#include "flow/raw.h"
#include "sink/sink.h"

enum {
    DEDUP_ROWS_MAX = 1 << 30,
    HASH_SEED = 7528,
    RANGES_MAX = 4096,
};

/* One topic partition's part of the run. */
struct range {
    struct span span;
    int64_t next; /* offset that comes next */
    struct ledger_counts counts;
};

/* One table's part of the run. */
struct job {
    const struct flow_batch_conf *conf;
    const struct spec_table *table;
    struct ledger *ledger;
    struct sink *sink;
    struct dedup *seen;
    struct dedup_last *last; /* deduplicate: last */
    int64_t place;           /* of the next row, for last */
    struct clean_counts *counts;
    struct range *ranges;
    size_t n;
    bool full;
    struct batch *keep; /* NULL: rows are not kept */
    char dedup_path[FS_PATH_MAX];
};

/* How far the raw data reach: the objects' position, or the topic's end. */
static int raw_end(const struct job *j, const struct span *s, int64_t *ret,
                   struct err *e)
{
    struct broker_position at;
    int64_t begin;

    if (j->conf->from_topics) {
        return broker_offsets(j->conf->broker, s->topic, s->partition, &begin,
                              ret, e);
    }
    if (broker_group_get(j->conf->broker, "objects", s->topic, s->partition,
                         &at, e) < 0) {
        *ret = 0;
        return e->code == ERR_NOTFOUND ? 0 : -1;
    }
    *ret = at.epoch == s->epoch ? at.offset : 0;
    return 0;
}

static int add_range(struct job *j, const struct broker_topic *t,
                     int32_t partition, struct err *e)
{
    struct range *r = &j->ranges[j->n];

    if (j->n == RANGES_MAX) {
        return err_set(e, ERR_LIMIT, "table \"%s\" has more than %d partitions",
                       j->table->name, RANGES_MAX);
    }
    *r = (struct range){
        .span = {.topic = t->name, .epoch = t->epoch, .partition = partition}};
    if (sink_position(j->sink, &r->span, &r->span.from, e) < 0 ||
        raw_end(j, &r->span, &r->span.to, e) < 0) {
        return -1;
    }
    if (r->span.to < r->span.from) {
        return err_set(e, ERR_CORRUPT,
                       "topic \"%s\" partition %" PRId32
                       ": the table is at offset %" PRId64
                       ", but the raw data end at %" PRId64
                       "; was the data directory restored in part?",
                       t->name, partition, r->span.from, r->span.to);
    }
    j->n++;
    return 0;
}

static int find_ranges(struct job *j, const struct broker_topic *topics,
                       size_t n, struct err *e)
{
    j->ranges = mem_zero(RANGES_MAX + 1, sizeof(*j->ranges));
    if (j->ranges == NULL) {
        return err_nomem(e, RANGES_MAX * sizeof(*j->ranges));
    }
    for (size_t i = 0; i < n; i++) {
        if (catalog_topic_table(j->conf->project, j->conf->spec,
                                topics[i].name) != j->table) {
            continue;
        }
        for (int32_t k = 0; k < topics[i].partitions; k++) {
            if (add_range(j, &topics[i], k, e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* Tells apart every state of the table: positions only grow. */
static int64_t table_state(const struct job *j, bool after)
{
    struct hash_key key;
    struct hash h;

    hash_key_seed(&key, HASH_SEED);
    hash_start(&h, &key);
    for (size_t i = 0; i < j->n; i++) {
        const struct span *s = &j->ranges[i].span;

        hash_put_bytes(&h, 1, slice_of(s->topic));
        hash_words(&h, (uint64_t)s->epoch, (uint64_t)s->partition);
        hash_put_u64(&h, 2, (uint64_t)(after ? s->to : s->from));
    }
    return (int64_t)(hash_end(&h).a >> 1);
}

/* Raw messages of one span, handed to a crew in blocks. */
struct reader {
    struct job *job;
    struct range *range;
    struct raw *raw;
    struct ledger *ledger; /* its own: blocks are taken at the same time */
    const struct message *m;
    size_t n;
    int (*take)(struct job *j, struct range *r, struct crew_block *b,
                struct err *e);
};

static int fill(void *arg, struct crew_block *b, struct err *e)
{
    struct reader *r = arg;
    size_t bytes = 0;
    size_t n = 0;

    if (r->n == 0 && raw_next(r->raw, &r->m, &r->n, e) < 0) {
        return -1;
    }
    while (n < r->n && (n == 0 || bytes + r->m[n].value.len <= CREW_BLOCK)) {
        bytes += r->m[n++].value.len;
    }
    b->topic = r->range->span.topic;
    b->partition = r->range->span.partition;
    b->time_us = n > 0 ? r->m[0].time_us : 0;
    if (bytes > 0 && buf_reserve(&b->bytes, bytes, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct message m = r->m[i];

        if (m.value.len > 0) {
            m.value.ptr =
                memcpy(b->bytes.ptr + b->bytes.len, m.value.ptr, m.value.len);
            b->bytes.len += m.value.len;
        }
        if (crew_block_add(b, &m, e) < 0) {
            return -1;
        }
    }
    r->m += n;
    r->n -= n;
    return 0;
}

static int take(void *arg, struct crew_block *b, struct err *e)
{
    struct reader *r = arg;

    return r->take == NULL ? 0 : r->take(r->job, r->range, b, e);
}

/* Clean the raw messages of a span on all cores; take: what to do with the
 * blocks, in order; NULL: only their hashes are noted. */
static int clean_span(struct reader *r, const struct span *s, struct err *e)
{
    struct job *j = r->job;
    struct raw_conf conf = {.broker = j->conf->broker,
                            .from_objects = !j->conf->from_topics,
                            .topics_dir = j->conf->project->objects_topics_dir,
                            .pipeline = "objects"};
    struct crew_conf crew = {.table = j->table,
                             .seen = j->seen,
                             .arg = r,
                             .fill = fill,
                             .take = take};
    int rc = -1;

    if (j->seen != NULL) {
        crew.key = *dedup_key(j->seen);
    } else {
        hash_key_seed(&crew.key, HASH_SEED);
    }
    conf.dir = project_objects_dir(j->conf->project, e);
    if (conf.dir == NULL ||
        ledger_open(&r->ledger, j->conf->project->data, e) < 0) {
        goto out;
    }
    conf.ledger = r->ledger;
    if (raw_open(&r->raw, &conf, s, e) == 0) {
        rc = crew_run(&crew, j->counts, e);
    }
out:
    raw_close(r->raw);
    ledger_close(r->ledger);
    return rc;
}

/* What was only looked at does not count. */
static int reset_counts(struct job *j, struct err *e)
{
    clean_counts_release(j->counts);
    return clean_counts_init(j->counts, j->table, e);
}

/* The set is not the table's (first run, crash, another machine): read what
 * the table was made of again, and only note it. */
static int rebuild_seen(struct job *j, struct err *e)
{
    struct hash_key key;

    hash_key_random(&key);
    if (dedup_new(&j->seen, &key, DEDUP_ROWS_MAX, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n; i++) {
        struct reader r = {.job = j, .range = &j->ranges[i]};
        struct span before = j->ranges[i].span;

        before.to = before.from;
        before.from = 0;
        if (before.to > 0 && clean_span(&r, &before, e) < 0) {
            return -1;
        }
    }
    return reset_counts(j, e);
}

static int open_seen(struct job *j, struct err *e)
{
    const char *dir = catalog_table_dir(j->conf->project, j->table->name, e);
    struct err why;

    if (dir == NULL || fs_join(j->dedup_path, dir, "_pinline.seen", e) < 0) {
        return -1;
    }
    if (j->table->dedup == SPEC_DEDUP_NONE ||
        j->table->dedup == SPEC_DEDUP_LAST) {
        return 0;
    }
    if (!j->full && dedup_load(&j->seen, j->dedup_path, table_state(j, false),
                               j->table->hash, DEDUP_ROWS_MAX, &why) == 0) {
        return 0;
    }
    return rebuild_seen(j, e);
}

static int bury(struct job *j, const struct range *r,
                const struct clean_reject *x, const struct message *m,
                struct err *e)
{
    struct deadletter d = {.pipeline = "batch",
                           .topic = r->span.topic,
                           .epoch = r->span.epoch,
                           .partition = r->span.partition,
                           .offset = x->offset,
                           .sub = x->sub,
                           .rule = x->rule,
                           .reason = x->reason,
                           .payload = m[x->message].value,
                           .has_payload = m[x->message].has_value,
                           .spec_hash = j->table->hash,
                           .time_us = clock_wall_us()};

    return ledger_bury(j->ledger, &d, e);
}

/* Of rows with one key only the last one's place is kept. */
static int keep_last(struct job *j, struct crew_block *p, struct err *e)
{
    struct clean_out *o = &p->out;
    uint8_t *keep;
    int64_t gone = 0;

    if (j->last == NULL || o->rows.rows == 0) {
        return 0;
    }
    keep = mem_resize(NULL, o->rows.rows, 1);
    if (keep == NULL) {
        return err_nomem(e, o->rows.rows);
    }
    for (size_t i = 0; i < o->rows.rows; i++) {
        keep[i] = dedup_last_is(j->last, o->hash[i], j->place++);
        gone += keep[i] ? 0 : 1;
    }
    batch_filter(&o->rows, keep);
    p->duplicates += gone;
    mem_free(keep);
    return 0;
}

static int note_last(struct job *j, struct range *r, struct crew_block *b,
                     struct err *e)
{
    (void)r;
    for (size_t i = 0; i < b->out.rows.rows; i++) {
        if (dedup_last_note(j->last, b->out.hash[i], j->place++, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int bury_all(struct job *j, const struct range *r,
                    const struct crew_block *b, struct err *e)
{
    if (b->out.nrejects == 0) {
        return 0;
    }
    if (ledger_begin(j->ledger, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < b->out.nrejects; i++) {
        if (bury(j, r, &b->out.rejects[i], b->m, e) < 0) {
            ledger_rollback(j->ledger);
            return -1;
        }
    }
    return ledger_commit(j->ledger, e);
}

/* Rows to the sink, rejects to the dead letters, numbers to the range. */
static int keep_block(struct job *j, struct range *r, struct crew_block *b,
                      struct err *e)
{
    const struct clean_out *o = &b->out;
    struct span at = r->span;

    if (keep_last(j, b, e) < 0 || bury_all(j, r, b, e) < 0) {
        return -1;
    }
    r->counts.messages += (int64_t)b->n;
    r->counts.cleaned += (int64_t)o->rows.rows;
    r->counts.rejected += (int64_t)o->nrejects;
    r->counts.duplicate += b->duplicates;
    r->counts.expanded +=
        (int64_t)(o->rows.rows + o->nrejects) + b->duplicates - (int64_t)b->n;
    at.from = r->next;
    at.to = b->m[b->n - 1].offset + 1;
    r->next = at.to;
    if (j->keep != NULL &&
        batch_append(j->keep, &o->rows, 0, o->rows.rows, e) < 0) {
        return -1;
    }
    return sink_write_rows(j->sink, &at, &o->rows, e);
}

/* Keeping the last by key needs to know all keys' places first. */
static int find_last(struct job *j, struct err *e)
{
    if (j->table->dedup != SPEC_DEDUP_LAST) {
        return 0;
    }
    if (dedup_last_new(&j->last, DEDUP_ROWS_MAX, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n; i++) {
        struct reader r = {.job = j, .range = &j->ranges[i], .take = note_last};

        if (clean_span(&r, &j->ranges[i].span, e) < 0) {
            return -1;
        }
    }
    if (reset_counts(j, e) < 0) {
        return -1;
    }
    j->place = 0;
    return 0;
}

static int clean_ranges(struct job *j, struct err *e)
{
    if (find_last(j, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n; i++) {
        struct range *r = &j->ranges[i];
        struct reader reader = {.job = j, .range = r, .take = keep_block};

        r->next = r->span.from;
        if (clean_span(&reader, &r->span, e) < 0) {
            return err_wrap(e, "topic \"%s\" partition %" PRId32, r->span.topic,
                            r->span.partition);
        }
    }
    return 0;
}

/* Ledger rows become durable before the table's commit (flow/ledger.h). */
static int commit(struct job *j, struct err *e)
{
    if (ledger_begin(j->ledger, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n; i++) {
        struct range *r = &j->ranges[i];
        struct ledger_row row = {
            .pipeline = "batch", .span = r->span, .counts = r->counts};

        (void)snprintf(row.made_by, sizeof(row.made_by), "%s", j->table->hash);
        if ((j->full && ledger_forget(j->ledger, "batch", r->span.topic,
                                      j->table->hash, e) < 0) ||
            (r->span.to > r->span.from && ledger_put(j->ledger, &row, e) < 0)) {
            ledger_rollback(j->ledger);
            return -1;
        }
    }
    if (ledger_commit(j->ledger, e) < 0) {
        return -1;
    }
    INJECT(batch_before_commit);
    if (sink_commit(j->sink, true, e) < 0) {
        return -1;
    }
    return j->seen == NULL
               ? 0
               : dedup_save(j->seen, j->dedup_path, table_state(j, true),
                            j->table->hash, e);
}

static int open_table(struct job *j, struct err *e)
{
    struct sink_conf conf = {.kind = "delta",
                             .defs = j->table->defs,
                             .columns = j->table->ndefs,
                             .pipeline = "batch",
                             .table = j->table->name,
                             .spec_hash = j->table->hash,
                             .replace = j->full};

    conf.dir = catalog_table_dir(j->conf->project, j->table->name, e);
    return conf.dir == NULL ? -1 : sink_open(&j->sink, &conf, e);
}

static void job_release(struct job *j)
{
    dedup_free(j->seen);
    dedup_last_free(j->last);
    sink_close(j->sink);
    mem_free(j->ranges);
}

/* Whether there is anything to do. */
static bool any_new(const struct job *j)
{
    for (size_t i = 0; i < j->n; i++) {
        if (j->ranges[i].span.to > j->ranges[i].span.from) {
            return true;
        }
    }
    return false;
}

static int run_job(struct job *j, const struct broker_topic *topics, size_t n,
                   struct flow_batch_table *ret, struct err *e)
{
    struct clean_counts *counts = &ret->clean;

    j->counts = counts;
    if (open_table(j, e) < 0 || find_ranges(j, topics, n, e) < 0) {
        return -1;
    }
    if (!any_new(j) && !j->full) {
        return 0;
    }
    if (open_seen(j, e) < 0 || clean_ranges(j, e) < 0 ||
        clean_counts_check(counts, j->table, e) < 0 || commit(j, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n; i++) {
        const struct ledger_counts *c = &j->ranges[i].counts;

        ret->counts.messages += c->messages;
        ret->counts.expanded += c->expanded;
        ret->counts.cleaned += c->cleaned;
        ret->counts.rejected += c->rejected;
        ret->counts.duplicate += c->duplicate;
    }
    return 0;
}

static int run_table(const struct flow_batch_conf *conf, struct ledger *ledger,
                     const struct spec_table *table,
                     struct flow_batch_table *ret, struct err *e)
{
    struct job j = {.conf = conf, .table = table, .ledger = ledger};
    struct broker_topic *topics = NULL;
    size_t n;
    int rc;

    /* by key, an old row may give way to a new one: begin again */
    j.keep = conf->keep_rows ? &ret->rows : NULL;
    j.full = conf->full || table->dedup == SPEC_DEDUP_FIRST ||
             table->dedup == SPEC_DEDUP_LAST;
    if (broker_topic_list(conf->broker, &topics, &n, e) < 0) {
        return -1;
    }
    rc = run_job(&j, topics, n, ret, e);
    if (rc < 0) {
        err_wrap(e, "table \"%s\"", table->name);
    }
    job_release(&j);
    mem_free(topics);
    return rc;
}

static int run_all(const struct flow_batch_conf *conf, struct ledger *ledger,
                   struct flow_batch_result *ret, struct err *e)
{
    for (size_t i = 0; i < conf->spec->ntables; i++) {
        struct flow_batch_table *t = &ret->tables[ret->n];

        t->table = &conf->spec->tables[i];
        if (batch_init(&t->rows, t->table->defs, t->table->ndefs, e) < 0) {
            return -1;
        }
        ret->n++;
        if (clean_counts_init(&t->clean, t->table, e) < 0) {
            return -1;
        }
        if (run_table(conf, ledger, t->table, t, e) < 0) {
            return -1;
        }
    }
    return 0;
}

int flow_batch_run(const struct flow_batch_conf *conf,
                   struct flow_batch_result *ret, struct err *e)
{
    struct flow_batch_result result = {0};
    struct ledger *ledger = NULL;
    struct lock lock = {.fd = -1};
    struct err ignored;
    int64_t id = 0;
    int rc = -1;
    const char *path = project_path(conf->project, "batch.lock", e);

    if (path == NULL || lock_take(&lock, path, "batch", e) < 0 ||
        ledger_open(&ledger, conf->project->data, e) < 0 ||
        ledger_run_begin(ledger, "batch", conf->full ? "full" : "new", &id, e) <
            0) {
        goto out;
    }
    rc = run_all(conf, ledger, &result, e);
    if (ledger_run_end(ledger, id, rc < 0 ? "failed" : "success",
                       rc < 0 ? e->msg : "", rc < 0 ? &ignored : e) < 0) {
        rc = -1;
    }
out:
    ledger_close(ledger);
    lock_drop(&lock);
    if (rc < 0) {
        flow_batch_release(&result);
        return -1;
    }
    *ret = result;
    return 0;
}

void flow_batch_release(struct flow_batch_result *r)
{
    for (size_t i = 0; i < r->n; i++) {
        clean_counts_release(&r->tables[i].clean);
        batch_release(&r->tables[i].rows);
    }
    r->n = 0;
}
