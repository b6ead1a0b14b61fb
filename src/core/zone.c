#include "core/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"

enum {
    FILE_BYTES_MAX = 1 << 20,
    HEADER = 44,
    TIMES_MAX = 10000,
    DAY = 86400,
};

#define SECOND ((int64_t)1000000)

/* One end of summer time in the footer's rule: "M3.5.0/2", "J60", "59". */
struct turn {
    char form; /* 'M', 'J', or '0': a day of the year from 0 */
    int month, week, day;
    int time; /* seconds behind local midnight, may be negative */
};

/* What holds behind the last transition: "CET-1CEST,M3.5.0,M10.5.0/3". */
struct rule {
    bool is_set, has_summer;
    int normal, summer; /* seconds east of UTC */
    struct turn begin, end;
};

struct zone {
    char name[64];
    size_t n;       /* transitions */
    int64_t *times; /* seconds, ascending */
    int *offsets;   /* from each on, seconds east of UTC */
    int before;     /* before the first */
    struct rule rule;
};

/* ---- the footer's rule ---- */

static bool skip_name(struct slice *s)
{
    size_t n = 0;

    if (s->len > 0 && s->ptr[0] == '<') {
        while (n < s->len && s->ptr[n] != '>') {
            n++;
        }
        n++;
    } else {
        while (n < s->len && ((s->ptr[n] | 0x20) >= 'a') &&
               ((s->ptr[n] | 0x20) <= 'z')) {
            n++;
        }
    }
    if (n < 3 || n > s->len) {
        return false;
    }
    *s = slice_from(*s, n);
    return true;
}

static bool number(struct slice *s, int *ret, int most)
{
    int v = 0;
    size_t n = 0;

    while (n < s->len && n < 4 && s->ptr[n] >= '0' && s->ptr[n] <= '9') {
        v = v * 10 + (s->ptr[n] - '0');
        n++;
    }
    if (n == 0 || v > most) {
        return false;
    }
    *s = slice_from(*s, n);
    *ret = v;
    return true;
}

static bool take(struct slice *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c) {
        return false;
    }
    *s = slice_from(*s, 1);
    return true;
}

/* [+-]hh[:mm[:ss]] */
static bool seconds(struct slice *s, int *ret)
{
    bool negative = take(s, '-');
    int part[3] = {0, 0, 0};

    (void)(negative || take(s, '+'));
    for (int i = 0; i < 3; i++) {
        if (i > 0 && !take(s, ':')) {
            break;
        }
        if (!number(s, &part[i], i == 0 ? 167 : 59)) {
            return false;
        }
    }
    *ret = part[0] * 3600 + part[1] * 60 + part[2];
    *ret = negative ? -*ret : *ret;
    return true;
}

static bool parse_turn(struct slice *s, struct turn *t)
{
    *t = (struct turn){.form = '0', .time = 7200};
    if (take(s, 'M')) {
        t->form = 'M';
        if (!number(s, &t->month, 12) || t->month < 1 || !take(s, '.') ||
            !number(s, &t->week, 5) || t->week < 1 || !take(s, '.') ||
            !number(s, &t->day, 6)) {
            return false;
        }
    } else {
        t->form = take(s, 'J') ? 'J' : '0';
        if (!number(s, &t->day, t->form == 'J' ? 365 : 364) ||
            (t->form == 'J' && t->day < 1)) {
            return false;
        }
    }
    return !take(s, '/') || seconds(s, &t->time);
}

static bool parse_rule(struct slice s, struct rule *r)
{
    *r = (struct rule){.is_set = true};
    if (!skip_name(&s) || !seconds(&s, &r->normal)) {
        return false;
    }
    r->normal = -r->normal; /* the text counts west of Greenwich */
    if (s.len == 0) {
        return true;
    }
    r->has_summer = true;
    r->summer = r->normal + 3600;
    if (!skip_name(&s)) {
        return false;
    }
    if (s.len > 0 && s.ptr[0] != ',') {
        if (!seconds(&s, &r->summer)) {
            return false;
        }
        r->summer = -r->summer;
    }
    return take(&s, ',') && parse_turn(&s, &r->begin) && take(&s, ',') &&
           parse_turn(&s, &r->end) && s.len == 0;
}

