#include "api/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/num.h"
#include "core/slice.h"

enum {
    HOST_MAX = 256,
    BACKLOG = 1024,
};

static int no_address(const char *text, struct err *e)
{
    return err_set(e, ERR_INVALID,
                   "cannot listen on \"%s\": not an address (want "
                   "ADDR:PORT, for example 127.0.0.1:8082 or [::1]:8082)",
                   text);
}

/* Split "HOST:PORT"; an empty host stays empty. */
static int split(const char *text, char host[HOST_MAX], int64_t *ret_port,
                 struct err *e)
{
    const char *colon = strrchr(text, ':');
    struct slice h;

    if (colon == NULL) {
        return no_address(text, e);
    }
    h = (struct slice){text, (size_t)(colon - text)};
    if (h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']') {
        h = (struct slice){h.ptr + 1, h.len - 2};
    } else if (memchr(h.ptr, ':', h.len) != NULL) {
        return no_address(text, e);
    }
    if (h.len >= HOST_MAX || !num_i64(slice_of(colon + 1), ret_port) ||
        *ret_port < 0 || *ret_port > 65535) {
        return no_address(text, e);
    }
    memcpy(host, h.ptr, h.len);
    host[h.len] = '\0';
    return 0;
}

static bool is_loopback(const struct sockaddr *a)
{
    if (a->sa_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, a, sizeof(in));
        return (ntohl(in.sin_addr.s_addr) >> 24) == 127;
    }
    if (a->sa_family == AF_INET6) {
        struct sockaddr_in6 in;

        memcpy(&in, a, sizeof(in));
        return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr) != 0;
    }
    return false;
}

static int bound_port(int fd)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof(a);
    char port[16] = "";
    int64_t n = 0;

    if (getsockname(fd, (struct sockaddr *)&a, &len) == 0 &&
        getnameinfo((struct sockaddr *)&a, len, NULL, 0, port, sizeof(port),
                    NI_NUMERICSERV) == 0) {
        (void)num_i64(slice_of(port), &n);
    }
    return (int)n;
}

static int bind_error(const char *text, struct err *e)
{
    int why = errno;

    if (why == EADDRINUSE) {
        return err_set(e, ERR_BUSY,
                       "could not listen on \"%s\": the port is in use; "
                       "stop the program that has it or choose another",
                       text);
    }
    return err_set(e, why == EACCES ? ERR_DENIED : ERR_IO,
                   "could not listen on \"%s\": %s", text, strerror(why));
}

static int open_one(struct listener *ret, const struct addrinfo *ai,
                    const char *text, struct err *e)
{
    int on = 1;
    int fd = socket(ai->ai_family, SOCK_STREAM, 0);

    if (fd < 0) {
        return bind_error(text, e);
    }
    (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (ai->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    }
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
        listen(fd, BACKLOG) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0) {
        (void)bind_error(text, e);
        (void)close(fd);
        return -1;
    }
    *ret = (struct listener){fd, bound_port(fd), is_loopback(ai->ai_addr)};
    return 0;
}

int listen_open(struct listener *ret, const char *text, struct err *e)
{
    struct addrinfo want = {.ai_family = AF_UNSPEC,
                            .ai_socktype = SOCK_STREAM,
                            .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[HOST_MAX];
    char port[16];
    int64_t n = 0;
    int rc;

    if (split(text, host, &n, e) != 0) {
        return -1;
    }
    if (host[0] == '\0') {
        want.ai_family = AF_INET;
    }
    (void)snprintf(port, sizeof(port), "%d", (int)n);
    rc = getaddrinfo(host[0] == '\0' ? NULL : host, port, &want, &found);
    if (rc != 0) {
        return err_set(e, ERR_INVALID, "cannot listen on \"%s\": %s", text,
                       gai_strerror(rc));
    }
    rc = open_one(ret, found, text, e);
    freeaddrinfo(found);
    return rc;
}
