/* test_clean.c - messages to rows: accounting, drift, rejects, hashes. */
#include "clean/clean.h"

#include "core/fs.h"
#include "core/mem.h"
#include "record/batch_json.h"
#include "test.h"

static const char yaml[] =
    "tables:\n"
    "  t:\n"
    "    columns:\n"
    "      id: {from: [id, no], type: int, required: true}\n"
    "      name: {type: text, null: [nobody]}\n"
    "      size: {type: count}\n"
    "      at: {type: \"double[]\", parts: [x, y], skip_null: true,\n"
    "           range: [[-1, 1], [-2, 2]]}\n"
    "      seen: {type: timestamp}\n"
    "      tags: {type: \"text[]\", strip_each: \"#\"}\n"
    "      gone: {type: int, drop: true}\n"
    "    options:\n"
    "      strict: {columns: {size: {on_error: reject}}}\n"
    "      stop: {columns: {size: {on_error: stop}}}\n";

struct world {
    struct spec *spec;
    struct clean *clean;
    struct clean_out out;
};

static bool begin(struct world *w, const char *set)
{
    struct slice one = set != NULL ? slice_of(set) : SLICE("");
    struct spec_texts sets = {&one, set != NULL ? 1 : 0};
    struct clean_conf conf = {0};
    struct faults f;
    struct err e;

    memset(w, 0, sizeof(*w));
    faults_init(&f);
    CHECK_OK(spec_load(&w->spec, slice_of(yaml), "t.yaml", &sets, &f, &e), &e);
    faults_release(&f);
    if (w->spec == NULL) {
        return false;
    }
    conf.table = &w->spec->tables[0];
    CHECK_OK(clean_new(&w->clean, &conf, &e), &e);
    CHECK_OK(clean_out_init(&w->out, conf.table, &e), &e);
    return true;
}

static void end(struct world *w)
{
    clean_out_release(&w->out);
    clean_free(w->clean);
    spec_free(w->spec);
}

static int feed(struct world *w, const char *text, int64_t offset,
                struct err *e)
{
    struct message m = {
        .offset = offset, .value = slice_of(text), .has_value = true};

    return clean_messages(w->clean, &m, 1, &w->out, e);
}

/* One record gives this row; NULL: none. */
static void gives(const char *text, const char *want)
{
    struct world w;
    struct buf b;
    struct err e;

    if (!begin(&w, NULL)) {
        return;
    }
    buf_init(&b, 1 << 20);
    CHECK_OK(feed(&w, text, 0, &e), &e);
    CHECK_INT(w.out.rows.rows, want != NULL ? 1 : 0);
    if (want != NULL && w.out.rows.rows == 1) {
        CHECK_OK(batch_json_row(&w.out.rows, 0, &b, &e), &e);
        CHECK_TEXT(buf_slice(&b), want);
    }
    buf_release(&b);
    end(&w);
}

static void rows_come_out(void)
{
    gives("{\"id\":1}", "{\"id\":1,\"name\":null,\"size\":null,\"at\":null,"
                        "\"seen\":null,\"tags\":null}");
    gives("{\"no\":\" 7 \",\"name\":12,\"size\":\"1.5k\",\"x\":\"-0.0\","
          "\"y\":2,\"seen\":0,\"tags\":\"#a,b,##c\"}",
          "{\"id\":7,\"name\":\"12\",\"size\":1500,\"at\":[0,2],"
          "\"seen\":\"1970-01-01T00:00:00Z\",\"tags\":[\"a\",\"b\",\"#c\"]}");
    gives("{\"id\":null,\"no\":2,\"name\":\" nobody\\n\"}",
          "{\"id\":2,\"name\":null,\"size\":null,\"at\":null,\"seen\":null,"
          "\"tags\":null}");
    /* numbers need all their parts, whatever skip_null says of texts */
    gives("{\"id\":3,\"x\":0.5}",
          "{\"id\":3,\"name\":null,\"size\":null,\"at\":null,\"seen\":null,"
          "\"tags\":null}");
    gives("{\"id\":1.5}", NULL);
    gives("{\"id\":true}", NULL);
    gives("{\"name\":\"x\"}", NULL);
    gives("nonsense", NULL);
}

static const struct clean_drift *
drift(const struct world *w, enum clean_drift_kind kind, const char *field)
{
    const struct clean_counts *s = clean_counted(w->clean);

    for (size_t i = 0; i < s->ndrift; i++) {
        if (s->drift[i].kind == kind && strcmp(s->drift[i].field, field) == 0) {
            return &s->drift[i];
        }
    }
    return NULL;
}

