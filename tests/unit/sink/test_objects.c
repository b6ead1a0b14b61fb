/* How the objects sink names what it writes and when it cuts: by Confluent's
 * words, in a folder. */
#include <stdlib.h>

#include "test.h"

#include "core/fs.h"
#include "core/mem.h"
#include "sink/objects.h"
#include "sink/sink.h"

static struct err e;
static int folders;
static char path[FS_PATH_MAX];

/* --- what the flow would keep ------------------------------------------------------- */

static int64_t position_now;
static struct sink_plan plan_now;
static char rejected[512];

static int planned(void *arg, const struct span *s, struct sink_plan *ret,
                   struct err *x)
{
    (void)arg;
    (void)s;
    (void)x;
    *ret = plan_now;
    return 0;
}

static int plan(void *arg, const struct span *s, const struct sink_plan *p,
                struct err *x)
{
    (void)arg;
    (void)s;
    (void)x;
    plan_now = *p;
    return 0;
}

static int done(void *arg, const struct span *s, const struct sink_counts *c,
                const struct sink_plan *rest, struct err *x)
{
    (void)arg;
    (void)c;
    (void)x;
    position_now = s->to;
    plan_now = *rest;
    return 0;
}

static int position(void *arg, const struct span *s, int64_t *ret,
                    struct err *x)
{
    (void)arg;
    (void)s;
    (void)x;
    *ret = position_now;
    return 0;
}

static int reject(void *arg, const struct span *s, const struct message *m,
                  const char *rule, const char *reason, struct err *x)
{
    size_t n = strlen(rejected);

    (void)arg;
    (void)s;
    (void)reason;
    (void)x;
    (void)snprintf(rejected + n, sizeof(rejected) - n, "%lld %s;",
                   (long long)m->offset, rule);
    return 0;
}

/* --- the sink ------------------------------------------------------------------------- */

static struct sink *open_sink(const struct sink_objects *o, int64_t records)
{
    struct sink_conf conf = {.kind = "objects",
                             .dir = path,
                             .objects = o,
                             .flush_records = records,
                             .hooks = {.planned = planned,
                                       .plan = plan,
                                       .done = done,
                                       .position = position,
                                       .reject = reject}};
    struct sink *s = NULL;

    return sink_open(&s, &conf, &e) < 0 ? NULL : s;
}

static void fresh(void)
{
    char name[16];

    position_now = -1;
    plan_now = (struct sink_plan){0};
    rejected[0] = '\0';
    (void)snprintf(name, sizeof(name), "%d", folders++);
    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
}

/* Values from the offset on, a minute apart from 2026-11-21T23:58Z; NULL is a
 * tombstone. */
static int write(struct sink *s, const char *const *values, size_t n,
                 int64_t from)
{
    struct span span = {
        .topic = "t", .epoch = 1, .from = from, .to = from + (int64_t)n};
    struct message m[16];

    for (size_t i = 0; i < n; i++) {
        m[i] = (struct message){.offset = from + (int64_t)i,
                                .time_us =
                                    (1795305480LL + 60 * (int64_t)i) * 1000000};
        if (values[i] != NULL) {
            m[i].value = slice_of(values[i]);
            m[i].has_value = true;
        }
    }
    return sink_write_messages(s, &span, m, n, &e);
}

static bool add(void *arg, const struct store_object *o)
{
    CHECK_OK(buf_putf(arg, &e, "%s\n", o->key), &e);
    return true;
}

static void has(const char *want)
{
    struct store_conf conf = {.url = path};
    struct store *s;
    struct buf b;

    buf_init(&b, 1 << 16);
    CHECK_OK(store_open(&s, &conf, &e), &e);
    CHECK_OK(store_list(s, "", NULL, add, &b, &e), &e);
    test_check_text(__FILE__, __LINE__, buf_slice(&b), want);
    store_close(s);
    buf_release(&b);
}

static void holds(const char *key, const char *want)
{
    char file[FS_PATH_MAX];
    struct buf b;

    buf_init(&b, 1 << 16);
    CHECK_OK(fs_join(file, path, key, &e), &e);
    CHECK_OK(fs_read(file, &b, &e), &e);
    test_check_text(__FILE__, __LINE__, buf_slice(&b), want);
    buf_release(&b);
}

