/*
 * objects_name.c - where a record goes: partitions by field and time, keys.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/num.h"
#include "sink/objects_int.h"

enum {
    PAD = 10,
    PAD_MAX = 20
};
/* before the year 10000 */
#define MILLISECONDS_MAX INT64_C(253402300800000)

static const char daily[] = "'year'=YYYY/'month'=MM/'day'=dd";
static const char hourly[] = "'year'=YYYY/'month'=MM/'day'=dd/'hour'=HH";

static const char *or_else(const char *text, const char *def)
{
    return text != NULL ? text : def;
}

/* --- options ------------------------------------------------------------------ */

static int check_options(const struct sink_objects *o, struct err *e)
{
    bool by_time = o->partitioner == OBJECTS_DAILY ||
                   o->partitioner == OBJECTS_HOURLY ||
                   o->partitioner == OBJECTS_TIME;

    if (o->pad > PAD_MAX) {
        return err_set(e, ERR_INVALID, "offsets have at most %d digits",
                       PAD_MAX);
    }
    if (o->partitioner == OBJECTS_FIELD && o->nfields == 0) {
        return err_set(e, ERR_INVALID,
                       "partitioner \"field\" needs objects.partition_fields");
    }
    if (o->partitioner == OBJECTS_TIME && o->path_format == NULL) {
        return err_set(e, ERR_INVALID,
                       "partitioner \"time\" needs objects.path_format");
    }
    if (o->name == NULL) {
        return 0;
    }
    if (strstr(o->name, "{offset}") == NULL) {
        return err_set(e, ERR_INVALID,
                       "objects.name \"%s\" needs {offset}, or objects would "
                       "be written over one another",
                       o->name);
    }
    if (by_time || o->partitioner == OBJECTS_FIELD) {
        return err_set(e, ERR_INVALID,
                       "objects.name goes with partitioner \"default\" only");
    }
    return 0;
}

int objects_namer_init(struct objects_namer *n, const struct sink_objects *o,
                       struct err *e)
{
    static const struct sink_objects none = {0};

    *n = (struct objects_namer){.o = o != NULL ? *o : none};
    if (n->o.name != NULL && n->o.name[0] == '\0') {
        n->o.name = NULL;
    }
    if (n->o.path_format != NULL && n->o.path_format[0] == '\0') {
        n->o.path_format = NULL;
    }
    if (n->o.time_field == NULL || n->o.time_field[0] == '\0') {
        n->o.time_field = "timestamp";
    }
    if (n->o.partitioner == OBJECTS_DAILY) {
        n->o.path_format = daily;
    } else if (n->o.partitioner == OBJECTS_HOURLY) {
        n->o.path_format = hourly;
    }
    if (check_options(&n->o, e) < 0) {
        return -1;
    }
    return zone_load(&n->zone, or_else(n->o.timezone, "UTC"), e);
}

void objects_namer_release(struct objects_namer *n)
{
    zone_free(n->zone);
    n->zone = NULL;
}

int objects_namer_check(const struct objects_namer *n, const char *first_topic,
                        const struct span *s, struct err *e)
{
    const char *name = n->o.name;

    if (name == NULL) {
        return 0;
    }
    if (strcmp(first_topic, s->topic) != 0 && strstr(name, "{topic}") == NULL) {
        return err_set(e, ERR_INVALID,
                       "objects.name \"%s\" needs {topic}: there are \"%s\" "
                       "and \"%s\"",
                       name, first_topic, s->topic);
    }
    if (s->partition > 0 && strstr(name, "{partition}") == NULL) {
        return err_set(e, ERR_INVALID,
                       "objects.name \"%s\" needs {partition}: topic \"%s\" "
                       "has several",
                       name, s->topic);
    }
    return 0;
}

bool sink_objects_in_order(const struct sink_objects *o)
{
    return o == NULL || o->partitioner == OBJECTS_DEFAULT;
}

/* --- time --------------------------------------------------------------------- */

static bool two(struct slice s, size_t at, int *ret)
{
    int64_t n;

    if (at + 2 > s.len || !num_i64((struct slice){s.ptr + at, 2}, &n) ||
        n < 0) {
        return false;
    }
    *ret = (int)n;
    return true;
}

/* "+02:00", "+0200", "Z", ""; *ret_us is what UTC is behind. */
static bool read_shift(struct slice s, int64_t *ret_us)
{
    int hours;
    int minutes;

    *ret_us = 0;
    if (s.len == 0 || slice_is(s, "Z")) {
        return true;
    }
    if ((s.ptr[0] != '+' && s.ptr[0] != '-') || !two(s, 1, &hours) ||
        !two(s, s.len == 6 && s.ptr[3] == ':' ? 4 : 3, &minutes)) {
        return false;
    }
    *ret_us = (hours * 60 + minutes) * (int64_t)60000000;
    *ret_us = s.ptr[0] == '-' ? -*ret_us : *ret_us;
    return true;
}

