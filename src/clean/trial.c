#include "clean/trial.h"

#include "clean/clean.h"
#include "record/batch_json.h"
#include "json/json.h"

enum {
    ROW_MAX = 16 << 20
};

struct trial {
    const struct spec_test *test;
    const struct spec_table *table; /* with the case's options */
    struct clean_out out;
    struct fault_place at;
    struct faults *faults;
    bool passed;
};

/* Equal values; numbers by value. */
static bool same(yyjson_val *a, yyjson_val *b)
{
    if (yyjson_is_num(a) && yyjson_is_num(b)) {
        double x = yyjson_get_num(a), y = yyjson_get_num(b);

        return x >= y && x <= y;
    }
    if (yyjson_is_arr(a) && yyjson_is_arr(b)) {
        size_t n = yyjson_arr_size(a);

        if (n != yyjson_arr_size(b)) {
            return false;
        }
        for (size_t i = 0; i < n; i++) {
            if (!same(yyjson_arr_get(a, i), yyjson_arr_get(b, i))) {
                return false;
            }
        }
        return true;
    }
    return yyjson_equals(a, b);
}

static void differs(struct trial *t, const char *column, const struct buf *row)
{
    faults_add(t->faults, t->at,
               "test \"%s\": column \"%s\" is not as expected; the row is "
               "%.*s",
               t->test->name, column, SLICE_FMT(buf_slice(row)));
}

static int compare(struct trial *t, struct err *e)
{
    struct json_doc want = {0}, got = {0};
    struct buf row;
    yyjson_obj_iter it;
    yyjson_val *k;
    int rc = -1;

    buf_init(&row, ROW_MAX);
    if (batch_json_row(&t->out.rows, 0, &row, e) != 0 ||
        json_parse(&want, t->test->expect, JSON_NUMBERS, NULL, e) != 0 ||
        json_parse(&got, buf_slice(&row), JSON_NUMBERS, NULL, e) != 0) {
        goto out;
    }
    t->passed = true;
    it = yyjson_obj_iter_with(want.root);
    while ((k = yyjson_obj_iter_next(&it)) != NULL) {
        yyjson_val *x = json_get(got.root, yyjson_get_str(k));

        if (x == NULL || !same(yyjson_obj_iter_get_val(k), x)) {
            differs(t, yyjson_get_str(k), &row);
            t->passed = false;
        }
    }
    rc = 0;
out:
    json_release(&want);
    json_release(&got);
    buf_release(&row);
    return rc;
}

static void check_reject(struct trial *t)
{
    const char *reason = t->out.nrejects > 0 ? t->out.rejects[0].reason : NULL;

    if (reason == NULL) {
        faults_add(t->faults, t->at, "test \"%s\": the record was not rejected",
                   t->test->name);
    } else if (t->test->reason.len > 0 && !slice_is(t->test->reason, reason)) {
        faults_add(t->faults, t->at,
                   "test \"%s\": the record was rejected for \"%s\"",
                   t->test->name, reason);
    } else {
        t->passed = true;
    }
}

static int try_case(struct trial *t, struct err *e)
{
    struct message m = {.value = t->test->input, .has_value = true};
    struct clean_conf conf = {.table = t->table};
    struct clean *c = NULL;
    int rc = -1;

    if (clean_out_init(&t->out, t->table, e) != 0) {
        return -1;
    }
    if (clean_new(&c, &conf, e) != 0 ||
        clean_messages(c, &m, 1, &t->out, e) != 0) {
        goto out;
    }
    rc = 0;
    if (t->test->expect.len == 0) {
        check_reject(t);
    } else if (t->out.rows.rows == 1) {
        rc = compare(t, e);
    } else {
        faults_add(t->faults, t->at, "test \"%s\": the record gave no row: %s",
                   t->test->name,
                   t->out.nrejects > 0 ? t->out.rejects[0].reason : "nothing");
    }
out:
    clean_free(c);
    clean_out_release(&t->out);
    return rc;
}

static int with_options(const struct spec *s, struct slice text,
                        struct trial *t, struct err *e)
{
    struct spec *own = NULL;
    int rc;

    if (t->test->options.n == 0) {
        t->table = t->test->table;
        return try_case(t, e);
    }
    if (spec_load(&own, text, s->file, &t->test->options, t->faults, e) != 0) {
        return -1;
    }
    rc = spec_table(own, t->test->table->name, &t->table, e);
    if (rc == 0) {
        rc = try_case(t, e);
    }
    spec_free(own);
    return rc;
}

int trial_run(const struct spec *s, struct slice text, struct faults *faults,
              size_t *ret_passed, struct err *e)
{
    size_t passed = 0;

    for (size_t i = 0; i < s->ntests; i++) {
        struct trial t = {.test = &s->tests[i],
                          .faults = faults,
                          .at = {s->file, s->tests[i].line, 1}};

        if (with_options(s, text, &t, e) != 0) {
            return err_wrap(e, "test \"%s\"", s->tests[i].name);
        }
        passed += t.passed ? 1 : 0;
    }
    *ret_passed = passed;
    return 0;
}
