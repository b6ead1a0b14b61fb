#include <inttypes.h>
#include <string.h>

#include "cli/table.h"
#include "cli/topics.h"
#include "core/clock.h"
#include "core/mem.h"
#include "core/num.h"

extern const struct cmd cmd_topics;

enum {
    OUT_BYTES = 64 << 20,
    PARTITIONS_MAX = 1024
};

static const struct opt opts[] = {
    WORKSPACE_BROKER,
    {.name = "dry-run",
     .kind = OPT_FLAG,
     .help = "With reset: only show what would change"},
    {.name = "follow",
     .letter = 'f',
     .kind = OPT_FLAG,
     .help = "With read: wait for more, until interrupted"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = table_formats,
     .help = "table (default; read prints values, a line each), json or csv"},
    {.name = "from-beginning",
     .kind = OPT_FLAG,
     .help = "With read: begin at the first message (default, but with "
             "--follow at the end)"},
    {.name = "max",
     .letter = 'n',
     .kind = OPT_INT,
     .arg = "N",
     .help = "With read: stop after so many messages"},
    {.name = "offset",
     .kind = OPT_TEXT,
     .arg = "OFFSET",
     .help = "With read: begin there"},
    {.name = "partition",
     .kind = OPT_INT,
     .arg = "N",
     .max = PARTITIONS_MAX - 1,
     .help = "With read and reset: only this partition"},
    {.name = "partitions",
     .kind = OPT_INT,
     .arg = "N",
     .min = 1,
     .max = PARTITIONS_MAX,
     .help = "With create: how many (as configured, 1 by default)"},
    {.name = "retention",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .help = "With create: how long messages are kept (7d; as configured)"},
    {.name = "since",
     .kind = OPT_TEXT,
     .arg = "TIME",
     .help = "With read: begin at a time (2026-01-31T12:00:00Z), or so long "
             "ago (10m)"},
    {.name = "to",
     .kind = OPT_TEXT,
     .arg = "PLACE",
     .help = "With reset: earliest, latest, an offset, a time, or how long "
             "ago"},
};

/* "for ever", or the longest unit that says it exactly. */
static int put_retention(struct table *t, int64_t us, struct err *e)
{
    static const struct {
        int64_t us;
        const char *unit;
    } units[] = {{86400000000, "d"}, {3600000000, "h"}, {60000000, "m"},
                 {1000000, "s"},     {1000, "ms"},      {1, "us"}};

    if (us < 0) {
        return table_put(t, SLICE("for ever"), e);
    }
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (us % units[i].us == 0) {
            return table_putf(t, e, "%" PRId64 "%s", us / units[i].us,
                              units[i].unit);
        }
    }
    return 0;
}

static int row_of_topic(struct broker *b, struct table *t,
                        const struct broker_topic *topic, struct err *e)
{
    int64_t messages = 0;

    for (int32_t p = 0; p < topic->partitions; p++) {
        int64_t begin = 0;
        int64_t end = 0;

        if (broker_offsets(b, topic->name, p, &begin, &end, e) < 0) {
            return -1;
        }
        messages += end - begin;
    }
    return table_put(t, slice_of(topic->name), e) < 0 ||
                   table_put_int(t, topic->partitions, e) < 0 ||
                   table_put_int(t, messages, e) < 0 ||
                   put_retention(t, topic->retention_us, e) < 0
               ? -1
               : 0;
}

static int list(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"topic", "partitions", "messages",
                                        "kept"};
    struct broker_topic *topics = NULL;
    struct workspace w;
    struct table t;
    size_t n = 0;
    int rc;

    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    rc = broker_topic_list(w.broker, &topics, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = row_of_topic(w.broker, &t, &topics[i], e);
    }
    mem_free(topics);
    workspace_close(&w);
    return table_show(&t, c, a, rc, e);
}

static int create(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    int rc = 0;

    if (topics_open(&w, c, a, true, e) < 0) {
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < a->n_words; i++) {
        struct broker_topic t = {
            .partitions =
                (int32_t)args_int(a, "partitions", w.project.partitions),
            .retention_us = args_int(a, "retention", w.project.retention_us),
            .retention_bytes = w.project.retention_bytes};
        size_t len = strlen(a->words[i]);

        /* one that is too long stays so, and is refused by its name */
        memcpy(t.name, a->words[i],
               len < sizeof(t.name) ? len : sizeof(t.name));
        t.retention_us = t.retention_us > 0 ? t.retention_us : -1;
        t.retention_bytes = t.retention_bytes > 0 ? t.retention_bytes : -1;
        rc = broker_topic_create(w.broker, &t, e);
    }
    workspace_close(&w);
    return rc;
}

static int delete_all(struct cli *c, const struct args *a, struct err *e)
{
    struct workspace w;
    int rc = 0;

    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    for (size_t i = 0; rc == 0 && i < a->n_words; i++) {
        rc = broker_topic_delete(w.broker, a->words[i], e);
    }
    workspace_close(&w);
    return rc;
}

