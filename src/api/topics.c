#include <string.h>

#include "api/api_int.h"
#include "core/mem.h"

/* FNV-1a: the slots only spread names, whoever chose them. */
static size_t slot_of(struct slice name)
{
    uint64_t h = 14695981039346656037u;

    for (size_t i = 0; i < name.len; i++) {
        h = (h ^ (uint8_t)name.ptr[i]) * 1099511628211u;
    }
    return (size_t)(h ^ h >> 32) % TOPIC_SLOTS;
}

/* The slot that holds the name or is free for it; under the lock. */
static struct topic **look(struct api *a, struct slice name)
{
    size_t i = slot_of(name);

    while (a->slots[i] != NULL && !slice_is(name, a->slots[i]->name)) {
        i = (i + 1) % TOPIC_SLOTS;
    }
    return &a->slots[i];
}

static int create(struct api *a, const char *name, int32_t partitions,
                  struct err *e)
{
    const struct api_conf *c = &a->conf;
    struct broker_topic t = {
        .partitions = partitions == 0 ? 1 : partitions,
        .retention_us = c->retention_us > 0 ? c->retention_us : -1,
        .retention_bytes = c->retention_bytes > 0 ? c->retention_bytes : -1};
    struct err why;

    memcpy(t.name, name, strlen(name) + 1);
    if (broker_topic_create(a->broker, &t, &why) != 0 &&
        why.code != ERR_EXISTS) {
        if (e != NULL) {
            *e = why;
        }
        return -1;
    }
    return 0;
}

static int fetch(struct api *a, const char *name, struct broker_topic *ret,
                 struct err *e)
{
    struct err why = {.code = ERR_NONE};

    if (broker_topic_get(a->broker, name, ret, &why) == 0) {
        return 0;
    }
    if (why.code == ERR_NOTFOUND && a->conf.auto_create_topics) {
        return create(a, name, 1, e) != 0 ||
                       broker_topic_get(a->broker, name, ret, e) != 0
                   ? -1
                   : 0;
    }
    if (why.code == ERR_NOTFOUND) {
        return err_set(e, ERR_NOTFOUND,
                       "Topic %s not found. Create it with: pinline topics "
                       "create %s; or name it in the configuration, or set "
                       "auto_create_topics: true.",
                       name, name);
    }
    if (e != NULL) {
        *e = why;
    }
    return -1;
}

static int held(struct api *a, const struct broker_topic *t, int64_t *ret,
                struct err *e)
{
    int64_t sum = 0;

    for (int32_t p = 0; p < t->partitions; p++) {
        int64_t begin;
        int64_t end;

        if (broker_offsets(a->broker, t->name, p, &begin, &end, e) != 0) {
            return -1;
        }
        sum += end;
    }
    *ret = sum;
    return 0;
}

static int add(struct api *a, const struct broker_topic *t, int64_t base,
               struct topic **ret, struct err *e)
{
    struct topic **slot;
    int rc = 0;

    mutex_lock(&a->lock);
    slot = look(a, slice_of(t->name));
    if (*slot != NULL) { /* another request was faster, or it was stale */
        atomic_store(&(*slot)->partitions, t->partitions);
    } else if (a->n_topics >= TOPICS_MAX) {
        rc = err_set(e, ERR_LIMIT, "cannot serve more than %d topics",
                     TOPICS_MAX);
    } else {
        *slot = mem_zero(1, sizeof(**slot));
        if (*slot == NULL) {
            rc = err_nomem(e, sizeof(**slot));
        } else {
            memcpy((*slot)->name, t->name, sizeof(t->name));
            mutex_init(&(*slot)->take);
            traffic_init(&(*slot)->traffic);
            (*slot)->base = base;
            atomic_store(&(*slot)->partitions, t->partitions);
            a->n_topics++;
        }
    }
    if (rc == 0) {
        *ret = *slot;
    }
    mutex_unlock(&a->lock);
    return rc;
}

static struct topic *met(struct api *a, struct slice name)
{
    struct topic *t;

