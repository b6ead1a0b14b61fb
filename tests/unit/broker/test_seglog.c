#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "test.h"

#include "broker/broker.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/inject.h"
#include "core/mem.h"
#include "db/sqlite.h"

static struct err e;
static char dir[FS_PATH_MAX];
static int folders;

static struct broker *open_at(enum broker_mode mode, int64_t segment_bytes)
{
    struct broker_conf conf = {
        .dir = dir, .mode = mode, .segment_bytes = segment_bytes};
    struct broker *b = NULL;

    CHECK_OK(broker_open(&b, &conf, &e), &e);
    return b;
}

static struct broker *fresh(int64_t segment_bytes)
{
    (void)snprintf(dir, sizeof(dir), "%s/%d", test_folder(), folders++);
    return open_at(BROKER_WRITE, segment_bytes);
}

static void make(struct broker *b, const char *name, int64_t retention_us,
                 int64_t retention_bytes)
{
    struct broker_topic t = {.partitions = 2,
                             .retention_us = retention_us,
                             .retention_bytes = retention_bytes};

    (void)snprintf(t.name, sizeof(t.name), "%s", name);
    CHECK_OK(broker_topic_create(b, &t, &e), &e);
}

/* One record of 1,000 bytes that say which it is. */
static int put(struct broker *b, const char *topic, int32_t part, int64_t no,
               struct broker_report *rep)
{
    char value[1000];
    char key[32];
    struct broker_record r = {
        .partition = part, .has_value = true, .value = {value, sizeof(value)}};
    struct broker_produce p = {
        .topic = topic, .records = &r, .n = 1, .reports = rep};

    memset(value, 'v', sizeof(value));
    (void)snprintf(value, sizeof(value), "%s %" PRId32 " %" PRId64, topic, part,
                   no);
    (void)snprintf(key, sizeof(key), "%s%" PRId32 "%" PRId64, topic, part, no);
    p.idempotency_key = slice_of(key);
    return broker_produce(b, &p, &e);
}

static void fill(struct broker *b, const char *topic, int32_t part,
                 int64_t from, int64_t to)
{
    for (int64_t i = from; i < to; i++) {
        struct broker_report rep = {-1, -1, ERR_NONE};

        CHECK_OK(put(b, topic, part, i, &rep), &e);
        CHECK_INT(rep.offset, i);
    }
}

/* Everything from `from` on; returns how many there were. */
static int64_t check_all(struct broker *b, const char *topic, int32_t part,
                         int64_t from, size_t max_bytes)
{
    struct broker_fetch f = {.next = from};
    int64_t at = from;

    do {
        if (broker_fetch(b, topic, part, f.next, max_bytes, &f, &e) < 0) {
            test_fail(__FILE__, __LINE__, "%s", e.msg);
            break;
        }
        for (size_t i = 0; i < f.n; i++, at++) {
            char want[100];

            (void)snprintf(want, sizeof(want), "%s %" PRId32 " %" PRId64, topic,
                           part, at);
            CHECK_INT(f.messages[i].offset, at);
            CHECK(strcmp(f.messages[i].value.ptr, want) == 0);
        }
    } while (f.n > 0);
    CHECK_INT(f.next, f.end);
    broker_fetch_release(b, &f);
    return at - from;
}

static void check_ends(struct broker *b, const char *topic, int32_t part,
                       int64_t want_begin, int64_t want_end)
{
    int64_t begin = -1;
    int64_t end = -1;

    CHECK_OK(broker_offsets(b, topic, part, &begin, &end, &e), &e);
    CHECK_INT(begin, want_begin);
    CHECK_INT(end, want_end);
}

static size_t segments(void)
{
    char path[FS_PATH_MAX];
    struct fs_names names;
    size_t n = 0;

    CHECK_OK(fs_join(path, dir, "topics", &e), &e);
    CHECK_OK(fs_names(path, &names, &e), &e);
    for (size_t i = 0; i < names.n; i++) {
        n += slice_ends(slice_of(names.names[i]), SLICE(".log"));
    }
    fs_names_release(&names);
    return n;
}

