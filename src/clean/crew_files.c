#include "clean/crew_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/mem.h"
#include "record/split.h"
#include "json/json.h"

enum {
    SNIFF = 64 << 10, /* bytes that are looked at to know JSON Lines */
    LINE_MAX_BYTES = DECODE_BYTES_MAX
};

struct crew_files {
    const char *const *paths;
    const char *const *names;
    size_t n, at;
    const struct spec_table *table;
    int fd; /* of paths[at] when it is JSON Lines, else -1 */
    int64_t offset;
    struct split *split; /* of paths[at] otherwise */
    int64_t now_us;      /* ingest time */
};

int crew_files_new(struct crew_files **ret, const char *const *paths, size_t n,
                   const struct spec_table *table, struct err *e)
{
    struct crew_files *f = mem_zero(1, sizeof(*f));

    if (f == NULL) {
        return err_nomem(e, sizeof(*f));
    }
    f->paths = paths;
    f->names = paths;
    f->n = n;
    f->table = table;
    f->fd = -1;
    f->now_us = clock_wall_us();
    *ret = f;
    return 0;
}

void crew_files_name(struct crew_files *f, const char *const *names)
{
    f->names = names;
}

static void close_file(struct crew_files *f)
{
    if (f->fd >= 0) {
        (void)close(f->fd);
    }
    f->fd = -1;
    split_free(f->split);
    f->split = NULL;
}

void crew_files_free(struct crew_files *f)
{
    if (f != NULL) {
        close_file(f);
        mem_free(f);
    }
}

/* Whether every whole line of the first bytes is a JSON object. */
static bool sniff_lines(struct slice head, bool whole_file)
{
    struct slice line;
    size_t lines = 0;
    bool more = true;

    while (more && head.len > 0) {
        struct json_doc doc;

        more = slice_cut(&head, '\n', &line);
        line = slice_trim(line);
        if (line.len == 0 || (!more && !whole_file)) {
            continue;
        }
        if (line.ptr[0] != '{' ||
            json_parse(&doc, line, JSON_NUMBERS, NULL, NULL) != 0) {
            return false;
        }
        json_release(&doc);
        lines++;
    }
    return lines > 0;
}

static int read_at(struct crew_files *f, struct buf *b, size_t want,
                   struct err *e)
{
    ssize_t n;

    if (buf_reserve(b, want, e) != 0) {
        return -1;
    }
    do {
        n = pread(f->fd, b->ptr + b->len, want,
                  (off_t)(f->offset + (int64_t)b->len));
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return err_set(e, ERR_IO, "could not read file \"%s\": %s",
                       f->names[f->at], strerror(errno));
    }
    b->len += (size_t)n;
    return (int)(n > 0);
}

/* Open paths[at], as lines or as anything. */
static int open_file(struct crew_files *f, struct crew_block *b, struct err *e)
{
    struct split_conf conf = {.name = f->names[f->at],
                              .unparsed = true, /* the decoder says */
                              .columns = f->table->fields,
                              .ncolumns = f->table->nfields};
    int got = 0;

    f->offset = 0;
    if (strcmp(f->paths[f->at], "-") != 0) {
        f->fd = open(f->paths[f->at], O_RDONLY | O_CLOEXEC);
        if (f->fd < 0) {
            return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
                           "could not open file \"%s\": %s", f->names[f->at],
                           strerror(errno));
        }
        if (lseek(f->fd, 0, SEEK_END) > 0) {
            got = read_at(f, &b->bytes, SNIFF, e);
        }
        if (got < 0) {
            return -1;
        }
        if (sniff_lines(buf_slice(&b->bytes), b->bytes.len < SNIFF)) {
            buf_clear(&b->bytes);
            return 0;
        }
        buf_clear(&b->bytes);
        close_file(f);
    }
    return split_open(&f->split, f->paths[f->at], &conf, e);
}

/* Whole lines, as many as fit. */
static int fill_lines(struct crew_files *f, struct crew_block *b, struct err *e)
{
    size_t keep = 0;
    int got = 1;

    while (got > 0 && keep == 0) {
        got = read_at(f, &b->bytes, CREW_BLOCK, e);
        if (got < 0) {
            return -1;
        }
        for (keep = b->bytes.len; keep > 0 && b->bytes.ptr[keep - 1] != '\n';
             keep--) {
        }
        if (keep == 0 && b->bytes.len > LINE_MAX_BYTES) {
            break; /* too large for a record: refused by the decoder */
        }
    }
    if (keep > 0) {
        b->bytes.len = keep;
    }
    b->base = f->offset;
    f->offset += (int64_t)b->bytes.len;
    b->uncut = b->bytes.len > 0;
    return 0;
}

/* Messages one by one; their bytes are copied behind each other, and found
 * when the block is full and does not move any more. */
static int fill_split(struct crew_files *f, struct crew_block *b, struct err *e)
{
    struct split_message got;
    size_t at = 0;
    int rc = 1;

    while (b->bytes.len < CREW_BLOCK &&
           (rc = split_next(f->split, &got, e)) > 0) {
        struct message m = {.offset = got.offset,
                            .time_us = f->now_us,
                            .value = got.bytes,
                            .has_value = true};

        if (buf_append(&b->bytes, got.bytes, e) != 0 ||
            crew_block_add(b, &m, e) != 0) {
            return -1;
        }
    }
    if (rc < 0) {
        return -1;
    }
    for (size_t i = 0; i < b->n; i++) {
        b->m[i].value.ptr = b->bytes.ptr + at;
        at += b->m[i].value.len;
    }
    return 0;
}

int crew_files_fill(struct crew_files *f, struct crew_block *b, struct err *e)
{
    while (f->at < f->n) {
        if (f->fd < 0 && f->split == NULL && open_file(f, b, e) != 0) {
            return -1;
        }
        b->topic = f->names[f->at];
        b->partition = 0;
        if ((f->fd >= 0 ? fill_lines(f, b, e) : fill_split(f, b, e)) != 0) {
            return -1;
        }
        if (b->uncut || b->n > 0) {
            b->time_us = f->now_us;
            return 0;
        }
        close_file(f);
        f->at++;
    }
    return 0;
}

int crew_files_cut(struct crew_block *b, struct err *e)
{
    const char *p = b->bytes.ptr, *end = p + b->bytes.len;

    b->n = 0;
    while (p < end) {
        const char *q = memchr(p, '\n', (size_t)(end - p));
        struct message m = {.offset = b->base + (p - b->bytes.ptr),
                            .time_us = b->time_us,
                            .has_value = true};

        q = q != NULL ? q : end;
        m.value = slice_trim((struct slice){p, (size_t)(q - p)});
        if (m.value.len > 0 && crew_block_add(b, &m, e) != 0) {
            return -1;
        }
        p = q + 1;
    }
    return 0;
}
