#include "db/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/num.h"
#include "core/retry.h"
#include "core/secret.h"
#include "core/text.h"
#include "core/yaml.h"

enum {
    PORT_MAX = 65535,
    FIELDS = 5
};

/* What a place may say, in the order of struct found. */
enum field {
    HOST,
    PORT,
    USER,
    PASSWORD,
    DATABASE,
};

static const char *const names[FIELDS] = {
    [HOST] = "HOST",         [PORT] = "PORT",         [USER] = "USER",
    [PASSWORD] = "PASSWORD", [DATABASE] = "DATABASE",
};
static const char *const ours[FIELDS] = {
    [HOST] = "PINLINE_DB_HOST",         [PORT] = "PINLINE_DB_PORT",
    [USER] = "PINLINE_DB_USER",         [PASSWORD] = "PINLINE_DB_PASSWORD",
    [DATABASE] = "PINLINE_DB_DATABASE",
};
/* What each client library's users have in their environment. */
static const char *const theirs[][FIELDS] = {
    [LOGIN_MYSQL] = {[HOST] = "MYSQL_HOST",
                     [PORT] = "MYSQL_TCP_PORT",
                     [USER] = "MYSQL_USER",
                     [PASSWORD] = "MYSQL_PWD",
                     [DATABASE] = "MYSQL_DATABASE"},
    [LOGIN_POSTGRES] = {[HOST] = "PGHOST",
                        [PORT] = "PGPORT",
                        [USER] = "PGUSER",
                        [PASSWORD] = "PGPASSWORD",
                        [DATABASE] = "PGDATABASE"},
};
static const char *const files[][2] = {
    [LOGIN_MYSQL] = {"db_creds.yaml", "local_db_creds.yaml"},
    [LOGIN_POSTGRES] = {"local_db_creds.yaml", "db_creds.yaml"},
};

/* What one place says; empty: nothing. */
struct found {
    const char *where;
    struct slice text[FIELDS];
};

bool login_param(const char *query, const char *name, struct slice *ret)
{
    struct slice rest = slice_of(query);
    struct slice one;
    struct slice key;
    bool more = rest.len > 0;

    while (more) {
        more = slice_cut(&rest, '&', &one);
        if (slice_cut(&one, '=', &key) && slice_is(key, name)) {
            *ret = one;
            return true;
        }
    }
    return false;
}

static int copy(char *to, size_t size, struct slice s, const char *what,
                struct err *e)
{
    if (s.len == 0) {
        to[0] = '\0';
        return 0;
    }
    if (s.len >= size || memchr(s.ptr, '\0', s.len) != NULL) {
        return err_set(e, ERR_INVALID, "the %s of a database is too long",
                       what);
    }
    memcpy(to, s.ptr, s.len);
    to[s.len] = '\0';
    return 0;
}

static int set_port(struct login *l, const struct found *f, struct err *e)
{
    if (!num_i64(f->text[PORT], &l->port) || l->port < 1 ||
        l->port > PORT_MAX) {
        return err_set(e, ERR_INVALID,
                       "%s names port \"%.*s\"; a port is 1 to %d", f->where,
                       SLICE_FMT(f->text[PORT]), PORT_MAX);
    }
    return 0;
}

static bool contradicts(const char *have, struct slice said)
{
    return have[0] != '\0' && said.len > 0 && !slice_is(said, have);
}

/* Take from f what is still open, unless it is about somebody else. */
static int take(struct login *l, const struct found *f, struct err *e)
{
    static const size_t at[FIELDS] = {
        [HOST] = offsetof(struct login, host),
        [USER] = offsetof(struct login, user),
        [PASSWORD] = offsetof(struct login, password),
        [DATABASE] = offsetof(struct login, database),
    };

    if (contradicts(l->host, f->text[HOST]) ||
        contradicts(l->user, f->text[USER])) {
        return 0;
    }
    for (int i = 0; i < FIELDS; i++) {
        char *to = (char *)l + at[i];

        if (i == PORT) {
            if (l->port == 0 && f->text[i].len > 0 && set_port(l, f, e) < 0) {
                return -1;
            }
        } else if (to[0] == '\0' &&
                   copy(to, LOGIN_TEXT_MAX, f->text[i], names[i], e) < 0) {
            return -1;
        }
    }
    return 0;
}

