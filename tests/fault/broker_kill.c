/*
 * kill -9 of a process that stores records, round after round: what was
 * answered is there with the same bytes, offsets are dense, two readers agree
 * and a request that is repeated after the crash is stored once.
 *
 * argv[1]: the program of broker_writer.c.  ROUNDS (20) in the environment.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#include "broker/broker.h"
#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/rand.h"

enum {
    THREADS = 4,
    PARTITIONS = 3,
    SEQ_MAX = 400000
};

static const char *writer;
static char dir[FS_PATH_MAX];
static struct err e;
static int64_t acked_total;
static int64_t repeats;

/* What was answered: offset + 1 of the two records of each request. */
static int64_t (*acked)[SEQ_MAX][2];
static int64_t next_seq[THREADS]; /* the first that was not answered */

static void take_line(const char *line)
{
    int thread = 0;
    int64_t seq = 0;
    int32_t part = 0;
    int64_t offset = 0;
    int repeated = 0;
    int which;

    if (sscanf(line, "%d %" SCNd64 " %" SCNd32 " %" SCNd64 " %d", &thread, &seq,
               &part, &offset, &repeated) != 5 ||
        thread < 0 || thread >= THREADS || seq < 0 || seq >= SEQ_MAX) {
        test_fail(__FILE__, __LINE__, "a line \"%s\"", line);
        return;
    }
    which = part == (int32_t)(seq % PARTITIONS) ? 0 : 1;
    if (acked[thread][seq][which] != 0) {
        CHECK_INT(acked[thread][seq][which], offset + 1);
    }
    acked[thread][seq][which] = offset + 1;
    acked_total++;
    repeats += repeated;
    if (which == 1 && seq >= next_seq[thread]) {
        next_seq[thread] = seq + 1;
    }
}

static void take_lines(char *text, size_t *len, bool last)
{
    char *at = text;
    char *end;

    while ((end = memchr(at, '\n', *len - (size_t)(at - text))) != NULL) {
        *end = '\0';
        take_line(at);
        at = end + 1;
    }
    *len -= (size_t)(at - text);
    memmove(text, at, *len);
    if (last) {
        *len = 0; /* cut off by the kill: it was not answered */
    }
}

/* Run the writer for run_us, then send it `sig`; returns its wait status.
 * The time counts from its first answer where it must not die earlier: when
 * there is no topic yet, and when it is to end by itself. */
static int run_writer(int64_t run_us, int sig, const char *inject)
{
    int in[2];
    int out[2];
    static char text[1 << 16];
    char numbers[256] = "";
    size_t len = 0;
    int status = 0;
    int64_t until = clock_mono_us() + run_us;
    bool sent = false;
    bool answered = false;
    pid_t pid;

    if (pipe(in) < 0 || pipe(out) < 0) {
        abort();
    }
    pid = fork();
    if (pid == 0) {
        if (inject && setenv("PINLINE_KILL_AT", inject, 1) < 0) {
            _exit(3);
        }
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)close(in[1]);
        (void)close(out[0]);
        (void)execl(writer, writer, dir, "4", "0", (char *)NULL);
        _exit(4);
    }
    (void)close(in[0]);
    (void)close(out[1]);
    (void)snprintf(numbers, sizeof(numbers),
                   "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
                   next_seq[0], next_seq[1], next_seq[2], next_seq[3]);
    CHECK(write(in[1], numbers, strlen(numbers)) == (ssize_t)strlen(numbers));
    (void)close(in[1]);
    for (;;) {
        struct pollfd p = {.fd = out[0], .events = POLLIN};
        ssize_t n;

        if ((sig == SIGTERM || acked_total == 0) && !answered) {
            until = clock_mono_us() + run_us;
        }
        if (!sent && clock_mono_us() >= until) {
            (void)kill(pid, sig);
            sent = true;
        }
        if (poll(&p, 1, 1) == 0) {
            continue;
        }
        n = read(out[0], text + len, sizeof(text) - len);
        if (n <= 0) {
            break;
        }
        answered = true;
        len += (size_t)n;
        take_lines(text, &len, false);
    }
    take_lines(text, &len, true);
    (void)close(out[0]);
    (void)waitpid(pid, &status, 0);
    return status;
}

static bool value_ok(struct slice v, int *thread, int64_t *seq)
{
    char text[64] = "";
    int n = 0;
    size_t more;

    memcpy(text, v.ptr, v.len < sizeof(text) - 1 ? v.len : sizeof(text) - 1);
    if (sscanf(text, "%d-%" SCNd64 "-%n", thread, seq, &n) != 2 || n == 0) {
        return false;
    }
    more = (size_t)((uint64_t)*seq * 2654435761U % 2000);
    if (v.len != (size_t)n + more) {
        return false;
    }
    for (size_t i = 0; i < more; i++) {
        if (v.ptr[(size_t)n + i] != (char)('a' + (i + (size_t)*seq) % 26)) {
            return false;
        }
    }
    return *thread >= 0 && *thread < THREADS && *seq >= 0 && *seq < SEQ_MAX;
}

