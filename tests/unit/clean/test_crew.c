/* test_crew.c - several threads, one order; files of every kind. */
#include "clean/crew_files.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/fs.h"
#include "core/mem.h"
#include "record/batch_json.h"
#include "test.h"

static const char yaml[] = "tables:\n"
                           "  t:\n"
                           "    columns:\n"
                           "      id: {type: int, required: true}\n"
                           "      name: {type: text}\n";

struct sink {
    struct crew_files *files;
    struct buf text;
    int64_t rows, duplicates, rejects;
    int64_t fail_at; /* block; -1: never */
    int64_t blocks;
};

static int fill(void *arg, struct crew_block *b, struct err *e)
{
    struct sink *s = arg;

    return crew_files_fill(s->files, b, e);
}

static int take(void *arg, struct crew_block *b, struct err *e)
{
    struct sink *s = arg;

    if (s->blocks++ == s->fail_at) {
        return err_set(e, ERR_IO, "could not take");
    }
    for (size_t i = 0; i < b->out.rows.rows; i++) {
        if (batch_json_row(&b->out.rows, i, &s->text, e) != 0 ||
            buf_putf(&s->text, e, " %" PRId64 "\n", b->out.offset[i]) != 0) {
            return -1;
        }
    }
    s->rows += (int64_t)b->out.rows.rows;
    s->rejects += (int64_t)b->out.nrejects;
    s->duplicates += b->duplicates;
    return 0;
}

static struct spec *load(void)
{
    struct spec *s = NULL;
    struct faults f;
    struct err e;

    faults_init(&f);
    CHECK_OK(spec_load(&s, slice_of(yaml), "t.yaml", NULL, &f, &e), &e);
    faults_release(&f);
    return s;
}

static int clean_file(const char *path, int threads, struct sink *s,
                      struct clean_counts *counts, struct err *e)
{
    struct spec *spec = load();
    struct crew_conf conf = {.table = &spec->tables[0],
                             .threads = threads,
                             .arg = s,
                             .fill = fill,
                             .cut = crew_files_cut,
                             .take = take};
    int rc = -1;

    buf_init(&s->text, 64 << 20);
    hash_key_seed(&conf.key, 1);
    if (clean_counts_init(counts, conf.table, e) == 0 &&
        dedup_new(&conf.seen, &conf.key, INT64_MAX, e) == 0 &&
        crew_files_new(&s->files, &path, 1, conf.table, e) == 0) {
        rc = crew_run(&conf, counts, e);
    }
    crew_files_free(s->files);
    dedup_free(conf.seen);
    spec_free(spec);
    return rc;
}

/* 60,000 lines, every tenth a copy of an earlier one, some broken. */
static const char *many_lines(void)
{
    static char path[FS_PATH_MAX];
    struct buf b;
    struct err e;

    (void)snprintf(path, sizeof(path), "%s/many.jsonl", test_folder());
    buf_init(&b, 64 << 20);
    for (int i = 0; i < 60000; i++) {
        int id = i % 10 == 9 ? i / 2 : i;

        CHECK_OK(i > 5000 && i % 1000 == 7
                     ? buf_puts(&b, "{\"broken\n", &e)
                     : buf_putf(&b, &e, "{\"id\":%d,\"name\":\"name %d\"}\n",
                                id, id % 1000),
                 &e);
    }
    CHECK_OK(fs_publish(path, buf_slice(&b), &e), &e);
    buf_release(&b);
    return path;
}

static void order_does_not_depend_on_threads(void)
{
    const char *path = many_lines();
    struct sink one = {.fail_at = -1}, more = {.fail_at = -1};
    struct clean_counts a, b;
    struct err e;

    CHECK_OK(clean_file(path, 1, &one, &a, &e), &e);
    CHECK_OK(clean_file(path, 4, &more, &b, &e), &e);
    CHECK(one.blocks > 4);
    CHECK(slice_eq(buf_slice(&one.text), buf_slice(&more.text)));
    CHECK_INT(a.records, 60000);
    CHECK_INT(b.records, 60000);
    CHECK_INT(one.rows + one.duplicates + one.rejects, 60000);
    CHECK_INT(one.rejects, 55);
    CHECK_INT(more.duplicates, one.duplicates);
    CHECK(one.duplicates > 1000);
    clean_counts_release(&a);
    clean_counts_release(&b);
    buf_release(&one.text);
    buf_release(&more.text);
}