/* --- the url -------------------------------------------------------------- */

/* What comes before "://", or nothing. */
static struct slice scheme_of(const char *url)
{
    const char *colon = strstr(url, "://");

    return (struct slice){url, colon != NULL ? (size_t)(colon - url) : 0};
}

static bool find_kind(struct slice scheme, enum login_kind *ret)
{
    if (slice_is(scheme, "postgres") || slice_is(scheme, "postgresql")) {
        *ret = LOGIN_POSTGRES;
        return true;
    }
    if (slice_is(scheme, "mysql") || slice_is(scheme, "mariadb")) {
        *ret = LOGIN_MYSQL;
        return true;
    }
    return false;
}

/* The name of a credentials file tells the database it is about. */
static bool is_creds(const char *path, enum login_kind *ret)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    if (strcmp(name, "db_creds.yaml") == 0) {
        *ret = LOGIN_MYSQL;
        return true;
    }
    *ret = LOGIN_POSTGRES;
    return strcmp(name, "local_db_creds.yaml") == 0;
}

bool login_is_url(const char *url, enum login_kind *ret)
{
    return find_kind(scheme_of(url), ret) || is_creds(url, ret);
}

/* What stands between "://" and the last '@' before the path. */
static struct slice userinfo_of(const char *url)
{
    struct slice scheme = scheme_of(url);
    const char *from = url + scheme.len + 3;
    struct slice all;
    size_t n = 0;

    if (scheme.len == 0) {
        return scheme;
    }
    all = (struct slice){from, strcspn(from, "/?# ")};
    for (size_t i = 0; i < all.len; i++) {
        n = all.ptr[i] == '@' ? i : n;
    }
    return (struct slice){from, n};
}

bool login_shows_password(const char *text)
{
    struct slice user = userinfo_of(text);
    struct slice head;

    return user.len > 0 && slice_cut(&user, ':', &head) && user.len > 0;
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Percent decoding in place of a copy. */
static int decode(struct buf *b, struct slice s, struct slice *ret,
                  struct err *e)
{
    size_t at = b->len;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '%') {
            int high = i + 2 < s.len ? hex(s.ptr[i + 1]) : -1;
            int low = i + 2 < s.len ? hex(s.ptr[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return err_set(e, ERR_INVALID,
                               "a %% in a database's url is not followed by "
                               "two hexadecimal digits");
            }
            c = (char)(high * 16 + low);
            i += 2;
        }
        if (buf_putc(b, c, e) < 0) {
            return -1;
        }
    }
    *ret = (struct slice){b->ptr + at, b->len - at};
    return 0;
}

/* [USER[:PASSWORD]@][HOST][:PORT][/DATABASE][?QUERY] behind the scheme. */
static int read_url(struct login *l, const char *url, struct err *e)
{
    struct found f = {.where = "the url"};
    struct slice user = userinfo_of(url);
    const char *rest = url + scheme_of(url).len + 3;
    struct slice host;
    struct slice part;
    struct buf b;
    int rc = -1;

    buf_init(&b, LOGIN_URL_MAX);
    if (buf_reserve(&b, LOGIN_URL_MAX, e) < 0) { /* slices must not move */
        return -1;
    }
    rest += user.len + (rest[user.len] == '@');
    (void)slice_cut(&user, ':', &part);
    if (decode(&b, part, &f.text[USER], e) < 0 ||
        decode(&b, user, &f.text[PASSWORD], e) < 0) {
        goto out;
    }
    host = (struct slice){rest, strcspn(rest, "/?")};
    rest += host.len;
    if (host.len > 0 && host.ptr[0] == '[') { /* IPv6 */
        host = slice_from(host, 1);
        (void)slice_cut(&host, ']', &f.text[HOST]);
        f.text[PORT] = slice_from(host, 1);
    } else {
        (void)slice_cut(&host, ':', &f.text[HOST]);
        f.text[PORT] = host;
    }
    if (*rest == '/') {
        rest++;
        part = (struct slice){rest, strcspn(rest, "?")};
        rest += part.len;
        if (decode(&b, part, &f.text[DATABASE], e) < 0) {
            goto out;
        }
    }
    l->query = *rest == '?' ? rest + 1 : "";
    rc = take(l, &f, e);
out:
    secret_wipe(b.ptr, b.len);
    buf_release(&b);
    return rc;
}

