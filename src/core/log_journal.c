#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/log_int.h"

enum {
    MESSAGE_MAX = 256 << 10 /* more does not fit into a datagram */
};

static const char journal_path[] = "/run/systemd/journal/socket";

bool log_journal_listens(void)
{
    return access(journal_path, W_OK) == 0;
}

/* A value with a line's end in it has its length, little-endian, in front. */
static int put_long(struct buf *b, struct slice key, struct slice value,
                    struct err *e)
{
    uint64_t left = value.len;
    char size[8];

    for (size_t i = 0; i < sizeof(size); i++) {
        size[i] = (char)(left & 0xff);
        left >>= 8;
    }
    if (buf_append(b, key, e) != 0 || buf_putc(b, '\n', e) != 0 ||
        buf_append(b, (struct slice){size, sizeof(size)}, e) != 0) {
        return -1;
    }
    return buf_append(b, value, e);
}

int log_journal_pack(struct buf *b, const struct iovec *entries, size_t n,
                     struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct slice all = {entries[i].iov_base, entries[i].iov_len};
        struct slice value = all;
        struct slice key;
        int rc;

        if (!slice_cut(&value, '=', &key)) {
            return err_set(e, ERR_INVALID, "a journal entry has no \"=\"");
        }
        value = (struct slice){all.ptr + key.len + 1, all.len - key.len - 1};
        rc = memchr(value.ptr, '\n', value.len) != NULL
                 ? put_long(b, key, value, e)
                 : buf_append(b, all, e);
        if (rc != 0 || buf_putc(b, '\n', e) != 0) {
            return -1;
        }
    }
    return 0;
}

bool log_journal_send(const struct iovec *entries, size_t n)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct buf b;
    bool sent = false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return false;
    }
    memcpy(to.sun_path, journal_path, sizeof(journal_path));
    buf_init(&b, MESSAGE_MAX);
    if (log_journal_pack(&b, entries, n, NULL) == 0) {
        sent = sendto(fd, b.ptr, b.len, MSG_NOSIGNAL, (struct sockaddr *)&to,
                      sizeof(to)) == (ssize_t)b.len;
    }
    buf_release(&b);
    (void)close(fd);
    return sent;
}
