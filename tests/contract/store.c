/* One contract, every store: argv[1] is its name.  Stores behind a network
 * are told by the environment (PINLINE_STORE_URL and AWS_*). */
#include <stdlib.h>

#include "test.h"

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/thread.h"
#include "store/store.h"

enum {
    URL_MAX_BYTES = FS_PATH_MAX,
    RIVALS = 8
};

static const char *kind;
static char url[URL_MAX_BYTES];
static int folders;
static struct store *s;
static struct err e;

static bool is(const char *name)
{
    return strcmp(kind, name) == 0;
}

static struct store_conf conf_of(void)
{
    return (struct store_conf){.url = url,
                               .part_bytes = 5 << 20,
                               .host_style =
                                   getenv("PINLINE_STORE_HOST_STYLE") != NULL};
}

static struct store *open_store(void)
{
    struct store_conf conf = conf_of();
    struct store *opened = NULL;

    CHECK_OK(store_open(&opened, &conf, &e), &e);
    if (opened == NULL) {
        exit(1);
    }
    return opened;
}

/* A place of its own for a test. */
static void fresh(void)
{
    const char *base = getenv("PINLINE_STORE_URL");

    if (is("memory")) {
        (void)snprintf(url, sizeof(url), "memory:");
    } else if (is("dir")) {
        (void)snprintf(url, sizeof(url), "%s/%d", test_folder(), folders++);
    } else {
        (void)snprintf(url, sizeof(url), "%s/%lld-%d", base,
                       (long long)clock_wall_us(), folders++);
    }
    s = open_store();
}

static void put(const char *key, const char *text)
{
    CHECK_OK(store_put(s, key, slice_of(text), STORE_REPLACE, &e), &e);
}

static void holds(const char *key, const char *text)
{
    struct buf b;

    buf_init(&b, 1 << 20);
    CHECK_OK(store_get(s, key, &b, &e), &e);
    test_check_text(__FILE__, __LINE__, buf_slice(&b), text);
    buf_release(&b);
}

static bool lacks(const char *key)
{
    struct buf b;
    bool lacking;

    buf_init(&b, 1 << 20);
    lacking = store_get(s, key, &b, &e) < 0 && e.code == ERR_NOTFOUND;
    buf_release(&b);
    return lacking;
}

struct names {
    struct buf b;
    size_t n, most;
};

static bool note(void *arg, const struct store_object *o)
{
    struct names *names = arg;

    CHECK_OK(buf_putf(&names->b, &e, "%s ", o->key), &e);
    CHECK(o->time_us > 1500000000LL * 1000000);
    names->n++;
    return names->n < names->most;
}

static void lists(const char *prefix, const char *after, size_t most,
                  const char *want)
{
    struct names names = {.most = most};

    buf_init(&names.b, 1 << 20);
    CHECK_OK(store_list(s, prefix, after, note, &names, &e), &e);
    test_check_text(__FILE__, __LINE__, buf_slice(&names.b), want);
    buf_release(&names.b);
}

/* --- the contract ------------------------------------------------------------------- */

