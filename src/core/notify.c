#include "core/notify.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

bool notify_manager(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path == NULL ? 0 : strlen(path);
    socklen_t size;
    bool sent;
    int fd;

    if (len < 2 || len >= sizeof(to.sun_path) ||
        (path[0] != '/' && path[0] != '@')) {
        return false;
    }
    memcpy(to.sun_path, path, len + 1);
    if (path[0] == '@') { /* a name that no file has */
        to.sun_path[0] = '\0';
    }
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                  (struct sockaddr *)&to, size) == (ssize_t)strlen(state);
    (void)close(fd);
    return sent;
}
