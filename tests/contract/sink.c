/* One contract, every sink: argv[1] is its name. */
#include <stdlib.h>

#include "test.h"

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/num.h"
#include "db/postgres.h"
#include "lake/delta.h"
#include "sink/kafka.h"
#include "sink/sink.h"
#include "store/store.h"

enum {
    KEPT = 8, /* positions that the hooks remember */
    TEXT = 64
};

static const struct col_def defs[] = {
    {.name = "ind", .type = COL_INT32},
    {.name = "title", .type = COL_TEXT},
};

static const char *kind;
static int folders;
static char path[FS_PATH_MAX];
static struct err e;

/* What the flow would store for sinks that keep no positions of their own. */
static struct kept {
    char topic[TEXT];
    int64_t position;
    struct sink_plan planned;
    int64_t written;
} kept[KEPT];

static struct kept *kept_of(const struct span *s)
{
    for (size_t i = 0; i < KEPT; i++) {
        if (kept[i].topic[0] == '\0') {
            (void)snprintf(kept[i].topic, TEXT, "%s", s->topic);
            kept[i].position = -1;
            kept[i].planned.n = 0;
        }
        if (strcmp(kept[i].topic, s->topic) == 0) {
            return &kept[i];
        }
    }
    abort();
}

static int planned(void *arg, const struct span *s, struct sink_plan *ret,
                   struct err *x)
{
    (void)arg;
    (void)x;
    *ret = kept_of(s)->planned;
    return 0;
}

static int plan(void *arg, const struct span *s, const struct sink_plan *p,
                struct err *x)
{
    (void)arg;
    (void)x;
    kept_of(s)->planned = *p;
    return 0;
}

static int done(void *arg, const struct span *s, const struct sink_counts *c,
                const struct sink_plan *rest, struct err *x)
{
    (void)arg;
    (void)x;
    kept_of(s)->position = s->to;
    kept_of(s)->planned = *rest;
    kept_of(s)->written += c->written;
    return 0;
}

static int position(void *arg, const struct span *s, int64_t *ret,
                    struct err *x)
{
    (void)arg;
    (void)x;
    *ret = kept_of(s)->position;
    return 0;
}

static int reject(void *arg, const struct span *s, const struct message *m,
                  const char *rule, const char *reason, struct err *x)
{
    (void)arg;
    (void)s;
    (void)m;
    (void)rule;
    (void)reason;
    (void)x;
    return 0;
}

static bool is(const char *name)
{
    return strcmp(kind, name) == 0;
}

/* The database that the test was started with. */
static const char *database(void)
{
    const char *url = getenv("PINLINE_TEST_POSTGRES");

    return url != NULL ? url : "";
}

static int64_t table_rows(const char *table)
{
    struct postgres_call call = {.n = 0};
    struct postgres_rows *rows = NULL;
    struct postgres *db = NULL;
    struct login login;
    char sql[sizeof(path) + TEXT];
    int64_t n = -1;

    (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM \"%s\"", table);
    call.sql = sql;
    CHECK_OK(login_find(&login, database(), &e), &e);
    CHECK_OK(postgres_open(&db, &login, 0, &e), &e);
    CHECK_OK(postgres_call(db, &call, &rows, &e), &e);
    CHECK(num_i64(postgres_rows_value(rows, 0, 0), &n));
    postgres_rows_free(rows);
    postgres_close(db);
    return n;
}

/* A broker's outbox as the sink "kafka" is promised it: what was put is there
 * with the commit, which moves the positions. */
static struct {
    int64_t put;
    int64_t there;
    bool wrong; /* a record that is not as it should be */
} box;

static int box_position(void *arg, const struct span *s, int64_t *ret,
                        struct err *x)
{
    (void)arg;
    (void)x;
    *ret = kept_of(s)->position < 0 ? 0 : kept_of(s)->position;
    return 0;
}

static int box_put(void *arg, struct slice key, bool has_key,
                   struct slice value, struct err *x)
{
    char want[TEXT];

    (void)arg;
    (void)x;
    (void)snprintf(want, sizeof(want), "{\"ind\":%.*s,\"title\":\"x\"}",
                   SLICE_FMT(key));
    box.wrong = box.wrong || !has_key || !slice_is(value, want);
    box.put++;
    return 0;
}

static int box_commit(void *arg, const struct span *spans, size_t n,
                      struct err *x)
{
    (void)arg;
    (void)x;
    for (size_t i = 0; i < n; i++) {
        kept_of(&spans[i])->position = spans[i].to;
    }
    box.there += box.put;
    box.put = 0;
    return 0;
}

/* A place that no sink has written to. */
static void fresh(void)
{
    char name[TEXT];

    memset(kept, 0, sizeof(kept));
    memset(&box, 0, sizeof(box));
    (void)snprintf(name, sizeof(name), "%d%s", folders++,
                   is("file_stream") ? ".jsonl" : "");
    if (is("postgres")) { /* not one of an earlier run */
        (void)snprintf(path, sizeof(path), "t%s_%lld", name,
                       (long long)clock_wall_us());
        return;
    }
    if (is("objects") && getenv("PINLINE_STORE_URL") != NULL) {
        (void)snprintf(path, sizeof(path), "%s/%lld-%s",
                       getenv("PINLINE_STORE_URL"), (long long)clock_wall_us(),
                       name);
        return;
    }
    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
}