/* All of values with these options, and the names that come of it. */
static void names(const struct sink_objects *o, int64_t records,
                  const char *const *values, size_t n, const char *want)
{
    struct sink *s;

    fresh();
    s = open_sink(o, records);
    CHECK(s != NULL);
    if (s == NULL) {
        (void)fprintf(stderr, "%s\n", e.msg);
        return;
    }
    CHECK_OK(write(s, values, n, 0), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_INT(position_now, n);
    CHECK_INT(plan_now.n, 0);
    sink_close(s);
    has(want);
}

static const char *const four[] = {
    "{\"k\":\"a/b\",\"at\":\"2020-01-31T23:30:00+02:00\"}",
    "{\"k\":2,\"at\":1577836800000}", "{\"k\":\"a/b\",\"at\":\"2020-02-01\"}",
    "{\"k\":true,\"at\":\"2020-01-31 22:00:00\"}"};

/* --- tests ------------------------------------------------------------------------------ */

static void names_are_confluents_and_can_be_changed(void)
{
    struct sink_objects o = {0};

    names(NULL, 3, four, 4,
          "topics/t/partition=0/t+0+0000000000.json\n"
          "topics/t/partition=0/t+0+0000000003.json\n");
    o = (struct sink_objects){
        .topics_dir = "", .directory_delim = "_", .file_delim = "-", .pad = 4};
    names(&o, 2, four, 4,
          "t_partition=0_t-0-0000.json\n"
          "t_partition=0_t-0-0002.json\n");
    o = (struct sink_objects){
        .name = "events/{topic}/{partition}-{offset}.json", .pad = 1};
    names(&o, 1, four, 4,
          "events/t/0-0.json\nevents/t/0-1.json\n"
          "events/t/0-2.json\nevents/t/0-3.json\n");
}

static void fields_make_partitions(void)
{
    static const char *const fields[] = {"k"};
    struct sink_objects o = {
        .partitioner = OBJECTS_FIELD, .fields = fields, .nfields = 1};

    names(&o, 0, four, 4,
          "topics/t/k=2/t+0+0000000001.json\n"
          "topics/t/k=a%2Fb/t+0+0000000000.json\n"
          "topics/t/k=true/t+0+0000000003.json\n");
    holds("topics/t/k=a%2Fb/t+0+0000000000.json",
          "{\"k\":\"a/b\",\"at\":\"2020-01-31T23:30:00+02:00\"}\n"
          "{\"k\":\"a/b\",\"at\":\"2020-02-01\"}\n");
}

static void time_makes_partitions(void)
{
    struct sink_objects o = {.partitioner = OBJECTS_DAILY};

    names(&o, 0, four, 4,
          "topics/t/year=2026/month=11/day=21/t+0+0000000000.json\n"
          "topics/t/year=2026/month=11/day=22/t+0+0000000002.json\n");
    o = (struct sink_objects){
        .partitioner = OBJECTS_HOURLY, .clock = OBJECTS_IN, .time_field = "at"};
    names(&o, 0, four, 4,
          "topics/t/year=2020/month=01/day=01/hour=00/t+0+0000000001.json\n"
          "topics/t/year=2020/month=01/day=31/hour=21/t+0+0000000000.json\n"
          "topics/t/year=2020/month=01/day=31/hour=22/t+0+0000000003.json\n"
          "topics/t/year=2020/month=02/day=01/hour=00/t+0+0000000002.json\n");
    o = (struct sink_objects){.partitioner = OBJECTS_TIME,
                              .path_format = "'d'=YYYYMMdd_HHmm"};
    names(&o, 0, four, 2,
          "topics/t/d=20261121_2358/t+0+0000000000.json\n"
          "topics/t/d=20261121_2359/t+0+0000000001.json\n");
}

static void records_time_rotates(void)
{
    struct sink_objects o = {.rotate_us = 120LL * 1000000};

    names(&o, 0, four, 4,
          "topics/t/partition=0/t+0+0000000000.json\n"
          "topics/t/partition=0/t+0+0000000002.json\n");
}

static void what_has_no_place_is_set_aside(void)
{
    static const char *const fields[] = {"k"};
    static const char *const odd[] = {"{\"k\":1}", "{\"x\":1}", "no json", NULL,
                                      "{\"k\":{}}"};
    struct sink_objects o = {
        .partitioner = OBJECTS_FIELD, .fields = fields, .nfields = 1};

    names(&o, 0, odd, ARRAY_LEN(odd), "topics/t/k=1/t+0+0000000000.json\n");
    CHECK_TEXT(slice_of(rejected),
               "1 no_place;2 not_json;3 tombstone;4 no_place;");
}

static void nulls_are_ignored_written_or_refused(void)
{
    static const char *const values[] = {NULL, "1", NULL};
    struct sink_objects o = {.nulls = OBJECTS_NULLS_WRITE};
    struct sink *s;

    names(&o, 0, values, 3, "topics/t/partition=0/t+0+0000000000.json\n");
    holds("topics/t/partition=0/t+0+0000000000.json", "null\n1\nnull\n");
    o.nulls = OBJECTS_NULLS_IGNORE;
    names(&o, 0, values, 3, "topics/t/partition=0/t+0+0000000000.json\n");
    holds("topics/t/partition=0/t+0+0000000000.json", "1\n");
    o.nulls = OBJECTS_NULLS_FAIL;
    fresh();
    s = open_sink(&o, 0);
    CHECK(write(s, values, 3, 0) < 0);
    CHECK_INT(e.code, ERR_DATA);
    CHECK(strstr(e.msg, "objects.nulls") != NULL);
    sink_close(s);
}

/* Another run, with other settings, cuts where the one before it planned. */
static void a_replay_cuts_as_it_was_planned(void)
{
    struct sink *s;

    fresh();
    position_now = 0;
    plan_now = (struct sink_plan){.n = 2, .to = {1, 3}};
    s = open_sink(NULL, 100);
    CHECK_OK(write(s, four, 4, 0), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    sink_close(s);
    has("topics/t/partition=0/t+0+0000000000.json\n"
        "topics/t/partition=0/t+0+0000000001.json\n"
        "topics/t/partition=0/t+0+0000000003.json\n");
    /* the position was lost: the same objects again, which is fine */
    position_now = 0;
    plan_now = (struct sink_plan){.n = 2, .to = {1, 3}};
    s = open_sink(NULL, 100);
    CHECK_OK(write(s, four, 4, 0), &e);
    CHECK_OK(sink_commit(s, true, &e), &e);
    sink_close(s);
    /* but not with other content */
    position_now = 0;
    s = open_sink(NULL, 1);
    CHECK(write(s, four + 1, 3, 0) < 0 || sink_commit(s, true, &e) < 0);
    CHECK_INT(e.code, ERR_CORRUPT);
    CHECK(strstr(e.msg, "other content") != NULL);
    sink_close(s);
}

/* Forty values of a thousand bytes, one a write. */
static void forty(const struct sink_objects *o, int64_t planned_to)
{
    char value[1001];
    const char *values[] = {value};
    struct sink *s;

    fresh();
    position_now = 0;
    if (planned_to > 0) {
        plan_now = (struct sink_plan){.n = 1, .to = {planned_to}};
    }
    s = open_sink(o, 0);
    memset(value, '1', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    value[0] = value[sizeof(value) - 2] = '"';
    for (int64_t i = 0; i < 40; i++) {
        CHECK_OK(write(s, values, 1, i), &e);
    }
    CHECK_OK(sink_commit(s, true, &e), &e);
    CHECK_INT(position_now, 40);
    CHECK_INT(plan_now.n, 0);
    sink_close(s);
}

static bool count_bytes(void *arg, const struct store_object *o)
{
    int64_t *sums = arg; /* objects, bytes, largest */

    sums[0]++;
    sums[1] += o->bytes;
    sums[2] = o->bytes > sums[2] ? o->bytes : sums[2];
    return true;
}

static void what_is_held_is_bounded(void)
{
    struct sink_objects o = {.memory_bytes = 10000};
    struct store_conf conf = {.url = path};
    struct store *store;
    int64_t sums[3] = {0};

    forty(&o, 0);
    CHECK_OK(store_open(&store, &conf, &e), &e);
    CHECK_OK(store_list(store, "", NULL, count_bytes, sums, &e), &e);
    CHECK(sums[0] >= 4);
    CHECK_INT(sums[1], 40 * 1001);
    CHECK(sums[2] <= 10000);
    store_close(store);
    /* but a range that was planned is as it was planned */
    forty(&o, 30);
    sums[2] = 0;
    CHECK_OK(store_open(&store, &conf, &e), &e);
    CHECK_OK(store_list(store, "", NULL, count_bytes, sums, &e), &e);
    CHECK_INT(sums[2], 30 * 1001);
    store_close(store);
    o.memory_bytes = 0;
    forty(&o, 0);
    has("topics/t/partition=0/t+0+0000000000.json\n");
}

static void wrong_options_are_refused(void)
{
    static const struct {
        struct sink_objects o;
        const char *words;
    } wrong[] = {
        {{.name = "events/{topic}.json"}, "needs {offset}"},
        {{.name = "{offset}", .partitioner = OBJECTS_DAILY}, "default"},
        {{.partitioner = OBJECTS_FIELD}, "objects.partition_fields"},
        {{.partitioner = OBJECTS_TIME}, "objects.path_format"},
        {{.timezone = "Mars/Olympus"}, "Mars/Olympus"},
        {{.pad = 30}, "at most 20"},
    };
    struct sink_objects o = {.name = "{offset}{x}"};
    struct sink *s;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        fresh();
        CHECK(open_sink(&wrong[i].o, 0) == NULL);
        if (strstr(e.msg, wrong[i].words) == NULL) {
            test_fail(__FILE__, __LINE__, "%s", e.msg);
        }
    }
    fresh();
    s = open_sink(&o, 1);
    CHECK(write(s, four, 1, 0) < 0);
    CHECK(strstr(e.msg, "{x} is none of") != NULL);
    sink_close(s);
}

int main(void)
{
    static const struct test tests[] = {
        {"names are Confluent's and can be changed",
         names_are_confluents_and_can_be_changed},
        {"fields make partitions", fields_make_partitions},
        {"time makes partitions", time_makes_partitions},
        {"records' time rotates", records_time_rotates},
        {"what has no place is set aside", what_has_no_place_is_set_aside},
        {"nulls are ignored, written or refused",
         nulls_are_ignored_written_or_refused},
        {"I4 objects: a replay cuts as it was planned",
         a_replay_cuts_as_it_was_planned},
        {"I10 objects: what open objects and those on their way hold is bounded",
         what_is_held_is_bounded},
        {"wrong options are refused", wrong_options_are_refused},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