/* Read a partition with a reader, checking each message; the count. */
static int64_t check_partition(struct broker *b, int32_t part,
                               uint8_t (*stored)[SEQ_MAX])
{
    struct broker_fetch f = {0};
    int64_t at = 0;

    do {
        if (broker_fetch(b, "t", part, at, 100000, &f, &e) < 0) {
            test_fail(__FILE__, __LINE__, "%s", e.msg);
            break;
        }
        for (size_t i = 0; i < f.n; i++, at++) {
            int thread = 0;
            int64_t seq = 0;
            int which;

            CHECK_INT(f.messages[i].offset, at);
            if (!value_ok(f.messages[i].value, &thread, &seq)) {
                test_fail(__FILE__, __LINE__, "bytes at offset %" PRId64, at);
                continue;
            }
            which = part == (int32_t)(seq % PARTITIONS) ? 0 : 1;
            if (stored[thread][seq] & 1 << which) {
                test_fail(__FILE__, __LINE__, "%d-%" PRId64 " stored twice",
                          thread, seq);
            }
            stored[thread][seq] |= (uint8_t)(1 << which);
            if (acked[thread][seq][which] != 0) {
                CHECK_INT(acked[thread][seq][which], at + 1);
            }
        }
    } while (f.n > 0);
    broker_fetch_release(b, &f);
    return at;
}

static void check_all(enum broker_mode mode)
{
    struct broker_conf conf = {
        .dir = dir, .mode = mode, .segment_bytes = 300000};
    uint8_t(*stored)[SEQ_MAX] = mem_zero(THREADS, sizeof(*stored));
    struct broker *b = NULL;
    int missing = 0;

    if (stored == NULL || broker_open(&b, &conf, &e) < 0) {
        test_fail(__FILE__, __LINE__, "%s", e.msg);
        mem_free(stored);
        return;
    }
    for (int32_t p = 0; p < PARTITIONS; p++) {
        int64_t begin = -1;
        int64_t end = -1;
        int64_t n = check_partition(b, p, stored);

        CHECK_OK(broker_offsets(b, "t", p, &begin, &end, &e), &e);
        CHECK_INT(begin, 0);
        CHECK_INT(end, n);
    }
    for (int t = 0; t < THREADS; t++) {
        for (int64_t s = 0; s < SEQ_MAX; s++) {
            for (int k = 0; k < 2; k++) {
                missing += acked[t][s][k] && !(stored[t][s] & 1 << k);
            }
            /* both records of a request, or none */
            CHECK(stored[t][s] == 0 || stored[t][s] == 3);
        }
    }
    CHECK_INT(missing, 0);
    broker_close(b);
    mem_free(stored);
}

static void begin(void)
{
    static int n;

    (void)snprintf(dir, sizeof(dir), "%s/%d", test_folder(), n++);
    memset(acked, 0, THREADS * sizeof(*acked));
    memset(next_seq, 0, sizeof(next_seq));
    acked_total = 0;
    repeats = 0;
}

static int64_t rounds(int64_t otherwise)
{
    const char *text = getenv("ROUNDS");

    if (text) {
        (void)num_i64(slice_of(text), &otherwise);
    }
    return otherwise;
}

static void killed_at_random_moments_nothing_is_lost(void)
{
    struct rand rnd;
    int64_t n = rounds(20);

    begin();
    rand_seed(&rnd, (uint64_t)clock_wall_us());
    for (int64_t i = 0; i < n; i++) {
        int status = run_writer(20000 + (int64_t)rand_below(&rnd, 150000),
                                SIGKILL, NULL);

        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_all(i % 2 ? BROKER_READ : BROKER_WRITE);
    }
    check_all(BROKER_WRITE);
    check_all(BROKER_READ);
    printf("# %" PRId64 " records answered, %" PRId64
           " of them again after a crash\n",
           acked_total, repeats);
    CHECK(acked_total > n);
}

static void killed_at_every_point_nothing_is_lost(void)
{
    static const char *const points[] = {
        "broker_before_commit:1", "broker_before_commit:7",
        "broker_before_answer:1", "broker_before_answer:9",
        "broker_seal:1",          "broker_seal:2",
        "broker_seal:3",          "broker_seal:4",
        "broker_seal:5",          "broker_seal:7",
    };

    begin();
    for (size_t i = 0; i < ARRAY_LEN(points); i++) {
        int status = run_writer(10000000, SIGKILL, points[i]);

        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        check_all(BROKER_READ);
        check_all(BROKER_WRITE);
    }
    CHECK(repeats > 0);
}

static void asked_to_stop_it_drains_and_ends(void)
{
    begin();
    for (int i = 0; i < 5; i++) {
        int64_t began = clock_mono_us();
        int status = run_writer(50000, SIGTERM, NULL);

        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        CHECK(clock_mono_us() - began < 10000000);
        check_all(BROKER_WRITE);
    }
    CHECK_INT(repeats, 0);
}

static void a_second_writer_is_refused(void)
{
    struct broker_conf conf = {.dir = dir, .mode = BROKER_WRITE};
    struct broker *b = NULL;
    int status;

    begin();
    CHECK_OK(broker_open(&b, &conf, &e), &e);
    status = run_writer(10000000, SIGKILL, NULL);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    broker_close(b);
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"I1 topics: killed at random moments nothing is lost, readers agree",
         killed_at_random_moments_nothing_is_lost},
        {"I3 topics: killed at every point a request is stored once",
         killed_at_every_point_nothing_is_lost},
        {"I15 topics: asked to stop it drains and ends",
         asked_to_stop_it_drains_and_ends},
        {"a second writer is refused", a_second_writer_is_refused},
    };

    (void)signal(SIGPIPE, SIG_IGN);
    acked = mem_zero(THREADS, sizeof(*acked));
    if (argc != 2 || acked == NULL) {
        return 2;
    }
    writer = argv[1];
    return test_main(tests, ARRAY_LEN(tests));
}
