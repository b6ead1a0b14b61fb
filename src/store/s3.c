/*
 * s3.c - a bucket of an S3-compatible server as a store.
 *
 * What is put carries its SHA-256, what is got is compared with it, or with
 * the ETag where that is an MD5.  Files above part_bytes go in parts.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/digest.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/num.h"
#include "core/rand.h"
#include "core/text.h"
#include "store/s3_int.h"

enum {
    ARENA_BYTES = 1 << 20,
    TEXT_BYTES = 1 << 20,
    PIECE_BYTES = 32 << 20, /* of a file that is read */
    BASE64_MAX = 48,
    ETAG_MAX = 80
};

static void s3_close(void *store)
{
    struct s3 *s = store;

    http_client_free(s->http);
    buf_release(&s->url);
    buf_release(&s->heads);
    buf_release(&s->auth);
    buf_release(&s->scratch);
    arena_release(&s->arena);
    mem_free(s);
}

static int s3_open(void **store, const char *rest,
                   const struct store_conf *conf, struct err *e)
{
    struct http_client_conf http = {.timeout_us = conf->timeout_us,
                                    .answer_max = S3_ANSWER_MAX,
                                    .ca_file = conf->ca_file};
    struct s3 *s = mem_zero(1, sizeof(*s));

    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    arena_init(&s->arena, ARENA_BYTES);
    buf_init(&s->url, TEXT_BYTES);
    buf_init(&s->heads, TEXT_BYTES);
    buf_init(&s->auth, TEXT_BYTES);
    buf_init(&s->scratch, TEXT_BYTES);
    s->draws = rand_mix((uint64_t)clock_wall_us()) ^
               rand_mix((uint64_t)getpid()) ^ (uintptr_t)s;
    if (s3_configure(s, rest, conf, e) < 0) {
        goto fail;
    }
    http.base = s->base;
    if (http_client_new(&s->http, &http, e) < 0) {
        goto fail;
    }
    *store = s;
    return 0;
fail:
    s3_close(s);
    return -1;
}

/* --- puts ------------------------------------------------------------------- */

void s3_put_id(struct s3 *s, char id[S3_ID_MAX])
{
    uint64_t a = rand_mix(s->draws++);
    uint64_t b = rand_mix(s->draws++ ^ (uint64_t)clock_mono_us());

    (void)snprintf(id, S3_ID_MAX, "%016" PRIx64 "%016" PRIx64, a, b);
}

size_t s3_if_absent(struct s3_ask *a, size_t n, const char *id)
{
    a->more[n++] = (struct sigv4_header){SLICE("If-None-Match"), SLICE("*")};
    a->more[n++] =
        (struct sigv4_header){SLICE("x-amz-meta-put-id"), slice_of(id)};
    return n;
}

int s3_is_mine(struct s3 *s, const char *key, const char *id, bool *ret,
               struct err *e)
{
    struct s3_ask a = {.method = "HEAD", .key = key};
    struct http_answer answer;
    struct slice got;

    if (s3_ask(s, &a, &answer, e) < 0) {
        return -1;
    }
    *ret = http_answer_header(&answer, "x-amz-meta-put-id", &got) &&
           slice_is(got, id);
    return 0;
}

static void sha256_base64(struct slice bytes, char text[BASE64_MAX])
{
    union {
        uint8_t bytes[DIGEST_SHA256];
        char text[DIGEST_SHA256];
    } digest;
    struct buf b;
    size_t n = 0;

    digest_sha256(bytes, digest.bytes);
    buf_init(&b, BASE64_MAX);
    if (digest_base64((struct slice){digest.text, sizeof(digest.text)}, &b,
                      NULL) == 0) {
        n = b.len;
        memcpy(text, b.ptr, n);
    }
    text[n] = '\0';
    buf_release(&b);
}

static int s3_put(void *store, const char *key, struct slice bytes,
                  enum store_put_mode mode, struct err *e)
{
    struct s3 *s = store;
    struct s3_ask a = {.method = "PUT", .key = key, .body = bytes};
    char sum[BASE64_MAX];
    char id[S3_ID_MAX];
    struct http_answer answer;
    struct err mine = {0};
    bool is_mine = false;

    sha256_base64(bytes, sum);
    a.more[0] =
        (struct sigv4_header){SLICE("x-amz-checksum-sha256"), slice_of(sum)};
    if (mode == STORE_IF_ABSENT) {
        s3_put_id(s, id);
        (void)s3_if_absent(&a, 1, id);
    }
    if (s3_ask(s, &a, &answer, &mine) == 0) {
        return 0;
    }
    /* perhaps an earlier try, whose answer was lost, put it there */
    if (mine.code == ERR_EXISTS && s->again &&
        s3_is_mine(s, key, id, &is_mine, NULL) == 0 && is_mine) {
        return 0;
    }
    if (e != NULL) {
        *e = mine;
    }
    return -1;
}

static int s3_put_file(void *store, const char *key, const char *path,
                       enum store_put_mode mode, struct err *e)
{
    struct s3 *s = store;
    struct fs_map map;
    int rc;

