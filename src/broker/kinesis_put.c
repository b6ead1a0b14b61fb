/* kinesis_put.c - records into a stream: PutRecords, refused ones again. */
#include <inttypes.h>
#include <string.h>

#include "broker/kinesis_int.h"
#include "core/clock.h"
#include "core/digest.h"
#include "core/inject.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/retry.h"
#include "core/text.h"

enum {
    PUT_AGAIN_US = 30000000, /* how long refused records are tried */
    KEY_MAX = 256,
    DATA_MAX = 10 << 20,
    WAITING = -1,
};

/* One request on its way. */
struct put {
    struct kinesis *k;
    struct broker_produce *p;
    const char *stream;
    const struct kinesis_shard *shards;
    size_t n_shards;
    size_t *chosen; /* the records of the call that is under way */
    size_t n_chosen;
};

/* What Kinesis cannot hold is refused before it is asked. */
static enum err_code judge(const struct put *u, const struct broker_record *r)
{
    if (r->headers.len > 0 || !text_utf8_valid(r->key, NULL)) {
        return ERR_INVALID;
    }
    if (r->key.len > KEY_MAX || r->value.len > DATA_MAX) {
        return ERR_LIMIT;
    }
    if (r->partition < 0) {
        return ERR_NONE;
    }
    for (size_t i = 0; i < u->n_shards; i++) {
        if (u->shards[i].number == r->partition && u->shards[i].open) {
            return ERR_NONE;
        }
    }
    return ERR_NOTFOUND;
}

/* A shard's first hash key leads to it: the record's own partition, or, for
 * one without a key, each open shard in turn. */
static const char *hash_of(struct put *u, const struct broker_record *r)
{
    size_t open = 0;
    size_t turn;

    for (size_t i = 0; i < u->n_shards; i++) {
        if (r->partition >= 0 && u->shards[i].number == r->partition) {
            return u->shards[i].first_hash;
        }
        open += u->shards[i].open ? 1 : 0;
    }
    if (r->partition >= 0 || (r->has_key && r->key.len > 0) || open == 0) {
        return NULL; /* by its key */
    }
    turn = u->k->turn++ % open;
    for (size_t i = 0; i < u->n_shards; i++) {
        if (u->shards[i].open && turn-- == 0) {
            return u->shards[i].first_hash;
        }
    }
    return NULL;
}

static int put_one(struct put *u, const struct broker_record *r, struct err *e)
{
    struct buf *b = &u->k->body;
    const char *hash = hash_of(u, r);

    if (buf_puts(b, "{\"Data\":\"", e) != 0 ||
        digest_base64(r->value, b, e) != 0 ||
        buf_puts(b, "\",\"PartitionKey\":", e) != 0 ||
        (r->has_key && r->key.len > 0 ? json_print_text(b, r->key, e)
                                      : buf_puts(b, "\"-\"", e)) != 0 ||
        (hash != NULL &&
         buf_putf(b, e, ",\"ExplicitHashKey\":\"%s\"", hash) != 0)) {
        return -1;
    }
    return buf_putc(b, '}', e);
}

/* As many waiting records as one call takes, from *at on; also its body. */
static int choose(struct put *u, size_t *at, struct err *e)
{
    size_t bytes = 0;

    u->n_chosen = 0;
    if (kinesis_body(u->k, u->stream, e) != 0 ||
        buf_puts(&u->k->body, ",\"Records\":[", e) != 0) {
        return -1;
    }
    for (; *at < u->p->n && u->n_chosen < KINESIS_PUT_RECORDS; (*at)++) {
        const struct broker_record *r = &u->p->records[*at];
        size_t size = r->key.len + r->value.len;

        if (u->p->reports[*at].offset != WAITING ||
            u->p->reports[*at].code != ERR_BUSY) {
            continue;
        }
        if (u->n_chosen > 0 && bytes + size > KINESIS_PUT_BYTES) {
            break;
        }
        bytes += size;
        if ((u->n_chosen > 0 && buf_putc(&u->k->body, ',', e) != 0) ||
            put_one(u, r, e) != 0) {
            return -1;
        }
        u->chosen[u->n_chosen++] = *at;
    }
    return buf_putc(&u->k->body, ']', e);
}

static int32_t shard_of(yyjson_val *o)
{
    struct slice text;
    int64_t n = -1;

    if (json_get_text(o, "ShardId", &text) &&
        slice_starts(text, SLICE("shardId-"))) {
        (void)num_i64(slice_from(text, 8), &n);
    }
    return (int32_t)n;
}

/* What became of each; true when some must be tried again. */
static bool take_answer(struct put *u, yyjson_val *root)
{
    yyjson_val *records = json_get(root, "Records");
    bool again = false;

    mutex_lock(&u->k->told);
    for (size_t i = 0; i < u->n_chosen; i++) {
        struct broker_report *rep = &u->p->reports[u->chosen[i]];
        yyjson_val *o = yyjson_arr_get(records, i);

        if (o == NULL || json_get(o, "ErrorCode") != NULL) {
            again = true;
            continue;
        }
        rep->code = ERR_NONE;
        rep->partition = shard_of(o);
        rep->offset = -1; /* known when the shard is read */
        u->k->stats.bytes += (int64_t)u->p->records[u->chosen[i]].value.len;
        u->k->stats.records++;
    }
    u->k->stats.commits++;
    mutex_unlock(&u->k->told);
    return again;
}