    mutex_lock(&a->lock);
    t = *look(a, name);
    mutex_unlock(&a->lock);
    return t != NULL && atomic_load(&t->partitions) > 0 ? t : NULL;
}

bool topics_met(struct api *a, struct slice name)
{
    return met(a, name) != NULL;
}

int topics_find(struct api *a, struct slice name, struct topic **ret,
                struct err *e)
{
    struct broker_topic t;
    char text[TOPIC_NAME_MAX + 1];
    int64_t base;

    *ret = met(a, name);
    if (*ret != NULL) {
        return 0;
    }
    if (!broker_topic_name_ok(name)) {
        return err_set(e, ERR_INVALID,
                       "topic name \"%.*s\" cannot be used: want 1 to %d of "
                       "a-z, A-Z, 0-9, \".\", \"_\" and \"-\", not \".\" or "
                       "\"..\"",
                       (int)(name.len > 60 ? 60 : name.len), name.ptr,
                       TOPIC_NAME_MAX);
    }
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (fetch(a, text, &t, e) != 0 || held(a, &t, &base, e) != 0) {
        return -1;
    }
    return add(a, &t, base, ret, e);
}

void topics_refresh(struct api *a, struct topic *t)
{
    struct broker_topic now;

    if (broker_topic_get(a->broker, t->name, &now, NULL) == 0) {
        atomic_store(&t->partitions, now.partitions);
    }
}

void topics_forget(struct api *a, const char *name)
{
    struct topic *t;

    mutex_lock(&a->lock);
    t = *look(a, slice_of(name));
    mutex_unlock(&a->lock);
    if (t != NULL) {
        atomic_store(&t->partitions, 0);
    }
}

/* Only what is not there is made: a broker that does not answer says nothing
 * about it. */
static int make(struct api *a, const struct api_topic *t, struct err *e)
{
    struct broker_topic there;
    struct topic *found;
    struct err why;

    if (broker_topic_get(a->broker, t->name, &there, &why) != 0) {
        if (why.code != ERR_NOTFOUND) {
            if (e != NULL) {
                *e = why;
            }
            return -1;
        }
        if (create(a, t->name, t->partitions, e) != 0) {
            return -1;
        }
    }
    return topics_find(a, slice_of(t->name), &found, e);
}

int topics_make(struct api *a, struct err *e)
{
    for (size_t i = 0; i < a->conf.n_topics; i++) {
        const struct api_topic *t = &a->conf.topics[i];

        if (!broker_topic_name_ok(slice_of(t->name))) {
            return err_set(e, ERR_INVALID,
                           "cannot create topic \"%.60s\": no topic name",
                           t->name);
        }
        if (make(a, t, e) != 0) {
            return -1;
        }
    }
    return 0;
}

void topics_release(struct api *a)
{
    for (size_t i = 0; i < TOPIC_SLOTS; i++) {
        if (a->slots[i] != NULL) {
            mutex_release(&a->slots[i]->take);
            traffic_release(&a->slots[i]->traffic);
            mem_free(a->slots[i]);
        }
    }
}

void api_tell(struct api *a)
{
    struct topic *t;

    if (a->conf.traffic == NULL) {
        return;
    }
    for (size_t i = 0; i < TOPIC_SLOTS; i++) {
        mutex_lock(&a->lock);
        t = a->slots[i]; /* lives as long as the api */
        mutex_unlock(&a->lock);
        if (t != NULL) {
            traffic_tell(&t->traffic, t->name, a->conf.traffic,
                         a->conf.traffic_arg);
        }
    }
}

bool api_received(struct api *a, const char *topic, struct api_received *ret)
{
    struct topic *t;

    mutex_lock(&a->lock);
    t = *look(a, slice_of(topic));
    mutex_unlock(&a->lock);
    if (t == NULL) {
        return false;
    }
    *ret = (struct api_received){
        .since = atomic_load(&t->received),
        .base = t->base,
        .refused = atomic_load(&t->refused),
        .dropped = atomic_load(&t->dropped),
    };
    return true;
}