static struct sink *open_sink(void)
{
    static const struct sink_outbox outbox = {
        .position = box_position, .put = box_put, .commit = box_commit};
    static const char *const key[] = {"ind"};
    struct sink_conf conf = {.kind = kind,
                             .dir = path,
                             .hooks = {.planned = planned,
                                       .plan = plan,
                                       .done = done,
                                       .position = position,
                                       .reject = reject},
                             .url = database(),
                             .into = path,
                             .flush_records = 10,
                             .defs = defs,
                             .columns = ARRAY_LEN(defs),
                             .pipeline = "p",
                             .table = "t",
                             .spec_hash = "h"};
    struct sink *s = NULL;

    if (is("kafka")) {
        conf.outbox = &outbox;
        conf.key = key;
        conf.nkey = ARRAY_LEN(key);
        box.put = 0; /* what an earlier one did not commit is dropped */
    }
    CHECK_OK(sink_open(&s, &conf, &e), &e);
    if (s == NULL) {
        exit(1);
    }
    return s;
}

static int write_rows(struct sink *s, const struct span *span)
{
    struct batch b;
    int rc;

    CHECK_OK(batch_init(&b, defs, ARRAY_LEN(defs), &e), &e);
    for (int64_t i = span->from; i < span->to; i++) {
        CHECK_OK(batch_put_i32(&b, 0, (int32_t)i, &e), &e);
        CHECK_OK(batch_put_text(&b, 1, SLICE("x"), &e), &e);
        batch_end_row(&b);
    }
    rc = sink_write_rows(s, span, &b, &e);
    batch_release(&b);
    return rc;
}

static int write_messages(struct sink *s, const struct span *span)
{
    size_t n = (size_t)(span->to - span->from);
    struct message *m = mem_zero(n + 1, sizeof(*m));
    char(*texts)[TEXT] = mem_zero(n + 1, sizeof(*texts));
    int rc;

    for (size_t i = 0; i < n; i++) {
        int len = snprintf(texts[i], TEXT, "{\"ind\":%lld}",
                           (long long)span->from + (long long)i);

        m[i] = (struct message){.offset = span->from + (int64_t)i,
                                .value = {texts[i], (size_t)len},
                                .has_value = true};
    }
    rc = sink_write_messages(s, span, m, n, &e);
    mem_free(texts);
    mem_free(m);
    return rc;
}

static int write_span(struct sink *s, const char *topic, int64_t from,
                      int64_t to)
{
    struct span span = {.topic = topic, .epoch = 1, .from = from, .to = to};

    return sink_takes(s) == SINK_ROWS ? write_rows(s, &span)
                                      : write_messages(s, &span);
}

static int64_t stands(struct sink *s, const char *topic)
{
    struct span span = {.topic = topic, .epoch = 1};
    int64_t at = -2;

    CHECK_OK(sink_position(s, &span, &at, &e), &e);
    return at < 0 ? 0 : at;
}

/* --- what arrived ----------------------------------------------------------------- */

/* Lines of all files below a folder, but for temporary ones. */
static int64_t lines_below(const char *dir)
{
    struct fs_names names;
    int64_t n = 0;

    if (!fs_is_folder(dir)) {
        return 0;
    }
    CHECK_OK(fs_names(dir, &names, &e), &e);
    for (size_t i = 0; i < names.n; i++) {
        char sub[FS_PATH_MAX];
        struct buf b;

        CHECK_OK(fs_join(sub, dir, names.names[i], &e), &e);
        if (names.names[i][strlen(names.names[i]) - 1] == '/') {
            n += lines_below(sub);
            continue;
        }
        if (strstr(names.names[i], ".tmp") != NULL) {
            continue;
        }
        buf_init(&b, 1 << 20);
        CHECK_OK(fs_read(sub, &b, &e), &e);
        for (size_t k = 0; k < b.len; k++) {
            n += b.ptr[k] == '\n';
        }
        buf_release(&b);
    }
    fs_names_release(&names);
    return n;
}

struct reading {
    struct store *store;
    int64_t lines;
};

static bool read_lines(void *arg, const struct store_object *o)
{
    struct reading *r = arg;
    struct buf b;

    buf_init(&b, 1 << 20);
    CHECK_OK(store_get(r->store, o->key, &b, &e), &e);
    for (size_t k = 0; k < b.len; k++) {
        r->lines += b.ptr[k] == '\n';
    }
    buf_release(&b);
    return true;
}