/* ISO 8601: "2026-11-21[T15:04[:05[.6]]][Z]". */
static bool read_iso(struct slice s, int64_t *ret_us)
{
    struct clock_civil c = {0};
    int64_t year;
    int64_t shift;
    size_t at = 10;

    s = slice_trim(s);
    if (s.len < 10 || !num_i64((struct slice){s.ptr, 4}, &year) ||
        s.ptr[4] != '-' || s.ptr[7] != '-' || !two(s, 5, &c.month) ||
        !two(s, 8, &c.day)) {
        return false;
    }
    c.year = (int)year;
    if (s.len >= 16 && (s.ptr[10] == 'T' || s.ptr[10] == ' ')) {
        if (!two(s, 11, &c.hour) || s.ptr[13] != ':' ||
            !two(s, 14, &c.minute)) {
            return false;
        }
        at = 16;
        if (s.len > 16 && s.ptr[16] == ':') {
            if (!two(s, 17, &c.second)) {
                return false;
            }
            at = 19;
        }
        while (at < s.len && strchr(".0123456789", s.ptr[at]) != NULL) {
            at++;
        }
    }
    if (!read_shift(slice_from(s, at), &shift) ||
        !clock_from_civil(&c, ret_us)) {
        return false;
    }
    *ret_us -= shift;
    return true;
}

static int field_time(const struct objects_namer *n, yyjson_val *v,
                      int64_t *ret_us, struct err *e)
{
    yyjson_val *field = yyjson_obj_get(v, n->o.time_field);

    if (yyjson_is_raw(field) && /* numbers stay as they were written */
        num_i64((struct slice){yyjson_get_raw(field), yyjson_get_len(field)},
                ret_us) &&
        *ret_us > -MILLISECONDS_MAX && *ret_us < MILLISECONDS_MAX) {
        *ret_us *= 1000;
        return 0;
    }
    if (!yyjson_is_str(field) ||
        !read_iso((struct slice){yyjson_get_str(field), yyjson_get_len(field)},
                  ret_us)) {
        return err_set(e, ERR_DATA,
                       "field \"%s\" is no time (milliseconds, or ISO 8601)",
                       n->o.time_field);
    }
    return 0;
}

static size_t pattern(const struct clock_civil *c, const char *at, char *out,
                      size_t room)
{
    const struct {
        const char *word;
        int value, digits;
    } words[] = {{"YYYY", c->year, 4}, {"yyyy", c->year, 4},
                 {"MM", c->month, 2},  {"dd", c->day, 2},
                 {"HH", c->hour, 2},   {"mm", c->minute, 2},
                 {"ss", c->second, 2}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        size_t len = strlen(words[i].word);

        if (strncmp(at, words[i].word, len) == 0) {
            (void)snprintf(out, room, "%0*d", words[i].digits, words[i].value);
            return len;
        }
    }
    return 0;
}

/* Quoted text as it is, letters by the calendar. */
static int put_time(const char *format, const struct clock_civil *c, char *out,
                    struct err *e)
{
    bool quoted = false;
    size_t n = 0;

    while (*format != '\0') {
        char piece[16] = {*format, '\0'};
        size_t used = 1;

        if (*format == '\'') {
            quoted = !quoted;
            format++;
            continue;
        }
        if (!quoted && ((*format >= 'a' && *format <= 'z') ||
                        (*format >= 'A' && *format <= 'Z'))) {
            used = pattern(c, format, piece, sizeof(piece));
            if (used == 0) {
                return err_set(e, ERR_INVALID,
                               "objects.path_format: \"%s\" is none of YYYY, "
                               "MM, dd, HH, mm, ss; put text in quotes",
                               format);
            }
        }
        if (n + strlen(piece) >= OBJECTS_PARTITION_MAX) {
            return err_set(e, ERR_LIMIT, "objects.path_format is too long");
        }
        memcpy(out + n, piece, strlen(piece) + 1);
        n += strlen(piece);
        format += used;
    }
    return 0;
}

/* --- fields ------------------------------------------------------------------- */

/* A value as part of a path: what would end or hide the part is %XX. */
static int put_value(struct slice value, char *out, size_t *n, struct err *e)
{
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        bool plain = c > 0x20 && c != '/' && c != '%' && c != 0x7f;
        char piece[4];
        int len = plain ? snprintf(piece, sizeof(piece), "%c", c)
                        : snprintf(piece, sizeof(piece), "%%%02X", c);

        if (*n + (size_t)len >= OBJECTS_PARTITION_MAX) {
            return err_set(e, ERR_DATA, "the fields are too long for a name");
        }
        memcpy(out + *n, piece, (size_t)len);
        *n += (size_t)len;
    }
    out[*n] = '\0';
    return 0;
}

static int put_fields(const struct objects_namer *n, yyjson_val *v, char *out,
                      struct err *e)
{
    struct buf text;
    size_t at = 0;
    int rc = 0;