static int rows_of_offsets(struct broker *b, struct table *t, const char *name,
                           struct err *e)
{
    struct broker_topic topic;

    if (broker_topic_get(b, name, &topic, e) < 0) {
        return -1;
    }
    for (int32_t p = 0; p < topic.partitions; p++) {
        int64_t begin = 0;
        int64_t end = 0;

        if (broker_offsets(b, name, p, &begin, &end, e) < 0 ||
            table_put(t, slice_of(name), e) < 0 || table_put_int(t, p, e) < 0 ||
            table_put_int(t, begin, e) < 0 || table_put_int(t, end, e) < 0 ||
            table_put_int(t, end - begin, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int offsets(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"topic", "partition", "begin", "end",
                                        "messages"};
    struct broker_topic *topics = NULL;
    struct workspace w;
    struct table t;
    size_t n = 0;
    int rc = 0;

    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    for (size_t i = 0; rc == 0 && i < a->n_words; i++) {
        rc = rows_of_offsets(w.broker, &t, a->words[i], e);
    }
    if (a->n_words == 0) {
        rc = broker_topic_list(w.broker, &topics, &n, e);
    }
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = rows_of_offsets(w.broker, &t, topics[i].name, e);
    }
    mem_free(topics);
    workspace_close(&w);
    return table_show(&t, c, a, rc, e);
}

static int put_time(struct table *t, int64_t us, struct err *e)
{
    char text[CLOCK_TEXT_MAX];

    if (us == 0) {
        return table_put(t, SLICE("not known"), e); /* somebody else's topic */
    }
    (void)clock_iso(us, text);
    return table_put(t, slice_of(text), e);
}

static int describe(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {
        "topic", "epoch", "created", "partitions", "messages", "kept", "bytes"};
    struct workspace w;
    struct table t;
    int rc = 0;

    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    for (size_t i = 0; rc == 0 && i < a->n_words; i++) {
        struct broker_topic topic;
        int64_t messages = 0;

        rc = broker_topic_get(w.broker, a->words[i], &topic, e);
        for (int32_t p = 0; rc == 0 && p < topic.partitions; p++) {
            int64_t begin = 0;
            int64_t end = 0;

            rc = broker_offsets(w.broker, topic.name, p, &begin, &end, e);
            messages += end - begin;
        }
        if (rc < 0 || table_put(&t, slice_of(topic.name), e) < 0 ||
            table_put_int(&t, topic.epoch, e) < 0 ||
            put_time(&t, topic.created_us, e) < 0 ||
            table_put_int(&t, topic.partitions, e) < 0 ||
            table_put_int(&t, messages, e) < 0 ||
            put_retention(&t, topic.retention_us, e) < 0 ||
            (topic.retention_bytes < 0
                 ? table_put(&t, SLICE("no limit"), e)
                 : table_put_int(&t, topic.retention_bytes, e)) < 0) {
            rc = -1;
        }
    }
    workspace_close(&w);
    return table_show(&t, c, a, rc, e);
}

static int row_of_lag(struct broker *b, struct table *t, const char *group,
                      const struct broker_position *p, struct err *e)
{
    int64_t begin = 0;
    int64_t end = 0;

    if (broker_offsets(b, p->topic, p->partition, &begin, &end, e) < 0) {
        return -1;
    }
    return table_put(t, slice_of(group), e) < 0 ||
                   table_put(t, slice_of(p->topic), e) < 0 ||
                   table_put_int(t, p->partition, e) < 0 ||
                   table_put_int(t, p->offset, e) < 0 ||
                   table_put_int(t, end, e) < 0 ||
                   table_put_int(t, end - p->offset, e) < 0
               ? -1
               : 0;
}

/* The positions of one group, or of all (only NULL). */
static int rows_of_lag(struct broker *b, struct table *t, const char *only,
                       struct err *e)
{
    struct broker_group *groups = NULL;
    size_t n = 0;
    bool found = only == NULL;
    int rc = broker_group_list(b, &groups, &n, e);

    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct broker_position *at = NULL;
        size_t k = 0;

        if (only && strcmp(only, groups[i].name) != 0) {
            continue;
        }
        found = true;
        rc = broker_group_positions(b, groups[i].name, &at, &k, e);
        for (size_t j = 0; rc == 0 && j < k; j++) {
            rc = row_of_lag(b, t, groups[i].name, &at[j], e);
        }
        mem_free(at);
    }
    mem_free(groups);
    if (rc == 0 && !found) {
        rc = err_set(e, ERR_NOTFOUND, "there is no group \"%s\"", only);
    }
    return rc;
}

static int lag(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"group",  "topic", "partition",
                                        "offset", "end",   "lag"};
    struct workspace w;
    struct table t;
    int rc;

    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    rc = rows_of_lag(w.broker, &t, a->n_words ? a->words[0] : NULL, e);
    workspace_close(&w);
    return table_show(&t, c, a, rc, e);
}

