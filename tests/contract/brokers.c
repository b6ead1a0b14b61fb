#include "brokers.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "test.h"

static char dir[FS_PATH_MAX];
static int made;

bool brokers_is_cluster(const char *url)
{
    return strncmp(url, "kafka:", 6) == 0;
}

struct broker_conf brokers_conf(const char *url, bool fresh)
{
    struct broker_conf conf = {.url = url, .dir = dir, .mode = BROKER_WRITE};

    if (fresh) {
        (void)snprintf(dir, sizeof(dir), "%s/%d", test_folder(), made++);
    }
    return conf;
}

struct broker *brokers_open(const char *url, bool fresh)
{
    struct broker_conf conf = brokers_conf(url, fresh);
    struct broker *b = NULL;
    struct err e;

    CHECK_OK(broker_open(&b, &conf, &e), &e);
    if (b == NULL) {
        exit(1);
    }
    return b;
}

static void wipe(struct broker *b)
{
    struct broker_topic *topics = NULL;
    struct broker_group *groups = NULL;
    struct err e;
    size_t n = 0;

    CHECK_OK(broker_topic_list(b, &topics, &n, &e), &e);
    for (size_t i = 0; topics && i < n; i++) {
        CHECK_OK(broker_topic_delete(b, topics[i].name, &e), &e);
    }
    mem_free(topics);
    CHECK_OK(broker_group_list(b, &groups, &n, &e), &e);
    for (size_t i = 0; groups && i < n; i++) {
        CHECK_OK(broker_group_delete(b, groups[i].name, &e), &e);
    }
    mem_free(groups);
}

struct broker *brokers_empty(const char *url)
{
    struct broker *b = brokers_open(url, true);

    if (brokers_is_cluster(url)) {
        wipe(b);
    }
    return b;
}

void brokers_make(struct broker *b, const char *name, int32_t partitions)
{
    struct broker_topic t = {
        .partitions = partitions, .retention_us = -1, .retention_bytes = -1};
    struct err e;

    (void)snprintf(t.name, sizeof(t.name), "%s", name);
    CHECK_OK(broker_topic_create(b, &t, &e), &e);
}

const char *brokers_unique(char text[BROKERS_NAME_MAX], const char *what)
{
    (void)snprintf(text, BROKERS_NAME_MAX, "%s-%" PRId64 "-%d", what,
                   clock_wall_us(), made++);
    return text;
}

struct broker_position brokers_at(const struct member_partition *p,
                                  int64_t offset)
{
    struct broker_position pos = {
        .epoch = p->epoch, .partition = p->partition, .offset = offset};

    memcpy(pos.topic, p->topic, sizeof(p->topic));
    return pos;
}
