/* test_dedup.c - the set of seen rows: exact, small, saved, loaded. */
#include "clean/dedup.h"

#include <stdio.h>

#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

enum {
    MANY = 300000
};

static struct hash_key key(void)
{
    struct hash_key k;

    hash_key_seed(&k, 5);
    return k;
}

static struct hash128 nth(uint64_t i)
{
    struct hash_key k = key();

    return hash_bytes(&k, (struct slice){(const char *)&i, sizeof(i)});
}

/* Adds nth(0..n); returns how many were new. */
static size_t fill(struct dedup *d, uint64_t from, uint64_t to)
{
    size_t all = 0, news;
    struct err e;

    for (uint64_t i = from; i < to; i++) {
        struct hash128 h = nth(i);
        uint8_t keep;

        CHECK_OK(dedup_add(d, &h, 1, &keep, &news, &e), &e);
        all += keep;
    }
    return all;
}

static void seen_once(void)
{
    struct hash_key k = key();
    struct dedup *d = NULL;
    struct err e;

    CHECK_OK(dedup_new(&d, &k, MANY, &e), &e);
    CHECK_INT(fill(d, 0, MANY), MANY);
    CHECK_INT(fill(d, 0, MANY), 0);
    CHECK_INT(dedup_rows(d), MANY);
    CHECK(dedup_has(d, nth(17)));
    CHECK(!dedup_has(d, nth(MANY + 17)));
    dedup_free(d);
}

static void within_one_call(void)
{
    struct hash128 h[5] = {nth(1), nth(2), nth(1), {0, 0}, {0, 0}};
    struct hash_key k = key();
    struct dedup *d = NULL;
    uint8_t keep[5];
    size_t news;
    struct err e;

    CHECK_OK(dedup_new(&d, &k, 100, &e), &e);
    CHECK_OK(dedup_add(d, h, 5, keep, &news, &e), &e);
    CHECK_INT(news, 3);
    CHECK(keep[0] == 1 && keep[1] == 1 && keep[2] == 0 && keep[3] == 1 &&
          keep[4] == 0);
    dedup_free(d);
}

static void small_at_every_size(void)
{
    struct hash_key k = key();
    struct dedup *d = NULL;
    struct err e;

    CHECK_OK(dedup_new(&d, &k, MANY, &e), &e);
    for (uint64_t n = 60000; n <= MANY; n += 7000) {
        (void)fill(d, n - 7000, n);
        CHECK(dedup_bytes(d) <= 32 * (size_t)dedup_rows(d) + 100000);
    }
    dedup_free(d);
}

static void has_a_limit(void)
{
    struct hash_key k = key();
    struct dedup *d = NULL;
    struct hash128 h[3] = {nth(1), nth(2), nth(3)};
    uint8_t keep[3];
    size_t news;
    struct err e;

    CHECK_OK(dedup_new(&d, &k, 2, &e), &e);
    CHECK_OK(dedup_add(d, h, 2, keep, &news, &e), &e);
    CHECK_OK(dedup_add(d, h, 2, keep, &news, &e), &e);
    CHECK_INT(dedup_add(d, h, 3, keep, &news, &e), -1);
    CHECK_INT(e.code, ERR_LIMIT);
    dedup_free(d);
}

static void forgets(void)
{
    struct hash_key k = key();
    struct dedup *d = NULL;
    struct err e;

    CHECK_OK(dedup_new(&d, &k, MANY, &e), &e);
    (void)fill(d, 0, 20000);
    for (uint64_t i = 0; i < 20000; i += 2) {
        struct hash128 h = nth(i);

        dedup_remove(d, &h, 1);
        dedup_remove(d, &h, 1);
    }
    CHECK_INT(dedup_rows(d), 10000);
    for (uint64_t i = 0; i < 20000; i++) {
        CHECK(dedup_has(d, nth(i)) == (i % 2 == 1));
    }
    CHECK_INT(fill(d, 0, 20000), 10000);
    dedup_free(d);
}