    buf_init(&text, 1 << 16);
    out[0] = '\0';
    for (size_t i = 0; rc == 0 && i < n->o.nfields; i++) {
        const char *name = n->o.fields[i];
        yyjson_val *field = yyjson_obj_get(v, name);

        if (field == NULL || yyjson_is_null(field) || yyjson_is_ctn(field)) {
            rc = err_set(e, ERR_DATA, "it has no field \"%s\"", name);
            break;
        }
        buf_clear(&text);
        rc =
            (i > 0 &&
             buf_puts(&text,
                      n->o.directory_delim != NULL ? n->o.directory_delim : "/",
                      e) < 0)
                ? -1
                : 0;
        if (rc == 0 && text.len > 0 && at + text.len < OBJECTS_PARTITION_MAX) {
            memcpy(out + at, text.ptr, text.len);
            at += text.len;
        }
        buf_clear(&text);
        if (rc == 0 && yyjson_is_str(field)) {
            rc = buf_append(
                &text,
                (struct slice){yyjson_get_str(field), yyjson_get_len(field)},
                e);
        } else if (rc == 0) {
            rc = json_print(&text, field, 0, e);
        }
        if (rc < 0 || put_value(slice_of(name), out, &at, e) < 0 ||
            put_value(SLICE("="), out, &at, e) < 0 ||
            put_value(buf_slice(&text), out, &at, e) < 0) {
            rc = -1;
        }
    }
    buf_release(&text);
    return rc;
}

/* --- places and keys ---------------------------------------------------------------- */

int objects_place(const struct objects_namer *n, int32_t partition,
                  const struct message *m, yyjson_val *v, int64_t wall_us,
                  struct objects_place *ret, struct err *e)
{
    struct clock_civil c;

    ret->time_us = n->o.clock == OBJECTS_WALL ? wall_us : m->time_us;
    if (n->o.clock == OBJECTS_IN && v != NULL &&
        field_time(n, v, &ret->time_us, e) < 0) {
        return -1;
    }
    if (n->o.partitioner == OBJECTS_FIELD && v != NULL) {
        return put_fields(n, v, ret->encoded, e);
    }
    if (n->o.partitioner == OBJECTS_DEFAULT ||
        n->o.partitioner == OBJECTS_FIELD) {
        (void)snprintf(ret->encoded, sizeof(ret->encoded), "partition=%" PRId32,
                       partition);
        return 0;
    }
    clock_to_civil(zone_to_local(n->zone, ret->time_us), &c);
    return put_time(n->o.path_format, &c, ret->encoded, e);
}

/* The template's words replaced. */
static int put_name(const struct sink_objects *o, const struct span *s,
                    struct buf *b, struct err *e)
{
    struct slice rest = slice_of(o->name);
    struct slice text;

    while (slice_cut(&rest, '{', &text)) {
        struct slice word;
        int rc;

        if (buf_append(b, text, e) < 0) {
            return -1;
        }
        if (!slice_cut(&rest, '}', &word)) {
            return err_set(e, ERR_INVALID, "objects.name \"%s\" has an open {",
                           o->name);
        }
        rc =
            slice_is(word, "topic") ? buf_puts(b, s->topic, e)
            : slice_is(word, "partition")
                ? buf_putf(b, e, "%" PRId32, s->partition)
            : slice_is(word, "offset")
                ? buf_putf(b, e, "%0*" PRId64, o->pad > 0 ? o->pad : 1, s->from)
                : err_set(e, ERR_INVALID,
                          "objects.name \"%s\": {%.*s} is none of {topic}, "
                          "{partition}, {offset}",
                          o->name, SLICE_FMT(word));
        if (rc < 0) {
            return -1;
        }
    }
    return buf_append(b, text, e);
}

int sink_objects_key(const struct sink_objects *o, const struct span *s,
                     const char *encoded, bool gzip,
                     char key[STORE_KEY_MAX + 1], struct err *e)
{
    static const struct sink_objects none = {0};
    const char *top;
    const char *dir;
    const char *file;
    struct buf b;
    int rc;

    o = o != NULL ? o : &none;
    top = or_else(o->topics_dir, "topics");
    dir = or_else(o->directory_delim, "/");
    file = or_else(o->file_delim, "+");
    buf_init(&b, STORE_KEY_MAX);
    if (o->name != NULL && o->name[0] != '\0') {
        rc = put_name(o, s, &b, e);
    } else {
        rc = buf_putf(&b, e, "%s%s%s%s%s%s%s%s%" PRId32 "%s%0*" PRId64 ".json",
                      top, top[0] != '\0' ? dir : "", s->topic, dir, encoded,
                      dir, s->topic, file, s->partition, file,
                      o->pad == 0  ? PAD
                      : o->pad < 0 ? 1
                                   : o->pad,
                      s->from);
    }
    if (rc == 0 && gzip) {
        rc = buf_puts(&b, ".gz", e);
    }
    if (rc == 0) {
        memcpy(key, b.ptr, b.len);
        key[b.len] = '\0';
    }
    buf_release(&b);
    return rc;
}
