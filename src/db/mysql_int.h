/*
 * mysql_int.h - the insides of a connection, for its own files.
 *
 * The only file that sees mysql.h.
 */
#ifndef DB_MYSQL_INT_H
#define DB_MYSQL_INT_H

#include <mysql.h>

#include "core/dynlib.h"
#include "db/mysql.h"

#define MY_API_MAP(XX)                 \
    XX(mysql_close)                    \
    XX(mysql_errno)                    \
    XX(mysql_error)                    \
    XX(mysql_fetch_field_direct)       \
    XX(mysql_fetch_lengths)            \
    XX(mysql_fetch_row)                \
    XX(mysql_free_result)              \
    XX(mysql_get_socket)               \
    XX(mysql_init)                     \
    XX(mysql_num_fields)               \
    XX(mysql_options)                  \
    XX(mysql_real_connect)             \
    XX(mysql_real_query)               \
    XX(mysql_set_local_infile_handler) \
    XX(mysql_stmt_bind_param)          \
    XX(mysql_stmt_bind_result)         \
    XX(mysql_stmt_close)               \
    XX(mysql_stmt_errno)               \
    XX(mysql_stmt_error)               \
    XX(mysql_stmt_execute)             \
    XX(mysql_stmt_fetch)               \
    XX(mysql_stmt_fetch_column)        \
    XX(mysql_stmt_free_result)         \
    XX(mysql_stmt_init)                \
    XX(mysql_stmt_param_count)         \
    XX(mysql_stmt_prepare)             \
    XX(mysql_stmt_result_metadata)     \
    XX(mysql_store_result)             \
    XX(mysql_warning_count)

struct my {
    struct dynlib lib;
#define XX(name) __typeof__(&name) name;
    MY_API_MAP(XX)
#undef XX
};

struct feed; /* what a LOAD DATA is fed from */

struct db_mysql {
    struct my my;
    MYSQL *conn;
    struct feed *feed; /* NULL: no load runs */
    char who[LOGIN_URL_MAX];
};

/* What went wrong, by its number, in the server's words. */
int db_mysql_fail(const struct db_mysql *db, unsigned number, const char *text,
                  struct err *e);

#endif
