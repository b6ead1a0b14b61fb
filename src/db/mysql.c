#include "db/mysql.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "core/mem.h"
#include "db/mysql_int.h"

enum {
    CONNECT_S = 10,
    SILENT_S = 600,
    VALUES_MAX = 64, /* columns of an answer of texts */
    LOAD_MAX = 64 << 20,
};

/* What a LOAD DATA is fed from. */
struct feed {
    int (*fill)(void *arg, struct buf *b, struct err *e);
    void *arg;
    struct buf bytes;
    size_t at;
    struct err why;
};

static int load(struct my *my, struct err *e)
{
    static const char *const files[] = {"libmariadb.so.3", "libmariadb.so",
                                        NULL};
    static const struct dynlib_symbol symbols[] = {
#define XX(name) {#name, offsetof(struct my, name)},
        MY_API_MAP(XX)
#undef XX
    };

    return dynlib_load(&my->lib, files, symbols, ARRAY_LEN(symbols), my,
                       "it comes with apt-get install libmariadb3", e);
}

/* --- what went wrong -------------------------------------------------------- */

/* The server's and the library's numbers -> our code. */
static const struct {
    unsigned from, to;
    enum err_code code;
    const char *hint;
} faults[] = {
    {1021, 1021, ERR_IO, "; make room on the server's disk"},
    {1040, 1040, ERR_CONNECT, ""},
    {1044, 1045, ERR_DENIED,
     "; say USER and PASSWORD in db_creds.yaml or .env (chmod 600)"},
    {1049, 1049, ERR_NOTFOUND, "; name another DATABASE, or create it"},
    {1050, 1050, ERR_EXISTS, ""},
    {1053, 1053, ERR_CONNECT, ""},
    {1054, 1054, ERR_NOTFOUND, ""},
    {1062, 1062, ERR_EXISTS, ""},
    {1114, 1114, ERR_IO, "; make room on the server's disk"},
    {1142, 1143, ERR_DENIED, "; its owner has to GRANT that"},
    {1146, 1146, ERR_NOTFOUND, ""},
    {1152, 1161, ERR_CONNECT, ""},
    {1205, 1205, ERR_BUSY, ""},
    {1213, 1213, ERR_CONFLICT, ""},
    {1227, 1227, ERR_DENIED, "; its owner has to GRANT that"},
    {1264, 1265, ERR_DATA, ""},
    {1292, 1292, ERR_DATA, ""},
    {1366, 1366, ERR_DATA, ""},
    {1406, 1406, ERR_DATA, ""},
    {1698, 1698, ERR_DENIED, "; name another USER"},
    {1927, 1927, ERR_CONNECT, ""},
    {1969, 1969, ERR_TIMEOUT, ""},
    {2002, 2006, ERR_CONNECT, ""},
    {2012, 2013, ERR_CONNECT, ""},
    {2055, 2055, ERR_CONNECT, ""},
    {2059, 2059, ERR_DENIED, ""},
    {2061, 2061, ERR_DENIED, ""},
    {3024, 3024, ERR_TIMEOUT, ""},
};

int db_mysql_fail(const struct db_mysql *db, unsigned number, const char *text,
                  struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
        if (number >= faults[i].from && number <= faults[i].to) {
            return err_set(e, faults[i].code, "database \"%s\": %.300s%s",
                           db->who, text, faults[i].hint);
        }
    }
    return err_set(e, ERR_INVALID, "database \"%s\": %.300s", db->who, text);
}

static int fail_conn(const struct db_mysql *db, struct err *e)
{
    return db_mysql_fail(db, db->my.mysql_errno(db->conn),
                         db->my.mysql_error(db->conn), e);
}

/* --- the file of LOAD DATA LOCAL: never one of the disk's ---------------------- */

static int feed_open(void **ret, const char *name, void *arg)
{
    struct db_mysql *db = arg;

    (void)name;
    *ret = db->feed;
    return db->feed == NULL; /* nobody has asked to load anything */
}

static int feed_read(void *ptr, char *to, unsigned n)
{
    struct feed *f = ptr;
    size_t k;

    if (f->at == f->bytes.len) {
        buf_clear(&f->bytes);
        f->at = 0;
        if (f->fill(f->arg, &f->bytes, &f->why) < 0) {
            return -1;
        }
    }
    k = f->bytes.len - f->at < n ? f->bytes.len - f->at : n;
    if (k > 0) {
        memcpy(to, f->bytes.ptr + f->at, k);
    }
    f->at += k;
    return (int)k;
}

static void feed_end(void *ptr)
{
    (void)ptr;
}

static int feed_error(void *ptr, char *text, unsigned n)
{
    const struct feed *f = ptr;

    (void)snprintf(text, n, "%s",
                   f != NULL ? f->why.msg : "nothing was to be loaded");
    return 1;
}

/* --- connecting ------------------------------------------------------------------ */

