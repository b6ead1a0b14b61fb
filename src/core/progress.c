#include "core/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"

enum {
    BAR = 24,
    LINE = 160,
    DRAW_EVERY_US = 100000,
    NUMBER = 32
};

static atomic_bool quiet_all;

void progress_quiet(bool quiet)
{
    atomic_store(&quiet_all, quiet);
}

/* 1234567 as 1,234,567 */
static const char *grouped(int64_t v, char text[NUMBER])
{
    char digits[NUMBER];
    int n = snprintf(digits, sizeof(digits), "%" PRId64, v);
    size_t out = 0;

    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-') {
            text[out++] = ',';
        }
        text[out++] = digits[i];
    }
    text[out] = '\0';
    return text;
}

static size_t add(char *text, size_t cap, size_t at, const char *more)
{
    int n = at < cap ? snprintf(text + at, cap - at, "%s", more) : 0;

    return n < 0 ? at : at + (size_t)n;
}

static size_t add_bar(char *text, size_t cap, size_t at, double share)
{
    char bar[BAR + 3];
    size_t full = (size_t)(share * (double)BAR);

    bar[0] = '[';
    memset(bar + 1, '#', full);
    memset(bar + 1 + full, '.', BAR - full);
    bar[BAR + 1] = ']';
    bar[BAR + 2] = '\0';
    return add(text, cap, at, bar);
}

size_t progress_text(const struct progress *p, int64_t elapsed_us, char *text,
                     size_t cap)
{
    int64_t done = atomic_load(&p->done);
    double rate =
        elapsed_us > 0 ? (double)done * 1e6 / (double)elapsed_us : 0.0;
    char number[NUMBER];
    char part[LINE];
    size_t at = 0;

    (void)snprintf(part, sizeof(part), "  %-10s ", p->name);
    at = add(text, cap, at, part);
    if (p->total > 0) {
        double share = done < p->total ? (double)done / (double)p->total : 1.0;

        at = add_bar(text, cap, at, share);
        (void)snprintf(part, sizeof(part), " %3d %% ", (int)(share * 100));
        at = add(text, cap, at, part);
    }
    (void)snprintf(part, sizeof(part), " %s %s", grouped(done, number),
                   p->unit);
    at = add(text, cap, at, part);
    (void)snprintf(part, sizeof(part), "  %s/s",
                   grouped((int64_t)rate, number));
    at = add(text, cap, at, part);
    if (p->total > done && rate > 0) {
        int64_t left = (int64_t)((double)(p->total - done) / rate) + 1;

        (void)snprintf(part, sizeof(part), "  %" PRId64 ":%02d left", left / 60,
                       (int)(left % 60));
        at = add(text, cap, at, part);
    }
    return at < cap ? at : cap - 1;
}

void progress_begin(struct progress *p, const char *name, const char *unit,
                    int64_t total)
{
    p->name = name;
    p->unit = unit;
    p->total = total;
    p->started_us = clock_mono_us();
    atomic_init(&p->done, 0);
    /* nothing is drawn for steps that are over at once */
    atomic_init(&p->next_draw_us, p->started_us + (int64_t)2 * DRAW_EVERY_US);
    p->shown = !atomic_load(&quiet_all) && isatty(STDERR_FILENO);
}

void progress_add(struct progress *p, int64_t n)
{
    char text[LINE + 8] = "\r\033[K";
    size_t start = strlen(text);
    int64_t now;
    int64_t due;

    (void)atomic_fetch_add_explicit(&p->done, n, memory_order_relaxed);
    if (!p->shown) {
        return;
    }
    now = clock_mono_us();
    due = atomic_load(&p->next_draw_us);
    if (now < due || !atomic_compare_exchange_strong(&p->next_draw_us, &due,
                                                     now + DRAW_EVERY_US)) {
        return;
    }
    start += progress_text(p, now - p->started_us, text + start,
                           sizeof(text) - start);
    (void)!write(STDERR_FILENO, text, start);
}

void progress_end(struct progress *p)
{
    if (p->shown) {
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
        p->shown = false;
    }
}
