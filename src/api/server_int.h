/*
 * server_int.h - the server's state; server.c has the requests, server_run.c
 * the connections, the reaper, start and stop.
 */
#ifndef API_SERVER_INT_H
#define API_SERVER_INT_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdatomic.h>

#include "api/listen.h"
#include "api/server.h"
#include "core/dynlib.h"
#include "core/thread.h"

enum {
    SERVER_LISTENERS_MAX = 16,
};

/* libmicrohttpd drags in GnuTLS: loaded when a server starts */
#define MHD_API_MAP(XX)             \
    XX(add_response_header)         \
    XX(create_response_from_buffer) \
    XX(destroy_response)            \
    XX(get_connection_info)         \
    XX(lookup_connection_value_n)   \
    XX(queue_response)              \
    XX(resume_connection)           \
    XX(start_daemon)                \
    XX(stop_daemon)                 \
    XX(suspend_connection)

struct mhd_api {
    struct dynlib lib;
#define XX(name) __typeof__(&MHD_##name) name;
    MHD_API_MAP(XX)
#undef XX
};

/* Whose a connection is: the reaper may answer one that is being read. */
enum server_turn {
    TURN_NOBODY,  /* between requests */
    TURN_READING, /* a request is coming in */
    TURN_HANDLED, /* by the pool, or its handler */
    TURN_CUT,     /* it took too long, and was told so */
};

struct server_conn {
    struct server *server;
    struct MHD_Connection *mhd;
    struct server_conn *next, *prev;
    int fd;
    char client[INET6_ADDRSTRLEN]; /* its address, once it was asked for */
    atomic_int turn;               /* enum server_turn */
    atomic_llong due_us;           /* cut it then; 0: not now */
};

struct server {
    struct server_conf conf;
    struct mhd_api mhd;
    struct MHD_Daemon *daemons[SERVER_LISTENERS_MAX];
    struct listener listeners[SERVER_LISTENERS_MAX];
    size_t n;
    struct mutex said; /* the two below: its threads speak too */
    char log[256];     /* what libmicrohttpd said last, while starting */
    bool started;

    atomic_bool stopping;
    atomic_llong active;  /* requests between begin() and end() */
    atomic_llong waiting; /* suspended */
    atomic_llong bodies;  /* bytes held */
    atomic_llong requests, connections, cut;

    struct mutex lock; /* the lists */
    struct cond tick;
    struct server_conn *conns;
    struct http_request *suspended;
    struct http_request *woken; /* to be resumed by who was woken first */
    bool waking;
    struct thread reaper;
    bool reaper_stop;
};

/* libmicrohttpd's callbacks of a request; arg is the server. */
void *server_on_uri(void *arg, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result server_on_request(void *arg, struct MHD_Connection *mhd,
                                  const char *url, const char *method,
                                  const char *version, const char *data,
                                  size_t *n, void **state);
void server_on_end(void *arg, struct MHD_Connection *mhd, void **state,
                   enum MHD_RequestTerminationCode why);
/* True when it was `from` and is `to` now. */
bool server_turn(struct server_conn *c, enum server_turn from,
                 enum server_turn to);
/* An answer in the middle of a request, past libmicrohttpd, which cannot give
 * one there; the connection must end then.  Not over TLS. */
void server_tell(struct server_conn *c, int status, const char *type,
                 struct slice body);
/* Wake what is suspended past its deadline and given up by its worker. */
void server_expire(struct server *s, int64_t now);

#endif
