#include "broker/outbox.h"

#include <string.h>

#include "broker/broker_ops.h"

int outbox_open(struct outbox **ret, struct broker *b,
                const struct outbox_conf *conf, struct err *e)
{
    if (b->ops->outbox == NULL) {
        return err_set(e, ERR_UNAVAILABLE,
                       "broker \"%s\" has no transactions; kafka has",
                       b->ops->name);
    }
    if (!broker_topic_name_ok(slice_of(conf->name)) ||
        !broker_topic_name_ok(slice_of(conf->group))) {
        return err_set(e, ERR_INVALID,
                       "outbox \"%.100s\" of group \"%.100s\" has other "
                       "characters than a-z, A-Z, 0-9, '.', '_' and '-', or "
                       "more than %d",
                       conf->name, conf->group, TOPIC_NAME_MAX);
    }
    return b->ops->outbox->open(ret, b, conf, e);
}

int outbox_put(struct outbox *o, const char *topic,
               const struct broker_record *records, size_t n, struct err *e)
{
    return o->ops->put(o, topic, records, n, e);
}

int outbox_commit(struct outbox *o, const struct broker_position *p, size_t n,
                  struct err *e)
{
    return o->ops->commit(o, p, n, e);
}

void outbox_close(struct outbox *o)
{
    if (o != NULL) {
        o->ops->close(o);
    }
}
