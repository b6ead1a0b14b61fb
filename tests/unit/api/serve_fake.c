/*
 * serve_fake [OPTION...] - the server over the fake broker, for cases that
 * want a broker which fails.  Prints "ready PORT", ends at SIGTERM.
 * Options: topic=NAME[:PARTITIONS] token=FILE cors=ORIGIN auto noop insecure
 * body=N budget=N records=N answer_ms=N request_ms=N fail=CODE
 * fail_record=CODE delay_ms=N hold sick consumers=N idle_ms=N strip=PREFIX
 */
#include <stdio.h>
#include <string.h>

#include "api/api.h"
#include "core/num.h"
#include "core/slice.h"
#include "core/stop.h"
#include "fake_broker.h"

enum {
    LISTS = 16,
};

struct setup {
    struct api_conf conf;
    struct fake_conf fake;
    struct api_topic topics[LISTS];
    const char *cors[LISTS];
    const char *strip[LISTS];
    char names[LISTS][256];
};

static enum err_code code_of(struct slice name)
{
    static const char *const names[] = {
#define XX(n, text, retry) #n,
        ERR_CODE_MAP(XX)
#undef XX
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (slice_is(name, names[i])) {
            return (enum err_code)i;
        }
    }
    return ERR_NONE;
}

static void add_topic(struct setup *s, struct slice value)
{
    struct slice name;
    int64_t n = 1;
    size_t i = s->conf.n_topics++;

    (void)slice_cut(&value, ':', &name);
    (void)num_i64(value, &n);
    (void)snprintf(s->names[i], sizeof(s->names[i]), "%.*s", SLICE_FMT(name));
    s->topics[i] = (struct api_topic){s->names[i], (int32_t)n};
}

static void option(struct setup *s, const char *text)
{
    struct slice value = slice_of(text);
    struct slice key;
    int64_t n = 0;

    (void)slice_cut(&value, '=', &key);
    (void)num_i64(value, &n);
    if (slice_is(key, "topic")) {
        add_topic(s, value);
    } else if (slice_is(key, "token")) {
        s->conf.token_file = value.ptr;
    } else if (slice_is(key, "cors")) {
        s->cors[s->conf.n_cors++] = value.ptr;
    } else if (slice_is(key, "body")) {
        s->conf.body_max = n;
    } else if (slice_is(key, "budget")) {
        s->conf.budget = n;
    } else if (slice_is(key, "records")) {
        s->conf.records_max = n;
    } else if (slice_is(key, "answer_ms")) {
        s->conf.answer_us = n * 1000;
    } else if (slice_is(key, "request_ms")) {
        s->conf.request_us = n * 1000;
    } else if (slice_is(key, "strip")) {
        s->strip[s->conf.n_strip++] = value.ptr;
        s->conf.strip = s->strip;
    } else if (slice_is(key, "consumers")) {
        s->conf.consumers_max = n;
    } else if (slice_is(key, "idle_ms")) {
        s->conf.consumers_idle_us = n * 1000;
    } else if (slice_is(key, "fail")) {
        s->fake.fail = code_of(value);
    } else if (slice_is(key, "fail_record")) {
        s->fake.fail_record = code_of(value);
    } else if (slice_is(key, "delay_ms")) {
        s->fake.delay_us = n * 1000;
    }
    s->conf.auto_create_topics |= slice_is(key, "auto");
    s->conf.noop_route |= slice_is(key, "noop");
    s->conf.insecure |= slice_is(key, "insecure");
    s->fake.hold |= slice_is(key, "hold");
    s->fake.sick |= slice_is(key, "sick");
}

int main(int argc, char **argv)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    static struct setup s;
    struct broker *b = fake_broker_new();
    struct api *a = NULL;
    struct err e;

    s.conf.listen = listen;
    s.conf.n_listen = 1;
    s.conf.topics = s.topics;
    s.conf.cors = s.cors;
    for (int i = 1; i < argc; i++) {
        option(&s, argv[i]);
    }
    stop_install();
    fake_broker_set(b, &s.fake);
    if (api_start(&a, &s.conf, b, &e) != 0) {
        (void)fprintf(stderr, "%s\n", e.msg);
        fake_broker_free(b);
        return 1;
    }
    (void)printf("ready %d\n", api_port(a, 0));
    (void)fflush(stdout);
    while (!stop_wait(1000000)) {
    }
    api_stop(a);
    fake_broker_free(b);
    return 0;
}
