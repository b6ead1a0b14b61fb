#include "api/consumer_run.h"

#include "api/api_int.h"
#include "core/clock.h"

enum {
    TIMEOUT_US = 1000000, /* of a read, unless the instance says */
};

void consumer_run_err(struct http_request *r, const struct err *e)
{
    static const struct {
        enum err_code code;
        int status, error_code;
    } map[] = {
        {ERR_CONFLICT, 409, 40903}, {ERR_FENCED, 409, 40903},
        {ERR_EXISTS, 409, 40902},   {ERR_NOTFOUND, 404, 40403},
        {ERR_DATA, 422, 42203},     {ERR_INVALID, 422, 422},
    };

    for (size_t i = 0; i < ARRAY_LEN(map); i++) {
        if (map[i].code == e->code) {
            answer_error(r, FAMILY_KAFKA, map[i].status, map[i].error_code,
                         "%s", e->msg);
            return;
        }
    }
    answer_err(r, FAMILY_KAFKA, e);
}

/* Follow the group; false: wait a little, it has not settled. */
static bool settle(struct consumer_job *j, struct consumer *c, struct err *e)
{
    if (consumer_tick(c, e) != 0) {
        return true;
    }
    return consumer_settled(c) || clock_mono_us() >= j->begun_us + j->hold_us;
}

static enum consumer_done finish(struct consumer_job *j, int rc,
                                 const struct err *e)
{
    if (rc != 0) {
        consumer_run_err(j->r, e);
    } else {
        (void)answer_begin(j->r, 204, NULL);
    }
    return CONSUMER_DONE;
}

enum consumer_done consumer_run_delete(struct consumer_job *j,
                                       struct consumer *c)
{
    (void)c;
    (void)answer_begin(j->r, 204, NULL);
    return CONSUMER_GONE;
}

enum consumer_done consumer_run_subscribe(struct consumer_job *j,
                                          struct consumer *c)
{
    struct err e = {.code = ERR_NONE};
    int rc = 0;

    if (j->subscription.ntopics == 0 && j->subscription.pattern == NULL) {
        consumer_unsubscribe(c);
    } else {
        rc = consumer_subscribe(c, &j->subscription, &e);
    }
    return finish(j, rc, &e);
}

enum consumer_done consumer_run_unsubscribe(struct consumer_job *j,
                                            struct consumer *c)
{
    consumer_unsubscribe(c);
    return finish(j, 0, NULL);
}

enum consumer_done consumer_run_assign(struct consumer_job *j,
                                       struct consumer *c)
{
    struct err e = {.code = ERR_NONE};
    int rc = consumer_assign(c, j->places, j->n_places, &e);

    return finish(j, rc, &e);
}

enum consumer_done consumer_run_seek(struct consumer_job *j, struct consumer *c)
{
    struct err e = {.code = ERR_NONE};
    int rc;

    if (!settle(j, c, &e)) {
        return CONSUMER_WAIT;
    }
    for (size_t i = 0; j->place_offset < 0 && i < j->n_places; i++) {
        j->places[i].offset = j->place_offset;
    }
    rc = e.code != ERR_NONE ? -1 : consumer_seek(c, j->places, j->n_places, &e);
    return finish(j, rc, &e);
}

/* {"topics":[...]} or {"partitions":[...]} */
static enum consumer_done
show(struct consumer_job *j, struct consumer *c, const char *name,
     int (*print)(const struct consumer *c, struct buf *b, struct err *e))
{
    struct err e = {.code = ERR_NONE};
    struct buf *b;

    if (!settle(j, c, &e)) {
        return CONSUMER_WAIT;
    }
    if (e.code != ERR_NONE) {
        return finish(j, -1, &e);
    }
    b = answer_begin(j->r, 200, MEDIA_KAFKA);
    if (buf_putf(b, NULL, "{\"%s\":[", name) != 0 || print(c, b, NULL) != 0 ||
        buf_puts(b, "]}", NULL) != 0) {
        answer_broken(j->r);
    }
    return CONSUMER_DONE;
}

enum consumer_done consumer_run_subscription(struct consumer_job *j,
                                             struct consumer *c)
{
    return show(j, c, "topics", consumer_print_topics);
}

enum consumer_done consumer_run_assignments(struct consumer_job *j,
                                            struct consumer *c)
{
    return show(j, c, "partitions", consumer_print_assignment);
}

enum consumer_done consumer_run_commit(struct consumer_job *j,
                                       struct consumer *c)
{
    struct err e = {.code = ERR_NONE};
    int rc = 0;

