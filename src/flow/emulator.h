/*
 * emulator.h - posts rows as users do: draws a row number, takes that row of
 * every table, and posts the records over real HTTP on kept connections.
 *
 * A post that got no certain answer is tried again with the same
 * Idempotency-Key, so that nothing is stored twice where the far side honours
 * keys (pinline does).  Elsewhere delivery is at least once, and posts whose
 * answer was lost are counted as uncertain.
 *
 * emulator_run() works in the caller's thread and returns when all is posted,
 * when stop_asked() (core/stop.h), or at the first fault that no retry mends.
 */
#ifndef FLOW_EMULATOR_H
#define FLOW_EMULATOR_H

#include "core/progress.h"
#include "core/retry.h"
#include "source/source.h"

enum emulator_order {
    EMULATOR_RANDOM,     /* any row, drawn with replacement */
    EMULATOR_SEQUENTIAL, /* 0, 1, 2, ... and from the start again */
    EMULATOR_CPYTHON,    /* the rows that the seeds' Python script draws */
};

enum {
    EMULATOR_PER_REQUEST_MAX = 10000
};

struct emulator_table {
    const char *name;  /* "pin", "geo", "user": the source's tables, in order */
    const char *topic; /* topic or stream */
    bool skip;         /* the source has it, nothing is posted */
};

struct emulator_conf {
    struct source *source;
    const struct emulator_table *tables;
    size_t ntables;
    const char *to;       /* base url, "http://127.0.0.1:8082" */
    const char *contract; /* see emulator_contract_at(); NULL: kafka-v2 */
    int64_t rows;         /* rows drawn; 0: all rows once, in order */
    bool loop;            /* never end: draw until asked to stop */
    enum emulator_order order;
    uint64_t seed;
    const char *pace;   /* "max" or NULL, "N/s" rows, "A-Bs" or "Ns" between */
    size_t per_request; /* records of one table in a request; 0: 1 */
    size_t in_flight;   /* requests at once; 0: 64 with pace max, else one a
                         * table.  Up to one a table keeps each topic's order */
    int64_t timeout_us; /* of one attempt; 0: 30 s */
    const struct retry_policy *retry; /* NULL: up to 60 s a post */
    const char *token;                /* bearer token, or NULL */
    const char *ca_file;              /* trusted certificates, or NULL */
    struct progress *progress; /* told of each record posted; may be NULL */
};

struct emulator_table_counts {
    int64_t posted;    /* records that the far side took, by its answer */
    int64_t refused;   /* records that it refused for good (4xx, bad record) */
    int64_t uncertain; /* records, posted or not, with a lost answer before a
                        * repeat, on a far side without idempotency keys */
    int64_t unsent;    /* drawn, but given up when stopped or out of retries */
    int64_t binary;    /* of posted: rows that are not JSON */
    int64_t bytes;     /* of the posted rows */
};

struct emulator_counts {
    int64_t drawn; /* row numbers drawn */
    int64_t requests;
    int64_t retries;
    int64_t lost_answers; /* requests that were repeated for that reason */
    int64_t elapsed_us;
    bool stopped;      /* by a signal */
    bool idempotent;   /* the far side honours idempotency keys */
    char refusal[200]; /* what it said at the first refusal; "" when none */
    size_t ntables;
    struct emulator_table_counts table[SOURCE_TABLES_MAX];
};

/*
 * Post.  *ret is always filled in, also on failure, with what was done so
 * far.  Fails with ERR_CONNECT when the far side could not be reached at all,
 * ERR_DENIED on 401 and 403, ERR_INVALID on a wrong configuration; a refused
 * record is not a failure.
 */
int emulator_run(const struct emulator_conf *conf, struct emulator_counts *ret,
                 struct err *e) MUST_USE;

/* One row of each table as "pin_result", "geo_result", "user_result", as the
 * seeds' script prints it, without posting anything. */
int emulator_show(const struct emulator_conf *conf, struct buf *b,
                  struct err *e) MUST_USE;

/* Every contract in alphabetical order; NULL past the end.  *ret_absent is
 * why it cannot be used, or NULL. */
const char *emulator_contract_at(size_t i, const char **ret_absent);

#endif