static void segments_follow_each_other_unseen(void)
{
    struct broker *b = fresh(100000);
    struct broker *r;

    make(b, "a", -1, -1);
    make(b, "b", -1, -1);
    for (int64_t i = 0; i < 400; i += 50) {
        fill(b, "a", 0, i, i + 50);
        fill(b, "a", 1, i / 2, i / 2 + 25);
        fill(b, "b", 1, i, i + 50);
    }
    CHECK(segments() > 8);
    r = open_at(BROKER_READ, 0);
    for (size_t bytes = 1; bytes <= 1000000; bytes *= 100) {
        CHECK_INT(check_all(b, "a", 0, 0, bytes), 400);
        CHECK_INT(check_all(r, "b", 1, 0, bytes), 400);
        CHECK_INT(check_all(r, "a", 1, 0, bytes), 200);
        CHECK_INT(check_all(b, "b", 0, 0, bytes), 0);
    }
    for (int64_t at = 0; at < 400; at += 37) {
        CHECK_INT(check_all(r, "a", 0, at, 5000), 400 - at);
    }
    fill(b, "a", 0, 400, 500); /* the reader sees what is new */
    CHECK_INT(check_all(r, "a", 0, 0, 100000), 500);
    check_ends(r, "a", 0, 0, 500);
    CHECK(broker_wait(r, "a", 0, 499, 0));
    CHECK(!broker_wait(r, "a", 0, 500, 1000));
    broker_close(r);
    broker_close(b);
    b = open_at(BROKER_WRITE, 100000);
    CHECK_INT(check_all(b, "a", 0, 0, 100000), 500);
    fill(b, "a", 0, 500, 510);
    CHECK_INT(check_all(b, "b", 1, 0, 100000), 400);
    broker_close(b);
}

static void keys_are_known_after_reopening(void)
{
    struct broker *b = fresh(20000);
    struct broker_report rep = {-1, -1, ERR_NONE};
    struct broker_stats s;

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 100); /* over several segments */
    broker_close(b);
    b = open_at(BROKER_WRITE, 20000);
    for (int64_t i = 0; i < 100; i++) {
        CHECK_OK(put(b, "a", 0, i, &rep), &e);
        CHECK_INT(rep.offset, i);
    }
    check_ends(b, "a", 0, 0, 100);
    broker_stats(b, &s);
    CHECK_INT(s.repeats, 100);
    CHECK_INT(s.records, 0);
    broker_close(b);
}

