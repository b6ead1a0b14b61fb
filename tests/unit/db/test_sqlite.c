#include "test.h"

#include "core/fs.h"
#include "core/mem.h"
#include "db/sqlite.h"

static const char *path_of(const char *name)
{
    static char path[FS_PATH_MAX];
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
    return path;
}

static void values_come_back(void)
{
    struct err e;
    struct sqlite *db = NULL;
    struct sqlite_stmt *st = NULL;

    CHECK_OK(sqlite_open(&db, path_of("a?b#%41.db"), SQLITE_TO_WRITE, &e), &e);
    CHECK_OK(sqlite_exec(db, "CREATE TABLE t(a, b, c, d, e)", &e), &e);
    CHECK_OK(sqlite_prepare(db, "INSERT INTO t VALUES(?, ?, ?, ?, ?)", true,
                            &st, &e),
             &e);
    sqlite_bind_int(st, 1, INT64_MIN);
    sqlite_bind_double(st, 2, 0.5);
    sqlite_bind_text(st, 3, SLICE("t\303\274"));
    sqlite_bind_blob(st, 4, SLICE("\0\1\2\3"));
    CHECK_OK(sqlite_run(st, &e), &e);
    CHECK_INT(sqlite_changes(db), 1);
    sqlite_finalize(st);
    CHECK_INT(sqlite_last_rowid(db), 1);
    sqlite_close(db);

    CHECK_OK(sqlite_open(&db, path_of("a?b#%41.db"), SQLITE_FROZEN, &e), &e);
    CHECK_OK(sqlite_prepare(db, "SELECT * FROM t", false, &st, &e), &e);
    CHECK_INT(sqlite_step(st, &e), 1);
    CHECK_INT(sqlite_columns(st), 5);
    CHECK_TEXT(slice_of(sqlite_column_name(st, 2)), "c");
    CHECK(sqlite_column_int(st, 0) == INT64_MIN);
    CHECK(sqlite_column_double(st, 1) == 0.5);
    CHECK_TEXT(sqlite_column_text(st, 2), "t\303\274");
    CHECK(slice_eq(sqlite_column_blob(st, 3), SLICE("\0\1\2\3")));
    CHECK_INT(sqlite_column_type(st, 3), SQLITE_IS_BLOB);
    CHECK_INT(sqlite_column_type(st, 4), SQLITE_IS_NULL);
    CHECK_INT(sqlite_column_text(st, 4).len, 0);
    CHECK_INT(sqlite_step(st, &e), 0);
    sqlite_finalize(st);
    sqlite_close(db);
}

static void faults_have_codes_and_words(void)
{
    struct err e;
    struct sqlite *db = NULL;
    struct sqlite_stmt *st = NULL;
    int64_t v;

    CHECK(sqlite_open(&db, path_of("none.db"), SQLITE_TO_READ, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(db == NULL);
    CHECK_OK(fs_publish(path_of("text.db"),
                        SLICE("no database at all, but long enough to be read "
                              "as one: it needs a hundred bytes of header."),
                        &e),
             &e);
    CHECK(sqlite_open(&db, path_of("text.db"), SQLITE_TO_WRITE, &e) < 0);
    CHECK_INT(e.code, ERR_CORRUPT);
    CHECK(strstr(e.msg, "not a database") != NULL);

    CHECK_OK(sqlite_open(&db, "", SQLITE_IN_MEMORY, &e), &e);
    CHECK_OK(sqlite_exec(db, "CREATE TABLE t(a PRIMARY KEY)", &e), &e);
    CHECK_OK(sqlite_exec(db, "INSERT INTO t VALUES(1)", &e), &e);
    CHECK(sqlite_exec(db, "INSERT INTO t VALUES(1)", &e) < 0);
    CHECK_INT(e.code, ERR_EXISTS);
    CHECK(sqlite_int(db, "SELECT a FROM t WHERE a = 2", &v, &e) < 0);
    CHECK_INT(e.code, ERR_NOTFOUND);
    CHECK(sqlite_prepare(db, "SELEC 1", false, &st, &e) < 0);
    CHECK_INT(e.code, ERR_INVALID);
    CHECK(strstr(e.msg, "SELEC") != NULL);
    CHECK_OK(sqlite_exec(db, "PRAGMA max_page_count=3", &e), &e);
    CHECK(sqlite_exec(db, "INSERT INTO t VALUES(zeroblob(100000))", &e) < 0);
    CHECK(strstr(e.msg, "the disk is full") != NULL);
    sqlite_close(db);
}

static void a_second_writer_waits_and_gives_up(void)
{
    struct err e;
    struct sqlite *a = NULL;
    struct sqlite *b = NULL;
    int64_t v;

    CHECK_OK(sqlite_open(&a, path_of("two.db"), SQLITE_TO_WRITE, &e), &e);
    CHECK_OK(sqlite_exec(a, "PRAGMA journal_mode=WAL", &e), &e);
    CHECK_OK(sqlite_exec(a, "CREATE TABLE t(a)", &e), &e);
    CHECK_OK(sqlite_open(&b, path_of("two.db"), SQLITE_TO_WRITE, &e), &e);
    sqlite_wait_for_locks(b, 1000);
    CHECK_OK(sqlite_begin(a, &e), &e);
    CHECK_OK(sqlite_exec(a, "INSERT INTO t VALUES(1)", &e), &e);
    CHECK(sqlite_begin(b, &e) < 0);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK_OK(sqlite_int(b, "SELECT count(*) FROM t", &v, &e), &e);
    CHECK_INT(v, 0);
    CHECK_OK(sqlite_commit(a, &e), &e);
    CHECK_OK(sqlite_begin(b, &e), &e);
    CHECK(sqlite_in_transaction(b));
    sqlite_rollback(b);
    CHECK(!sqlite_in_transaction(b));
    CHECK_OK(sqlite_checkpoint(a, true, &v, &e), &e);
    CHECK_INT(v, 0);
    sqlite_close(b);
    sqlite_close(a);
}

static void running_out_of_memory_is_survived(void)
{
    struct err e;
    unsigned n = 0;
    int rc;

    do {
        struct sqlite *db = NULL;
        int64_t v = 0;

        mem_fail_after(++n);
        rc = sqlite_open(&db, "", SQLITE_IN_MEMORY, &e);
        if (rc == 0) {
            rc = sqlite_int(db, "SELECT 7", &v, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 ? v == 7 : e.code == ERR_NOMEM);
        sqlite_close(db);
    } while (rc < 0 && n < 50);
    CHECK_INT(n, 3);
}

int main(void)
{
    static const struct test tests[] = {
        {"values of every kind come back as they were", values_come_back},
        {"faults have codes and words", faults_have_codes_and_words},
        {"a second writer waits and gives up",
         a_second_writer_waits_and_gives_up},
        {"running out of memory is survived",
         running_out_of_memory_is_survived},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
