/*
 * log.h - one line an event, on stderr or to the journal.
 *
 *     LOG(LOG_INFO, LOG_MSG("topic created"), LOG_TEXT("topic", name),
 *         LOG_INT("partitions", n));
 *
 * Only cli/ and the top of each thread log; everything else returns errors.
 * log_setup() is called once, before threads start; then any thread may log.
 * Values of secrets registered in core/secret.h are printed as ***.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "core/buf.h"

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
};

enum log_format {
    LOG_AS_TEXT,    /* 12:03:04.123 warning  message  key=value */
    LOG_AS_JSON,    /* {"time":"...","level":"warning","message":...} */
    LOG_AS_JOURNAL, /* sd_journal; as text where no journal listens */
};

enum log_kind {
    LOG_KIND_TEXT,
    LOG_KIND_INT,
    LOG_KIND_US, /* a duration in microseconds */
};

struct log_field {
    const char *key; /* lower case, digits, _ ; "message" comes first */
    enum log_kind kind;
    struct slice text;
    int64_t number;
};

#define LOG_TEXT(k, s) ((struct log_field){(k), LOG_KIND_TEXT, (s), 0})
#define LOG_STR(k, s)  LOG_TEXT(k, slice_of(s))
#define LOG_MSG(s)     LOG_STR("message", s)
#define LOG_ERR(e)     LOG_STR("error", (e)->msg)
#define LOG_INT(k, n)  ((struct log_field){(k), LOG_KIND_INT, {NULL, 0}, (n)})
#define LOG_US(k, n)   ((struct log_field){(k), LOG_KIND_US, {NULL, 0}, (n)})

#define LOG(level, ...)                                 \
    log_put((level), (struct log_field[]){__VA_ARGS__}, \
            sizeof((struct log_field[]){__VA_ARGS__}) / \
                sizeof(struct log_field))

/* Print `level` and worse, to fd (2 as a rule).  False when the journal was
 * wanted and none listens: then it is text. */
bool log_setup(enum log_level level, enum log_format format, int fd);
bool log_wants(enum log_level level);
void log_put(enum log_level level, const struct log_field *fields, size_t n);
/* What log_put() would write, with its line feed; for tests and others. */
struct log_line {
    enum log_level level;
    enum log_format format;
    int64_t now_us;
    const struct log_field *fields;
    size_t n;
};
int log_print(struct buf *b, const struct log_line *line,
              struct err *e) MUST_USE;

#endif
