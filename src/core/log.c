#include "core/log.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/log_int.h"
#include "core/secret.h"
#include "core/text.h"

enum {
    LINE_MAX_BYTES = 65536,
    FIELDS_MAX = 24, /* more are not sent to the journal */
    OWN_ENTRIES = 2  /* PRIORITY, SYSLOG_IDENTIFIER */
};

/* One of the three statics that a library may have: log_setup()'s. */
static atomic_int wanted = LOG_INFO;
static atomic_int shape = LOG_AS_TEXT;
static atomic_int target = STDERR_FILENO;

static const struct {
    const char *name;
    const char *padded;
    const char *syslog;
} levels[] = {
    [LOG_ERROR] = {"error", "error  ", "3"},
    [LOG_WARN] = {"warning", "warning", "4"},
    [LOG_INFO] = {"info", "info   ", "6"},
    [LOG_DEBUG] = {"debug", "debug  ", "7"},
};

bool log_setup(enum log_level level, enum log_format format, int fd)
{
    bool deaf = format == LOG_AS_JOURNAL && !log_journal_listens();

    if (deaf) {
        format = LOG_AS_TEXT;
    }
    atomic_store(&wanted, (int)level);
    atomic_store(&shape, (int)format);
    atomic_store(&target, fd);
    return !deaf;
}

bool log_wants(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&wanted, memory_order_relaxed);
}

/* As a JSON string; bytes of broken UTF-8 are shown as \u00XX. */
static int put_quoted(struct buf *b, struct slice s, struct err *e)
{
    unsigned char last = text_utf8_valid(s, NULL) ? 0xff : 0x7e;

    if (buf_putc(b, '"', e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        int rc;

        if (c == '"' || c == '\\') {
            rc = buf_putf(b, e, "\\%c", c);
        } else if (c == '\n') {
            rc = buf_puts(b, "\\n", e);
        } else if (c < 0x20 || c == 0x7f || c > last) {
            rc = buf_putf(b, e, "\\u%04x", (unsigned)c);
        } else {
            rc = buf_putc(b, (char)c, e);
        }
        if (rc < 0) {
            return -1;
        }
    }
    return buf_putc(b, '"', e);
}

static bool is_word(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f) {
            return false;
        }
    }
    return s.len > 0 && text_utf8_valid(s, NULL);
}

static int put_us(struct buf *b, int64_t us, struct err *e)
{
    return buf_putf(b, e, "%s%" PRId64 ".%06d", us < 0 ? "-" : "",
                    (us < 0 ? -us : us) / 1000000,
                    (int)((us < 0 ? -us : us) % 1000000));
}

static int put_value(struct buf *b, const struct log_field *f, bool json,
                     struct err *e)
{
    switch (f->kind) {
    case LOG_KIND_INT:
        return buf_putf(b, e, "%" PRId64, f->number);
    case LOG_KIND_US:
        return put_us(b, f->number, e);
    case LOG_KIND_TEXT:
    default:
        return json || !is_word(f->text) ? put_quoted(b, f->text, e)
                                         : buf_append(b, f->text, e);
    }
}

