#include "flow/table_job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/mem.h"
#include "flow/catalog.h"
#include "flow/group.h"
#include "flow/into_kafka.h"
#include "flow/into_postgres.h"
#include "flow/raw.h"
#include "flow/table_job_int.h"
#include "store/store.h"

enum {
    DEDUP_ROWS_MAX = 1 << 30,
    HASH_SEED = 7528,
    RANGES_MAX = 4096,
    PAYLOADS_MAX = 256 << 20,
};

/* --- where it stands, and how far the raw data reach ------------------------ */

static int objects_end(const struct table_job *j, const struct span *s,
                       int64_t *ret, struct err *e)
{
    struct broker_position at;
    char group[TOPIC_NAME_MAX + 1];

    group_name(j->conf.project, "objects", group);
    if (broker_group_get(j->conf.broker, group, s->topic, s->partition, &at,
                         e) < 0) {
        *ret = 0;
        return e->code == ERR_NOTFOUND ? 0 : -1;
    }
    *ret = at.epoch == s->epoch ? at.offset : 0;
    return 0;
}

/* The objects' position, or the topic's end. */
static int raw_end(const struct table_job *j, const struct span *s,
                   int64_t next, int64_t until, int64_t *ret, struct err *e)
{
    int64_t begin;

    if (broker_offsets(j->conf.broker, s->topic, s->partition, &begin, ret, e) <
            0 ||
        (!j->conf.from_topics && objects_end(j, s, ret, e) < 0)) {
        return -1;
    }
    if (until >= 0 && *ret > until) {
        *ret = until > next ? until : next;
    }
    if (j->conf.reach != NULL) {
        if (j->conf.reach(j->conf.arg, s, ret, e) < 0) {
            return -1;
        }
        *ret = *ret > next ? *ret : next;
    }
    return 0;
}

static struct table_range *find(struct table_job *j, const char *topic,
                                int64_t epoch, int32_t partition)
{
    for (size_t i = 0; i < j->n; i++) {
        struct table_range *r = j->ranges[i];

        if (r->span.epoch == epoch && r->span.partition == partition &&
            strcmp(r->topic, topic) == 0) {
            return r;
        }
    }
    return NULL;
}

static struct table_range *add_range(struct table_job *j,
                                     const struct broker_topic *t,
                                     int32_t partition, struct err *e)
{
    struct table_range **grown;
    struct table_range *r;

    if (j->n == RANGES_MAX) {
        err_set(e, ERR_LIMIT, "over %d partitions", RANGES_MAX);
        return NULL;
    }
    grown = mem_resize(j->ranges, j->n + 1, sizeof(*grown));
    if (grown == NULL) {
        err_nomem(e, sizeof(*grown));
        return NULL;
    }
    j->ranges = grown;
    r = mem_zero(1, sizeof(*r));
    if (r == NULL) {
        err_nomem(e, sizeof(*r));
        return NULL;
    }
    (void)snprintf(r->topic, sizeof(r->topic), "%s", t->name);
    r->span = (struct span){
        .topic = r->topic, .epoch = t->epoch, .partition = partition};
    if (!j->conf.dry &&
        sink_position(j->sink, &r->span, &r->span.from, e) < 0) {
        mem_free(r);
        return NULL;
    }
    r->next = r->span.from;
    grown[j->n++] = r;
    return r;
}

static int look_at(struct table_job *j, const struct broker_topic *t,
                   int32_t partition, int64_t until, struct err *e)
{
    struct table_range *r = find(j, t->name, t->epoch, partition);
    int64_t end;

    if (r == NULL) {
        r = add_range(j, t, partition, e);
    }
    if (r == NULL || raw_end(j, &r->span, r->next, until, &end, e) < 0) {
        return -1;
    }
    if (end < r->next) {
        return err_set(e, ERR_CORRUPT,
                       "topic \"%s\" partition %" PRId32
                       ": the table is at offset %" PRId64
                       ", but the raw data end at %" PRId64
                       "; was the data directory restored in part?",
                       t->name, partition, r->next, end);
    }
    r->span.to = end;
    return 0;
}

