#include "flow/worker.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/proc.h"
#include "json/json.h"

enum {
    FAULT_MAX = 65536,
    TIMEOUT_US = 30000000,
    MEMORY = 1 << 30,
    GRACE_US = 2000000, /* to end by itself before it is killed */
    ARGV_MAX = 2 * WORKER_SETS_MAX + 8
};

/* a sanitizer's shadow takes terabytes of addresses */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SPARE_ADDRESSES (RLIM_INFINITY / 2)
#else
#define SPARE_ADDRESSES ((rlim_t)4 << 30)
#endif

/* --- the asking side ------------------------------------------------------------------ */

static int64_t timeout_of(const struct worker_request *r)
{
    return r->timeout_us > 0 ? r->timeout_us : TIMEOUT_US;
}

static int put_request(const struct worker_request *r, struct buf *b,
                       struct err *e)
{
    if (!slice_is(r->sql, "") && r->sql.len > WORKER_REQUEST_MAX / 2) {
        return err_set(e, ERR_LIMIT, "the SQL has %zu bytes, at most %d go",
                       r->sql.len, WORKER_REQUEST_MAX / 2);
    }
    if (buf_puts(b, "{\"sql\":", e) < 0 || json_print_text(b, r->sql, e) < 0 ||
        buf_puts(b, ",\"tables\":", e) < 0 ||
        json_print_text(b, slice_of(r->tables), e) < 0 ||
        buf_puts(b, ",\"format\":", e) < 0 ||
        json_print_text(b, slice_of(r->format), e) < 0) {
        return -1;
    }
    return buf_putf(b, e,
                    ",\"raw\":%s,\"width\":%d,\"row_limit\":%" PRId64
                    ",\"byte_limit\":%" PRId64 ",\"timeout_us\":%" PRId64
                    ",\"memory\":%" PRId64 "}",
                    r->project != NULL ? "true" : "false", r->width,
                    r->row_limit, r->byte_limit, timeout_of(r),
                    r->memory > 0 ? r->memory : MEMORY);
}

/* What the worker said went wrong, or that it could say nothing. */
static int read_fault(struct slice text, const struct proc *how, struct err *e)
{
    struct json_doc doc;
    struct slice line;
    struct slice message;
    int64_t code = 0;

    (void)slice_cut(&text, '\n', &line);
    if (json_parse(&doc, line, JSON_NUMBERS, NULL, NULL) == 0) {
        if (json_get_text(doc.root, "message", &message) &&
            json_get_i64(doc.root, "code", &code) && code > ERR_NONE &&
            code <= ERR_TIMEOUT) {
            err_set(e, (enum err_code)code, "%.*s", (int)message.len,
                    message.ptr);
            json_release(&doc);
            return -1;
        }
        json_release(&doc);
    }
    if (how->status > 128) {
        return err_set(e, ERR_LIMIT,
                       "the query's process was ended by signal %d; it "
                       "probably needed too much memory or time",
                       how->status - 128);
    }
    return err_set(e, ERR_IO, "the query's process failed: %.*s",
                   (int)(line.len < 200 ? line.len : 200), line.ptr);
}

/* This program again, as the command that it is here. */
static int put_argv(const struct worker_request *r, const char *self,
                    const char *argv[ARGV_MAX], struct err *e)
{
    const struct worker_project *p = r->project;
    size_t n = 0;

    argv[n++] = self;
    if (p != NULL && p->nsets > WORKER_SETS_MAX) {
        return err_set(e, ERR_LIMIT, "%zu --set are too many, at most %d go",
                       p->nsets, WORKER_SETS_MAX);
    }
    if (p != NULL && p->config != NULL) {
        argv[n++] = "--config";
        argv[n++] = p->config;
    }
    if (p != NULL && p->data != NULL) {
        argv[n++] = "--data";
        argv[n++] = p->data;
    }
    for (size_t i = 0; p != NULL && i < p->nsets; i++) {
        argv[n++] = "--set";
        argv[n++] = p->sets[i];
    }
    argv[n++] = "worker";
    argv[n] = NULL;
    return 0;
}