static void others_see_topics_come_and_go(void)
{
    struct broker *b = fresh(0);
    struct broker *r;
    struct broker_topic t = {0};
    struct broker_report rep;

    make(b, "a", -1, -1);
    r = open_at(BROKER_READ, 0);
    make(r, "new", -1, -1); /* by the reader, used by the writer */
    fill(b, "new", 0, 0, 3);
    CHECK_INT(check_all(r, "new", 0, 0, 1000), 3);
    CHECK(put(r, "new", 0, 3, &rep) < 0);
    CHECK_INT(e.code, ERR_DENIED);
    CHECK_OK(broker_topic_delete(r, "new", &e), &e);
    clock_sleep_us(60000);
    CHECK(put(b, "new", 0, 3, &rep) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    make(r, "new", -1, -1);
    fill(b, "new", 0, 0, 2); /* again from offset 0, and keys are new */
    CHECK_INT(check_all(r, "new", 0, 0, 1000), 2);
    CHECK_OK(broker_topic_get(r, "new", &t, &e), &e);
    CHECK_INT(t.epoch, 3);
    broker_close(r);
    broker_close(b);
}

static void retention_removes_whole_segments(void)
{
    struct broker *b = fresh(20000);
    struct broker_retention r = {.now_us = clock_wall_us() + 3600000000};
    int64_t begin = 0;
    int64_t end = 0;
    size_t before;

    make(b, "old", 60000000, -1);
    make(b, "kept", -1, -1);
    make(b, "big", -1, 30000);
    fill(b, "old", 0, 0, 100);
    fill(b, "kept", 0, 0, 50);
    fill(b, "big", 0, 0, 100);
    before = segments();
    CHECK_OK(broker_retain(b, &r, &e), &e);
    CHECK(r.segments > 5);
    CHECK_INT(r.expired, 0);
    CHECK_INT(segments(), before - (size_t)r.segments);
    CHECK_OK(broker_offsets(b, "old", 0, &begin, &end, &e), &e);
    CHECK_INT(end, 100);
    CHECK(begin > 50);
    CHECK_INT(check_all(b, "old", 0, begin, 1000), 100 - begin);
    CHECK_INT(check_all(b, "kept", 0, 0, 1000), 50);
    CHECK_OK(broker_offsets(b, "big", 0, &begin, &end, &e), &e);
    CHECK(begin >= 40 && begin < 80);
    { /* an offset that has expired reads from what is there */
        struct broker_fetch f = {0};

        CHECK_OK(broker_fetch(b, "big", 0, 3, 1, &f, &e), &e);
        CHECK(f.n == 1 && f.messages[0].offset == begin);
        broker_fetch_release(b, &f);
    }
    broker_close(b);
    b = open_at(BROKER_WRITE, 20000);
    check_ends(b, "big", 0, begin, 100);
    broker_close(b);
}

static void retention_waits_for_groups_unless_forced(void)
{
    struct broker *b = fresh(20000);
    static const char *const keep[] = {"slow", "elsewhere", NULL};
    struct broker_retention r = {.now_us = clock_wall_us() + 3600000000,
                                 .keep_for = keep};
    struct broker_position p = {.topic = "a", .offset = 30};
    int64_t begin = 0;
    int64_t end = 0;

    make(b, "a", 1000, -1);
    fill(b, "a", 0, 0, 100);
    CHECK_OK(broker_group_commit(b, "slow", &p, 1, NULL, &e), &e);
    CHECK_OK(broker_retain(b, &r, &e), &e);
    CHECK_OK(broker_offsets(b, "a", 0, &begin, &end, &e), &e);
    CHECK(begin > 10 && begin <= 30);
    CHECK_INT(r.expired, 0);
    r.force = true;
    CHECK_OK(broker_retain(b, &r, &e), &e);
    CHECK_OK(broker_offsets(b, "a", 0, &begin, &end, &e), &e);
    CHECK(begin > 60);
    CHECK_INT(r.expired, begin - 30);
    broker_close(b);
}

static void deleting_a_topic_frees_its_segments(void)
{
    struct broker *b = fresh(20000);
    struct broker_report rep;

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 100);
    CHECK(segments() > 4);
    CHECK_OK(broker_topic_delete(b, "a", &e), &e);
    CHECK_INT(segments(), 1);
    make(b, "a", -1, -1);
    CHECK_OK(put(b, "a", 0, 0, &rep), &e);
    CHECK_INT(rep.offset, 0);
    broker_close(b);
}

static char *segment_path(int no)
{
    static char path[FS_PATH_MAX + 40];

    (void)snprintf(path, sizeof(path), "%s/topics/%08d.log", dir, no);
    return path;
}

static void append(const char *path, const void *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_APPEND);

    CHECK(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    (void)close(fd);
}

/* The state that a crash in the middle of a commit leaves. */
static void what_a_crash_cut_off_is_dropped(void)
{
    struct broker *b = fresh(0);
    struct buf file;
    int64_t size = 0;

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 10);
    broker_close(b);
    buf_init(&file, 1 << 20);
    CHECK_OK(fs_size(segment_path(1), &size, &e), &e);
    CHECK_OK(fs_read(segment_path(1), &file, &e), &e);
    append(segment_path(1), file.ptr + 64, 500); /* half a frame */
    b = open_at(BROKER_WRITE, 0);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 10);
    fill(b, "a", 0, 10, 12);
    broker_close(b);
    b = open_at(BROKER_WRITE, 0);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 12);
    broker_close(b);
    buf_release(&file);
}

static void damage_is_said_and_nothing_is_made_up(void)
{
    struct broker *b = fresh(0);
    struct broker_fetch f = {0};
    int fd;

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 10);
    broker_close(b);
    fd = open(segment_path(1), O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, "?", 1, 64 + 5 * 1120 + 600) == 1);
    (void)close(fd);
    b = open_at(BROKER_WRITE, 0);
    check_ends(b, "a", 0, 0, 10);
    CHECK_OK(broker_fetch(b, "a", 0, 0, 1, &f, &e), &e);
    CHECK(broker_fetch(b, "a", 0, 5, 1000000, &f, &e) < 0);
    CHECK_INT(e.code, ERR_CORRUPT);
    CHECK(strstr(e.msg, "damaged at byte") != NULL);
    broker_fetch_release(b, &f);
    broker_close(b);
    CHECK(truncate(segment_path(1), 3000) == 0);
    {
        struct broker_conf conf = {.dir = dir, .mode = BROKER_WRITE};

        b = NULL;
        CHECK(broker_open(&b, &conf, &e) < 0);
        CHECK_INT(e.code, ERR_CORRUPT);
        CHECK(b == NULL);
    }
}