static void a_failure_ends_all_threads(void)
{
    const char *path = many_lines();
    struct sink s = {.fail_at = 2};
    struct clean_counts a;
    struct err e;

    CHECK_INT(clean_file(path, 4, &s, &a, &e), -1);
    CHECK_INT(e.code, ERR_IO);
    CHECK_INT(s.blocks, 3);
    clean_counts_release(&a);
    buf_release(&s.text);
    memset(&s, 0, sizeof(s));
    CHECK_INT(clean_file("no/such/file", 2, &s, &a, &e), -1);
    CHECK_INT(e.code, ERR_NOTFOUND);
    clean_counts_release(&a);
    buf_release(&s.text);
}

static void reads(const char *content, const char *want)
{
    char path[FS_PATH_MAX];
    struct sink s = {.fail_at = -1};
    struct clean_counts a;
    struct err e;

    (void)snprintf(path, sizeof(path), "%s/some", test_folder());
    CHECK_OK(fs_publish(path, slice_of(content), &e), &e);
    CHECK_OK(clean_file(path, 2, &s, &a, &e), &e);
    CHECK_TEXT(buf_slice(&s.text), want);
    clean_counts_release(&a);
    buf_release(&s.text);
}

static void files_of_every_kind(void)
{
    reads("", "");
    reads("{\"id\":1}", "{\"id\":1,\"name\":null} 0\n");
    reads("{\"id\":1}\n\n  \n{\"id\":2}\r\n",
          "{\"id\":1,\"name\":null} 0\n{\"id\":2,\"name\":null} 13\n");
    reads("{\"id\":1}{\"id\":2}", "{\"id\":1,\"name\":null} 0\n"
                                  "{\"id\":2,\"name\":null} 8\n");
    reads("[{\"id\":1},\n {\"id\":2}]", "{\"id\":1,\"name\":null} 0\n"
                                        "{\"id\":2,\"name\":null} 0\n");
    reads("{\n \"id\": 1\n}\n", "{\"id\":1,\"name\":null} 0\n");
    reads("id,name\n1,\"a,b\"\n2,\n", "{\"id\":1,\"name\":\"a,b\"} 8\n"
                                      "{\"id\":2,\"name\":null} 16\n");
}

static void out_of_memory(void)
{
    char path[FS_PATH_MAX];
    struct err e;
    unsigned n = 0;
    int rc = -1;

    (void)snprintf(path, sizeof(path), "%s/small", test_folder());
    CHECK_OK(fs_publish(path, SLICE("{\"id\":1}\n{\"id\":2}\n"), &e), &e);
    while (rc != 0 && n < 5000) {
        struct spec *spec = load();
        const char *one = path;
        struct sink s = {.fail_at = -1};
        struct crew_conf conf = {.table = &spec->tables[0],
                                 .threads = 1,
                                 .arg = &s,
                                 .fill = fill,
                                 .cut = crew_files_cut,
                                 .take = take};
        struct clean_counts counts = {0};

        buf_init(&s.text, 1 << 20);
        mem_fail_after(++n);
        rc = clean_counts_init(&counts, conf.table, &e);
        if (rc == 0) {
            rc = crew_files_new(&s.files, &one, 1, conf.table, &e);
        }
        if (rc == 0) {
            rc = crew_run(&conf, &counts, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        crew_files_free(s.files);
        clean_counts_release(&counts);
        buf_release(&s.text);
        spec_free(spec);
    }
    CHECK_INT(rc, 0);
}

int main(void)
{
    static const struct test tests[] = {
        {"order and duplicates do not depend on threads",
         order_does_not_depend_on_threads},
        {"a failure ends all threads", a_failure_ends_all_threads},
        {"files are read whatever they hold", files_of_every_kind},
        {"want of memory is an error", out_of_memory},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