int worker_run(const struct worker_request *r, struct buf *out, struct err *e)
{
    char self[FS_PATH_MAX];
    const char *argv[ARGV_MAX];
    struct proc how = {0};
    struct buf request;
    struct buf fault;
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    int rc = -1;

    if (n <= 0) {
        return err_set(e, ERR_IO, "could not find the program itself: %s",
                       strerror(errno));
    }
    self[n] = '\0';
    buf_init(&request, WORKER_REQUEST_MAX);
    buf_init(&fault, FAULT_MAX);
    if (put_request(r, &request, e) < 0 || put_argv(r, self, argv, e) < 0) {
        goto out;
    }
    how = (struct proc){.argv = argv,
                        .input = buf_slice(&request),
                        .timeout_us = timeout_of(r) + GRACE_US,
                        .out = out,
                        .err = &fault,
                        .give_up = r->give_up,
                        .arg = r->arg};
    if (proc_run(&how, e) < 0) {
        goto out;
    }
    if (how.timed_out) {
        err_set(e, ERR_TIMEOUT, "the query ran longer than %.1f s",
                (double)timeout_of(r) / 1e6);
    } else if (how.status != 0) {
        read_fault(buf_slice(&fault), &how, e);
    } else {
        rc = 0;
    }
out:
    buf_release(&request);
    buf_release(&fault);
    return rc;
}

/* --- the worker's side ------------------------------------------------------------------ */

int worker_parse(struct slice request, struct worker_request *ret,
                 struct buf *text, struct err *e)
{
    struct worker_request r = {0};
    struct json_doc doc;
    struct slice tables;
    struct slice format;
    int64_t width = 0;
    size_t at;
    int rc = -1;

    if (json_parse(&doc, request, JSON_NUMBERS, NULL, e) < 0) {
        return -1;
    }
    if (!json_get_text(doc.root, "sql", &r.sql) ||
        !json_get_text(doc.root, "tables", &tables) ||
        !json_get_text(doc.root, "format", &format) ||
        !yyjson_is_bool(json_get(doc.root, "raw")) ||
        !json_get_i64(doc.root, "width", &width) ||
        !json_get_i64(doc.root, "row_limit", &r.row_limit) ||
        !json_get_i64(doc.root, "byte_limit", &r.byte_limit) ||
        !json_get_i64(doc.root, "timeout_us", &r.timeout_us) ||
        !json_get_i64(doc.root, "memory", &r.memory)) {
        err_set(e, ERR_INVALID,
                "a request has sql, tables, format, raw, width, row_limit, "
                "byte_limit, timeout_us, memory");
        goto out;
    }
    if (memchr(r.sql.ptr, '\0', r.sql.len) != NULL ||
        memchr(tables.ptr, '\0', tables.len) != NULL) {
        err_set(e, ERR_INVALID, "the SQL holds a zero byte");
        goto out;
    }
    at = text->len;
    if (buf_append(text, tables, e) < 0 || buf_putc(text, '\0', e) < 0 ||
        buf_append(text, format, e) < 0 || buf_putc(text, '\0', e) < 0 ||
        buf_append(text, r.sql, e) < 0 || buf_putc(text, '\0', e) < 0) {
        goto out;
    }
    r.tables = text->ptr + at;
    r.format = r.tables + tables.len + 1;
    r.sql.ptr = r.format + format.len + 1;
    r.width = (int)width;
    r.raw = yyjson_get_bool(json_get(doc.root, "raw"));
    *ret = r;
    rc = 0;
out:
    json_release(&doc);
    return rc;
}

static int limit(int what, rlim_t most, struct err *e)
{
    struct rlimit r = {most, most};

    return setrlimit(what, &r) == 0
               ? 0
               : err_set(e, ERR_IO, "could not set a resource limit: %s",
                         strerror(errno));
}

int worker_confine(const struct worker_request *r, struct err *e)
{
    /* addresses, not pages: the library and its threads take their share */
    rlim_t addresses = (rlim_t)r->memory * 2 + SPARE_ADDRESSES;
    rlim_t seconds = (rlim_t)(r->timeout_us / 1000000 * 4 + 10);

    /* a full disk is nobody's fault: the pipe to the parent is no file */
    return limit(RLIMIT_AS, addresses, e) < 0 ||
                   limit(RLIMIT_CPU, seconds, e) < 0 ||
                   limit(RLIMIT_FSIZE, 0, e) < 0 || limit(RLIMIT_CORE, 0, e) < 0
               ? -1
               : 0;
}

int worker_fault(const struct err *fault, struct buf *b, struct err *e)
{
    if (buf_putf(b, e, "{\"code\":%d,\"message\":", (int)fault->code) < 0 ||
        json_print_text(b, slice_of(fault->msg), e) < 0) {
        return -1;
    }
    return buf_puts(b, "}\n", e);
}
