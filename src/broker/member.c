#include "broker/member.h"

#include <string.h>

#include "broker/broker_ops.h"
#include "broker/coordinator.h"

enum {
    SUBSCRIBED_MAX = 1000,
    PATTERN_MAX = 1000
};

static const struct member_ops *ops_of(const struct broker *b)
{
    return b->ops->members != NULL ? b->ops->members : &coordinator_members;
}

static int check(const struct member_conf *conf, struct err *e)
{
    size_t n = conf->group != NULL ? strlen(conf->group) : 0;

    if (n == 0 || n > TOPIC_NAME_MAX) {
        return err_set(e, ERR_INVALID,
                       "a group's name has 1 to %d bytes, and not %zu",
                       TOPIC_NAME_MAX, n);
    }
    if ((conf->pattern == NULL) == (conf->ntopics == 0)) {
        return err_set(e, ERR_INVALID,
                       "a member subscribes to topics or to a pattern");
    }
    if (conf->ntopics > SUBSCRIBED_MAX ||
        (conf->pattern != NULL && strlen(conf->pattern) > PATTERN_MAX)) {
        return err_set(e, ERR_LIMIT,
                       "a member subscribes to at most %d topics or a pattern "
                       "of %d bytes",
                       SUBSCRIBED_MAX, PATTERN_MAX);
    }
    for (size_t i = 0; i < conf->ntopics; i++) {
        if (!broker_topic_name_ok(slice_of(conf->topics[i]))) {
            return err_set(e, ERR_INVALID,
                           "cannot subscribe to \"%.60s\": no topic name",
                           conf->topics[i]);
        }
    }
    return 0;
}

int member_join(struct member **ret, struct broker *b,
                const struct member_conf *conf, struct err *e)
{
    if (check(conf, e) != 0) {
        return -1;
    }
    return ops_of(b)->join(ret, b, conf, e);
}

void member_leave(struct member *m)
{
    if (m != NULL) {
        m->ops->leave(m);
    }
}

int member_poll(struct member *m, int64_t timeout_us, struct member_change *ret,
                struct err *e)
{
    return m->ops->poll(m, timeout_us, ret, e);
}

int member_subscribe(struct member *m, const struct member_conf *conf,
                     struct err *e)
{
    if (check(conf, e) != 0) {
        return -1;
    }
    return m->ops->subscribe(m, conf, e);
}

int member_commit(struct member *m, const struct broker_position *p, size_t n,
                  struct err *e)
{
    return m->ops->commit(m, p, n, e);
}

int member_fetch(struct member *m, const char *topic, int32_t partition,
                 int64_t offset, size_t max_bytes, struct broker_fetch *f,
                 struct err *e)
{
    return m->ops->fetch == NULL
               ? broker_fetch(m->broker, topic, partition, offset, max_bytes, f,
                              e)
               : m->ops->fetch(m, topic, partition, offset < 0 ? 0 : offset,
                               max_bytes, f, e);
}

void member_fetch_release(struct member *m, struct broker_fetch *f)
{
    if (m->ops->fetch_release == NULL) {
        broker_fetch_release(m->broker, f);
    } else {
        m->ops->fetch_release(m, f);
    }
}

int member_list(struct broker *b, const char *group, struct member_owner **ret,
                size_t *n, struct err *e)
{
    return ops_of(b)->list(b, group, ret, n, e);
}