/* --- the other places ------------------------------------------------------- */

static int read_environment(struct login *l, struct err *e)
{
    const char *const *sets[] = {ours, theirs[l->kind]};

    for (size_t s = 0; s < ARRAY_LEN(sets); s++) {
        struct found f = {.where = "the environment"};

        for (int i = 0; i < FIELDS; i++) {
            const char *value = getenv(sets[s][i]);

            f.text[i] = value != NULL ? slice_of(value) : SLICE("");
        }
        if (take(l, &f, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static struct slice unquote(struct slice s)
{
    s = slice_trim(s);
    if (s.len >= 2 && (s.ptr[0] == '"' || s.ptr[0] == '\'') &&
        s.ptr[s.len - 1] == s.ptr[0]) {
        return (struct slice){s.ptr + 1, s.len - 2};
    }
    return s;
}

/* One line of .env: [export ]NAME=VALUE. */
static void read_line(const struct login *l, struct slice line,
                      struct found *ret)
{
    struct slice key;

    line = slice_trim(line);
    if (slice_starts(line, SLICE("export "))) {
        line = slice_from(line, strlen("export "));
    }
    if (!slice_cut(&line, '=', &key)) {
        return;
    }
    key = slice_trim(key);
    for (int i = 0; i < FIELDS; i++) {
        if (slice_is(key, names[i]) || slice_is(key, ours[i]) ||
            slice_is(key, theirs[l->kind][i])) {
            ret->text[i] = unquote(line);
        }
    }
}

static int read_dotenv(struct login *l, struct err *e)
{
    struct found f = {.where = "file \".env\""};
    struct slice rest;
    struct slice line;
    struct buf b;
    bool more = true;
    int rc = -1;

    if (!fs_exists(".env")) {
        return 0;
    }
    buf_init(&b, SECRET_FILE_MAX);
    if (secret_read(".env", &b, e) < 0) {
        goto out;
    }
    rest = buf_slice(&b);
    while (more) {
        more = slice_cut(&rest, '\n', &line);
        read_line(l, line, &f);
    }
    rc = take(l, &f, e);
out:
    secret_wipe(b.ptr, b.len);
    buf_release(&b);
    return rc;
}

static int read_creds(struct login *l, const char *path, struct err *e)
{
    struct found f = {.where = path};
    struct yaml_doc doc = {0};
    struct buf b;
    int rc = -1;

    buf_init(&b, SECRET_FILE_MAX);
    if (secret_read(path, &b, e) < 0 ||
        yaml_parse(&doc, path, buf_slice(&b), e) < 0) {
        goto out;
    }
    if (doc.root == NULL || doc.root->kind != YAML_MAPPING) {
        (void)err_set(e, ERR_MALFORMED,
                      "credentials file \"%s\" is no list of HOST, USER, "
                      "PASSWORD, DATABASE, PORT, each with its value",
                      path);
        goto out;
    }
    for (int i = 0; i < FIELDS; i++) {
        const struct yaml_node *n = yaml_get(doc.root, names[i]);

        f.text[i] = n != NULL && n->kind == YAML_SCALAR && !yaml_is_null(n)
                        ? n->text
                        : SLICE("");
    }
    rc = take(l, &f, e);
out:
    yaml_release(&doc);
    secret_wipe(b.ptr, b.len);
    buf_release(&b);
    return rc;
}

static int read_named(struct login *l, struct err *e)
{
    char path[FS_PATH_MAX];
    struct slice name;

    if (!login_param(l->query, "creds", &name)) {
        return 0;
    }
    return copy(path, sizeof(path), name, "credentials file", e) < 0
               ? -1
               : read_creds(l, path, e);
}

static int read_usual(struct login *l, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(files[0]); i++) {
        const char *path = files[l->kind][i];

        if (fs_exists(path) && read_creds(l, path, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_tls(struct login *l, struct err *e)
{
    static const char *const words[] = {
        [LOGIN_TLS_PREFER] = "prefer",
        [LOGIN_TLS_OFF] = "off",
        [LOGIN_TLS_REQUIRE] = "require",
        [LOGIN_TLS_VERIFY] = "verify",
    };
    struct slice s;

    if (login_param(l->query, "ca", &s)) {
        if (copy(l->ca, sizeof(l->ca), s, "ca file", e) < 0) {
            return -1;
        }
        l->tls = LOGIN_TLS_VERIFY;
    }
    if (!login_param(l->query, "tls", &s)) {
        return 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (slice_is(s, words[i])) {
            l->tls = (enum login_tls)i;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "the url says tls=%.*s; it is off, prefer, require or "
                   "verify (with ca=FILE)",
                   SLICE_FMT(s));
}

/* What nobody said. */
static int defaults(struct login *l, struct err *e)
{
    if (l->user[0] == '\0') {
        return err_set(e, ERR_INVALID,
                       "nobody says which user to be at the database: write "
                       "HOST, USER and PASSWORD into %s (chmod 600) or .env, "
                       "or USER@ into the url",
                       files[l->kind][0]);
    }
    if (l->host[0] == '\0') {
        memcpy(l->host, "127.0.0.1", sizeof("127.0.0.1"));
    }
    if (l->database[0] == '\0') {
        memcpy(l->database, "pinterest_data", sizeof("pinterest_data"));
    }
    if (l->port == 0) {
        l->port = l->kind == LOGIN_MYSQL ? 3306 : 5432;
    }
    return l->password[0] == '\0' ? 0
                                  : secret_register(slice_of(l->password), e);
}

int login_find(struct login *ret, const char *url, struct err *e)
{
    struct login l = {.query = ""};
    int rc;

    if (find_kind(scheme_of(url), &l.kind)) {
        rc = read_url(&l, url, e);
        rc = rc == 0 ? read_named(&l, e) : rc;
    } else if (is_creds(url, &l.kind)) {
        rc = read_creds(&l, url, e);
    } else {
        return err_set(e, ERR_INVALID,
                       "\"%s\" is no database: postgres://USER@HOST/DATABASE, "
                       "mysql://USER@HOST/DATABASE",
                       url);
    }
    if (rc < 0 || read_tls(&l, e) < 0 || read_environment(&l, e) < 0 ||
        read_dotenv(&l, e) < 0 || read_usual(&l, e) < 0 ||
        defaults(&l, e) < 0) {
        login_release(&l);
        return -1;
    }
    *ret = l;
    secret_wipe(l.password, sizeof(l.password));
    return 0;
}

void login_release(struct login *l)
{
    secret_wipe(l->password, sizeof(l->password));
}

int login_connect(const struct login *l, int64_t wait_us,
                  int (*start)(void *db, const struct login *l, struct err *e),
                  void *db, struct err *e)
{
    const struct retry_policy policy = {.most_us = 2000000,
                                        .deadline_us = wait_us,
                                        .attempts = wait_us == 0 ? 1 : 0};
    struct retry retry;
    struct err why = {0};

    retry_init(&retry, &policy, (uint64_t)clock_mono_us());
    while (start(db, l, &why) < 0) {
        if (why.code != ERR_CONNECT || !retry_wait(&retry, why.code)) {
            if (e != NULL) {
                *e = why;
            }
            return why.code == ERR_CONNECT
                       ? err_wrap(e, "could not connect (is the server "
                                     "there, are host and port right?)")
                       : -1;
        }
    }
    return 0;
}

void login_say(const struct login *l, char text[LOGIN_URL_MAX])
{
    (void)snprintf(text, LOGIN_URL_MAX, "%s://%s@%s:%lld/%s",
                   l->kind == LOGIN_MYSQL ? "mysql" : "postgres", l->user,
                   l->host, (long long)l->port, l->database);
}
