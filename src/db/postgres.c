#include "db/postgres.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/embed.h"
#include "core/mem.h"
#include "db/postgres_int.h"

enum {
    CONNECT_US = 10000000,
    PARAMS_BYTES_MAX = 1 << 20,
};

struct postgres_rows {
    const struct pq *pq;
    PGresult *result;
};

extern const struct embed_file db_files[];

static int load(struct pq *pq, struct err *e)
{
    static const char *const files[] = {"libpq.so.5", "libpq.so", NULL};
    static const struct dynlib_symbol symbols[] = {
#define XX(name) {#name, offsetof(struct pq, name)},
        PQ_API_MAP(XX)
#undef XX
    };

    return dynlib_load(&pq->lib, files, symbols, ARRAY_LEN(symbols), pq,
                       "it comes with apt-get install libpq5", e);
}

/* --- connecting ------------------------------------------------------------------ */

static void no_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* "...FATAL:  28P01: password authentication failed for user..." */
static int fail_login(struct postgres *db, struct err *e)
{
    static const char mark[] = "FATAL:  ";
    const char *text = db->pq.PQerrorMessage(db->conn);
    const char *at = strstr(text, mark);
    struct slice rest;
    struct slice line;

    if (at == NULL) {
        if (strstr(text, "no password supplied") != NULL) {
            return postgres_fail(db, "28", SLICE("a password is needed"), e);
        }
        return postgres_fail_connection(db, e);
    }
    rest = slice_of(at + strlen(mark));
    (void)slice_cut(&rest, '\n', &line);
    return line.len > 7 ? postgres_fail(db, line.ptr, slice_from(line, 7), e)
                        : postgres_fail_connection(db, e);
}

static int connect_wait(struct postgres *db, struct err *e)
{
    int64_t deadline = clock_mono_us() + CONNECT_US;
    PostgresPollingStatusType at = PGRES_POLLING_WRITING;

    while (at != PGRES_POLLING_OK) {
        int ready = postgres_wait(
            db, at == PGRES_POLLING_READING ? POLLIN : POLLOUT, &deadline, e);

        if (ready < 0) {
            if (e != NULL && e->code == ERR_TIMEOUT) {
                e->code = ERR_CONNECT;
            }
            return -1;
        }
        if (ready > 0) {
            at = db->pq.PQconnectPoll(db->conn);
        }
        if (at == PGRES_POLLING_FAILED) {
            return fail_login(db, e);
        }
    }
    return 0;
}

/* A server that vanished without a word is noticed within 25 s; it is told to
 * look after us in the same way (postgres_session.sql). */
static PGconn *dial(struct postgres *db, const struct login *l)
{
    static const char *const modes[] = {
        [LOGIN_TLS_PREFER] = "prefer",
        [LOGIN_TLS_OFF] = "disable",
        [LOGIN_TLS_REQUIRE] = "require",
        [LOGIN_TLS_VERIFY] = "verify-full",
    };
    char port[32];
    const struct {
        const char *key, *value;
    } words[] = {
        {"host", l->host},
        {"port", port},
        {"user", l->user},
        {"password", l->password},
        {"dbname", l->database},
        {"sslmode", modes[l->tls]},
        {"sslrootcert", l->ca},
        {"passfile", "/dev/null/none"}, /* not there: none is read */
        {"application_name", "pinline"},
        {"gssencmode", "disable"},
        {"client_encoding", "UTF8"},
        {"keepalives", "1"},
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "20000"},
        {NULL, NULL},
    };
    const char *keys[ARRAY_LEN(words)];
    const char *values[ARRAY_LEN(words)];

    (void)snprintf(port, sizeof(port), "%lld", (long long)l->port);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        keys[i] = words[i].key;
        values[i] = words[i].value;
    }
    return db->pq.PQconnectStartParams(keys, values, 0);
}

static int set_up(struct postgres *db, const struct login *l, struct err *e)
{
    struct slice session;

    db->conn = dial(db, l);
    if (db->conn == NULL) {
        return err_nomem(e, sizeof(*db));
    }
    db->pq.PQsetNoticeProcessor(db->conn, no_notice, NULL);
    if (db->pq.PQstatus(db->conn) == CONNECTION_BAD) {
        return postgres_fail_connection(db, e);
    }
    (void)db->pq.PQsetErrorVerbosity(db->conn, PQERRORS_VERBOSE);
    if (connect_wait(db, e) < 0) {
        return -1;
    }
    (void)db->pq.PQsetErrorVerbosity(db->conn, PQERRORS_DEFAULT);
    (void)embed_find(db_files, "postgres_session.sql", &session);
    return db->pq.PQsetnonblocking(db->conn, 1) != 0
               ? postgres_fail_connection(db, e)
               : postgres_exec(db, session.ptr, NULL, e);
}

static void disconnect(struct postgres *db)
{
    if (db->conn != NULL) {
        db->pq.PQfinish(db->conn);
        db->conn = NULL;
    }
}

static int start(void *arg, const struct login *l, struct err *e)
{
    struct postgres *db = arg;

    if (set_up(db, l, e) < 0) {
        disconnect(db);
        return -1;
    }
    return 0;
}

int postgres_open(struct postgres **ret, const struct login *login,
                  int64_t wait_us, struct err *e)
{
    struct postgres *db = mem_zero(1, sizeof(*db));

    if (db == NULL) {
        return err_nomem(e, sizeof(*db));
    }
    login_say(login, db->who);
    if (load(&db->pq, e) < 0) {
        mem_free(db);
        return -1;
    }
    if (login_connect(login, wait_us, start, db, e) < 0) {
        postgres_close(db);
        return -1;
    }
    *ret = db;
    return 0;
}

