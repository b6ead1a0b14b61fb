/*
 * bench_serve.c - the HTTP server over embedded topics, without pipelines and
 * with POST /_noop, which takes a body and answers without storing: what
 * storing costs is the difference.
 *
 * bench_serve DIR prints its address and serves until SIGTERM.
 */
#include <stdio.h>

#include "api/api.h"
#include "core/fs.h"
#include "core/stop.h"

enum {
    WAIT_US = 1000000
};

static int serve(const char *dir, struct err *e)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    static const struct api_topic topics[] = {{"pin", 1}};
    struct broker_conf store = {.dir = dir, .mode = BROKER_WRITE};
    struct api_conf conf = {.listen = listen,
                            .n_listen = ARRAY_LEN(listen),
                            .topics = topics,
                            .n_topics = ARRAY_LEN(topics),
                            .noop_route = true};
    struct broker *b = NULL;
    struct api *a = NULL;
    int rc = -1;

    if (fs_make_folders(dir, e) < 0 || broker_open(&b, &store, e) < 0) {
        return -1;
    }
    if (api_start(&a, &conf, b, e) == 0) {
        printf("bench_serve serves http://127.0.0.1:%d\n", api_port(a, 0));
        (void)fflush(stdout);
        while (!stop_wait(WAIT_US)) {
        }
        rc = 0;
    }
    api_stop(a);
    broker_close(b);
    return rc;
}

int main(int argc, char **argv)
{
    struct err e;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: bench_serve DIR\n");
        return 2;
    }
    stop_install();
    if (serve(argv[1], &e) < 0) {
        (void)fprintf(stderr, "bench_serve: %s\n", e.msg);
        return 1;
    }
    return 0;
}