    if (!fs_exists(path)) {
        return err_set(e, ERR_NOTFOUND, "there is no file \"%s\"", path);
    }
    if (fs_map(path, &map, e) < 0) {
        return -1;
    }
    rc = (int64_t)map.bytes.len > s->part_bytes
             ? s3_put_parts(s, key, map.bytes, mode, e)
             : s3_put(s, key, map.bytes, mode, e);
    fs_unmap(&map);
    return rc;
}

/* --- gets ------------------------------------------------------------------- */

/* The ETag without quotes, when it is the MD5 of the object: of one put, and
 * not encrypted with a key of the customer's. */
static bool md5_etag(const struct http_answer *a, struct slice *ret)
{
    struct slice tag;
    struct slice way;

    if (!http_answer_header(a, "ETag", &tag) ||
        (http_answer_header(a, "x-amz-server-side-encryption", &way) &&
         !slice_is(way, "AES256")) ||
        http_answer_header(a, "x-amz-server-side-encryption-customer-algorithm",
                           &way)) {
        return false;
    }
    tag = slice_trim(tag);
    if (tag.len == 34 && tag.ptr[0] == '"') {
        tag = (struct slice){tag.ptr + 1, 32};
    }
    for (size_t i = 0; i < tag.len; i++) {
        if (strchr("0123456789abcdef", tag.ptr[i]) == NULL) {
            return false;
        }
    }
    *ret = tag;
    return tag.len == 32;
}

static int damaged(const char *sum, struct err *e)
{
    return err_set(e, ERR_CORRUPT,
                   "its bytes do not have the %s that was stored with them; "
                   "restore the object",
                   sum);
}

/* Whether the whole object's bytes are those that were put. */
static int check_sums(const struct http_answer *a, struct slice bytes,
                      struct err *e)
{
    struct slice want;

    if (http_answer_header(a, "x-amz-checksum-sha256", &want) &&
        memchr(want.ptr, '-', want.len) == NULL) {
        char sum[BASE64_MAX];

        sha256_base64(bytes, sum);
        return slice_is(slice_trim(want), sum) ? 0 : damaged("SHA-256", e);
    }
    if (md5_etag(a, &want)) {
        uint8_t digest[DIGEST_MD5];
        char hex[2 * DIGEST_MD5 + 1];

        digest_md5(bytes, digest);
        digest_hex(digest, sizeof(digest), hex);
        return slice_is(want, hex) ? 0 : damaged("MD5", e);
    }
    return 0;
}

static int ask_for(struct s3 *s, const char *key, struct http_answer *ret,
                   struct err *e)
{
    struct s3_ask a = {.method = "GET", .key = key};

    a.more[0] =
        (struct sigv4_header){SLICE("x-amz-checksum-mode"), SLICE("ENABLED")};
    return s3_ask(s, &a, ret, e);
}

static int s3_get(void *store, const char *key, struct buf *b, struct err *e)
{
    struct http_answer answer;

    if (ask_for(store, key, &answer, e) < 0 ||
        check_sums(&answer, answer.body, e) < 0) {
        return -1;
    }
    return buf_append(b, answer.body, e);
}

/* --- gets into files --------------------------------------------------------- */

struct pieces {
    int fd;
    const char *path;
    int64_t at, total; /* total -1: not known yet */
    char etag[ETAG_MAX];
    bool md5; /* the ETag is one */
};

/* "bytes 0-99/1234" */
static bool read_range(struct slice text, int64_t *ret_from, int64_t *ret_total)
{
    struct slice from;

    if (!slice_starts(text, SLICE("bytes "))) {
        return false;
    }
    text = slice_from(text, 6);
    if (!slice_cut(&text, '-', &from) || !num_i64(from, ret_from)) {
        return false;
    }
    return slice_cut(&text, '/', &from) && num_i64(text, ret_total);
}

static int take_piece(struct s3 *s, const struct http_answer *a,
                      struct pieces *p, struct err *e)
{
    struct slice header;
    int64_t from;

    if (s->status == 200) { /* the server does not know ranges */
        p->total = (int64_t)a->body.len;
        p->at = p->total;
        if (check_sums(a, a->body, e) < 0) {
            return -1;
        }
        return fs_write_all(p->fd, a->body, p->path, e);
    }
    if (!http_answer_header(a, "Content-Range", &header) ||
        !read_range(header, &from, &p->total) || from != p->at) {
        return err_set(e, ERR_MALFORMED,
                       "the server at %s answered another range than asked",
                       s->host);
    }
    if (p->etag[0] == '\0' && http_answer_header(a, "ETag", &header)) {
        struct slice md5;

        p->md5 = md5_etag(a, &md5);
        (void)snprintf(p->etag, sizeof(p->etag), "%.*s",
                       header.len >= ETAG_MAX ? 0 : (int)header.len,
                       header.ptr);
    }
    p->at += (int64_t)a->body.len;
    if (a->body.len == 0 || p->at > p->total) {
        return err_set(e, ERR_CORRUPT,
                       "it came short: %" PRId64 " of %" PRId64 " bytes", p->at,
                       p->total);
    }
    return fs_write_all(p->fd, a->body, p->path, e);
}

