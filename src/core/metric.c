#include "core/metric.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "core/proc.h"
#include "core/thread.h"

/* Upper ends of the buckets in microseconds; +Inf comes behind them. */
static const struct {
    int64_t us;
    const char *text;
} bounds[] = {
    {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},
    {10000, "0.01"},  {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},
    {250000, "0.25"}, {500000, "0.5"},  {1000000, "1"},   {2500000, "2.5"},
    {5000000, "5"},   {10000000, "10"},
};

struct metric {
    const struct metric_def *def;
    char *values[METRIC_LABELS_MAX];
    _Atomic int64_t value; /* of a histogram: how many */
    _Atomic int64_t sum_us;
    _Atomic int64_t buckets[ARRAY_LEN(bounds)];
};

struct metrics {
    struct mutex lock;
    struct metric **list;
    size_t count;
};

int metrics_new(struct metrics **ret, struct err *e)
{
    struct metrics *m = mem_zero(1, sizeof(*m));

    if (m == NULL) {
        return err_nomem(e, sizeof(*m));
    }
    mutex_init(&m->lock);
    *ret = m;
    return 0;
}

static void free_metric(struct metric *c)
{
    if (c != NULL) {
        for (size_t i = 0; i < METRIC_LABELS_MAX; i++) {
            mem_free(c->values[i]);
        }
        mem_free(c);
    }
}

void metrics_free(struct metrics *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->count; i++) {
        free_metric(m->list[i]);
    }
    mem_free(m->list);
    mutex_release(&m->lock);
    mem_free(m);
}

static bool same(const struct metric *c, const struct metric_def *def,
                 const struct slice *values)
{
    if (c->def != def && strcmp(c->def->name, def->name) != 0) {
        return false;
    }
    for (size_t i = 0; i < METRIC_LABELS_MAX && def->labels[i] != NULL; i++) {
        if (!slice_is(values[i], c->values[i])) {
            return false;
        }
    }
    return true;
}

static int add_metric(struct metrics *m, const struct metric_def *def,
                      const struct slice *values, struct metric **ret,
                      struct err *e)
{
    struct metric **list;
    struct metric *c;

    if (m->count >= METRIC_SERIES_MAX) {
        return err_set(e, ERR_LIMIT, "over %d metrics", METRIC_SERIES_MAX);
    }
    list = mem_resize(m->list, m->count + 1, sizeof(struct metric *));
    if (list == NULL) {
        return err_nomem(e, (m->count + 1) * sizeof(struct metric *));
    }
    m->list = list;
    c = mem_zero(1, sizeof(*c));
    if (c == NULL) {
        return err_nomem(e, sizeof(*c));
    }
    c->def = def;
    for (size_t i = 0; i < METRIC_LABELS_MAX && def->labels[i] != NULL; i++) {
        c->values[i] = mem_text(values[i].ptr, values[i].len);
        if (c->values[i] == NULL) {
            free_metric(c);
            return err_nomem(e, values[i].len);
        }
    }
    m->list[m->count++] = c;
    *ret = c;
    return 0;
}

int metrics_get(struct metrics *m, const struct metric_def *def,
                const struct slice *values, struct metric **ret, struct err *e)
{
    int rc = 0;

    mutex_lock(&m->lock);
    for (size_t i = 0; i < m->count; i++) {
        if (same(m->list[i], def, values)) {
            *ret = m->list[i];
            goto out;
        }
    }
    rc = add_metric(m, def, values, ret, e);
out:
    mutex_unlock(&m->lock);
    return rc;
}

void metric_add(struct metric *c, int64_t n)
{
    (void)atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

void metric_set(struct metric *c, int64_t v)
{
    atomic_store_explicit(&c->value, v, memory_order_relaxed);
}

void metric_observe_us(struct metric *c, int64_t us)
{
    metric_observe_many(c, us, 1);
}

void metric_observe_many(struct metric *c, int64_t us, int64_t n)
{
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        if (us <= bounds[i].us) {
            (void)atomic_fetch_add_explicit(&c->buckets[i], n,
                                            memory_order_relaxed);
            break;
        }
    }
    (void)atomic_fetch_add_explicit(&c->sum_us, us * n, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&c->value, n, memory_order_relaxed);
}

int64_t metric_value(struct metric *c)
{
    return atomic_load(&c->value);
}

static void add_up(struct metric *into, struct metric *from)
{
    metric_add(into, metric_value(from));
    (void)atomic_fetch_add(&into->sum_us, atomic_load(&from->sum_us));
    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        (void)atomic_fetch_add(&into->buckets[i],
                               atomic_load(&from->buckets[i]));
    }
}