/* Lines of all objects of a store. */
static int64_t lines_in_store(void)
{
    struct store_conf conf = {.url = path};
    struct reading r = {0};

    CHECK_OK(store_open(&r.store, &conf, &e), &e);
    CHECK_OK(store_list(r.store, "topics/", NULL, read_lines, &r, &e), &e);
    store_close(r.store);
    return r.lines;
}

static int64_t arrived(void)
{
    struct delta *t;
    int64_t n = 0;
    struct buf b;

    if (is("postgres")) {
        n = table_rows(path);
    } else if (is("kafka")) {
        CHECK(!box.wrong);
        n = box.there;
    } else if (is("delta")) {
        CHECK_OK(delta_open(&t, path, NULL, &e), &e);
        n = delta_rows(t);
        delta_close(t);
    } else if (is("objects")) {
        n = store_url_is_remote(path) ? lines_in_store() : lines_below(path);
    } else if (fs_exists(path)) {
        buf_init(&b, 1 << 20);
        CHECK_OK(fs_read(path, &b, &e), &e);
        for (size_t k = 0; k < b.len; k++) {
            n += b.ptr[k] == '\n';
        }
        buf_release(&b);
    }
    return n;
}

/* --- the contract ------------------------------------------------------------------- */

static void committed_rows_are_there_once(void)
{
    struct sink *s;

    fresh();
    s = open_sink();
    CHECK_INT(stands(s, "a"), 0);
    CHECK_OK(write_span(s, "a", 0, 5), &e);
    CHECK_OK(write_span(s, "a", 5, 7), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_INT(stands(s, "a"), 7);
    CHECK_INT(arrived(), is("null") ? 0 : 7);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_INT(arrived(), is("null") ? 0 : 7);
    CHECK_OK(write_span(s, "a", 7, 30), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_INT(arrived(), is("null") ? 0 : 30);
    sink_close(s);
}

static void what_was_not_committed_is_not_there(void)
{
    struct sink *s;

    fresh();
    s = open_sink();
    CHECK_OK(write_span(s, "a", 0, 5), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_OK(write_span(s, "a", 5, 9), &e);
    sink_close(s);
    CHECK_INT(arrived(), 5);
    s = open_sink();
    CHECK_INT(stands(s, "a"), 5);
    CHECK_OK(write_span(s, "a", 5, 9), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_INT(arrived(), 9);
    CHECK_INT(stands(s, "a"), 9);
    sink_close(s);
}

static void two_topics_go_their_own_ways(void)
{
    struct sink *s;

    fresh();
    s = open_sink();
    CHECK_OK(write_span(s, "a", 0, 3), &e);
    CHECK_OK(write_span(s, "b", 0, 4), &e);
    CHECK_OK(write_span(s, "a", 3, 4), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_INT(stands(s, "a"), 4);
    CHECK_INT(stands(s, "b"), 4);
    CHECK_INT(stands(s, "c"), 0);
    CHECK_INT(arrived(), 8);
    sink_close(s);
}

static void a_gap_or_a_repeat_is_fenced(void)
{
    struct sink *s;

    fresh();
    s = open_sink();
    CHECK_OK(write_span(s, "a", 0, 5), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK(write_span(s, "a", 7, 9) < 0 || sink_commit(s, true, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    sink_close(s);
    s = open_sink();
    CHECK(write_span(s, "a", 0, 5) < 0 || sink_commit(s, true, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    sink_close(s);
    CHECK_INT(arrived(), 5);
}

static void of_two_sinks_on_one_output_one_wins(void)
{
    struct sink *s;
    struct sink *t;

    fresh();
    s = open_sink();
    t = open_sink();
    CHECK_OK(write_span(s, "a", 0, 5), &e);
    CHECK_OK(write_span(t, "a", 0, 5), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK(sink_commit(t, true, &e) < 0);
    CHECK_INT(e.code, ERR_FENCED);
    sink_close(s);
    sink_close(t);
    CHECK_INT(arrived(), 5);
}

static void wrong_words_are_refused_with_the_right_ones(void)
{
    struct sink_conf conf = {.kind = "detla", .dir = path};
    struct sink *s = NULL;

    CHECK(sink_open(&s, &conf, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK(strstr(e.msg, "did you mean \"delta\"?") != NULL);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"committed rows are there once", committed_rows_are_there_once},
        {"wrong words are refused with the right ones",
         wrong_words_are_refused_with_the_right_ones},
        {"what was not committed is not there",
         what_was_not_committed_is_not_there},
        {"two topics go their own ways", two_topics_go_their_own_ways},
        {"a gap or a repeat is fenced", a_gap_or_a_repeat_is_fenced},
        {"of two sinks on one output one wins",
         of_two_sinks_on_one_output_one_wins},
    };
    size_t n = ARRAY_LEN(tests);

    if (argc != 2) {
        return 2;
    }
    kind = argv[1];
    if (is("null")) {
        n = 2; /* it keeps nothing that could be looked at */
    } else if (!is("delta") && !is("postgres")) {
        n--; /* one owner by the pipeline's lock; positions are its hooks' */
    }
    return test_main(tests, n);
}