static int get_piece(struct s3 *s, const char *key, struct pieces *p,
                     struct err *e)
{
    struct s3_ask a = {.method = "GET", .key = key};
    struct http_answer answer;
    char range[64];

    (void)snprintf(range, sizeof(range), "bytes=%" PRId64 "-%" PRId64, p->at,
                   p->at + PIECE_BYTES - 1);
    a.more[0] = (struct sigv4_header){SLICE("Range"), slice_of(range)};
    if (p->at > 0 && p->etag[0] != '\0') {
        a.more[1] = (struct sigv4_header){SLICE("If-Match"), slice_of(p->etag)};
    }
    if (s3_ask(s, &a, &answer, e) < 0) {
        if (s->status == 416 && p->at == 0) { /* it is empty */
            p->total = 0;
            return 0;
        }
        return s->status == 412
                   ? err_set(e, ERR_CONFLICT, "it changed while it was read")
                   : -1;
    }
    return take_piece(s, &answer, p, e);
}

/* All of it to p->fd, and compared with its MD5 where it has one. */
static int get_pieces(struct s3 *s, const char *key, struct pieces *p,
                      struct err *e)
{
    struct fs_map map;
    uint8_t digest[DIGEST_MD5];
    char hex[2 * DIGEST_MD5 + 1];

    do {
        if (get_piece(s, key, p, e) < 0) {
            return -1;
        }
    } while (p->at < p->total);
    if (fs_sync(p->fd, p->path, e) < 0) {
        return -1;
    }
    if (!p->md5 || p->total == 0) {
        return 0;
    }
    if (fs_map(p->path, &map, e) < 0) {
        return -1;
    }
    digest_md5(map.bytes, digest);
    fs_unmap(&map);
    digest_hex(digest, sizeof(digest), hex);
    return strstr(p->etag, hex) != NULL ? 0 : damaged("MD5", e);
}

static int s3_get_file(void *store, const char *key, const char *path,
                       struct err *e)
{
    char tmp[FS_PATH_MAX];
    struct pieces p = {.fd = -1, .path = tmp, .total = -1};
    int rc;

    if (fs_temporary(path, tmp, e) < 0) {
        return -1;
    }
    p.fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (p.fd < 0) {
        return err_set(e, errno == EACCES ? ERR_DENIED : ERR_IO,
                       "could not create file \"%s\": %s", tmp,
                       strerror(errno));
    }
    rc = get_pieces(store, key, &p, e);
    (void)close(p.fd);
    if (rc < 0) {
        (void)unlink(tmp);
        return -1;
    }
    return fs_publish_temporary(tmp, path, e);
}

/* --- what is there ---------------------------------------------------------------- */

/* "Sat, 21 Nov 2026 15:04:05 GMT"; 0 for what is no such time. */
static int64_t http_date(struct slice text)
{
    int64_t us = 0;

    (void)clock_parse(slice_trim(text), "???, DD BBB YYYY hh:mm:ss GMT", &us);
    return us;
}

static int s3_stat(void *store, const char *key, struct store_object *ret,
                   struct err *e)
{
    struct s3 *s = store;
    struct s3_ask a = {.method = "HEAD", .key = key};
    struct http_answer answer;
    struct slice value;

    if (s3_ask(s, &a, &answer, e) < 0) {
        int status = s->status;

        /* an answer to HEAD has no words: ask again for the reason */
        if (status >= 300 && (status != 404 || !s->bucket_seen)) {
            a.method = "GET";
            a.more[0] =
                (struct sigv4_header){SLICE("Range"), SLICE("bytes=0-0")};
            return s3_ask(s, &a, &answer, e) < 0
                       ? -1
                       : err_set(e, ERR_CONFLICT,
                                 "its state changed while it was looked at");
        }
        return -1;
    }
    if (!http_answer_header(&answer, "Content-Length", &value) ||
        !num_i64(value, &ret->bytes)) {
        return err_set(e, ERR_MALFORMED, "the server at %s gave no size",
                       s->host);
    }
    ret->time_us = http_answer_header(&answer, "Last-Modified", &value)
                       ? http_date(value)
                       : 0;
    return 0;
}

static int s3_erase(void *store, const char *key, struct err *e)
{
    struct s3_ask a = {.method = "DELETE", .key = key};
    struct http_answer answer;
    struct err mine = {0};

    if (s3_ask(store, &a, &answer, &mine) < 0 && mine.code != ERR_NOTFOUND) {
        if (e != NULL) {
            *e = mine;
        }
        return -1;
    }
    return 0;
}

const struct store_ops store_s3 = {
    .name = "s3",
    .scheme = "s3:",
    .help = "a bucket on AWS, MinIO, versitygw or any S3-compatible server",
    .is_shared = true,
    .open = s3_open,
    .put = s3_put,
    .put_file = s3_put_file,
    .get = s3_get,
    .get_file = s3_get_file,
    .stat = s3_stat,
    .erase = s3_erase,
    .list = s3_list,
    .close = s3_close,
};
