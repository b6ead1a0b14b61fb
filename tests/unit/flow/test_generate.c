#include "flow/generate.h"

#include <stdio.h>
#include <string.h>

#include "core/compress.h"
#include "core/fs.h"
#include "core/mem.h"
#include "db/sqlite.h"

#include "test.h"

static const char *const tables[] = {"pin", "geo", "user"};

static struct source *rows(const char *url)
{
    struct source_conf conf = {
        .url = url, .seed = 3, .tables = tables, .ntables = ARRAY_LEN(tables)};
    struct source *s = NULL;
    struct err e;

    CHECK_OK(source_open(&s, &conf, &e), &e);
    return s;
}

static struct generate_conf conf_of(struct source *s)
{
    return (struct generate_conf){
        .source = s, .tables = tables, .ntables = ARRAY_LEN(tables)};
}

static void path_of(char path[FS_PATH_MAX], const char *name)
{
    struct err e;

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
}

static size_t lines_of(struct slice s)
{
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        n += s.ptr[i] == '\n' ? 1 : 0;
    }
    return n;
}

static void files_hold_a_row_a_line(void)
{
    struct source *s = rows("generator:rows=40");
    struct generate_conf conf = conf_of(s);
    struct generate_counts counts;
    char plain[FS_PATH_MAX];
    char packed[FS_PATH_MAX];
    char file[FS_PATH_MAX];
    struct buf a;
    struct buf b;
    struct buf c;
    struct err e;

    buf_init(&a, 1 << 20);
    buf_init(&b, 1 << 20);
    buf_init(&c, 1 << 20);
    path_of(plain, "plain");
    path_of(packed, "packed");
    CHECK_OK(generate_files(&conf, plain, &counts, &e), &e);
    CHECK_INT(counts.rows, 120);
    conf.gzip = true;
    CHECK_OK(generate_files(&conf, packed, &counts, &e), &e);
    CHECK_OK(fs_join(file, plain, "user.jsonl", &e), &e);
    CHECK_OK(fs_read(file, &a, &e), &e);
    CHECK_OK(fs_join(file, packed, "user.jsonl.gz", &e), &e);
    CHECK_OK(fs_read(file, &b, &e), &e);
    CHECK_OK(compress_unpack(COMPRESS_GZIP, buf_slice(&b), &c, &e), &e);
    CHECK(slice_eq(buf_slice(&a), buf_slice(&c)));
    CHECK_INT(lines_of(buf_slice(&a)), 40);
    CHECK(slice_starts(buf_slice(&a), SLICE("{\"ind\":0,\"first_name\":\"")));
    source_close(s);
    buf_release(&a);
    buf_release(&b);
    buf_release(&c);
}

static void csv_has_a_head_and_quotes(void)
{
    struct source *s = rows("generator:rows=300");
    struct generate_conf conf = conf_of(s);
    struct generate_counts counts;
    char dir[FS_PATH_MAX];
    char file[FS_PATH_MAX];
    struct buf b;
    struct err e;

    buf_init(&b, 1 << 20);
    conf.format = GENERATE_CSV;
    path_of(dir, "csv");
    CHECK_OK(generate_files(&conf, dir, &counts, &e), &e);
    CHECK_OK(fs_join(file, dir, "geo.csv", &e), &e);
    CHECK_OK(fs_read(file, &b, &e), &e);
    CHECK(
        slice_starts(buf_slice(&b),
                     SLICE("ind,timestamp,latitude,longitude,country\r\n0,")));
    CHECK_INT(lines_of(buf_slice(&b)), 301);
    buf_clear(&b);
    CHECK_OK(fs_join(file, dir, "pin.csv", &e), &e);
    CHECK_OK(fs_read(file, &b, &e), &e);
    CHECK(strstr(b.ptr, "\"\"Must See\"\"") != NULL);
    source_close(s);
    buf_release(&b);
}

static void csv_has_no_place_for_bad_rows(void)
{
    struct source *s = rows("generator:rows=300,bad=1");
    struct generate_conf conf = conf_of(s);
    struct generate_counts counts;
    char dir[FS_PATH_MAX];
    struct fs_names names = {0};
    struct err e;

    conf.format = GENERATE_CSV;
    path_of(dir, "none");
    CHECK(generate_files(&conf, dir, &counts, &e) != 0);
    CHECK(strstr(e.msg, "cannot write row ") != NULL);
    CHECK_OK(fs_names(dir, &names, &e), &e);
    CHECK_INT(names.n, 0); /* nothing half-written is left */
    fs_names_release(&names);
    source_close(s);
}

static void a_database_has_the_seeds_tables(void)
{
    struct source *s = rows("generator:rows=50");
    struct generate_conf conf = conf_of(s);
    struct generate_counts counts;
    struct sqlite *db = NULL;
    char file[FS_PATH_MAX];
    int64_t n = 0;
    struct err e;

    path_of(file, "rows.db");
    for (int i = 0; i < 2; i++) { /* the second run replaces the first */
        CHECK_OK(generate_sqlite(&conf, file, &counts, &e), &e);
        CHECK_INT(counts.rows, 150);
    }
    CHECK_OK(sqlite_open(&db, file, SQLITE_TO_READ, &e), &e);
    CHECK_OK(
        sqlite_int(db, "SELECT sum(\"index\") FROM pinterest_data", &n, &e),
        &e);
    CHECK_INT(n, 49 * 50 / 2);
    CHECK_OK(sqlite_int(db, "SELECT count(*) FROM geolocation_data", &n, &e),
             &e);
    CHECK_INT(n, 50);
    CHECK_OK(sqlite_int(db, "SELECT min(age) FROM user_data", &n, &e), &e);
    CHECK(n >= 20);
    sqlite_close(db);
    source_close(s);
}

static void every_failed_allocation_is_reported(void)
{
    struct source *s = rows("generator:rows=20");
    struct generate_conf conf = conf_of(s);
    char dir[FS_PATH_MAX];
    unsigned n = 0;
    int rc = -1;

    conf.format = GENERATE_CSV;
    conf.gzip = true;
    path_of(dir, "sweep");
    while (rc != 0 && n < 5000) {
        struct generate_counts counts;
        struct err e = {0};

        mem_fail_after(++n);
        rc = generate_files(&conf, dir, &counts, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
    }
    CHECK(rc == 0 && n > 10);
    source_close(s);
}

static const struct test tests[] = {
    {"files hold a row a line", files_hold_a_row_a_line},
    {"CSV has a head and quotes", csv_has_a_head_and_quotes},
    {"CSV has no place for bad rows", csv_has_no_place_for_bad_rows},
    {"a database has the seeds' tables", a_database_has_the_seeds_tables},
    {"every failed allocation is reported",
     every_failed_allocation_is_reported},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