int table_job_look(struct table_job *j, const struct broker_topic *topics,
                   size_t n, int64_t until, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (catalog_topic_table(j->conf.project, j->conf.spec,
                                topics[i].name) != j->conf.table) {
            continue;
        }
        for (int32_t k = 0; k < topics[i].partitions; k++) {
            if (look_at(j, &topics[i], k, until, e) < 0) {
                return -1;
            }
        }
    }
    return 0;
}

/* --- cleaning ----------------------------------------------------------------- */

/* Raw messages of one span, handed to a crew in blocks. */
struct reader {
    struct table_job *job;
    struct table_range *range;
    struct raw *raw;
    struct ledger *ledger; /* its own: blocks are taken at the same time */
    const struct message *m;
    size_t n;
    table_take_fn take;
};

static int fill(void *arg, struct crew_block *b, struct err *e)
{
    struct reader *r = arg;
    size_t bytes = 0;
    size_t n = 0;

    if (r->job->bytes_left <= 0 || r->job->messages_left <= 0) {
        return 0;
    }
    if (r->n == 0 && raw_next(r->raw, &r->m, &r->n, e) < 0) {
        return -1;
    }
    while (n < r->n && (int64_t)n < r->job->messages_left &&
           (n == 0 || (bytes + r->m[n].value.len <= CREW_BLOCK &&
                       (int64_t)bytes < r->job->bytes_left))) {
        bytes += r->m[n++].value.len;
    }
    b->topic = r->range->topic;
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
    r->job->bytes_left -= (int64_t)(bytes + n);
    r->job->messages_left -= (int64_t)n;
    return 0;
}

static int take(void *arg, struct crew_block *b, struct err *e)
{
    struct reader *r = arg;

    return r->take == NULL ? 0 : r->take(r->job, r->range, b, e);
}

static int open_raw(struct reader *r, const struct span *s, struct err *e)
{
    const struct table_job_conf *c = &r->job->conf;
    struct raw_conf conf = {.broker = c->broker,
                            .from_objects = !c->from_topics,
                            .gzip = c->project->objects_gzip,
                            .pipeline = "objects",
                            .others = !broker_is_here(c->project->broker)};

    if (conf.from_objects) {
        const char *dir = project_objects_dir(c->project, e);

        if (dir == NULL) {
            return -1;
        }
        conf.store = project_store(c->project, dir, e);
        conf.objects = project_objects(c->project, e);
        if (conf.store == NULL || conf.objects == NULL ||
            ledger_open(&r->ledger, c->project->data, e) < 0) {
            return -1;
        }
        conf.ledger = r->ledger;
    }
    return raw_open(&r->raw, &conf, s, e);
}

int table_job_clean(struct table_job *j, struct table_range *range,
                    const struct span *s, table_take_fn take_fn,
                    struct clean_counts *counts, struct err *e)
{
    struct reader r = {.job = j, .range = range, .take = take_fn};
    struct crew_conf crew = {.table = j->conf.table,
                             .seen = j->seen,
                             .arg = &r,
                             .fill = fill,
                             .take = take};
    int rc = -1;

    if (j->seen != NULL) {
        crew.key = *dedup_key(j->seen);
    } else {
        hash_key_seed(&crew.key, HASH_SEED);
    }
    if (open_raw(&r, s, e) == 0) {
        rc = crew_run(&crew, counts, e);
    }
    raw_close(r.raw);
    ledger_close(r.ledger);
    return rc < 0 ? err_wrap(e, "topic \"%s\" partition %" PRId32, range->topic,
                             range->span.partition)
                  : 0;
}

/* Of rows with one key only the last one's place is kept. */
static int keep_last(struct table_job *j, struct crew_block *p, struct err *e)
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

