#include "api/listen.h"

#include <stdio.h>
#include <unistd.h>

#include "test.h"

static void addresses(void)
{
    static const struct {
        const char *text;
        bool good, loopback;
    } cases[] = {
        {"127.0.0.1:0", true, true},
        {"localhost:0", true, true},
        {"127.0.0.9:0", true, true},
        {"0.0.0.0:0", true, false},
        {":0", true, false},
        {"", false, false},
        {"8082", false, false},
        {"127.0.0.1", false, false},
        {"127.0.0.1:", false, false},
        {"127.0.0.1:x", false, false},
        {"127.0.0.1:65536", false, false},
        {"127.0.0.1:-1", false, false},
        {"::1:80", false, false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct listener l = {.fd = -1};
        struct err e = {.code = ERR_NONE};
        bool got = listen_open(&l, cases[i].text, &e) == 0;

        if (got != cases[i].good) {
            test_fail(__FILE__, __LINE__, "\"%s\": %s", cases[i].text, e.msg);
        }
        if (got) {
            CHECK(l.port > 0);
            CHECK(l.loopback == cases[i].loopback);
            (void)close(l.fd);
        } else {
            CHECK_INT(e.code, ERR_INVALID);
            CHECK(strstr(e.msg, "ADDR:PORT") != NULL);
        }
    }
}

static void a_port_in_use_says_so(void)
{
    struct listener first;
    struct listener second;
    struct err e;
    char text[64];

    CHECK_OK(listen_open(&first, "127.0.0.1:0", &e), &e);
    (void)snprintf(text, sizeof(text), "127.0.0.1:%d", first.port);
    CHECK(listen_open(&second, text, &e) != 0);
    CHECK_INT(e.code, ERR_BUSY);
    CHECK(strstr(e.msg, "the port is in use") != NULL);
    (void)close(first.fd);
}

int main(void)
{
    static const struct test tests[] = {
        {"addresses are taken or refused", addresses},
        {"a port in use says so", a_port_in_use_says_so},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