static void what_was_put_is_got(void)
{
    struct store_object o;
    struct buf b;

    fresh();
    put("a/b/c.json", "one\n");
    holds("a/b/c.json", "one\n");
    put("a/b/c.json", "two, longer\n");
    holds("a/b/c.json", "two, longer\n");
    put("empty", "");
    holds("empty", "");
    CHECK_OK(store_stat(s, "a/b/c.json", &o, &e), &e);
    CHECK_INT(o.bytes, 12);
    CHECK(strcmp(o.key, "a/b/c.json") == 0);
    CHECK(o.time_us > clock_wall_us() - 3600LL * 1000000);
    buf_init(&b, 5);
    CHECK_OK(buf_puts(&b, "x", &e), &e);
    CHECK(store_get(s, "a/b/c.json", &b, &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
    CHECK_INT(b.len, 1);
    buf_release(&b);
    store_close(s);
}

static void what_is_not_there_is_not_found(void)
{
    struct store_object o;

    fresh();
    CHECK(lacks("a"));
    put("a/b", "x");
    CHECK(lacks("a")); /* a folder is no object */
    CHECK(lacks("a/b/c"));
    CHECK(store_stat(s, "nope", &o, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(store_get_file(s, "nope", "/tmp/never", &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    lists("", NULL, 100, "a/b ");
    CHECK_OK(store_delete(s, "a/b", &e), &e);
    CHECK_OK(store_delete(s, "a/b", &e), &e);
    CHECK(lacks("a/b"));
    lists("", NULL, 100, "");
    store_close(s);
}

static void lists_are_in_order_of_the_keys_bytes(void)
{
    fresh();
    put("t/partition=0/p+0+0000000001.json", "1");
    put("t/partition=0/p+0+0000000000.json", "0");
    put("t/partition=10/x", "0");
    put("t/partition=1/x", "0");
    put("t.json", "0");
    put("t/a", "0");
    put("u/\xc3\xa4 b&'()*.json", "0");
    put("s", "0");
    lists("", NULL, 100,
          "s t.json t/a t/partition=0/p+0+0000000000.json "
          "t/partition=0/p+0+0000000001.json t/partition=1/x "
          "t/partition=10/x u/\xc3\xa4 b&'()*.json ");
    lists("t/partition=1", NULL, 100, "t/partition=1/x t/partition=10/x ");
    lists("t/", "t/partition=0/p+0+0000000000.json", 100,
          "t/partition=0/p+0+0000000001.json t/partition=1/x "
          "t/partition=10/x ");
    lists("t/", "t/partition=0/p+0+0000000000.json", 2,
          "t/partition=0/p+0+0000000001.json t/partition=1/x ");
    lists("nope/", NULL, 100, "");
    lists("t", "zzz", 100, "");
    holds("u/\xc3\xa4 b&'()*.json", "0");
    store_close(s);
}

static void many_objects_are_listed_to_the_end(void)
{
    struct names names = {.most = 1u << 20};
    size_t n = is("dir") || is("memory") ? 2500 : 1100;
    char key[64];

    fresh();
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(key, sizeof(key), "m/%05zu", n - 1 - i);
        put(key, "x");
    }
    buf_init(&names.b, 1 << 20);
    CHECK_OK(store_list(s, "m/", "m/00000", note, &names, &e), &e);
    CHECK_INT(names.n, n - 1);
    CHECK(slice_starts(buf_slice(&names.b), SLICE("m/00001 m/00002 ")));
    buf_release(&names.b);
    for (size_t i = 0; i < n && !is("dir") && !is("memory"); i++) {
        (void)snprintf(key, sizeof(key), "m/%05zu", i);
        CHECK_OK(store_delete(s, key, &e), &e);
    }
    store_close(s);
}

static void wrong_keys_are_refused(void)
{
    static const char *const wrong[] = {
        "", "/a", "a/", "a//b", "a/../b", "..", "./a", "a\nb", "\xff",
    };
    char longest[STORE_KEY_MAX + 2];

    fresh();
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        CHECK(store_put(s, wrong[i], SLICE("x"), STORE_REPLACE, &e) < 0);
        CHECK_INT(e.code, ERR_INVALID);
    }
    memset(longest, 'k', sizeof(longest));
    longest[STORE_KEY_MAX + 1] = '\0';
    CHECK(store_put(s, longest, SLICE("x"), STORE_REPLACE, &e) < 0);
    CHECK_INT(e.code, ERR_LIMIT);
    CHECK(store_list(s, "../", NULL, note, NULL, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    store_close(s);
}

/* --- files ------------------------------------------------------------------- */

static struct slice fill(char *bytes, size_t n)
{
    uint32_t x = 1;

    for (size_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        bytes[i] = (char)(x >> 24);
    }
    return (struct slice){bytes, n};
}

static void file_goes_there_and_back(size_t n, enum store_put_mode mode)
{
    char path[FS_PATH_MAX];
    char back[FS_PATH_MAX];
    char *bytes = mem_resize(NULL, n + 1, 1);
    struct slice want = fill(bytes, n);
    struct buf b;

    CHECK_OK(fs_join(path, test_folder(), "file", &e), &e);
    CHECK_OK(fs_join(back, test_folder(), "back", &e), &e);
    CHECK_OK(fs_publish(path, want, &e), &e);
    CHECK_OK(store_put_file(s, "file", path, mode, &e), &e);
    CHECK_OK(store_get_file(s, "file", back, &e), &e);
    buf_init(&b, (size_t)1 << 30);
    CHECK_OK(fs_read(back, &b, &e), &e);
    CHECK(slice_eq(buf_slice(&b), want));
    buf_clear(&b);
    CHECK_OK(store_get(s, "file", &b, &e), &e);
    CHECK(slice_eq(buf_slice(&b), want));
    buf_release(&b);
    CHECK_OK(fs_remove(back, &e), &e);
    mem_free(bytes);
}

static void files_of_any_size_go_there_and_back(void)
{
    static const size_t sizes[] = {0, 1, 100000, (5 << 20), (12 << 20) + 7};

    fresh();
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        file_goes_there_and_back(sizes[i], STORE_REPLACE);
    }
    CHECK(store_put_file(s, "x", "/nowhere/at all", STORE_REPLACE, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(lacks("x"));
    store_close(s);
}

/* --- conditional puts --------------------------------------------------------------- */

static bool can_put_if_absent(void)
{
    bool has = false;

    CHECK_OK(store_has_if_absent(s, &has, &e), &e);
    if (!has) {
        test_skip("store \"%s\" does not honour conditional puts", kind);
        store_close(s);
    }
    return has;
}

static void whether_puts_can_be_conditional_is_known(void)
{
    bool has = false;

    fresh();
    CHECK_OK(store_has_if_absent(s, &has, &e), &e);
    CHECK(has == !is("rclone"));
    lists("", NULL, 100, ""); /* nothing is left of the trial */
    store_close(s);
}

static void a_put_if_absent_changes_nothing_that_is_there(void)
{
    char path[FS_PATH_MAX];

    fresh();
    if (!can_put_if_absent()) {
        return;
    }
    CHECK_OK(store_put(s, "log/0", SLICE("one"), STORE_IF_ABSENT, &e), &e);
    CHECK(store_put(s, "log/0", SLICE("two"), STORE_IF_ABSENT, &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    holds("log/0", "one");
    file_goes_there_and_back((size_t)11 << 20, STORE_IF_ABSENT);
    CHECK_OK(fs_join(path, test_folder(), "small", &e), &e);
    CHECK_OK(fs_publish(path, SLICE("small"), &e), &e);
    CHECK(store_put_file(s, "log/0", path, STORE_IF_ABSENT, &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    CHECK_OK(fs_join(path, test_folder(), "file", &e), &e);
    CHECK(store_put_file(s, "log/0", path, STORE_IF_ABSENT, &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    holds("log/0", "one");
    store_close(s);
}

struct rival {
    struct thread thread;
    char text[8];
    int rc;
    enum err_code code;
};

static void compete(void *arg)
{
    struct rival *r = arg;
    struct store_conf conf = conf_of();
    struct store *own;
    struct err mine = {0};

    r->rc = store_open(&own, &conf, &mine);
    if (r->rc == 0) {
        r->rc =
            store_put(own, "race", slice_of(r->text), STORE_IF_ABSENT, &mine);
        store_close(own);
    }
    r->code = mine.code;
}

static void of_eight_rivals_one_wins(void)
{
    struct rival rivals[RIVALS];
    int winner = -1;

    fresh();
    if (is("memory")) {
        test_skip("each handle of the memory has objects of its own");
        store_close(s);
        return;
    }
    if (!can_put_if_absent()) {
        return;
    }
    for (int i = 0; i < RIVALS; i++) {
        rivals[i] = (struct rival){.rc = -1};
        (void)snprintf(rivals[i].text, sizeof(rivals[i].text), "%d", i);
        CHECK_OK(
            thread_start(&rivals[i].thread, "rival", compete, &rivals[i], &e),
            &e);
    }
    for (int i = 0; i < RIVALS; i++) {
        thread_join(&rivals[i].thread);
        if (rivals[i].rc == 0) {
            CHECK_INT(winner, -1);
            winner = i;
        } else {
            CHECK_INT(rivals[i].code, ERR_EXISTS);
        }
    }
    CHECK(winner >= 0);
    holds("race", winner >= 0 ? rivals[winner].text : "");
    lists("", NULL, 100, "race ");
    store_close(s);
}

static void two_handles_see_the_same_objects(void)
{
    struct store *first;

    fresh();
    if (is("memory")) {
        test_skip("each handle of the memory has objects of its own");
        store_close(s);
        return;
    }
    put("a", "from one");
    first = s;
    s = open_store();
    holds("a", "from one");
    CHECK((store_folder(s) != NULL) == is("dir"));
    CHECK(strcmp(store_name(s), url) == 0);
    CHECK(store_url_is_remote(url) == !is("dir"));
    store_close(first);
    store_close(s);
}

static void a_wrong_clock_is_told_with_both_times(void)
{
    struct store_conf conf = {.url = "", .clock_offset_us = 7200LL * 1000000};

    if (!is("versitygw")) {
        test_skip("only versitygw looks at the clock");
        return;
    }
    fresh();
    store_close(s);
    conf.url = url;
    CHECK_OK(store_open(&s, &conf, &e), &e);
    CHECK(store_put(s, "a", SLICE("x"), STORE_REPLACE, &e) < 0);
    CHECK_INT(e.code, ERR_DENIED);
    CHECK(strstr(e.msg, "RequestTimeTooSkewed") != NULL);
    CHECK(strstr(e.msg, "here it is 20") != NULL);
    CHECK(strstr(e.msg, "at the server another time") == NULL);
    store_close(s);
}

static void strange_urls_are_refused(void)
{
    struct store_conf conf = {.url = "gs://bucket/x"};
    struct store *never = NULL;

    CHECK(store_open(&never, &conf, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK(strstr(e.msg, "s3://BUCKET/PREFIX") != NULL);
    CHECK(store_url_is_remote("gs://bucket"));
    CHECK(!store_url_is_remote("file:///tmp/x"));
}

int main(int argc, char **argv)
{
    static const struct test tests[] = {
        {"what was put is got", what_was_put_is_got},
        {"what is not there is not found", what_is_not_there_is_not_found},
        {"lists are in order of the keys' bytes",
         lists_are_in_order_of_the_keys_bytes},
        {"many objects are listed to the end",
         many_objects_are_listed_to_the_end},
        {"wrong keys are refused", wrong_keys_are_refused},
        {"files of any size go there and back",
         files_of_any_size_go_there_and_back},
        {"whether puts can be conditional is known",
         whether_puts_can_be_conditional_is_known},
        {"a put if absent changes nothing that is there",
         a_put_if_absent_changes_nothing_that_is_there},
        {"of eight rivals one wins", of_eight_rivals_one_wins},
        {"two handles see the same objects", two_handles_see_the_same_objects},
        {"a wrong clock is told with both times",
         a_wrong_clock_is_told_with_both_times},
        {"strange urls are refused", strange_urls_are_refused},
    };

    if (argc != 2) {
        return 2;
    }
    kind = argv[1];
    if (!is("dir") && !is("memory") && getenv("PINLINE_STORE_URL") == NULL) {
        (void)printf("PINLINE_STORE_URL is not set\n");
        return 2;
    }
    return test_main(tests, ARRAY_LEN(tests));
}
