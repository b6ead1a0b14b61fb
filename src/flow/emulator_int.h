/*
 * emulator_int.h - the insides of the emulator: which row comes next and when
 * (emulator_draw.c), how a contract puts records into a request and reads the
 * answer (emulator_contract.c), and the loop over both (emulator.c).
 */
#ifndef FLOW_EMULATOR_INT_H
#define FLOW_EMULATOR_INT_H

#include "core/rand.h"
#include "flow/emulator.h"
#include "net/http_client.h"

/* Row numbers and the pauses between them. */
struct emulator_draw {
    enum emulator_order order;
    int64_t source_rows; /* drawn from; -1: not known */
    int64_t left;        /* draws to come; -1: without end */
    bool once;           /* all rows once: past the end is the end */
    int64_t next;        /* sequential */
    struct rand random;
    struct rand_mt python;
    int64_t pause_from, pause_to; /* seconds, to not included */
    int64_t interval_ns;          /* "N/s"; 0: no interval */
    int64_t started_us;
    int64_t draws;
};

/* The pace, ERR_INVALID; *ret_max: no pause at all. */
int emulator_draw_init(struct emulator_draw *d,
                       const struct emulator_conf *conf, bool *ret_max,
                       struct err *e) MUST_USE;
/* The next row, or -1 when there is none; *ret_due_us: when (clock_mono_us())
 * it is to be posted, given that the one before was posted by now. */
int64_t emulator_draw_next(struct emulator_draw *d, int64_t *ret_due_us);

enum emulator_post_state {
    POST_FREE,
    POST_FILLING, /* takes more records */
    POST_READY,   /* waits for a connection */
    POST_FLYING,
    POST_WAITING, /* will be tried again at due_us */
};

/* Records of one table on their way; memory is kept from use to use. */
struct emulator_post {
    enum emulator_post_state state;
    struct emulator_post *next; /* in the ready queue */
    size_t table;
    bool json;       /* the rows are JSON texts */
    bool lost;       /* an answer was lost on the way */
    struct buf rows; /* one behind the other */
    size_t *ends;    /* of each row within rows */
    size_t n;
    struct buf url;
    struct buf body;
    struct buf key;   /* header line */
    struct buf heads; /* those of a signature, see emulator_contract.sign */
    struct retry retry;
    int64_t due_us;
};

static inline struct slice emulator_post_row(const struct emulator_post *p,
                                             size_t i)
{
    size_t from = i > 0 ? p->ends[i - 1] : 0;

    return (struct slice){p->rows.ptr + from, p->ends[i] - from};
}

enum emulator_verdict {
    VERDICT_TAKEN,
    VERDICT_AGAIN,   /* worth a retry */
    VERDICT_REFUSED, /* for good */
    VERDICT_DENIED,  /* 401, 403: nothing will be taken */
    VERDICT_MIXED,   /* per record, in bad[]: 0 taken, 1 again, 2 refused */
};

/* One request shape. */
struct emulator_contract {
    const char *name;
    const char *absent; /* why it cannot be used; NULL: it can */
    bool many;          /* takes several records a request */
    const char *method;
    const char *type[2]; /* Content-Type of JSON rows, of others */
    const char *accept;
    /* what the far side must be asked once, put into *cookie; may be NULL */
    int (*prepare)(struct http_client *c, const struct emulator_conf *conf,
                   struct buf *cookie, struct err *e);
    /* p->url and p->body from its rows; base has no slash at its end */
    int (*compose)(struct emulator_post *p, const struct emulator_conf *conf,
                   struct slice cookie, struct err *e);
    /* header lines of their own for each try, into p->heads with a NUL behind
     * each, Content-Type among them; NULL: none */
    int (*sign)(struct emulator_post *p, struct err *e);
    /* of an answer with status 2xx */
    enum emulator_verdict (*judge)(const struct emulator_post *p,
                                   struct slice answer, uint8_t *bad);
};

/* A run: set up and torn down by emulator.c, driven by emulator_loop.c. */
struct emulator {
    const struct emulator_conf *conf;
    struct emulator_counts *counts;
    const struct emulator_contract *contract;
    struct http_client *client;
    struct emulator_draw draw;
    bool max_pace;
    bool in_order; /* one request a table at a time */
    bool ended;    /* nothing more to draw */
    bool answered; /* the far side has answered something */
    bool pending;  /* row and due_us are drawn and not yet taken */
    int64_t row;
    int64_t due_us;
    size_t per_request;
    size_t in_flight;
    size_t nposts, nfree, nwaiting, nready, flying;
    struct emulator_post *posts;
    struct emulator_post *ready, *ready_last;
    struct emulator_post *filling[SOURCE_TABLES_MAX];
    size_t outstanding[SOURCE_TABLES_MAX];
    struct buf scratch; /* a row */
    struct buf cookie;  /* see emulator_contract.prepare */
    struct buf token;   /* header line */
    uint8_t *bad;       /* per record of an answer */
    uint64_t run_id;
    uint64_t keys;
};

/* Post until all is posted (0), stop is asked (0), or a fault (-1). */
int emulator_loop_work(struct emulator *m, struct err *e) MUST_USE;
/* Let what flies land, then count what is left as unsent. */
void emulator_loop_wind_up(struct emulator *m);

enum {
    EMULATOR_REQUEST_BYTES = 2000000, /* of rows; then a request is full */
    EMULATOR_ROW_BYTES = 8 << 20
};

/* ERR_INVALID with the nearest name, ERR_UNAVAILABLE with the reason. */
int emulator_contract_find(const char *name,
                           const struct emulator_contract **ret,
                           struct err *e) MUST_USE;

#endif