static void sums_close(void)
{
    const struct clean_counts *s;
    const struct clean_drift *d;
    struct world w;
    struct err e;

    if (!begin(&w, NULL)) {
        return;
    }
    CHECK_OK(feed(&w, "{\"id\":1,\"name\":\"a\",\"x\":5,\"y\":0}", 10, &e), &e);
    CHECK_OK(
        feed(&w, "[{\"id\":2,\"new\":1},{\"id\":3,\"name\":\"\"}]", 11, &e),
        &e);
    CHECK_OK(feed(&w, "{\"id\":\"x\"}", 12, &e), &e);
    CHECK_OK(feed(&w, "{\"id\":4,\"id\":5,\"size\":5,\"name\":[]}", 13, &e),
             &e);
    s = clean_counted(w.clean);
    CHECK_INT(s->messages, 4);
    CHECK_INT(s->records, 5);
    CHECK_INT(s->rows, 4);
    CHECK_INT(s->rejected, 1);
    CHECK_INT(s->how[DECODE_ARRAY], 1);
    CHECK_INT(s->nulled[1][CLEAN_BLANK], 1);
    CHECK_INT(s->nulled[1][CLEAN_TYPE], 1);
    CHECK_INT(s->nulled[3][CLEAN_RANGE], 1);
    CHECK_INT(s->nulled[3][CLEAN_PART], 3);
    CHECK_INT(s->rejects[0][CLEAN_RULES], 1);
    d = drift(&w, CLEAN_UNKNOWN, "new");
    CHECK(d != NULL && d->count == 1 && d->first == 11);
    d = drift(&w, CLEAN_RETYPED, "id");
    CHECK(d != NULL && d->count == 1 && d->first == 12);
    d = drift(&w, CLEAN_RETYPED, "size");
    CHECK(d != NULL && d->count == 1 && d->first == 13);
    d = drift(&w, CLEAN_REPEATED, "id");
    CHECK(d != NULL && d->count == 1 && d->first == 13);
    d = drift(&w, CLEAN_MISSING, "seen");
    CHECK(d != NULL && d->count == 4 && d->first == 10);
    CHECK_INT(w.out.rows.cols[0].fixed.i32[3], 5);
    CHECK_INT(w.out.offset[2], 11);
    CHECK_INT(w.out.sub[2], 1);
    end(&w);
}

static void rejects_say_why(void)
{
    struct world w;
    struct err e;

    if (!begin(&w, "t.strict=on")) {
        return;
    }
    CHECK_OK(feed(&w, "{\"id\":1,\"size\":\"many\"}", 5, &e), &e);
    CHECK_OK(feed(&w, "{\"id\":1,\"size\":\"\"}", 6, &e), &e);
    CHECK_OK(feed(&w, "{\"id\":1,\"size\":null}", 7, &e), &e);
    CHECK_OK(feed(&w, "{\"broken", 8, &e), &e);
    CHECK_INT(w.out.rows.rows, 1);
    CHECK_INT(w.out.nrejects, 3);
    CHECK_TEXT(slice_of(w.out.rejects[0].rule), "size");
    CHECK_TEXT(slice_of(w.out.rejects[0].reason), "not such a value");
    CHECK_INT(w.out.rejects[0].offset, 5);
    CHECK_TEXT(slice_of(w.out.rejects[2].rule), "decode");
    CHECK_TEXT(slice_of(w.out.rejects[2].reason), "not JSON");
    CHECK_TEXT(w.out.rejects[2].payload, "{\"broken");
    end(&w);
}

static void stop_stops(void)
{
    struct world w;
    struct err e;

    if (!begin(&w, "t.stop=on")) {
        return;
    }
    CHECK_OK(feed(&w, "{\"id\":1}", 5, &e), &e);
    CHECK_INT(feed(&w, "{\"id\":1,\"size\":\"many\"}", 6, &e), -1);
    CHECK_INT(e.code, ERR_DATA);
    CHECK(strstr(e.msg, "offset 6") != NULL);
    CHECK_INT(w.out.rows.rows, 1);
    end(&w);
}

static void limits_on_rejects(void)
{
    struct world w;
    struct err e;

    if (!begin(&w, "t.max_rejects=30%")) {
        return;
    }
    CHECK_OK(feed(&w, "{\"id\":1}", 0, &e), &e);
    CHECK_OK(feed(&w, "{\"id\":1}", 1, &e), &e);
    CHECK_OK(feed(&w, "{\"id\":1}", 2, &e), &e);
    CHECK_OK(feed(&w, "x", 3, &e), &e);
    CHECK_OK(clean_counts_check(clean_counted(w.clean), &w.spec->tables[0], &e),
             &e);
    CHECK_OK(feed(&w, "x", 4, &e), &e);
    CHECK_INT(
        clean_counts_check(clean_counted(w.clean), &w.spec->tables[0], &e), -1);
    CHECK_INT(e.code, ERR_DATA);
    end(&w);
}

