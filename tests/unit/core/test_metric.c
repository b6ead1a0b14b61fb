#include "core/metric.h"

#include "core/mem.h"
#include "test.h"

static const struct metric_def records = {
    "pinline_records_total", "Records stored.", METRIC_COUNTER, {"topic"}};
static const struct metric_def open_now = {
    "pinline_connections", "Connections.", METRIC_GAUGE, {NULL}};
static const struct metric_def took = {
    "pinline_request_seconds", "Requests.", METRIC_HISTOGRAM, {"route"}};

static int use(struct metrics **ret, struct err *e)
{
    const struct slice pin[] = {SLICE("p\"i\\n\n")};
    const struct slice geo[] = {SLICE("geo")};
    struct metric *c;

    if (metrics_new(ret, e) < 0) {
        return -1;
    }
    if (metrics_get(*ret, &records, pin, &c, e) < 0) {
        return -1;
    }
    metric_add(c, 3);
    if (metrics_get(*ret, &records, geo, &c, e) < 0) {
        return -1;
    }
    metric_add(c, 1);
    if (metrics_get(*ret, &records, pin, &c, e) < 0) {
        return -1;
    }
    metric_add(c, 4);
    if (metrics_get(*ret, &took, geo, &c, e) < 0) {
        return -1;
    }
    metric_observe_us(c, 600);
    metric_observe_us(c, 20000000);
    if (metrics_get(*ret, &open_now, NULL, &c, e) < 0) {
        return -1;
    }
    metric_set(c, 5);
    metric_add(c, -1);
    return 0;
}

static void prometheus_text_is_sorted_and_escaped(void)
{
    struct metrics *m = NULL;
    struct buf b;
    struct err e;
    const char *text = "";

    buf_init(&b, 100000);
    CHECK_OK(use(&m, &e), &e);
    CHECK_OK(metrics_print(m, &b, &e), &e);
    CHECK_OK(buf_text(&b, &text, &e), &e);
    CHECK(slice_starts(
        buf_slice(&b),
        SLICE("# HELP pinline_connections Connections.\n"
              "# TYPE pinline_connections gauge\n"
              "pinline_connections 4\n"
              "# HELP pinline_records_total Records stored.\n"
              "# TYPE pinline_records_total counter\n"
              "pinline_records_total{topic=\"geo\"} 1\n"
              "pinline_records_total{topic=\"p\\\"i\\\\n\\n\"} 7\n"
              "# HELP pinline_request_seconds Requests.\n"
              "# TYPE pinline_request_seconds histogram\n"
              "pinline_request_seconds_bucket{route=\"geo\",le=\"0.0005\"} "
              "0\n"
              "pinline_request_seconds_bucket{route=\"geo\",le=\"0.001\"} "
              "1\n")));
    CHECK(strstr(text, "_bucket{route=\"geo\",le=\"10\"} 1\n") != NULL);
    CHECK(strstr(text, "_bucket{route=\"geo\",le=\"+Inf\"} 2\n") != NULL);
    CHECK(strstr(text, "_sum{route=\"geo\"} 20.000600\n") != NULL);
    CHECK(strstr(text, "_count{route=\"geo\"} 2\n") != NULL);
    CHECK(strstr(text, "\nprocess_resident_memory_bytes ") != NULL);
    metrics_free(m);
    buf_release(&b);
}

static void running_out_of_memory_is_said(void)
{
    struct err e = {0};
    int rc = -1;

    for (unsigned n = 1; rc != 0 && n < 50; n++) {
        struct metrics *m = NULL;

        mem_fail_after(n);
        rc = use(&m, &e);
        mem_fail_after(0);
        CHECK(rc == 0 || e.code == ERR_NOMEM);
        metrics_free(m);
    }
    CHECK_INT(rc, 0);
}

static const struct test tests[] = {
    {"Prometheus text is sorted and escaped",
     prometheus_text_is_sorted_and_escaped},
    {"running out of memory is said", running_out_of_memory_is_said},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