    if (!settle(j, c, &e)) {
        return CONSUMER_WAIT;
    }
    if (e.code != ERR_NONE) {
        rc = -1;
    } else if (j->n_places > 0 || !j->listed) {
        rc = consumer_commit(c, j->places, j->n_places, &e);
    }
    if (rc != 0) {
        return finish(j, rc, &e);
    }
    answer_text(j->r, 200, MEDIA_KAFKA, "[]");
    return CONSUMER_DONE;
}

enum consumer_done consumer_run_offsets(struct consumer_job *j,
                                        struct consumer *c)
{
    struct buf *b = answer_begin(j->r, 200, MEDIA_KAFKA);
    struct err e = {.code = ERR_NONE};

    if (buf_puts(b, "{\"offsets\":[", &e) != 0 ||
        consumer_print_committed(c, j->places, j->n_places, b, &e) != 0 ||
        buf_puts(b, "]}", &e) != 0) {
        return finish(j, -1, &e);
    }
    return CONSUMER_DONE;
}

/* ---- records ---- */

static const char *type_of(enum media_format f)
{
    return f == MEDIA_JSON_VALUES ? "application/vnd.kafka.json.v2+json"
                                  : "application/vnd.kafka.binary.v2+json";
}

static const char *name_of(enum media_format f)
{
    static const char *const names[] = {
        [MEDIA_BINARY] = "binary",     [MEDIA_JSON_VALUES] = "json",
        [MEDIA_AVRO] = "avro",         [MEDIA_JSONSCHEMA] = "jsonschema",
        [MEDIA_PROTOBUF] = "protobuf", [MEDIA_NO_FORMAT] = "none",
    };

    return names[f];
}

/* What is said about the format before anything is read; true: answered. */
static bool wrong_format(struct consumer_job *j)
{
    enum media_format own = j->conf->format;

    if (j->has_format && j->format != own && j->format != MEDIA_NO_FORMAT) {
        answer_error(j->r, FAMILY_KAFKA, 406, 40601,
                     "The requested embedded data format does not match the "
                     "deserializer for this consumer instance: it is %s, not "
                     "%s",
                     name_of(own), name_of(j->format));
        return true;
    }
    if (own != MEDIA_BINARY && own != MEDIA_JSON_VALUES) {
        answer_error(j->r, FAMILY_KAFKA, 408, 40801,
                     "Schema registration or lookup failed: there is no "
                     "schema registry; make a consumer of format json or "
                     "binary");
        return true;
    }
    return false;
}

static enum consumer_done give(struct consumer_job *j, struct consumer *c)
{
    consumers_count(j->all, &j->read);
    if (j->read.key.len > 0) {
        answer_header(j->r, "Idempotency-Key", j->read.key);
    }
    if (j->read.n == 0) {
        j->is_read = false; /* nothing can be lost */
    }
    (void)c;
    return CONSUMER_DONE;
}

enum consumer_done consumer_run_records(struct consumer_job *j,
                                        struct consumer *c)
{
    int64_t timeout =
        j->conf->timeout_us > 0 ? j->conf->timeout_us : TIMEOUT_US;
    int64_t now = clock_mono_us();
    struct err e = {.code = ERR_NONE};
    size_t asked = j->read.max_bytes;
    struct buf *b;
    bool held;
    bool late;

    if (wrong_format(j)) {
        return CONSUMER_DONE;
    }
    timeout = j->timeout_us < timeout ? j->timeout_us : timeout;
    late = now >= j->begun_us + timeout;
    held = now < j->begun_us + j->hold_us;
    if (!settle(j, c, &e)) {
        return CONSUMER_WAIT;
    }
    b = answer_begin(j->r, 0, NULL);
    j->read.max_bytes = consumers_room(j->all, asked);
    if (e.code == ERR_NONE && consumer_read(c, &j->read, b, &e) != 0 &&
        e.code == ERR_NONE) {
        (void)err_nomem(&e, b->len);
    }
    j->read.max_bytes = asked;
    if (e.code != ERR_NONE && (late || !err_retriable(e.code))) {
        return finish(j, -1, &e);
    }
    if (e.code != ERR_NONE ||
        (j->read.n == 0 && (!late || (j->read.more && held)))) {
        return CONSUMER_WAIT;
    }
    if (j->read.bytes < j->conf->min_bytes && !late && !j->read.repeated) {
        consumer_unread(c);
        return CONSUMER_WAIT;
    }
    j->r->answer.status = 200;
    j->r->answer.type = type_of(j->conf->format);
    return give(j, c);
}
