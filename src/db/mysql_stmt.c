/* mysql_stmt.c - prepared statements; rows as the server sends them. */
#include <string.h>

#include "core/mem.h"
#include "db/mysql_int.h"

enum {
    PARAMS_MAX = 4,
    CELL_FIRST = 512, /* bytes of a text column to begin with */
    CELL_MAX = 1 << 28,
    BINARY = 63, /* the character set that is none */
};

struct cell {
    enum db_mysql_type type;
    long long number;
    double real;
    char *text;
    unsigned long cap;
    unsigned long len;
    my_bool null;
    my_bool cut;
};

struct db_mysql_stmt {
    struct db_mysql *db;
    MYSQL_STMT *st;
    MYSQL_RES *names;
    MYSQL_BIND *binds;
    struct cell *cells;
    size_t columns;
};

static int fail_stmt(const struct db_mysql_stmt *st, struct err *e)
{
    const struct my *my = &st->db->my;

    return db_mysql_fail(st->db, my->mysql_stmt_errno(st->st),
                         my->mysql_stmt_error(st->st), e);
}

static enum db_mysql_type type_of(const MYSQL_FIELD *f)
{
    static const struct {
        enum enum_field_types theirs;
        enum db_mysql_type ours;
    } types[] = {
        {MYSQL_TYPE_TINY, DB_MYSQL_INT},
        {MYSQL_TYPE_SHORT, DB_MYSQL_INT},
        {MYSQL_TYPE_INT24, DB_MYSQL_INT},
        {MYSQL_TYPE_LONG, DB_MYSQL_INT},
        {MYSQL_TYPE_LONGLONG, DB_MYSQL_INT},
        {MYSQL_TYPE_YEAR, DB_MYSQL_INT},
        {MYSQL_TYPE_FLOAT, DB_MYSQL_FLOAT},
        {MYSQL_TYPE_DOUBLE, DB_MYSQL_DOUBLE},
        {MYSQL_TYPE_DATETIME, DB_MYSQL_DATETIME},
        {MYSQL_TYPE_TIMESTAMP, DB_MYSQL_DATETIME},
        {MYSQL_TYPE_BIT, DB_MYSQL_BYTES},
        {MYSQL_TYPE_DATE, DB_MYSQL_TEXT},
        {MYSQL_TYPE_TIME, DB_MYSQL_TEXT},
        {MYSQL_TYPE_NEWDECIMAL, DB_MYSQL_TEXT},
    };

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (types[i].theirs == f->type) {
            return types[i].ours == DB_MYSQL_INT &&
                           (f->flags & UNSIGNED_FLAG) != 0
                       ? DB_MYSQL_UNSIGNED
                       : types[i].ours;
        }
    }
    return f->charsetnr == BINARY ? DB_MYSQL_BYTES : DB_MYSQL_TEXT;
}

static int bind_cell(struct db_mysql_stmt *st, size_t i, struct err *e)
{
    const struct my *my = &st->db->my;
    struct cell *c = &st->cells[i];
    MYSQL_BIND *b = &st->binds[i];

    c->type = type_of(my->mysql_fetch_field_direct(st->names, (unsigned)i));
    b->is_null = &c->null;
    b->error = &c->cut;
    b->length = &c->len;
    if (c->type == DB_MYSQL_INT || c->type == DB_MYSQL_UNSIGNED) {
        b->buffer_type = MYSQL_TYPE_LONGLONG;
        b->buffer = &c->number;
        b->is_unsigned = c->type == DB_MYSQL_UNSIGNED;
    } else if (c->type == DB_MYSQL_DOUBLE) {
        b->buffer_type = MYSQL_TYPE_DOUBLE;
        b->buffer = &c->real;
    } else {
        c->text = mem_resize(NULL, CELL_FIRST, 1);
        if (c->text == NULL) {
            return err_nomem(e, CELL_FIRST);
        }
        c->cap = CELL_FIRST;
        b->buffer_type = MYSQL_TYPE_STRING;
        b->buffer = c->text;
        b->buffer_length = c->cap;
    }
    return 0;
}

static int bind_columns(struct db_mysql_stmt *st, struct err *e)
{
    const struct my *my = &st->db->my;

    st->names = my->mysql_stmt_result_metadata(st->st);
    if (st->names == NULL) {
        return err_set(e, ERR_INVALID, "a statement gives no rows");
    }
    st->columns = my->mysql_num_fields(st->names);
    st->binds = mem_zero(st->columns, sizeof(*st->binds));
    st->cells = mem_zero(st->columns, sizeof(*st->cells));
    if (st->binds == NULL || st->cells == NULL) {
        return err_nomem(e, st->columns * sizeof(*st->binds));
    }
    for (size_t i = 0; i < st->columns; i++) {
        if (bind_cell(st, i, e) < 0) {
            return -1;
        }
    }
    return my->mysql_stmt_bind_result(st->st, st->binds) != 0 ? fail_stmt(st, e)
                                                              : 0;
}

