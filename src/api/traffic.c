#include "api/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void traffic_init(struct traffic *t)
{
    *t = (struct traffic){.error = ERR_NONE};
    mutex_init(&t->lock);
}

void traffic_release(struct traffic *t)
{
    mutex_release(&t->lock);
}

static struct traffic_range *range_of(struct traffic *t, int32_t partition)
{
    for (size_t i = 0; i < t->n_ranges; i++) {
        if (t->ranges[i].partition == partition) {
            return &t->ranges[i];
        }
    }
    if (t->n_ranges == TRAFFIC_RANGES) {
        t->more_ranges = true;
        return NULL;
    }
    t->ranges[t->n_ranges] =
        (struct traffic_range){partition, INT64_MAX, INT64_MIN};
    return &t->ranges[t->n_ranges++];
}

static void add_stored(struct traffic *t, const struct broker_produce *p,
                       size_t i)
{
    const struct broker_report *rep = &p->reports[i];
    struct traffic_range *r = range_of(t, rep->partition);

    t->sums.stored++;
    t->sums.bytes += (int64_t)(p->records[i].key.len + p->records[i].value.len);
    if (r != NULL) {
        r->first = rep->offset < r->first ? rep->offset : r->first;
        r->last = rep->offset > r->last ? rep->offset : r->last;
    }
}

void traffic_add(struct traffic *t, const struct traffic_note *n)
{
    const struct broker_produce *p = n->p;

    mutex_lock(&t->lock);
    t->sums.requests++;
    t->sums.received += (int64_t)p->n;
    t->sums.repeated += p->repeated ? 1 : 0;
    for (size_t i = 0; i < p->n; i++) {
        enum err_code code =
            p->error.code != ERR_NONE ? p->error.code : p->reports[i].code;

        if (code != ERR_NONE) {
            t->sums.refused++;
            t->error = code;
        } else if (!p->repeated) {
            add_stored(t, p, i);
        }
    }
    if (strcmp(t->client, n->client) != 0) {
        t->more_clients |= t->client[0] != '\0';
        (void)snprintf(t->client, sizeof(t->client), "%s", n->client);
    }
    (void)snprintf(t->request_id, sizeof(t->request_id), "%s", n->request_id);
    mutex_unlock(&t->lock);
}

/* "0:12-40 3:7-9" */
static void print_ranges(const struct traffic *t, char *text, size_t size)
{
    size_t n = 0;

    text[0] = '\0';
    for (size_t i = 0; i < t->n_ranges && n < size; i++) {
        const struct traffic_range *r = &t->ranges[i];

        n += (size_t)snprintf(
            text + n, size - n, "%s%" PRId32 ":%" PRId64 "-%" PRId64,
            i > 0 ? " " : "", r->partition, r->first, r->last);
    }
    if (t->more_ranges && n < size) {
        (void)snprintf(text + n, size - n, " ...");
    }
}

void traffic_tell(struct traffic *t, const char *topic,
                  void (*say)(void *arg, const struct api_traffic *t),
                  void *arg)
{
    char offsets[TRAFFIC_RANGES * 56];
    char client[CLIENT_TEXT_MAX + 16];
    char id[REQUEST_ID_MAX];
    struct api_traffic told;

    mutex_lock(&t->lock);
    told = t->sums;
    if (told.requests > 0) {
        told.partition = t->n_ranges == 1 ? t->ranges[0].partition : -1;
        told.offset_first = t->n_ranges == 1 ? t->ranges[0].first : -1;
        told.offset_last = t->n_ranges == 1 ? t->ranges[0].last : -1;
        told.error = t->error == ERR_NONE ? NULL : err_text(t->error);
        print_ranges(t, offsets, sizeof(offsets));
        (void)snprintf(client, sizeof(client), "%s%s", t->client,
                       t->more_clients ? " and others" : "");
        memcpy(id, t->request_id, sizeof(id));
        t->sums = (struct api_traffic){.requests = 0};
        t->n_ranges = 0;
        t->more_ranges = false;
        t->more_clients = false;
        t->client[0] = '\0';
        t->error = ERR_NONE;
    }
    mutex_unlock(&t->lock);
    if (told.requests > 0) {
        told.topic = topic;
        told.offsets = offsets;
        told.client = client;
        told.request_id = id;
        say(arg, &told);
    }
}
