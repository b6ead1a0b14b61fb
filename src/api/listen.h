/*
 * listen.h - "ADDR:PORT" to a listening TCP socket.
 */
#ifndef API_LISTEN_H
#define API_LISTEN_H

#include "core/err.h"

struct listener {
    int fd;        /* the caller's to close; non-blocking */
    int port;      /* the one that was chosen when 0 was asked for */
    bool loopback; /* nobody outside this machine can reach it */
};

/*
 * text: "127.0.0.1:8082", "localhost:0", "[::1]:8082", "0.0.0.0:80", ":80"
 * (every address).  ERR_INVALID for a text that is no such address, ERR_BUSY
 * when the port is in use, ERR_DENIED when it is not ours to take.
 */
int listen_open(struct listener *ret, const char *text, struct err *e) MUST_USE;

#endif