static int print_json(struct buf *b, const struct log_line *line,
                      const char *time, struct err *e)
{
    const struct log_field *fields = line->fields;

    if (buf_putf(b, e, "{\"time\":\"%s\",\"level\":\"%s\"", time,
                 levels[line->level].name) < 0) {
        return -1;
    }
    for (size_t i = 0; i < line->n; i++) {
        if (buf_putf(b, e, ",\"%s\":", fields[i].key) < 0 ||
            put_value(b, &fields[i], true, e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, "}\n", e);
}

static int print_text(struct buf *b, const struct log_line *line,
                      const char *time, struct err *e)
{
    const struct log_field *fields = line->fields;

    if (buf_putf(b, e, "%s %s ", time, levels[line->level].padded) < 0) {
        return -1;
    }
    for (size_t i = 0; i < line->n; i++) {
        bool message = i == 0 && strcmp(fields[i].key, "message") == 0;
        int rc = message ? buf_append(b, fields[i].text, e)
                         : buf_putf(b, e, " %s=", fields[i].key);

        if (rc < 0 || (!message && put_value(b, &fields[i], false, e) < 0)) {
            return -1;
        }
    }
    return buf_putc(b, '\n', e);
}

int log_print(struct buf *b, const struct log_line *line, struct err *e)
{
    char time[CLOCK_TEXT_MAX];
    size_t from = b->len;
    int rc;

    /* milliseconds say enough; a whole second would drop its fraction */
    (void)clock_iso(line->now_us - line->now_us % 1000 + 1, time);
    (void)snprintf(time + 23, sizeof(time) - 23, "Z");
    rc = line->format == LOG_AS_JSON ? print_json(b, line, time, e)
                                     : print_text(b, line, time, e);
    if (rc == 0) {
        secret_redact(b, from);
    }
    return rc;
}

/* "KEY=value" of each field, one behind the other; their ends go to ends. */
static int journal_entries(struct buf *b, enum log_level level,
                           const struct log_field *fields, size_t n,
                           size_t *ends, struct err *e)
{
    if (buf_putf(b, e, "PRIORITY=%s", levels[level].syslog) < 0) {
        return -1;
    }
    ends[0] = b->len;
    if (buf_puts(b, "SYSLOG_IDENTIFIER=pinline", e) < 0) {
        return -1;
    }
    ends[1] = b->len;
    for (size_t i = 0; i < n; i++) {
        size_t from = b->len;
        int rc;

        if (buf_putf(b, e, "%s=", fields[i].key) < 0) {
            return -1;
        }
        for (size_t k = from; k < b->len; k++) {
            if (b->ptr[k] >= 'a' && b->ptr[k] <= 'z') {
                b->ptr[k] = (char)(b->ptr[k] - 'a' + 'A');
            }
        }
        rc = fields[i].kind == LOG_KIND_TEXT
                 ? buf_append(b, fields[i].text, e)
                 : put_value(b, &fields[i], false, e);
        if (rc < 0) {
            return -1;
        }
        secret_redact(b, from);
        ends[i + OWN_ENTRIES] = b->len;
    }
    return 0;
}

static bool to_journal(struct buf *b, enum log_level level,
                       const struct log_field *fields, size_t n)
{
    struct iovec entries[FIELDS_MAX + OWN_ENTRIES];
    size_t ends[FIELDS_MAX + OWN_ENTRIES];

    n = n < FIELDS_MAX ? n : FIELDS_MAX;
    if (journal_entries(b, level, fields, n, ends, NULL) < 0) {
        return false;
    }
    n += OWN_ENTRIES;
    for (size_t i = 0; i < n; i++) {
        size_t start = i > 0 ? ends[i - 1] : 0;

        entries[i] = (struct iovec){b->ptr + start, ends[i] - start};
    }
    return log_journal_send(entries, n);
}

void log_put(enum log_level level, const struct log_field *fields, size_t n)
{
    enum log_format format = (enum log_format)atomic_load(&shape);
    struct log_line line = {level, format, clock_wall_us(), fields, n};
    struct buf b;

    if (!log_wants(level)) {
        return;
    }
    buf_init(&b, LINE_MAX_BYTES);
    if (format != LOG_AS_JOURNAL || !to_journal(&b, level, fields, n)) {
        buf_clear(&b);
        /* what is too long for a line still says so by its length */
        if (log_print(&b, &line, NULL) < 0 && b.len > 0) {
            secret_redact(&b, 0);
            b.ptr[b.len - 1] = '\n';
        }
        if (fs_write_all(atomic_load(&target), buf_slice(&b), "log", NULL) <
            0) {
            buf_clear(&b); /* there is nowhere to say it */
        }
    }
    buf_release(&b);
}
