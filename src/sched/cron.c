#include "sched/cron.h"

#include <string.h>

#include "core/clock.h"
#include "core/num.h"
#include "core/text.h"

enum {
    DAYS_MAX = 30 * 366,
    NAME = 3, /* letters of a month or weekday */
};

#define MINUTE ((int64_t)60000000)
#define DAY    (1440 * MINUTE)

static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                     "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekdays[] = {"sun", "mon", "tue", "wed",
                                       "thu", "fri", "sat"};

static const struct field {
    const char *name;
    int64_t low, high;
    const char *const *names; /* the first stands for `low` */
    size_t n;
} fields[] = {
    {"minute", 0, 59, NULL, 0},         {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},   {"month", 1, 12, months, 12},
    {"day of week", 0, 7, weekdays, 7},
};

static const struct {
    const char *name;
    const char *expression;
} shorthands[] = {
    {"@yearly", "0 0 1 1 *"},  {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
};

static bool value(const struct field *f, struct slice s, int64_t *ret)
{
    for (size_t i = 0; i < f->n; i++) {
        if (text_ascii_ieq(s, (struct slice){f->names[i], NAME})) {
            *ret = f->low + (int64_t)i;
            return true;
        }
    }
    return s.len > 0 && s.len <= 2 && s.ptr[0] >= '0' && s.ptr[0] <= '9' &&
           num_i64(s, ret) && *ret >= f->low && *ret <= f->high;
}

/* "*", "5", "1-5", "mon-fri", each with "/step" behind it. */
static bool add_item(const struct field *f, struct slice item, uint64_t *bits)
{
    struct slice range;
    struct slice first;
    int64_t from = f->low;
    int64_t to = f->high;
    int64_t step = 1;
    bool stepped = slice_cut(&item, '/', &range);

    if (stepped && (!num_i64(item, &step) || step < 1 || step > f->high)) {
        return false;
    }
    if (slice_is(range, "*")) {
        to = f->high == 7 ? 6 : f->high; /* Sunday once */
    } else {
        bool two = slice_cut(&range, '-', &first);

        if (!value(f, first, &from) || (two && !value(f, range, &to))) {
            return false;
        }
        if (!two && !stepped) {
            to = from;
        }
        if (two && from > to) {
            return false;
        }
    }
    for (int64_t v = from; v <= to; v += step) {
        *bits |= (uint64_t)1 << v;
    }
    return true;
}

static int parse_field(const struct field *f, struct slice text, uint64_t *bits,
                       struct err *e)
{
    struct slice rest = text;
    struct slice item;
    bool more = true;

    *bits = 0;
    while (more) {
        more = slice_cut(&rest, ',', &item);
        if (!add_item(f, item, bits)) {
            return err_set(e, ERR_INVALID,
                           "cannot read \"%.*s\" as %s: it is *, a number "
                           "from %d to %d, a range a-b, a step */n, or a list "
                           "of these",
                           SLICE_FMT(text), f->name, (int)f->low, (int)f->high);
        }
    }
    return 0;
}

/* The next word, without blanks around it; empty at the end. */
static struct slice word(struct slice *s)
{
    struct slice head;

    *s = slice_trim(*s);
    for (size_t i = 0; i < s->len; i++) {
        if (s->ptr[i] == ' ' || s->ptr[i] == '\t') {
            head = (struct slice){s->ptr, i};
            *s = slice_from(*s, i);
            return head;
        }
    }
    head = *s;
    *s = slice_from(*s, s->len);
    return head;
}

static int parse_fields(struct cron *c, const char *text, struct err *e)
{
    struct slice rest = slice_of(text);
    uint64_t bits[ARRAY_LEN(fields)] = {0};
    bool any[ARRAY_LEN(fields)] = {false};

    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        struct slice w = word(&rest);

        if (w.len == 0) {
            return err_set(e, ERR_INVALID,
                           "cron expression \"%s\" has no %s: it needs five "
                           "fields, or @daily and the like",
                           text, fields[i].name);
        }
        any[i] = w.ptr[0] == '*';
        if (parse_field(&fields[i], w, &bits[i], e) < 0) {
            return err_wrap(e, "cron expression \"%s\"", text);
        }
    }
    if (slice_trim(rest).len > 0) {
        return err_set(e, ERR_INVALID,
                       "cron expression \"%s\" has more than five fields",
                       text);
    }
    *c = (struct cron){.minutes = bits[0],
                       .hours = (uint32_t)bits[1],
                       .days = (uint32_t)bits[2],
                       .months = (uint16_t)bits[3],
                       .weekdays = (uint8_t)(bits[4] & 0x7f),
                       .any_hour = any[1],
                       .any_day = any[2],
                       .any_weekday = any[4]};
    if (bits[4] & 0x80) { /* 7 is Sunday too */
        c->weekdays |= 1;
    }
    return 0;
}