static void a_failed_commit_answers_an_error_and_leaves_nothing(void)
{
    struct broker *b = fresh(0);
    struct broker_report rep;
    static const enum inject_point points[] = {INJECT_broker_before_commit,
                                               INJECT_fs_sync};

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 5);
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        int64_t next = 5 + (int64_t)i;

        inject_fail_at(points[i], 1);
        CHECK(put(b, "a", 0, next, &rep) < 0);
        CHECK_INT(e.code, ERR_IO);
        CHECK(err_retriable(e.code));
        inject_fail_at(points[i], 0);
        check_ends(b, "a", 0, 0, next);
        CHECK_OK(put(b, "a", 0, next, &rep), &e); /* the same key */
        CHECK_INT(rep.offset, next);
    }
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 7);
    broker_close(b);
    b = open_at(BROKER_WRITE, 0);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 7);
    broker_close(b);
}

static void without_the_shared_page_readers_look_for_the_end(void)
{
    struct broker *b = fresh(20000);
    char path[FS_PATH_MAX];

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 50);
    broker_close(b);
    CHECK_OK(fs_join(path, dir, "topics/durable", &e), &e);
    CHECK(truncate(path, 0) == 0 && truncate(path, 64) == 0);
    b = open_at(BROKER_READ, 0);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 50);
    broker_close(b);
    b = open_at(BROKER_WRITE, 20000);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 50);
    fill(b, "a", 0, 50, 60);
    broker_close(b);
}

static void running_out_of_memory_is_survived(void)
{
    struct broker *b = fresh(0);
    unsigned n = 0;
    int rc;

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 3);
    broker_close(b);
    do {
        struct broker_conf conf = {.dir = dir, .mode = BROKER_READ};
        struct broker_fetch f = {0};

        b = NULL;
        mem_fail_after(++n);
        rc = broker_open(&b, &conf, &e);
        if (rc == 0) {
            rc = broker_fetch(b, "a", 0, 0, 100000, &f, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 ? f.n == 3 : e.code == ERR_NOMEM);
        if (b) {
            broker_fetch_release(b, &f);
        }
        broker_close(b);
    } while (rc < 0 && n < 1000);
    CHECK(n > 20 && n < 1000);
}

/* Part of a frame gets into the file, then no more: as on a full disk. */
static void a_file_that_cannot_grow_refuses_whole_requests(void)
{
    struct broker *b = fresh(0);
    struct rlimit old;
    struct rlimit small;
    struct broker_report rep;
    int64_t size = 0;
    int64_t now = 0;

    make(b, "a", -1, -1);
    fill(b, "a", 0, 0, 5);
    CHECK_OK(fs_size(segment_path(1), &size, &e), &e);
    CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
    small = old;
    small.rlim_cur = (rlim_t)size + 500;
    (void)signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    for (int i = 0; i < 3; i++) {
        CHECK(put(b, "a", 0, 5, &rep) < 0);
        CHECK_INT(e.code, ERR_IO);
        CHECK(strstr(e.msg, "could not store records") != NULL);
        CHECK_OK(fs_size(segment_path(1), &now, &e), &e);
        CHECK_INT(now, size);
    }
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 5);
    CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
    fill(b, "a", 0, 5, 8);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 8);
    broker_close(b);
}

static void running_out_of_memory_while_storing_loses_nothing(void)
{
    struct broker *b = fresh(0);
    int64_t next = 0;
    unsigned n = 0;
    int in_a_row = 0;

    make(b, "a", -1, -1);
    while (in_a_row < 5 && n < 500) {
        struct broker_report rep = {-1, -1, ERR_NONE};
        int rc;

        mem_fail_after(++n);
        rc = put(b, "a", 0, next, &rep);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        in_a_row = rc == 0 ? in_a_row + 1 : 0;
        if (rc == 0) {
            CHECK_INT(rep.offset, next);
            next++;
        }
    }
    CHECK(n > 5 && n < 500);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), next);
    broker_close(b);
}

