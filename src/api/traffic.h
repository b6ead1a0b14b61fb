/*
 * traffic.h - what came in and was stored since the last look, per topic.
 *
 * Produce requests note themselves when the broker has answered; api_tell()
 * takes the sums away, so memory does not grow with traffic.  Any thread.
 */
#ifndef API_TRAFFIC_H
#define API_TRAFFIC_H

#include "api/api.h"
#include "core/thread.h"

enum {
    TRAFFIC_RANGES = 16, /* partitions whose offsets are told */
    CLIENT_TEXT_MAX = 64,
    REQUEST_ID_MAX = 64, /* with NUL */
};

struct traffic_range {
    int32_t partition;
    int64_t first, last;
};

struct traffic {
    struct mutex lock;
    struct api_traffic sums; /* texts are the two arrays below */
    struct traffic_range ranges[TRAFFIC_RANGES];
    size_t n_ranges;
    bool more_ranges;
    bool more_clients;
    char client[CLIENT_TEXT_MAX];
    char request_id[REQUEST_ID_MAX];
    enum err_code error; /* the last one */
};

/* One request, answered. */
struct traffic_note {
    const struct broker_produce *p;
    const char *client, *request_id;
};

void traffic_init(struct traffic *t);
void traffic_release(struct traffic *t);
void traffic_add(struct traffic *t, const struct traffic_note *n);
/* Tell what is there and begin anew; nothing when there was no traffic. */
void traffic_tell(struct traffic *t, const char *topic,
                  void (*say)(void *arg, const struct api_traffic *t),
                  void *arg);

#endif