static void equal_values_hash_alike(void)
{
    struct world w;
    struct hash_key zero = {{0}};
    struct err e;

    if (!begin(&w, NULL)) {
        return;
    }
    CHECK_OK(feed(&w, "{\"id\":1,\"size\":\"5k\",\"x\":0.0,\"y\":1}", 0, &e),
             &e);
    CHECK_OK(feed(&w, "{\"no\":\"1\",\"y\":\"1.0\",\"x\":-0.0,\"size\":5000}",
                  1, &e),
             &e);
    CHECK_OK(feed(&w, "{\"id\":1,\"size\":\"5k\",\"x\":0.0,\"y\":1.5}", 2, &e),
             &e);
    CHECK(hash_eq(w.out.hash[0], w.out.hash[1]));
    CHECK(!hash_eq(w.out.hash[0], w.out.hash[2]));
    CHECK(hash_eq(w.out.hash[2],
                  clean_row_hash(&w.spec->tables[0], &zero, &w.out.rows, 2)));
    end(&w);
}

static void by_keys_and_raw(void)
{
    struct world w;
    struct err e;

    if (begin(&w, "t.deduplicate={keep: first, by: [id]}")) {
        CHECK_OK(feed(&w, "{\"id\":1,\"size\":\"5k\"}", 0, &e), &e);
        CHECK_OK(feed(&w, "{\"id\":1,\"size\":\"6k\"}", 1, &e), &e);
        CHECK(hash_eq(w.out.hash[0], w.out.hash[1]));
        end(&w);
    }
    if (begin(&w, "t.deduplicate=raw")) {
        CHECK_OK(feed(&w, "{\"id\":1,\"size\":\"5k\"}", 0, &e), &e);
        CHECK_OK(feed(&w, "{\"size\":\"5k\",\"id\":1,\"x\":null}", 1, &e), &e);
        CHECK_OK(feed(&w, "{\"size\":5000,\"id\":1}", 2, &e), &e);
        CHECK(hash_eq(w.out.hash[0], w.out.hash[1]));
        CHECK(!hash_eq(w.out.hash[0], w.out.hash[2]));
        end(&w);
    }
}

static void places_are_kept(void)
{
    struct buf b;
    struct world w;
    struct err e;

    if (!begin(&w, "t.provenance=on")) {
        return;
    }
    buf_init(&b, 1000);
    clean_set_place(w.clean, "a.t", 3);
    CHECK_OK(feed(&w, "{\"id\":1}", 8, &e), &e);
    CHECK_OK(batch_json_row(&w.out.rows, 0, &b, &e), &e);
    CHECK(strstr(b.ptr, "\"topic\":\"a.t\",\"partition\":3,\"offset\":8,"
                        "\"ingest_time\":\"1970") != NULL);
    buf_release(&b);
    end(&w);
}

static void out_of_memory(void)
{
    struct spec *s = NULL;
    struct faults f;
    struct err e;
    unsigned n = 0;
    int rc = -1;

    faults_init(&f);
    CHECK_OK(spec_load(&s, slice_of(yaml), "t.yaml", NULL, &f, &e), &e);
    while (rc != 0 && n < 10000) {
        struct message m = {.value =
                                SLICE("{\"id\":1,\"tags\":\"#a,b\",\"q\":0}"),
                            .has_value = true};
        struct clean_conf conf = {.table = &s->tables[0]};
        struct clean_out out = {0};
        struct clean *c = NULL;

        mem_fail_after(++n);
        rc = clean_new(&c, &conf, &e);
        if (rc == 0) {
            rc = clean_out_init(&out, conf.table, &e);
        }
        if (rc == 0) {
            rc = clean_messages(c, &m, 1, &out, &e);
        }
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        clean_out_release(&out);
        clean_free(c);
    }
    CHECK_INT(rc, 0);
    spec_free(s);
    faults_release(&f);
}

int main(void)
{
    static const struct test tests[] = {
        {"rows come out as the spec says", rows_come_out},
        {"the sums close, drift is counted where it begins", sums_close},
        {"rejects say rule, reason and place", rejects_say_why},
        {"on_error: stop stops", stop_stops},
        {"max_rejects fails a run", limits_on_rejects},
        {"equal values hash alike however they came", equal_values_hash_alike},
        {"key columns and raw rows hash as asked", by_keys_and_raw},
        {"provenance columns are filled", places_are_kept},
        {"want of memory is an error", out_of_memory},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
