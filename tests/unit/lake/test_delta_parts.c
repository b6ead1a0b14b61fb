#include "core/fs.h"
#include "lake/delta_tidy.h"
#include "lake_ask.h"
#include "test.h"

static struct duck *duck;

static int64_t ask(struct delta *t, const char *what)
{
    return lake_ask(duck, t, what);
}

/* Titles are NULL, "", long, and full of what paths cannot hold. */
static void fill_odd(struct batch *b, int from, int n)
{
    static const char *const titles[] = {
        NULL, "", "a/b=c:d%41 \xE2\x9D\xA4\"'x", "..",
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%"};
    struct err e = {0};

    CHECK_OK(batch_init(b, lake_defs, 4, &e), &e);
    for (int i = from; i < from + n; i++) {
        const char *title = titles[i % 5];

        CHECK_OK(batch_put_i32(b, 0, i % 3, &e), &e);
        CHECK_OK(title == NULL ? batch_put_null(b, 1, &e)
                               : batch_put_text(b, 1, slice_of(title), &e),
                 &e);
        CHECK_OK(batch_put_null(b, 2, &e), &e);
        CHECK_OK(batch_put_i64(b, 3, i, &e), &e);
        batch_end_row(b);
    }
}

static int write_odd(struct delta *t, const struct delta_schema *as, int from,
                     int n, struct err *e)
{
    struct delta_change c = {
        .operation = "WRITE", .replace = as != NULL, .schema = as};
    struct batch b;
    int rc;

    fill_odd(&b, from, n);
    rc = lake_write(t, &b, &c, e);
    batch_release(&b);
    return rc;
}

/* Every value of fill_odd() is where it belongs. */
static void check_odd(struct delta *t, int rows)
{
    CHECK_INT(ask(t, "count(*)"), rows);
    CHECK_INT(ask(t, "count(*) FILTER (ind = epoch_us(timestamp) % 3)"), rows);
    CHECK_INT(ask(t, "count(*) FILTER (title IS NULL AND "
                     "epoch_us(timestamp) % 5 < 2)"),
              rows / 5 * 2);
    CHECK_INT(ask(t, "count(*) FILTER (title = 'a/b=c:d%41 \xE2\x9D\xA4\"''x' "
                     "AND epoch_us(timestamp) % 5 = 2)"),
              rows / 5);
    CHECK_INT(ask(t, "count(*) FILTER (title = '..')"), rows / 5);
    CHECK_INT(ask(t, "count(*) FILTER (length(title) = 136 AND "
                     "epoch_us(timestamp) % 5 = 4)"),
              rows / 5);
}

static const char *const by_both[] = {"title", "ind"};

static void rows_lie_in_the_folders_of_their_partitions(void)
{
    static const struct delta_schema parted = {lake_defs, 4,       lake_props,
                                               1,         by_both, 2};
    const char *dir = lake_folder("parted");
    struct delta *t = NULL;
    struct delta_nulls *nulls = NULL;
    struct err e = {0};
    char path[FS_PATH_MAX];
    bool known = false;
    size_t n = 0;

    CHECK_OK(delta_create(&t, dir, &parted, duck, &e), &e);
    CHECK_OK(write_odd(t, NULL, 0, 30, &e), &e);
    CHECK_INT(delta_files(t), 12); /* "" and NULL are one partition */
    check_odd(t, 30);
    CHECK_OK(delta_file_path(t, 0, path, &e), &e);
    CHECK(strstr(path, "/title=__HIVE_DEFAULT_PARTITION__/ind=0/part-") !=
          NULL);
    CHECK_OK(delta_file_path(t, 2, path, &e), &e);
    CHECK(strstr(path, "/title=a%2Fb%3Dc%3Ad%2541%20%E2%9D%A4%22%27x/ind=2/"
                       "part-") != NULL);
    CHECK_OK(delta_null_counts(t, &nulls, &n, &known, &e), &e);
    CHECK(known && n == 4);
    CHECK_INT(nulls[0].nulls, 0);
    CHECK_INT(nulls[1].nulls, 12);
    CHECK_INT(nulls[2].nulls, 30);
    delta_nulls_free(nulls, n);
    CHECK_OK(delta_check_parts(t, by_both, 2, &e), &e);
    CHECK(delta_check_parts(t, by_both, 1, &e) < 0);
    CHECK(strstr(e.msg, "is partitioned by \"title\", \"ind\", not by "
                        "\"title\"") != NULL);
    delta_close(t);
}

static void partitions_are_kept_by_checkpoints_and_compaction(void)
{
    static const struct delta_schema parted = {lake_defs, 4,       lake_props,
                                               1,         by_both, 2};
    const char *dir = lake_folder("parted12");
    struct delta_tidied tidied;
    struct delta *t = NULL;
    struct err e = {0};

    CHECK_OK(delta_create(&t, dir, &parted, duck, &e), &e);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(write_odd(t, NULL, i * 30, 30, &e), &e);
    }
    delta_close(t);
    CHECK_OK(delta_open(&t, dir, duck, &e), &e); /* from the checkpoint */
    CHECK_INT(delta_files(t), 20 * 12);
    check_odd(t, 600);
    CHECK_OK(delta_compact(t, 1 << 20, 2, &tidied, &e), &e);
    CHECK_INT(tidied.files, 20 * 12);
    CHECK_INT(tidied.made, 12);
    CHECK_INT(delta_files(t), 12);
    check_odd(t, 600);
    CHECK_OK(delta_vacuum(t, -1000000, false, &tidied, &e), &e);
    CHECK_INT(tidied.files, 20 * 12);
    check_odd(t, 600);
    delta_close(t);
}