int db_mysql_prepare(struct db_mysql *db, const char *sql,
                     struct db_mysql_stmt **ret, struct err *e)
{
    struct db_mysql_stmt *st = mem_zero(1, sizeof(*st));

    if (st == NULL) {
        return err_nomem(e, sizeof(*st));
    }
    st->db = db;
    st->st = db->my.mysql_stmt_init(db->conn);
    if (st->st == NULL) {
        mem_free(st);
        return err_nomem(e, sizeof(*st));
    }
    if ((db->my.mysql_stmt_prepare(st->st, sql, strlen(sql)) != 0 &&
         fail_stmt(st, e) < 0) ||
        bind_columns(st, e) < 0) {
        db_mysql_finalize(st);
        return -1;
    }
    *ret = st;
    return 0;
}

int db_mysql_run(struct db_mysql_stmt *st, const int64_t *params, size_t n,
                 struct err *e)
{
    const struct my *my = &st->db->my;
    MYSQL_BIND binds[PARAMS_MAX];
    long long values[PARAMS_MAX];

    assert(n <= PARAMS_MAX && n == my->mysql_stmt_param_count(st->st));
    memset(binds, 0, sizeof(binds));
    for (size_t i = 0; i < n; i++) {
        values[i] = params[i];
        binds[i].buffer_type = MYSQL_TYPE_LONGLONG;
        binds[i].buffer = &values[i];
    }
    if ((n > 0 && my->mysql_stmt_bind_param(st->st, binds) != 0) ||
        my->mysql_stmt_execute(st->st) != 0) {
        return fail_stmt(st, e);
    }
    return 0;
}

/* The whole of a text that was longer than its room. */
static int fetch_long(struct db_mysql_stmt *st, size_t i, struct err *e)
{
    struct cell *c = &st->cells[i];
    MYSQL_BIND *b = &st->binds[i];
    char *more;

    if (c->len > CELL_MAX) {
        return err_set(e, ERR_LIMIT, "a text of %lu bytes; the most is %d",
                       c->len, CELL_MAX);
    }
    more = mem_resize(c->text, c->len, 1);
    if (more == NULL) {
        return err_nomem(e, c->len);
    }
    c->text = more;
    c->cap = c->len;
    b->buffer = more;
    b->buffer_length = c->cap;
    return st->db->my.mysql_stmt_fetch_column(st->st, b, (unsigned)i, 0) != 0
               ? fail_stmt(st, e)
               : 0;
}

int db_mysql_step(struct db_mysql_stmt *st, struct err *e)
{
    const struct my *my = &st->db->my;
    bool longer = false;
    int rc = my->mysql_stmt_fetch(st->st);

    if (rc == MYSQL_NO_DATA) {
        return 0;
    }
    if (rc != 0 && rc != MYSQL_DATA_TRUNCATED) {
        return fail_stmt(st, e);
    }
    for (size_t i = 0; i < st->columns; i++) {
        const struct cell *c = &st->cells[i];

        if (c->text != NULL && !c->null && c->len > c->cap) {
            longer = true;
            if (fetch_long(st, i, e) < 0) {
                return -1;
            }
        }
    }
    /* the longer room is for the rows that come */
    return longer && my->mysql_stmt_bind_result(st->st, st->binds) != 0
               ? fail_stmt(st, e)
               : 1;
}

void db_mysql_reset(struct db_mysql_stmt *st)
{
    (void)st->db->my.mysql_stmt_free_result(st->st);
}

void db_mysql_finalize(struct db_mysql_stmt *st)
{
    if (st == NULL) {
        return;
    }
    for (size_t i = 0; st->cells != NULL && i < st->columns; i++) {
        mem_free(st->cells[i].text);
    }
    mem_free(st->cells);
    mem_free(st->binds);
    if (st->names != NULL) {
        st->db->my.mysql_free_result(st->names);
    }
    (void)st->db->my.mysql_stmt_close(st->st);
    mem_free(st);
}

size_t db_mysql_columns(const struct db_mysql_stmt *st)
{
    return st->columns;
}

const char *db_mysql_name(const struct db_mysql_stmt *st, size_t col)
{
    return st->db->my.mysql_fetch_field_direct(st->names, (unsigned)col)->name;
}

enum db_mysql_type db_mysql_column_type(const struct db_mysql_stmt *st,
                                        size_t col)
{
    return st->cells[col].type;
}

bool db_mysql_null(const struct db_mysql_stmt *st, size_t col)
{
    return st->cells[col].null != 0;
}

int64_t db_mysql_int(const struct db_mysql_stmt *st, size_t col)
{
    return st->cells[col].number;
}

double db_mysql_double(const struct db_mysql_stmt *st, size_t col)
{
    return st->cells[col].real;
}

struct slice db_mysql_text(const struct db_mysql_stmt *st, size_t col)
{
    return (struct slice){st->cells[col].text, st->cells[col].len};
}