static int64_t days_of(const struct turn *t, int year)
{
    int64_t first = clock_days(year, 1, 1);
    bool leap = clock_days_in_month(year, 2) == 29;
    int64_t day;

    if (t->form == 'J') {
        return first + t->day - 1 + (leap && t->day >= 60 ? 1 : 0);
    }
    if (t->form == '0') {
        return first + t->day;
    }
    first = clock_days(year, t->month, 1);
    /* 1970-01-01 was a Thursday (4); the first such weekday of the month */
    day =
        first + (t->day - (first + 4) % 7 + 7) % 7 + (int64_t)7 * (t->week - 1);
    while (day >= first + clock_days_in_month(year, t->month)) {
        day -= 7;
    }
    return day;
}

static int rule_offset(const struct rule *r, int64_t utc)
{
    struct clock_civil c;
    int64_t begin;
    int64_t end;

    if (!r->has_summer) {
        return r->normal;
    }
    clock_to_civil((utc + r->normal) * SECOND, &c);
    begin = days_of(&r->begin, c.year) * DAY + r->begin.time - r->normal;
    end = days_of(&r->end, c.year) * DAY + r->end.time - r->summer;
    if (begin < end) {
        return utc >= begin && utc < end ? r->summer : r->normal;
    }
    return utc >= end && utc < begin ? r->normal : r->summer;
}

/* ---- the file ---- */

static int64_t big_endian(const char *p, int bytes)
{
    uint64_t v = (signed char)p[0] < 0 ? UINT64_MAX : 0;

    for (int i = 0; i < bytes; i++) {
        v = v << 8 | (unsigned char)p[i];
    }
    return (int64_t)v;
}

struct counts {
    int64_t utc, std, leap, times, types, chars;
};

static bool read_header(struct slice s, struct counts *c)
{
    if (s.len < HEADER || memcmp(s.ptr, "TZif", 4) != 0) {
        return false;
    }
    c->utc = big_endian(s.ptr + 20, 4);
    c->std = big_endian(s.ptr + 24, 4);
    c->leap = big_endian(s.ptr + 28, 4);
    c->times = big_endian(s.ptr + 32, 4);
    c->types = big_endian(s.ptr + 36, 4);
    c->chars = big_endian(s.ptr + 40, 4);
    return c->utc >= 0 && c->utc <= 256 && c->std >= 0 && c->std <= 256 &&
           c->leap >= 0 && c->leap <= TIMES_MAX && c->times >= 0 &&
           c->times <= TIMES_MAX && c->types >= 1 && c->types <= 256 &&
           c->chars >= 0 && c->chars <= 4096;
}

static size_t body_bytes(const struct counts *c, int wide)
{
    return (size_t)(c->times * (wide + 1) + c->types * 6 + c->chars +
                    c->leap * (wide + 4) + c->std + c->utc);
}

static bool read_times(struct zone *z, struct slice s, const struct counts *c)
{
    const char *kinds = s.ptr + c->times * 8;
    const char *types = kinds + c->times;

    z->n = (size_t)c->times;
    z->before = (int)big_endian(types, 4);
    for (size_t i = 0; i < z->n; i++) {
        unsigned char kind = (unsigned char)kinds[i];

        z->times[i] = big_endian(s.ptr + i * 8, 8);
        if (kind >= c->types || (i > 0 && z->times[i] <= z->times[i - 1])) {
            return false;
        }
        z->offsets[i] = (int)big_endian(types + (size_t)kind * 6, 4);
    }
    for (int64_t i = 0; i < c->types; i++) {
        int64_t offset = big_endian(types + i * 6, 4);

        if (offset < (int64_t)-2 * DAY || offset > (int64_t)2 * DAY) {
            return false;
        }
    }
    return true;
}

static bool read_file(struct zone *z, struct slice s)
{
    struct counts c;
    struct slice footer;

    if (!read_header(s, &c) || s.ptr[4] < '2' ||
        s.len < HEADER + body_bytes(&c, 4)) {
        return false;
    }
    s = slice_from(s, HEADER + body_bytes(&c, 4));
    if (!read_header(s, &c) || s.len < HEADER + body_bytes(&c, 8)) {
        return false;
    }
    z->times = mem_zero((size_t)c.times + 1, sizeof(*z->times));
    z->offsets = mem_zero((size_t)c.times + 1, sizeof(*z->offsets));
    if (z->times == NULL || z->offsets == NULL ||
        !read_times(z, slice_from(s, HEADER), &c)) {
        return false;
    }
    footer = slice_trim(slice_from(s, HEADER + body_bytes(&c, 8)));
    return footer.len == 0 || parse_rule(footer, &z->rule);
}

