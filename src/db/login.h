/*
 * login.h - where a database is and who we are there.
 *
 * From a url, the environment, .env and a credentials file, each filling what
 * those before it left open:
 *
 *   url          postgres://USER@HOST:PORT/DATABASE?tls=require (or mysql://)
 *   ?creds=FILE  a credentials file of that name
 *   environment  PINLINE_DB_HOST, _PORT, _USER, _PASSWORD, _DATABASE; PGHOST
 *                and its kin, MYSQL_HOST and its kin (password: MYSQL_PWD)
 *   .env         the same names, or HOST, PORT, USER, PASSWORD, DATABASE
 *   files        local_db_creds.yaml (Postgres first), db_creds.yaml (MySQL
 *                first): HOST, USER, PASSWORD, DATABASE, PORT
 *
 * A place that names another host or user than the url is passed over, so
 * that a password never goes to a server that it was not meant for.  Files
 * that others may read are refused.  The password is registered as a secret.
 */
#ifndef DB_LOGIN_H
#define DB_LOGIN_H

#include "core/fs.h"

enum login_kind {
    LOGIN_MYSQL,
    LOGIN_POSTGRES,
};

enum login_tls {
    LOGIN_TLS_PREFER, /* where the server offers it */
    LOGIN_TLS_OFF,
    LOGIN_TLS_REQUIRE, /* encrypted, whoever it is */
    LOGIN_TLS_VERIFY,  /* and its certificate is looked at */
};

enum {
    LOGIN_TEXT_MAX = 256,
    LOGIN_URL_MAX = 1024,
};

struct login {
    enum login_kind kind;
    char host[LOGIN_TEXT_MAX];
    char user[LOGIN_TEXT_MAX];
    char password[LOGIN_TEXT_MAX];
    char database[LOGIN_TEXT_MAX];
    int64_t port;
    enum login_tls tls;
    char ca[FS_PATH_MAX]; /* trusted certificates; "": the system's */
    const char *query;    /* behind the url's ?, "" when none; borrowed */
};

/* Whether it is "postgres://...", "postgresql://...", "mysql://...",
 * "mariadb://..." or a path that ends in the name of a credentials file. */
bool login_is_url(const char *url, enum login_kind *ret);
/* ERR_INVALID, ERR_DENIED and ERR_MALFORMED say what to type. */
int login_find(struct login *ret, const char *url, struct err *e) MUST_USE;
/* The bytes of the password are overwritten. */
void login_release(struct login *l);
/* Calls start(db, l, e) until it connects, fails otherwise than by ERR_CONNECT
 * or wait_us (0: one try) have passed; start leaves nothing open when it fails. */
int login_connect(const struct login *l, int64_t wait_us,
                  int (*start)(void *db, const struct login *l, struct err *e),
                  void *db, struct err *e) MUST_USE;
/* "postgres://user@host:port/database", for messages. */
void login_say(const struct login *l, char text[LOGIN_URL_MAX]);
/* Whether text is a url with a password in it (which must not be in argv). */
bool login_shows_password(const char *text);
/* The value of "name=value&..." under name, as it stands; false: none. */
bool login_param(const char *query, const char *name, struct slice *ret);

#endif
