/*
 * s3_parts.c - large objects in parts: begun, sent, completed, or given up.
 */
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "net/xml.h"
#include "store/s3_int.h"

enum {
    ID_MAX = 1024, /* of an upload */
    TAG_MAX = 128,
    LIST_BYTES = 4 << 20
};

struct upload {
    struct s3 *s;
    const char *key;
    char upload_id[ID_MAX];
    char put_id[S3_ID_MAX];
    struct buf list; /* the XML that completes it */
    struct buf query;
    bool lost; /* it may have been completed by a try without an answer */
};

static int begin(struct upload *u, struct err *e)
{
    struct s3_ask a = {
        .method = "POST", .key = u->key, .query = SLICE("uploads=")};
    struct http_answer answer;

    a.more[0] =
        (struct sigv4_header){SLICE("x-amz-meta-put-id"), slice_of(u->put_id)};
    if (s3_ask(u->s, &a, &answer, e) < 0) {
        return -1;
    }
    if (!s3_element(u->s, answer.body, "*/UploadId", u->upload_id,
                    sizeof(u->upload_id)) ||
        u->upload_id[0] == '\0') {
        return err_set(e, ERR_MALFORMED,
                       "the server at %s began no upload in parts", u->s->host);
    }
    return 0;
}

static int send_part(struct upload *u, int number, struct slice bytes,
                     struct err *e)
{
    struct s3_ask a = {.method = "PUT", .key = u->key, .body = bytes};
    struct http_answer answer;
    struct slice tag;
    char text[16];

    (void)snprintf(text, sizeof(text), "%d", number);
    buf_clear(&u->query);
    if (s3_param(&u->query, "partNumber", text, e) < 0 ||
        s3_param(&u->query, "uploadId", u->upload_id, e) < 0) {
        return -1;
    }
    a.query = buf_slice(&u->query);
    if (s3_ask(u->s, &a, &answer, e) < 0) {
        return err_wrap(e, "part %d", number);
    }
    if (!http_answer_header(&answer, "ETag", &tag) || tag.len > TAG_MAX) {
        return err_set(e, ERR_MALFORMED,
                       "the server at %s gave no ETag for part %d", u->s->host,
                       number);
    }
    if (buf_putf(&u->list, e, "<Part><PartNumber>%d</PartNumber><ETag>",
                 number) < 0 ||
        xml_escape(&u->list, tag, e) < 0) {
        return -1;
    }
    return buf_puts(&u->list, "</ETag></Part>", e);
}

static int send_parts(struct upload *u, struct slice bytes, struct err *e)
{
    size_t size = (size_t)u->s->part_bytes;
    size_t least = bytes.len / S3_PARTS_MAX + 1;

    size = size < least ? least : size;
    if (buf_puts(&u->list, "<CompleteMultipartUpload>", e) < 0) {
        return -1;
    }
    for (int n = 1; bytes.len > 0; n++) {
        struct slice part = {bytes.ptr, bytes.len < size ? bytes.len : size};

        if (send_part(u, n, part, e) < 0) {
            return -1;
        }
        bytes = slice_from(bytes, part.len);
    }
    return buf_puts(&u->list, "</CompleteMultipartUpload>", e);
}

static int complete(struct upload *u, bool if_absent, struct err *e)
{
    struct s3_ask a = {
        .method = "POST", .key = u->key, .body = buf_slice(&u->list)};
    struct http_answer answer;
    char code[S3_CODE_MAX];
    char tag[TAG_MAX];

    buf_clear(&u->query);
    if (s3_param(&u->query, "uploadId", u->upload_id, e) < 0) {
        return -1;
    }
    a.query = buf_slice(&u->query);
    if (if_absent) {
        a.more[0] = (struct sigv4_header){SLICE("If-None-Match"), SLICE("*")};
    }
    if (s3_ask(u->s, &a, &answer, e) < 0) {
        u->lost = u->s->again && (u->s->status == 412 || u->s->status == 404);
        return -1;
    }
    /* a status of 200 is sent early: the fault then stands in the body */
    if (s3_element(u->s, answer.body, "Error/Code", code, sizeof(code))) {
        return err_set(e, ERR_CONFLICT,
                       "the server at %s did not join the parts (%s)",
                       u->s->host, code);
    }
    if (!s3_element(u->s, answer.body, "*/ETag", tag, sizeof(tag))) {
        return err_set(e, ERR_MALFORMED,
                       "the server at %s did not say that it joined the parts",
                       u->s->host);
    }
    return 0;
}

static void give_up(struct upload *u)
{
    struct s3_ask a = {.method = "DELETE", .key = u->key};
    struct http_answer answer;
    struct err ignored;

    buf_clear(&u->query);
    if (s3_param(&u->query, "uploadId", u->upload_id, &ignored) == 0) {
        a.query = buf_slice(&u->query);
        /* parts that cannot be removed are the bucket's life cycle's */
        (void)!s3_ask(u->s, &a, &answer, &ignored);
    }
}

int s3_put_parts(struct s3 *s, const char *key, struct slice bytes,
                 enum store_put_mode mode, struct err *e)
{
    bool if_absent = mode == STORE_IF_ABSENT;
    struct upload *u = mem_zero(1, sizeof(*u));
    struct err mine = {0};
    bool is_mine = false;
    int rc;

    if (u == NULL) {
        return err_nomem(e, sizeof(*u));
    }
    u->s = s;
    u->key = key;
    s3_put_id(s, u->put_id);
    buf_init(&u->list, LIST_BYTES);
    buf_init(&u->query, LIST_BYTES);
    rc = begin(u, &mine);
    if (rc == 0) {
        rc = send_parts(u, bytes, &mine);
        if (rc == 0) {
            rc = complete(u, if_absent, &mine);
        }
        if (rc < 0 && u->lost &&
            s3_is_mine(s, key, u->put_id, &is_mine, NULL) == 0 && is_mine) {
            rc = 0;
        }
        if (rc < 0) {
            give_up(u);
        }
    }
    buf_release(&u->list);
    buf_release(&u->query);
    mem_free(u);
    if (rc < 0 && e != NULL) {
        *e = mine;
    }
    return rc;
}