static int new_zone(struct zone **ret, const char *name, struct err *e)
{
    *ret = mem_zero(1, sizeof(**ret));
    if (*ret == NULL) {
        return err_nomem(e, sizeof(**ret));
    }
    (void)snprintf((*ret)->name, sizeof((*ret)->name), "%s", name);
    return 0;
}

int zone_parse(struct zone **ret, struct slice file, const char *name,
               struct err *e)
{
    struct zone *z;

    if (new_zone(&z, name, e) < 0) {
        return -1;
    }
    if (!read_file(z, file)) {
        zone_free(z);
        return err_set(e, ERR_CORRUPT,
                       "time zone \"%s\": its file is no TZif file of version "
                       "2 or later",
                       name);
    }
    *ret = z;
    return 0;
}

static bool name_ok(const char *name)
{
    size_t n = strlen(name);

    return n < sizeof(((struct zone *)NULL)->name) && name[0] != '/' &&
           name[0] != '.' && strstr(name, "..") == NULL;
}

int zone_load(struct zone **ret, const char *name, struct err *e)
{
    const char *dir = getenv("TZDIR");
    char path[FS_PATH_MAX];
    struct buf b;
    int rc;

    if (name[0] == '\0' || strcmp(name, "UTC") == 0) {
        return new_zone(ret, "UTC", e);
    }
    if (dir == NULL || dir[0] == '\0') {
        dir = "/usr/share/zoneinfo";
    }
    if (!name_ok(name) || fs_join(path, dir, name, e) < 0 ||
        fs_is_folder(path) || !fs_exists(path)) {
        return err_set(e, ERR_INVALID,
                       "there is no time zone \"%s\" in \"%s\"; names look "
                       "like Europe/Berlin, and the package tzdata has them",
                       name, dir);
    }
    buf_init(&b, FILE_BYTES_MAX);
    rc = fs_read(path, &b, e);
    if (rc == 0) {
        rc = zone_parse(ret, buf_slice(&b), name, e);
    }
    buf_release(&b);
    return rc;
}

void zone_free(struct zone *z)
{
    if (z != NULL) {
        mem_free(z->times);
        mem_free(z->offsets);
        mem_free(z);
    }
}

const char *zone_name(const struct zone *z)
{
    return z->name;
}

/* ---- asking ---- */

static int offset_at(const struct zone *z, int64_t utc)
{
    size_t low = 0;
    size_t high = z->n;

    while (low < high) { /* the first transition behind utc */
        size_t middle = low + (high - low) / 2;

        if (z->times[middle] <= utc) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == z->n && z->rule.is_set) {
        return rule_offset(&z->rule, utc);
    }
    return low == 0 ? z->before : z->offsets[low - 1];
}

static int64_t floor_seconds(int64_t us)
{
    int64_t s = us / SECOND;

    return us % SECOND < 0 ? s - 1 : s;
}

int64_t zone_to_local(const struct zone *z, int64_t utc_us)
{
    return utc_us + offset_at(z, floor_seconds(utc_us)) * SECOND;
}

int zone_instants(const struct zone *z, int64_t local_us, int64_t ret[2])
{
    int64_t around = floor_seconds(local_us);
    int64_t early = local_us - offset_at(z, around - (int64_t)2 * DAY) * SECOND;
    int64_t late = local_us - offset_at(z, around + (int64_t)2 * DAY) * SECOND;
    int n = 0;

    if (early > late) {
        int64_t t = early;

        early = late;
        late = t;
    }
    if (zone_to_local(z, early) == local_us) {
        ret[n++] = early;
    }
    if (late != early && zone_to_local(z, late) == local_us) {
        ret[n++] = late;
    }
    return n;
}

int64_t zone_to_utc(const struct zone *z, int64_t local_us)
{
    int64_t at[2];
    int64_t low;
    int64_t high;

    if (zone_instants(z, local_us, at) > 0) {
        return at[0];
    }
    /* a gap: the wall is below `local_us` before it and above behind it */
    low = floor_seconds(local_us) - (int64_t)2 * DAY;
    high = low + (int64_t)4 * DAY;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (zone_to_local(z, middle * SECOND) < local_us) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return high * SECOND;
}