/* tests/fixtures/topics-1 was written by the first program that had it. */
static void topics_of_format_1_are_read(void)
{
    static const char *const files[] = {
        "meta.db", "topics/00000001.log", "topics/00000002.log",
        "topics/00000003.log", "topics/00000004.log"};
    const char *root = getenv("PINLINE_ROOT");
    struct broker_position p = {.offset = 0};
    struct broker *b;
    char from[FS_PATH_MAX];
    char to[FS_PATH_MAX];

    (void)snprintf(dir, sizeof(dir), "%s/%d", test_folder(), folders++);
    (void)snprintf(to, sizeof(to), "%.4000s/topics", dir);
    CHECK_OK(fs_make_folders(to, &e), &e);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct buf bytes;

        buf_init(&bytes, 1 << 20);
        (void)snprintf(from, sizeof(from), "%s/tests/fixtures/topics-1/%s",
                       root ? root : ".", files[i]);
        (void)snprintf(to, sizeof(to), "%.4000s/%s", dir, files[i]);
        CHECK_OK(fs_read(from, &bytes, &e), &e);
        CHECK_OK(fs_publish(to, buf_slice(&bytes), &e), &e);
        buf_release(&bytes);
    }
    b = open_at(BROKER_WRITE, 20000);
    CHECK_INT(check_all(b, "a", 0, 0, 1000), 30);
    CHECK_INT(check_all(b, "b", 1, 0, 1000), 12);
    CHECK_OK(broker_group_get(b, "g", "a", 0, &p, &e), &e);
    CHECK_INT(p.offset, 7);
    fill(b, "a", 0, 30, 33);
    broker_close(b);
}

static void another_format_is_refused(void)
{
    struct broker *b = fresh(0);
    struct broker_conf conf = {.dir = dir, .mode = BROKER_WRITE};
    struct sqlite *db = NULL;
    char path[FS_PATH_MAX];

    broker_close(b);
    CHECK_OK(fs_join(path, dir, "meta.db", &e), &e);
    CHECK_OK(sqlite_open(&db, path, SQLITE_TO_WRITE, &e), &e);
    CHECK_OK(
        sqlite_exec(db, "UPDATE config SET value=2 WHERE name='format'", &e),
        &e);
    sqlite_close(db);
    b = NULL;
    CHECK(broker_open(&b, &conf, &e) < 0);
    CHECK_INT(e.code, ERR_UNAVAILABLE);
    CHECK(strstr(e.msg, "format 2") != NULL);
    conf.mode = BROKER_READ;
    CHECK(broker_open(&b, &conf, &e) < 0);
    CHECK_INT(e.code, ERR_UNAVAILABLE);
    CHECK(b == NULL);
}

int main(void)
{
    static const struct test tests[] = {
        {"I17 topics: topics of format 1 are read",
         topics_of_format_1_are_read},
        {"I17 topics: another format is refused by its number",
         another_format_is_refused},
        {"segments follow each other unseen",
         segments_follow_each_other_unseen},
        {"I3 topics: keys are known after reopening",
         keys_are_known_after_reopening},
        {"others see topics come and go", others_see_topics_come_and_go},
        {"retention removes whole segments", retention_removes_whole_segments},
        {"retention waits for groups unless forced",
         retention_waits_for_groups_unless_forced},
        {"deleting a topic frees its segments",
         deleting_a_topic_frees_its_segments},
        {"what a crash cut off is dropped", what_a_crash_cut_off_is_dropped},
        {"damage is said and nothing is made up",
         damage_is_said_and_nothing_is_made_up},
        {"a failed commit answers an error and leaves nothing",
         a_failed_commit_answers_an_error_and_leaves_nothing},
        {"without the shared page readers look for the end",
         without_the_shared_page_readers_look_for_the_end},
        {"a file that cannot grow refuses whole requests",
         a_file_that_cannot_grow_refuses_whole_requests},
        {"running out of memory while storing loses nothing",
         running_out_of_memory_while_storing_loses_nothing},
        {"running out of memory is survived",
         running_out_of_memory_is_survived},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
