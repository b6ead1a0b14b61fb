/* spark_log.c - the one line of many that tells why Spark gave up. */
#include <string.h>

#include "core/fs.h"
#include "engine/spark_int.h"

enum {
    LOG_MAX = 64 << 20,
    REASON_MAX = 300,
    CLASS_LEAST = 5 /* letters of an error class */
};

/* Where "[ERROR_CLASS] " or "[ERROR_CLASS.PART] " begins; line.len: nowhere. */
static size_t error_class(struct slice line)
{
    for (size_t i = 0; i < line.len; i++) {
        size_t n = 1;

        if (line.ptr[i] != '[') {
            continue;
        }
        while (i + n < line.len &&
               ((line.ptr[i + n] >= 'A' && line.ptr[i + n] <= 'Z') ||
                line.ptr[i + n] == '_' || line.ptr[i + n] == '.')) {
            n++;
        }
        if (n > CLASS_LEAST && i + n < line.len && line.ptr[i + n] == ']') {
            return i;
        }
    }
    return line.len;
}

static bool holds(struct slice line, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= line.len; i++) {
        if (memcmp(line.ptr + i, word, n) == 0) {
            return true;
        }
    }
    return false;
}

struct slice spark_reason(struct slice log)
{
    static const char caused[] = "Caused by: ";
    struct slice rest = log;
    struct slice best = {"", 0};
    int rank = 0; /* 1 a line, 2 names an error, 3 its cause, 4 has a class */
    bool more = true;

    while (more) {
        struct slice line;
        size_t at;
        int is;

        more = slice_cut(&rest, '\n', &line);
        line = slice_trim(line);
        if (line.len == 0 || slice_starts(line, SLICE("at "))) {
            continue; /* a stack's line */
        }
        at = error_class(line);
        is = at < line.len                                      ? 4
             : slice_starts(line, slice_of(caused))             ? 3
             : holds(line, "Exception") || holds(line, "Error") ? 2
                                                                : 1;
        if (is < rank || (is == rank && (is == 2 || is == 4))) {
            continue; /* the first of these, the last of the others */
        }
        rank = is;
        best = is == 4   ? slice_from(line, at)
               : is == 3 ? slice_from(line, sizeof(caused) - 1)
                         : line;
    }
    best.len = best.len < REASON_MAX ? best.len : REASON_MAX;
    return best;
}

int spark_fault(const char *what, const char *log, struct err *e)
{
    struct slice why = {"it said nothing", 15};
    struct buf b;

    buf_init(&b, LOG_MAX);
    if (fs_read(log, &b, NULL) == 0 && b.len > 0) {
        why = spark_reason(buf_slice(&b));
    }
    err_set(e, ERR_INVALID, "%s: %.*s (all it said is in \"%.120s\")", what,
            SLICE_FMT(why), log);
    buf_release(&b);
    return -1;
}