static int note_last(struct table_job *j, struct table_range *r,
                     struct crew_block *b, struct err *e)
{
    (void)r;
    for (size_t i = 0; i < b->out.rows.rows; i++) {
        if (dedup_last_note(j->last, b->out.hash[i], j->place++, e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Rows to the sink, rejects to the dead letters, numbers to the range. */
static int keep_block(struct table_job *j, struct table_range *r,
                      struct crew_block *b, struct err *e)
{
    const struct clean_out *o = &b->out;
    struct span at = r->span;

    if (keep_last(j, b, e) < 0 ||
        (!j->conf.dry && table_letters_add(j, r, b, e) < 0)) {
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
    j->bytes += (int64_t)b->bytes.len;
    if (j->conf.took != NULL) {
        j->conf.took(j->conf.arg, b->m, b->n);
    }
    if (j->conf.keep != NULL &&
        batch_store_add(j->conf.keep, &o->rows, e) < 0) {
        return -1;
    }
    return j->conf.dry ? 0 : sink_write_rows(j->sink, &at, &o->rows, e);
}

/* Keeping the last by key needs to know all keys' places first. */
static int find_last(struct table_job *j, struct err *e)
{
    struct clean_counts ignored;
    int rc = 0;

    if (j->conf.table->dedup != SPEC_DEDUP_LAST) {
        return 0;
    }
    if (dedup_last_new(&j->last, DEDUP_ROWS_MAX, e) < 0 ||
        clean_counts_init(&ignored, j->conf.table, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < j->n && rc == 0; i++) {
        rc = table_job_clean(j, j->ranges[i], &j->ranges[i]->span, note_last,
                             &ignored, e);
    }
    clean_counts_release(&ignored);
    j->place = 0;
    return rc;
}

/* Offsets at the end that hold no message (markers of transactions). */
static int pass_gap(struct table_job *j, struct table_range *r, struct err *e)
{
    struct span gap = r->span;
    struct batch none;
    int rc;

    if (j->bytes_left <= 0 || j->messages_left <= 0 || r->next >= r->span.to) {
        return 0;
    }
    if (j->conf.dry) {
        r->next = r->span.to;
        return 0;
    }
    gap.from = r->next;
    if (batch_init(&none, j->conf.table->defs, j->conf.table->ndefs, e) < 0) {
        return -1;
    }
    rc = sink_write_rows(j->sink, &gap, &none, e);
    batch_release(&none);
    r->next = r->span.to;
    return rc;
}

int table_job_take(struct table_job *j, int64_t max_bytes, int64_t max_messages,
                   struct clean_counts *clean, struct err *e)
{
    j->bytes_left = INT64_MAX;
    j->messages_left = INT64_MAX;
    if (!j->have_seen && (table_seen_open(j, e) < 0 || find_last(j, e) < 0)) {
        return -1;
    }
    j->have_seen = true;
    j->bytes_left = max_bytes;
    j->messages_left = max_messages;
    for (size_t i = 0; i < j->n; i++) {
        struct table_range *r = j->ranges[i];
        struct span s = r->span;

        s.from = r->next;
        if (j->bytes_left <= 0 || j->messages_left <= 0) {
            break;
        }
        if (s.from < s.to &&
            (table_job_clean(j, r, &s, keep_block, clean, e) < 0 ||
             pass_gap(j, r, e) < 0)) {
            return -1;
        }
    }
    return 0;
}

void table_job_keep(struct table_job *j, struct batch_store *keep)
{
    j->conf.keep = keep;
}

int64_t table_job_waiting(const struct table_job *j)
{
    int64_t n = 0;

    for (size_t i = 0; i < j->n; i++) {
        n += j->ranges[i]->span.to - j->ranges[i]->next;
    }
    return n;
}

bool table_job_reached(const struct table_job *j, int64_t offset)
{
    for (size_t i = 0; i < j->n; i++) {
        if (j->ranges[i]->next < offset) {
            return false;
        }
    }
    return j->n > 0;
}

int64_t table_job_taken(const struct table_job *j, int64_t *ret_bytes)
{
    int64_t n = 0;

    for (size_t i = 0; i < j->n; i++) {
        n += j->ranges[i]->next - j->ranges[i]->span.from;
    }
    *ret_bytes = j->bytes;
    return n;
}

/* --- open and close ----------------------------------------------------------------- */

/* Beside a table in a folder, else in the data directory. */
static int place_seen(struct table_job *j, const char *dir, struct err *e)
{
    const struct table_job_conf *c = &j->conf;
    bool beside = strcmp(c->sink, "delta") == 0 && !store_url_is_remote(dir);
    int n = beside ? snprintf(j->dir, sizeof(j->dir), "%s", dir)
                   : snprintf(j->dir, sizeof(j->dir), "%s/seen/%s/%s",
                              c->project->data, c->pipeline, c->table->name);

    if (n < 0 || (size_t)n >= sizeof(j->dir)) {
        return err_set(e, ERR_LIMIT, "path \"%.80s...\" is too long", dir);
    }
    return beside ? 0 : fs_make_folders(j->dir, e);
}

/* A misspelt table would be partitioned by nothing, in silence. */
static int check_tables(const struct table_job *j, const struct conf_list *list,
                        struct err *e)
{
    const struct spec *s = j->conf.spec;

    for (size_t i = 0; i < list->n; i++) {
        struct slice rest = slice_of(list->items[i]);
        struct slice name;
        bool known = false;

        (void)slice_cut(&rest, '=', &name);
        for (size_t k = 0; k < s->ntables && !known; k++) {
            known = slice_is(name, s->tables[k].name);
        }
        if (!known || rest.len == 0) {
            return err_set(e, ERR_INVALID,
                           "tables.partition_by: \"%s\" is not "
                           "TABLE=COLUMN with a table of the spec",
                           list->items[i]);
        }
    }
    return 0;
}

/* What the settings say about where the rows go. */
static int find_place(struct table_job *j, struct sink_conf *ret, struct err *e)
{
    struct project *p = j->conf.project;
    const char *table = j->conf.table->name;

    ret->dir = catalog_table_dir(p, table, e);
    if (ret->dir == NULL || place_seen(j, ret->dir, e) < 0) {
        return -1;
    }
    if (strcmp(j->conf.sink, "postgres") == 0) {
        return into_postgres(p, table, ret, e);
    }
    if (strcmp(j->conf.sink, "kafka") == 0) {
        return into_kafka_open(&j->kafka, p, j->conf.spec, j->conf.table,
                               j->conf.broker, ret, e);
    }
    ret->store = project_store(p, ret->dir, e);
    if (ret->store == NULL || check_tables(j, &p->tables_partition_by, e) < 0) {
        return -1;
    }
    return project_columns(p, &p->tables_partition_by, table, &ret->parts,
                           &ret->nparts, e);
}

int table_job_open(struct table_job **ret, const struct table_job_conf *conf,
                   struct err *e)
{
    struct table_job *j = mem_zero(1, sizeof(*j));
    struct sink_conf sink = {.kind = conf->sink,
                             .defs = conf->table->defs,
                             .columns = conf->table->ndefs,
                             .pipeline = conf->pipeline,
                             .table = conf->table->name,
                             .spec_hash = conf->table->hash,
                             .log_retention = conf->log_retention,
                             .replace = conf->full};

    if (j == NULL) {
        return err_nomem(e, sizeof(*j));
    }
    j->conf = *conf;
    j->full = conf->full;
    j->committed_us = clock_mono_us();
    arena_init(&j->payloads, PAYLOADS_MAX);
    if (find_place(j, &sink, e) < 0 ||
        (!conf->dry && sink_open(&j->sink, &sink, e) < 0)) {
        table_job_close(j);
        return -1;
    }
    *ret = j;
    return 0;
}

void table_job_close(struct table_job *j)
{
    if (j == NULL) {
        return;
    }
    dedup_free(j->seen);
    dedup_last_free(j->last);
    sink_close(j->sink);
    into_kafka_close(j->kafka);
    for (size_t i = 0; i < j->n; i++) {
        mem_free(j->ranges[i]);
    }
    mem_free(j->ranges);
    mem_free(j->letters);
    arena_release(&j->payloads);
    mem_free(j);
}
