#include "core/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/fs.h"
#include "core/mem.h"
#include "core/thread.h"

enum {
    SHORTEST = 6 /* a shorter text would be found in ordinary words */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    char *ptr;
    size_t len;
} known[SECRETS_MAX];
static size_t known_count;

int secret_read(const char *path, struct buf *b, struct err *e)
{
    struct buf text;
    struct stat st;
    int rc = -1;

    if (stat(path, &st) != 0) {
        return err_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO,
                       "could not open file \"%s\": %s", path, strerror(errno));
    }
    if ((st.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        return err_set(e, ERR_DENIED,
                       "credentials file \"%s\" is open to other users; "
                       "run: chmod 600 %s",
                       path, path);
    }
    buf_init(&text, SECRET_FILE_MAX);
    if (fs_read(path, &text, e) == 0) {
        rc = buf_append(b, buf_slice(&text), e);
    }
    if (text.len > 0) {
        secret_wipe(text.ptr, text.len);
    }
    buf_release(&text);
    return rc;
}

bool secret_equal(struct slice a, struct slice b)
{
    return a.len == b.len &&
           (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

int secret_random(void *bytes, size_t n, struct err *e)
{
    if (n > INT32_MAX || RAND_bytes(bytes, (int)n) != 1) {
        return err_set(e, ERR_IO, "could not draw %zu random bytes", n);
    }
    return 0;
}

void secret_wipe(void *bytes, size_t n)
{
    OPENSSL_cleanse(bytes, n);
}

int secret_register(struct slice s, struct err *e)
{
    char *copy;
    int rc = 0;

    if (s.len < SHORTEST) {
        return 0;
    }
    copy = mem_text(s.ptr, s.len);
    if (copy == NULL) {
        return err_nomem(e, s.len);
    }
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < known_count; i++) {
        if (slice_eq((struct slice){known[i].ptr, known[i].len}, s)) {
            goto out;
        }
    }
    if (known_count == SECRETS_MAX) {
        rc = err_set(e, ERR_LIMIT, "over %d secrets", SECRETS_MAX);
        goto out;
    }
    known[known_count].ptr = copy;
    known[known_count].len = s.len;
    known_count++;
    copy = NULL;
out:
    (void)pthread_mutex_unlock(&lock);
    mem_free(copy);
    return rc;
}

static void redact_one(struct buf *b, size_t from, const char *s, size_t len)
{
    for (size_t at = from; at + len <= b->len; at++) {
        if (memcmp(b->ptr + at, s, len) == 0) {
            memcpy(b->ptr + at, "***", 3);
            memmove(b->ptr + at + 3, b->ptr + at + len, b->len - at - len);
            b->len -= len - 3;
        }
    }
}

void secret_redact(struct buf *b, size_t from)
{
    (void)pthread_mutex_lock(&lock);
    for (size_t i = 0; i < known_count; i++) {
        redact_one(b, from, known[i].ptr, known[i].len);
    }
    (void)pthread_mutex_unlock(&lock);
}

void secret_no_core_dumps(void)
{
    struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);
    (void)prctl(PR_SET_DUMPABLE, 0); /* dumps piped to a program as well */
}