static const char *path(void)
{
    static char text[FS_PATH_MAX];

    (void)snprintf(text, sizeof(text), "%s/seen", test_folder());
    return text;
}

static void saved_and_loaded(void)
{
    struct hash_key k = key();
    struct dedup *d = NULL, *again = NULL;
    struct err e;

    CHECK_INT(dedup_load(&again, path(), 7, "spec", MANY, &e), -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK_OK(dedup_new(&d, &k, MANY, &e), &e);
    (void)fill(d, 0, 5000);
    CHECK_OK(dedup_save(d, path(), 7, "spec", &e), &e);
    CHECK_OK(dedup_load(&again, path(), 7, "spec", MANY, &e), &e);
    CHECK_INT(dedup_rows(again), 5000);
    CHECK_INT(fill(again, 0, 5001), 1);
    CHECK(memcmp(dedup_key(again), &k, sizeof(k)) == 0);
    dedup_free(again);
    again = NULL;
    CHECK_INT(dedup_load(&again, path(), 8, "spec", MANY, &e), -1);
    CHECK_INT(e.code, ERR_CONFLICT);
    CHECK_INT(dedup_load(&again, path(), 7, "other", MANY, &e), -1);
    CHECK_INT(e.code, ERR_CONFLICT);
    dedup_free(d);
}

static void damage_is_seen(void)
{
    struct hash_key k = key();
    struct dedup *d = NULL, *again = NULL;
    struct buf b;
    struct err e;

    buf_init(&b, 1 << 20);
    CHECK_OK(dedup_new(&d, &k, MANY, &e), &e);
    (void)fill(d, 0, 50);
    CHECK_OK(dedup_save(d, path(), 1, "s", &e), &e);
    CHECK_OK(fs_read(path(), &b, &e), &e);
    for (size_t i = 0; i < b.len; i += 13) {
        b.ptr[i] ^= 1;
        CHECK_OK(fs_publish(path(), buf_slice(&b), &e), &e);
        CHECK_INT(dedup_load(&again, path(), 1, "s", MANY, &e), -1);
        CHECK(e.code == ERR_CORRUPT);
        b.ptr[i] ^= 1;
    }
    CHECK_OK(fs_publish(path(), (struct slice){b.ptr, b.len - 16}, &e), &e);
    CHECK_INT(dedup_load(&again, path(), 1, "s", MANY, &e), -1);
    buf_release(&b);
    dedup_free(d);
}

static void last_by_key(void)
{
    struct dedup_last *d = NULL;
    struct err e;

    CHECK_OK(dedup_last_new(&d, MANY, &e), &e);
    CHECK(!dedup_last_is(d, nth(1), 0));
    for (int64_t i = 0; i < 10000; i++) {
        CHECK_OK(dedup_last_note(d, nth((uint64_t)i % 1000), i, &e), &e);
    }
    for (int64_t i = 0; i < 10000; i++) {
        CHECK(dedup_last_is(d, nth((uint64_t)i % 1000), i) == (i >= 9000));
    }
    dedup_last_free(d);
}

static void out_of_memory(void)
{
    struct hash_key k = key();
    struct dedup *d = NULL;
    struct err e;
    unsigned n = 0;
    int rc = -1;

    while (rc != 0 && n < 5000) {
        struct hash128 h = nth(n);
        uint8_t keep;
        size_t news;

        d = NULL;
        mem_fail_after(++n);
        rc = dedup_new(&d, &k, 100, &e);
        if (rc == 0) {
            rc = dedup_add(d, &h, 1, &keep, &news, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        dedup_free(d);
    }
    CHECK_INT(rc, 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"a row is new once", seen_once},
        {"duplicates within one call are seen", within_one_call},
        {"a distinct row costs at most 32 bytes", small_at_every_size},
        {"a set has a limit", has_a_limit},
        {"rows are forgotten again", forgets},
        {"a set is saved and loaded for its table alone", saved_and_loaded},
        {"damage is seen", damage_is_seen},
        {"the last row of a key is known in the end", last_by_key},
        {"want of memory is an error", out_of_memory},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