static int groups(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"group", "positions"};
    struct broker_group *all = NULL;
    struct workspace w;
    struct table t;
    size_t n = 0;
    int rc;

    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    rc = broker_group_list(w.broker, &all, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct broker_position *at = NULL;
        size_t k = 0;

        rc = broker_group_positions(w.broker, all[i].name, &at, &k, e);
        mem_free(at);
        if (rc == 0 && (table_put(&t, slice_of(all[i].name), e) < 0 ||
                        table_put_int(&t, (int64_t)k, e) < 0)) {
            rc = -1;
        }
    }
    mem_free(all);
    workspace_close(&w);
    return table_show(&t, c, a, rc, e);
}

/* Move one position of a group; a row says from where to where. */
static int reset_one(struct broker *b, struct table *t, const struct args *a,
                     const struct broker_position *old, struct err *e)
{
    struct broker_position p = *old;

    if (topics_place(b, p.topic, p.partition, args_text(a, "to", ""), &p.offset,
                     e) < 0) {
        return -1;
    }
    p.metadata[0] = '\0'; /* it belonged to the old place */
    if (!args_has(a, "dry-run") &&
        broker_group_commit(b, a->words[0], &p, 1, &old->offset, e) < 0) {
        return -1;
    }
    return table_put(t, slice_of(p.topic), e) < 0 ||
                   table_put_int(t, p.partition, e) < 0 ||
                   table_put_int(t, old->offset, e) < 0 ||
                   table_put_int(t, p.offset, e) < 0
               ? -1
               : 0;
}

static bool is_meant(const struct args *a, const struct broker_position *p)
{
    bool topic = a->n_words == 1;

    for (size_t i = 1; i < a->n_words; i++) {
        topic = topic || strcmp(a->words[i], p->topic) == 0;
    }
    return topic && (!args_has(a, "partition") ||
                     args_int(a, "partition", 0) == p->partition);
}

static int reset(struct cli *c, const struct args *a, struct err *e)
{
    static const char *const heads[] = {"topic", "partition", "was", "is"};
    struct broker_position *at = NULL;
    struct workspace w;
    struct table t;
    size_t n = 0;
    size_t moved = 0;
    int rc;

    if (!args_has(a, "to")) {
        return err_set(e, ERR_INVALID,
                       "say where to with --to: earliest, latest, an offset, "
                       "a time, or how long ago");
    }
    if (topics_open(&w, c, a, false, e) < 0) {
        return -1;
    }
    table_init(&t, heads, ARRAY_LEN(heads));
    rc = broker_group_positions(w.broker, a->words[0], &at, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (is_meant(a, &at[i])) {
            rc = reset_one(w.broker, &t, a, &at[i], e);
            moved++;
        }
    }
    if (rc == 0 && moved == 0) {
        rc = err_set(e, ERR_NOTFOUND, "group \"%s\" has no such position",
                     a->words[0]);
    }
    mem_free(at);
    workspace_close(&w);
    return table_show(&t, c, a, rc, e);
}

static const struct cmd_verb verbs[] = {
    {"create", "NAME...", "Make topics", 1, CMD_ANY, create},
    {"delete", "NAME...", "Delete topics with all they hold", 1, CMD_ANY,
     delete_all},
    {"describe", "NAME...", "Show what is known of topics", 1, CMD_ANY,
     describe},
    {"groups", NULL, "Show consumer groups", 0, 0, groups},
    {"lag", "[GROUP]", "Show how far groups are behind", 0, 1, lag},
    {"list", NULL, "Show all topics", 0, 0, list},
    {"offsets", "[NAME...]", "Show the first and the next offset", 0, CMD_ANY,
     offsets},
    {"read", "NAME", "Print messages", 1, 1, topics_read},
    {"reset", "GROUP [NAME...]", "Move a group's positions", 1, CMD_ANY, reset},
    {0},
};

const struct cmd cmd_topics = {
    .name = "topics",
    .summary = "Make, list, read and delete topics",
    .about = "Looks into the topics of a data directory and changes them, also "
             "while a server has them open. Messages are printed as they were "
             "stored; with --format json each is an object, and bytes that are "
             "no UTF-8 text stand in it as {\"base64\": ...}.\n\n"
             "A group that is reset must not be reading meanwhile: the "
             "position of one that has moved since is left alone.",
    .examples = "pinline topics read pin --max 3\n"
                "  The first three messages\n"
                "pinline topics read pin --follow --format json\n"
                "  What comes from now on\n"
                "pinline topics reset objects pin --to 10m\n"
                "  Read the last ten minutes of a topic again\n",
    .opts = {opts, ARRAY_LEN(opts)},
    .verbs = verbs,
    .run = NULL,
};