int cron_parse(struct cron *ret, const char *text, struct err *e)
{
    struct slice s = slice_trim(slice_of(text));
    struct slice head = word(&s);

    if (slice_is(head, "@manual")) {
        *ret = (struct cron){.manual = true};
        return 0;
    }
    if (slice_is(head, "@every")) {
        *ret = (struct cron){0};
        if (!num_duration_us(slice_trim(s), &ret->every_us) ||
            ret->every_us < 1000000) {
            return err_set(e, ERR_INVALID,
                           "cannot read \"%s\": a duration of at least a "
                           "second belongs behind @every, such as 5m",
                           text);
        }
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(shorthands); i++) {
        if (slice_is(head, shorthands[i].name)) {
            return parse_fields(ret, shorthands[i].expression, e);
        }
    }
    if (head.len > 0 && head.ptr[0] == '@') {
        return err_set(e, ERR_INVALID,
                       "there is no \"%.*s\": it is @yearly, @monthly, "
                       "@weekly, @daily, @hourly, @every DURATION or @manual",
                       SLICE_FMT(head));
    }
    return parse_fields(ret, text, e);
}

static bool day_matches(const struct cron *c, int64_t local_day)
{
    struct clock_civil t;
    unsigned weekday;
    bool by_day;
    bool by_weekday;

    clock_to_civil(local_day, &t);
    if (!(c->months >> t.month & 1)) {
        return false;
    }
    weekday = (unsigned)((((local_day / DAY) + 4) % 7 + 7) % 7);
    by_day = c->days >> t.day & 1;
    by_weekday = c->weekdays >> weekday & 1;
    if (!c->any_day && !c->any_weekday) {
        return by_day || by_weekday;
    }
    return by_day && by_weekday;
}

/* The instants that a local minute of the expression stands for. */
static int due_at(const struct cron *c, const struct zone *z, int64_t local,
                  int64_t ret[2])
{
    int n = zone_instants(z, local, ret);

    if (c->any_hour) {
        return n;
    }
    if (n == 0) {
        ret[0] = zone_to_utc(z, local);
    }
    return 1;
}

/* The earliest instant of a local day behind `utc`, or the latest at or
 * before it. */
static bool best_of_day(const struct cron *c, const struct zone *z, int64_t day,
                        int64_t utc, bool forward, int64_t *ret)
{
    bool found = false;

    for (int m = 0; m < 1440; m++) {
        int64_t at[2];
        int n;

        if (!(c->hours >> (m / 60) & 1) || !(c->minutes >> (m % 60) & 1)) {
            continue;
        }
        n = due_at(c, z, day + m * MINUTE, at);
        for (int i = 0; i < n; i++) {
            bool good = forward ? at[i] > utc && (!found || at[i] < *ret)
                                : at[i] <= utc && (!found || at[i] > *ret);

            if (good) {
                *ret = at[i];
                found = true;
            }
        }
    }
    return found;
}

static int64_t floor_to(int64_t v, int64_t step)
{
    int64_t rest = v % step;

    return v - (rest < 0 ? rest + step : rest);
}

static bool search(const struct cron *c, const struct zone *z, int64_t utc,
                   bool forward, int64_t *ret)
{
    int64_t step = forward ? DAY : -DAY;
    /* a day earlier: clocks that go back over midnight */
    int64_t day = floor_to(zone_to_local(z, utc), DAY) - step;

    for (int i = 0; i < DAYS_MAX; i++, day += step) {
        if (day_matches(c, day) && best_of_day(c, z, day, utc, forward, ret)) {
            return true;
        }
    }
    return false;
}

bool cron_next(const struct cron *c, const struct zone *z, int64_t utc_us,
               int64_t *ret)
{
    if (c->manual) {
        return false;
    }
    if (c->every_us > 0) {
        *ret = c->start_us + floor_to(utc_us - c->start_us, c->every_us) +
               c->every_us;
        return true;
    }
    return search(c, z, utc_us, true, ret);
}

bool cron_last(const struct cron *c, const struct zone *z, int64_t utc_us,
               int64_t *ret)
{
    if (c->manual) {
        return false;
    }
    if (c->every_us > 0) {
        *ret = c->start_us + floor_to(utc_us - c->start_us, c->every_us);
        return true;
    }
    return search(c, z, utc_us, false, ret);
}