void postgres_close(struct postgres *db)
{
    if (db == NULL) {
        return;
    }
    disconnect(db);
    dynlib_close(&db->pq.lib);
    mem_free(db);
}

/* --- statements ------------------------------------------------------------------ */

int postgres_exec(struct postgres *db, const char *sql, int64_t *ret_rows,
                  struct err *e)
{
    if (!db->pq.PQsendQuery(db->conn, sql)) {
        return postgres_fail_connection(db, e);
    }
    return postgres_end(db, ret_rows, e);
}

void postgres_rollback(struct postgres *db)
{
    if (db->pq.PQstatus(db->conn) == CONNECTION_BAD) {
        return;
    }
    if (db->copying) {
        PGresult *r = NULL;

        db->copying = false;
        if (db->pq.PQputCopyEnd(db->conn, "given up") == 1 &&
            postgres_finish(db, &r, NULL) == 0) {
            db->pq.PQclear(r);
        }
    }
    if (db->pq.PQtransactionStatus(db->conn) != PQTRANS_IDLE) {
        if (postgres_exec(db, "ROLLBACK", NULL, NULL) < 0) {
            return; /* whoever uses it next hears of it */
        }
    }
}

int postgres_prepare(struct postgres *db, const char *name, const char *sql,
                     struct err *e)
{
    if (!db->pq.PQsendPrepare(db->conn, name, sql, 0, NULL)) {
        return postgres_fail_connection(db, e);
    }
    return postgres_end(db, NULL, e);
}

/* Parameters as NUL-terminated texts in b. */
static int fill(const struct postgres_call *call, struct buf *b,
                const char *values[POSTGRES_PARAMS_MAX], struct err *e)
{
    size_t total = 1;
    size_t at = 0;

    for (size_t i = 0; i < call->n; i++) {
        total += call->params[i].len + 1;
    }
    if (buf_reserve(b, total, e) < 0) { /* texts must not move */
        return -1;
    }
    for (size_t i = 0; i < call->n; i++) {
        struct slice p = call->params[i];

        values[i] = p.ptr != NULL ? b->ptr + at : NULL;
        if (p.ptr != NULL) {
            if (buf_append(b, p, e) < 0 || buf_putc(b, '\0', e) < 0) {
                return -1;
            }
            at = b->len;
        }
    }
    return 0;
}

int postgres_call(struct postgres *db, const struct postgres_call *call,
                  struct postgres_rows **ret, struct err *e)
{
    const char *values[POSTGRES_PARAMS_MAX] = {NULL};
    struct postgres_rows *rows = NULL;
    struct buf b;
    int n = (int)call->n;
    int rc = -1;

    assert(call->n <= POSTGRES_PARAMS_MAX);
    buf_init(&b, PARAMS_BYTES_MAX);
    rows = mem_zero(1, sizeof(*rows));
    if (rows == NULL) {
        (void)err_nomem(e, sizeof(*rows));
        goto out;
    }
    rows->pq = &db->pq;
    if (fill(call, &b, values, e) < 0) {
        goto out;
    }
    if (!(call->name != NULL
              ? db->pq.PQsendQueryPrepared(db->conn, call->name, n, values,
                                           NULL, NULL, 0)
              : db->pq.PQsendQueryParams(db->conn, call->sql, n, NULL, values,
                                         NULL, NULL, 0))) {
        (void)postgres_fail_connection(db, e);
        goto out;
    }
    rc = postgres_finish(db, &rows->result, e);
out:
    buf_release(&b);
    if (rc < 0) {
        mem_free(rows);
        return -1;
    }
    *ret = rows;
    return 0;
}

/* --- rows -------------------------------------------------------------------------- */

size_t postgres_rows_count(const struct postgres_rows *r)
{
    return (size_t)r->pq->PQntuples(r->result);
}

int64_t postgres_rows_changed(const struct postgres_rows *r)
{
    return postgres_changed(r->pq, r->result);
}

size_t postgres_rows_columns(const struct postgres_rows *r)
{
    return (size_t)r->pq->PQnfields(r->result);
}

const char *postgres_rows_name(const struct postgres_rows *r, size_t col)
{
    return r->pq->PQfname(r->result, (int)col);
}

enum postgres_type postgres_rows_type(const struct postgres_rows *r, size_t col)
{
    /* from the server's catalogue; fixed for all time */
    static const struct {
        unsigned oid;
        enum postgres_type type;
    } types[] = {
        {16, POSTGRES_BOOL},       {20, POSTGRES_INT},
        {21, POSTGRES_INT},        {23, POSTGRES_INT},
        {26, POSTGRES_INT},        {114, POSTGRES_JSON},
        {700, POSTGRES_FLOAT},     {701, POSTGRES_FLOAT},
        {1114, POSTGRES_DATETIME}, {1184, POSTGRES_DATETIME},
        {3802, POSTGRES_JSON},
    };
    unsigned oid = r->pq->PQftype(r->result, (int)col);

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].oid == oid) {
            return types[i].type;
        }
    }
    return POSTGRES_TEXT;
}

bool postgres_rows_null(const struct postgres_rows *r, size_t row, size_t col)
{
    return r->pq->PQgetisnull(r->result, (int)row, (int)col) != 0;
}

struct slice postgres_rows_value(const struct postgres_rows *r, size_t row,
                                 size_t col)
{
    return (struct slice){
        r->pq->PQgetvalue(r->result, (int)row, (int)col),
        (size_t)r->pq->PQgetlength(r->result, (int)row, (int)col)};
}

void postgres_rows_free(struct postgres_rows *r)
{
    if (r != NULL) {
        r->pq->PQclear(r->result);
        mem_free(r);
    }
}