static void set_options(struct db_mysql *db, const struct login *l)
{
    static const unsigned connect_s = CONNECT_S;
    static const unsigned silent_s = SILENT_S;
    static const unsigned yes = 1;
    const my_bool enforce = l->tls >= LOGIN_TLS_REQUIRE;
    const my_bool verify = l->tls == LOGIN_TLS_VERIFY;
    const struct {
        enum mysql_option option;
        const void *value;
    } options[] = {
        {MYSQL_OPT_CONNECT_TIMEOUT, &connect_s},
        {MYSQL_OPT_READ_TIMEOUT, &silent_s},
        {MYSQL_OPT_WRITE_TIMEOUT, &silent_s},
        {MYSQL_SET_CHARSET_NAME, "utf8mb4"},
        {MYSQL_INIT_COMMAND, "SET time_zone = '+00:00'"},
        {MYSQL_OPT_LOCAL_INFILE, &yes},
        {MYSQL_OPT_SSL_ENFORCE, &enforce},
        {MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify},
    };

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        (void)db->my.mysql_options(db->conn, options[i].option,
                                   options[i].value);
    }
    if (l->ca[0] != '\0') {
        (void)db->my.mysql_options(db->conn, MYSQL_OPT_SSL_CA, l->ca);
    }
    db->my.mysql_set_local_infile_handler(db->conn, feed_open, feed_read,
                                          feed_end, feed_error, db);
}

/* A server that vanished without a word is noticed within 25 s. */
static void keep_watch(struct db_mysql *db)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {SOL_SOCKET, SO_KEEPALIVE, 1},          {IPPROTO_TCP, TCP_KEEPIDLE, 10},
        {IPPROTO_TCP, TCP_KEEPINTVL, 5},        {IPPROTO_TCP, TCP_KEEPCNT, 3},
        {IPPROTO_TCP, TCP_USER_TIMEOUT, 20000},
    };
    int fd = (int)db->my.mysql_get_socket(db->conn);

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        /* a local socket has none of it, and cannot vanish */
        (void)setsockopt(fd, options[i].level, options[i].name,
                         &options[i].value, sizeof(options[i].value));
    }
}

static void disconnect(struct db_mysql *db)
{
    if (db->conn != NULL) {
        db->my.mysql_close(db->conn);
        db->conn = NULL;
    }
}

static int start(void *arg, const struct login *l, struct err *e)
{
    struct db_mysql *db = arg;

    db->conn = db->my.mysql_init(NULL);
    if (db->conn == NULL) {
        return err_nomem(e, sizeof(*db));
    }
    set_options(db, l);
    if (db->my.mysql_real_connect(db->conn, l->host, l->user, l->password,
                                  l->database, (unsigned)l->port, NULL,
                                  0) == NULL) {
        int rc = fail_conn(db, e);

        disconnect(db);
        return rc;
    }
    keep_watch(db);
    return 0;
}

int db_mysql_open(struct db_mysql **ret, const struct login *login,
                  int64_t wait_us, struct err *e)
{
    struct db_mysql *db = mem_zero(1, sizeof(*db));

    if (db == NULL) {
        return err_nomem(e, sizeof(*db));
    }
    login_say(login, db->who);
    if (load(&db->my, e) < 0) {
        mem_free(db);
        return -1;
    }
    if (login_connect(login, wait_us, start, db, e) < 0) {
        db_mysql_close(db);
        return -1;
    }
    *ret = db;
    return 0;
}

void db_mysql_close(struct db_mysql *db)
{
    if (db == NULL) {
        return;
    }
    disconnect(db);
    dynlib_close(&db->my.lib);
    mem_free(db);
}

/* --- statements of texts ------------------------------------------------------------ */

static int no_row(void *arg, const struct slice *values, size_t n,
                  struct err *e)
{
    (void)arg;
    (void)values;
    (void)n;
    (void)e;
    return 0;
}

int db_mysql_exec(struct db_mysql *db, const char *sql, struct err *e)
{
    return db_mysql_ask(db, sql, no_row, NULL, e);
}

int db_mysql_ask(struct db_mysql *db, const char *sql,
                 int (*fn)(void *arg, const struct slice *values, size_t n,
                           struct err *e),
                 void *arg, struct err *e)
{
    struct slice values[VALUES_MAX];
    MYSQL_RES *rows;
    MYSQL_ROW row;
    unsigned n;
    int rc = 0;

    if (db->my.mysql_real_query(db->conn, sql, strlen(sql)) != 0) {
        return fail_conn(db, e);
    }
    rows = db->my.mysql_store_result(db->conn);
    if (rows == NULL) {
        return db->my.mysql_errno(db->conn) != 0 ? fail_conn(db, e) : 0;
    }
    n = db->my.mysql_num_fields(rows);
    n = n < VALUES_MAX ? n : VALUES_MAX;
    while (rc == 0 && (row = db->my.mysql_fetch_row(rows)) != NULL) {
        const unsigned long *lens = db->my.mysql_fetch_lengths(rows);

        for (unsigned i = 0; i < n; i++) {
            values[i] =
                row[i] != NULL ? (struct slice){row[i], lens[i]} : SLICE("");
        }
        rc = fn(arg, values, n, e);
    }
    db->my.mysql_free_result(rows);
    return rc;
}

int db_mysql_load(struct db_mysql *db, const char *sql,
                  int (*fill)(void *arg, struct buf *b, struct err *e),
                  void *arg, struct err *e)
{
    struct feed feed = {.fill = fill, .arg = arg};
    int rc;

    buf_init(&feed.bytes, LOAD_MAX);
    db->feed = &feed;
    rc = db_mysql_exec(db, sql, e);
    db->feed = NULL;
    buf_release(&feed.bytes);
    if (feed.why.code != ERR_NONE) { /* it says more than the server */
        if (e != NULL) {
            *e = feed.why;
        }
        return -1;
    }
    if (rc == 0 && db->my.mysql_warning_count(db->conn) > 0) {
        rc = err_set(e, ERR_DATA,
                     "database \"%s\": %u values did not fit their columns",
                     db->who, db->my.mysql_warning_count(db->conn));
    }
    return rc;
}