static void partition_columns_are_texts_and_whole_numbers(void)
{
    static const struct {
        const char *const by[2];
        size_t n;
        const char *why;
    } cases[] = {
        {{"titel"}, 1, "the table has no such column"},
        {{"timestamp"}, 1, "only texts and whole numbers"},
        {{"coordinates"}, 1, "only texts and whole numbers"},
        {{"title", "title"}, 2, "\"title\" twice"},
    };
    struct delta_schema s = lake_schema;
    struct delta *t = NULL;
    struct err e = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        s.parts = cases[i].by;
        s.nparts = cases[i].n;
        CHECK(delta_create(&t, lake_folder("odd"), &s, duck, &e) < 0);
        CHECK_INT(e.code, ERR_INVALID);
        CHECK(strstr(e.msg, cases[i].why) != NULL);
    }
    s.columns = 2;
    s.parts = by_both;
    s.nparts = 2;
    CHECK(delta_create(&t, lake_folder("odd"), &s, duck, &e) < 0);
    CHECK(strstr(e.msg, "none would be left") != NULL);
}

static void a_replacement_may_partition_anew(void)
{
    static const struct delta_schema by_title = {lake_defs, 4,       lake_props,
                                                 1,         by_both, 1};
    const char *dir = lake_folder("anew");
    struct delta *t = NULL;
    struct err e = {0};

    CHECK_OK(delta_create(&t, dir, &lake_schema, duck, &e), &e);
    CHECK_OK(write_odd(t, NULL, 0, 30, &e), &e);
    CHECK_INT(delta_files(t), 1);
    CHECK_OK(write_odd(t, &by_title, 0, 60, &e), &e);
    CHECK_INT(delta_files(t), 4);
    check_odd(t, 60);
    CHECK_OK(write_odd(t, &lake_schema, 0, 30, &e), &e);
    CHECK_INT(delta_files(t), 1);
    CHECK_INT(ask(t, "count(*)"), 30);
    delta_close(t);
}

/* Row i has the title "t'i", every 50th none: more partitions than a union
 * has branches. */
static void many_partitions_are_read_at_once(void)
{
    enum {
        MANY = 250
    };
    static const struct delta_schema by_title = {lake_defs, 4,       lake_props,
                                                 1,         by_both, 1};
    struct delta_change c = {.operation = "WRITE"};
    struct delta_adds adds = {0};
    struct delta_tidied tidied;
    struct delta *t = NULL;
    struct batch b;
    struct err e = {0};

    CHECK_OK(batch_init(&b, lake_defs, 4, &e), &e);
    for (int i = 0; i < MANY; i++) {
        char title[16];
        int n = snprintf(title, sizeof(title), "t'%d", i);

        CHECK_OK(batch_put_i32(&b, 0, i, &e), &e);
        CHECK_OK(i % 50 == 0 ? batch_put_null(&b, 1, &e)
                             : batch_put_text(
                                   &b, 1, (struct slice){title, (size_t)n}, &e),
                 &e);
        CHECK_OK(batch_put_null(&b, 2, &e), &e);
        CHECK_OK(batch_put_i64(&b, 3, i, &e), &e);
        batch_end_row(&b);
    }
    CHECK_OK(delta_create(&t, lake_folder("many"), &by_title, duck, &e), &e);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(delta_write(t, NULL, &b, &adds, &e), &e);
        c.adds = adds.items;
        c.nadds = adds.n;
        CHECK_OK(delta_commit(t, &c, &e), &e);
        delta_adds_release(&adds);
        CHECK_INT(ask(t, "count(*)"), (i + 1) * MANY);
        CHECK_INT(ask(t, "count(*) FILTER (title = 't''' || ind)"),
                  (i + 1) * (MANY - MANY / 50));
        CHECK_INT(ask(t, "count(*) FILTER (title IS NULL AND ind % 50 = 0)"),
                  (i + 1) * (MANY / 50));
        CHECK_INT(ask(t, "count(DISTINCT title)"), MANY - MANY / 50);
    }
    CHECK_OK(delta_compact(t, 1 << 20, 2, &tidied, &e), &e);
    CHECK_INT(tidied.made, MANY - MANY / 50 + 1);
    CHECK_INT(ask(t, "count(*) FILTER (title = 't''' || ind)"),
              2 * (MANY - MANY / 50));
    batch_release(&b);
    delta_close(t);
}

int main(void)
{
    static const struct test tests[] = {
        {"rows lie in the folders of their partitions",
         rows_lie_in_the_folders_of_their_partitions},
        {"partitions are kept by checkpoints and compaction",
         partitions_are_kept_by_checkpoints_and_compaction},
        {"partition columns are texts and whole numbers",
         partition_columns_are_texts_and_whole_numbers},
        {"many partitions are read at once", many_partitions_are_read_at_once},
        {"a replacement may partition anew", a_replacement_may_partition_anew},
    };
    struct duck_conf conf = {.threads = 2};
    struct err e = {0};
    int rc;

    CHECK_OK(duck_open(&duck, &conf, &e), &e);
    if (duck == NULL) {
        return 1;
    }
    rc = test_main(tests, ARRAY_LEN(tests));
    duck_close(duck);
    return rc;
}