int metrics_join(struct metrics *into, struct metrics *from, struct err *e)
{
    int rc = 0;

    mutex_lock(&from->lock);
    for (size_t i = 0; i < from->count && rc == 0; i++) {
        struct metric *f = from->list[i];
        struct slice values[METRIC_LABELS_MAX] = {0};
        struct metric *c;

        for (size_t k = 0; k < METRIC_LABELS_MAX && f->values[k]; k++) {
            values[k] = slice_of(f->values[k]);
        }
        rc = metrics_get(into, f->def, values, &c, e);
        if (rc == 0) {
            add_up(c, f);
        }
    }
    mutex_unlock(&from->lock);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    const struct metric *const *x = a;
    const struct metric *const *y = b;
    int d = strcmp((*x)->def->name, (*y)->def->name);

    for (size_t i = 0; d == 0 && i < METRIC_LABELS_MAX; i++) {
        if ((*x)->values[i] == NULL || (*y)->values[i] == NULL) {
            break;
        }
        d = strcmp((*x)->values[i], (*y)->values[i]);
    }
    return d;
}

static int print_value(struct buf *b, const char *text, struct err *e)
{
    for (; *text != '\0'; text++) {
        const char *out = *text == '"'    ? "\\\""
                          : *text == '\\' ? "\\\\"
                          : *text == '\n' ? "\\n"
                                          : NULL;

        if ((out != NULL ? buf_puts(b, out, e) : buf_putc(b, *text, e)) < 0) {
            return -1;
        }
    }
    return 0;
}

/* "NAME SUFFIX{labels,le="..."} " */
static int print_series(const struct metric *c, const char *suffix,
                        const char *le, struct buf *b, struct err *e)
{
    const char *before = "{";

    if (buf_putf(b, e, "%s%s", c->def->name, suffix) < 0) {
        return -1;
    }
    for (size_t i = 0; i < METRIC_LABELS_MAX && c->values[i] != NULL; i++) {
        if (buf_putf(b, e, "%s%s=\"", before, c->def->labels[i]) < 0 ||
            print_value(b, c->values[i], e) < 0 || buf_putc(b, '"', e) < 0) {
            return -1;
        }
        before = ",";
    }
    if (le != NULL) {
        if (buf_putf(b, e, "%sle=\"%s\"", before, le) < 0) {
            return -1;
        }
        before = ",";
    }
    return buf_puts(b, *before == ',' ? "} " : " ", e);
}

static int print_seconds(struct buf *b, int64_t us, struct err *e)
{
    return buf_putf(b, e, "%" PRId64 ".%06d\n", us / 1000000,
                    (int)(us % 1000000));
}

static int print_histogram(struct metric *c, struct buf *b, struct err *e)
{
    int64_t below = 0;

    for (size_t i = 0; i < ARRAY_LEN(bounds); i++) {
        below += atomic_load(&c->buckets[i]);
        if (print_series(c, "_bucket", bounds[i].text, b, e) < 0 ||
            buf_putf(b, e, "%" PRId64 "\n", below) < 0) {
            return -1;
        }
    }
    if (print_series(c, "_bucket", "+Inf", b, e) < 0 ||
        buf_putf(b, e, "%" PRId64 "\n", metric_value(c)) < 0 ||
        print_series(c, "_sum", NULL, b, e) < 0 ||
        print_seconds(b, atomic_load(&c->sum_us), e) < 0 ||
        print_series(c, "_count", NULL, b, e) < 0) {
        return -1;
    }
    return buf_putf(b, e, "%" PRId64 "\n", metric_value(c));
}

static int print_metric(struct metric *c, bool first, struct buf *b,
                        struct err *e)
{
    static const char *const kinds[] = {"counter", "gauge", "histogram"};

    if (first &&
        buf_putf(b, e, "# HELP %s %s\n# TYPE %s %s\n", c->def->name,
                 c->def->help, c->def->name, kinds[c->def->kind]) < 0) {
        return -1;
    }
    if (c->def->kind == METRIC_HISTOGRAM) {
        return print_histogram(c, b, e);
    }
    if (print_series(c, "", NULL, b, e) < 0) {
        return -1;
    }
    return buf_putf(b, e, "%" PRId64 "\n", metric_value(c));
}

static int print_process(struct buf *b, struct err *e)
{
    if (buf_putf(b, e,
                 "# HELP process_resident_memory_bytes memory in use\n"
                 "# TYPE process_resident_memory_bytes gauge\n"
                 "process_resident_memory_bytes %" PRId64 "\n"
                 "# HELP process_open_fds open descriptors\n"
                 "# TYPE process_open_fds gauge\n"
                 "process_open_fds %d\n"
                 "# HELP process_cpu_seconds_total user and system time\n"
                 "# TYPE process_cpu_seconds_total counter\n"
                 "process_cpu_seconds_total ",
                 proc_rss(), proc_open_files()) < 0) {
        return -1;
    }
    return print_seconds(b, proc_cpu_us(), e);
}

int metrics_print(struct metrics *m, struct buf *b, struct err *e)
{
    int rc = 0;

    mutex_lock(&m->lock);
    if (m->count > 1) {
        qsort(m->list, m->count, sizeof(struct metric *), by_name);
    }
    for (size_t i = 0; i < m->count && rc == 0; i++) {
        bool first = i == 0 || strcmp(m->list[i - 1]->def->name,
                                      m->list[i]->def->name) != 0;

        rc = print_metric(m->list[i], first, b, e);
    }
    mutex_unlock(&m->lock);
    return rc < 0 ? -1 : print_process(b, e);
}
