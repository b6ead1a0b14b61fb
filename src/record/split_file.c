#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "record/split_int.h"

static int read_file(void *ctx, char *out, size_t cap, size_t *ret,
                     struct err *e)
{
    struct split *s = ctx;
    ssize_t n;

    do {
        n = read(s->fd, out, cap);
    } while (n < 0 && errno == EINTR);
    if (n < 0) {
        return err_set(e, ERR_IO, "could not read file \"%s\": %s",
                       s->conf.name, strerror(errno));
    }
    *ret = (size_t)n;
    return 0;
}

static int seek_file(void *ctx, int64_t offset, struct err *e)
{
    const struct split *s = ctx;

    if (lseek(s->fd, offset, SEEK_SET) < 0) {
        return err_set(e, errno == ESPIPE ? ERR_INVALID : ERR_IO,
                       "cannot go back in file \"%s\": %s", s->conf.name,
                       strerror(errno));
    }
    return 0;
}

static int from_fd(struct split **ret, int fd, bool own,
                   const struct split_conf *conf, struct err *e)
{
    struct split_input in = {.read = read_file, .seek = seek_file};
    struct split *s;

    if (split_new(&s, &in, conf, e) < 0) {
        if (own) {
            (void)close(fd);
        }
        return -1;
    }
    s->fd = fd;
    s->own_fd = own;
    s->in.ctx = s;
    *ret = s;
    return 0;
}

int split_open_fd(struct split **ret, int fd, const struct split_conf *conf,
                  struct err *e)
{
    return from_fd(ret, fd, true, conf, e);
}

int split_open(struct split **ret, const char *path,
               const struct split_conf *conf, struct err *e)
{
    struct split_conf mine = *conf;
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);

    if (mine.name == NULL) {
        mine.name = standard ? "standard input" : path;
    }
    if (fd < 0) {
        return err_set(e,
                       errno == ENOENT   ? ERR_NOTFOUND
                       : errno == EACCES ? ERR_DENIED
                                         : ERR_IO,
                       "could not open file \"%s\": %s", path, strerror(errno));
    }
    return from_fd(ret, fd, !standard, &mine, e);
}

void split_close_file(struct split *s)
{
    if (s->own_fd) {
        (void)close(s->fd);
    }
}

int split_repack(struct split *s, struct err *e)
{
    buf_clear(&s->packed);
    if (buf_append(&s->packed, buf_slice(&s->window), e) < 0) {
        return -1;
    }
    buf_clear(&s->window);
    s->packed_left = buf_slice(&s->packed);
    return 0;
}
