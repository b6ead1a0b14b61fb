/* The address of a database: one that is taken names a host, a user, a
 * database and a port that can be; what is said of it holds no password. */
#include <string.h>

#include "db/login.h"
#include "fuzz.h"

static void check_login(const struct login *l)
{
    char text[LOGIN_URL_MAX];

    require(l->host[0] != '\0' && l->user[0] != '\0' && l->database[0] != '\0');
    require(l->port > 0 && l->port <= 65535);
    login_say(l, text);
    require(!login_shows_password(text) || strchr(l->user, ':') != NULL ||
            strchr(l->host, '@') != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char url[2 * LOGIN_URL_MAX];
    enum login_kind kind;
    struct login l;
    struct err e = {0};

    if (size >= sizeof(url)) {
        return 0;
    }
    if (size > 0) {
        memcpy(url, data, size);
    }
    url[size] = '\0';
    if (strstr(url, "creds") != NULL) { /* another file would be read */
        return 0;
    }
    if (login_find(&l, url, &e) == 0) {
        require(login_is_url(url, &kind) && kind == l.kind);
        check_login(&l);
        login_release(&l);
    } else {
        require(e.msg[0] != '\0');
    }
    return 0;
}