/* Every waiting record once; *ret_again: some were refused for now. */
static int round_of_calls(struct put *u, bool *ret_again, struct err *e)
{
    size_t at = 0;

    *ret_again = false;
    while (at < u->p->n) {
        struct json_doc doc;

        if (choose(u, &at, e) != 0) {
            return -1;
        }
        if (u->n_chosen == 0) {
            break;
        }
        if (kinesis_call(u->k, "PutRecords", &doc, e) != 0) {
            return -1;
        }
        *ret_again |= take_answer(u, doc.root);
        json_release(&doc);
    }
    return 0;
}

static int put_all(struct put *u, struct err *e)
{
    struct retry_policy policy = {
        .first_us = 100000, .most_us = 2000000, .deadline_us = PUT_AGAIN_US};
    struct retry retry;
    bool again = true;

    retry_init(&retry, &policy, (uint64_t)clock_mono_us());
    while (again) {
        if (round_of_calls(u, &again, e) != 0) {
            return -1;
        }
        if (again && !retry_wait(&retry, ERR_BUSY)) {
            break; /* the rest stays ERR_BUSY */
        }
    }
    return 0;
}

static int store(struct kinesis *k, struct broker_produce *p, struct err *e)
{
    struct kinesis_shard *shards = NULL;
    struct put u = {.k = k, .p = p, .stream = p->topic};
    int rc;

    if (kinesis_shards(k, p->topic, &shards, &u.n_shards, e) != 0) {
        return -1;
    }
    u.shards = shards;
    u.chosen = mem_zero(KINESIS_PUT_RECORDS, sizeof(*u.chosen));
    rc = u.chosen == NULL
             ? err_nomem(e, KINESIS_PUT_RECORDS * sizeof(*u.chosen))
             : 0;
    for (size_t i = 0; rc == 0 && i < p->n; i++) {
        enum err_code code = judge(&u, &p->records[i]);

        p->reports[i] =
            (struct broker_report){.partition = -1,
                                   .offset = WAITING,
                                   .code = code != ERR_NONE ? code : ERR_BUSY};
    }
    rc = rc != 0 ? rc : put_all(&u, e);
    mem_free(u.chosen);
    mem_free(shards);
    return rc;
}

/* Keys are remembered by this handle, not by Kinesis. */
static int remember(struct kinesis *k, const struct broker_produce *p,
                    struct codec_key *key, struct err *e)
{
    struct codec_run *runs = mem_zero(p->n, sizeof(*runs));
    int rc;

    if (runs == NULL) {
        return err_nomem(e, p->n * sizeof(*runs));
    }
    for (size_t i = 0; i < p->n; i++) {
        runs[i] = (struct codec_run){.partition = p->reports[i].partition,
                                     .count = 1,
                                     .first = p->reports[i].offset};
        if (p->reports[i].code != ERR_NONE) {
            runs[i].partition = -(int32_t)p->reports[i].code;
        }
    }
    key->runs = (uint32_t)p->n;
    rc = window_add(k->window, key, runs, clock_wall_us(), e);
    mem_free(runs);
    return rc;
}

/* True when the key was used before: answered. */
static bool repeated(struct kinesis *k, struct broker_produce *p,
                     struct codec_key *key)
{
    const struct window_entry *en;
    struct slice topic = slice_of(p->topic);
    uint8_t digest[DIGEST_MD5];
    int64_t scope;

    digest_md5(topic, digest);
    memcpy(&scope, digest, sizeof(scope));
    window_expire(k->window, clock_wall_us());
    window_hash(scope, p->principal, p->idempotency_key, key->hash);
    memcpy(key->digest, p->body_digest, sizeof(key->digest));
    en = window_find(k->window, key->hash);
    if (en == NULL) {
        return false;
    }
    if (memcmp(en->digest, key->digest, sizeof(key->digest)) != 0) {
        (void)err_set(&p->error, ERR_CONFLICT,
                      "idempotency key was used before with another body");
        return true;
    }
    window_answer(en, p->reports, p->n);
    p->repeated = true;
    mutex_lock(&k->told);
    k->stats.repeats++;
    mutex_unlock(&k->told);
    return true;
}

int kinesis_produce(struct broker *b, struct broker_produce *p, struct err *e)
{
    struct kinesis *k = (struct kinesis *)b;
    struct codec_key key = {.runs = 0};
    bool keyed = p->idempotency_key.len > 0;

    (void)e;
    mutex_lock(&k->lock);
    if (!keyed || !repeated(k, p, &key)) {
        kinesis_end_forget(k, p->topic);
        if (store(k, p, &p->error) == 0 && keyed) {
            (void)remember(k, p, &key, &p->error);
        }
    }
    mutex_unlock(&k->lock);
    INJECT(kinesis_after_put);
    p->done(p);
    return 0;
}
