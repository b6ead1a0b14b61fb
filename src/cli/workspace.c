#include "cli/workspace.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/clock.h"
#include "core/fs.h"
#include "core/mem.h"
#include "core/stop.h"
#include "core/text.h"
#include "flow/catalog.h"
#include "flow/group.h"

enum {
    FAULTS_BYTES = 1 << 20,
    LAND_LOOK_US = 100000,
    SET_MAX = 4096,
};

static void show_faults(struct cli *c, const struct faults *f)
{
    struct buf b;
    struct err e;

    buf_init(&b, FAULTS_BYTES);
    if (f->count > 1 && faults_print(f, &b, &e) == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->err);
    }
    buf_release(&b);
}

int workspace_load(struct workspace *w, struct cli *c, const char *const *extra,
                   size_t nextra, struct err *e)
{
    const char **sets = mem_zero(c->n_sets + nextra + 1, sizeof(*sets));
    struct faults faults;
    int rc;

    *w = (struct workspace){0};
    if (sets == NULL) {
        return err_nomem(e, c->n_sets * sizeof(*sets));
    }
    if (c->n_sets > 0) {
        memcpy(sets, c->sets, c->n_sets * sizeof(*sets));
    }
    if (nextra > 0) {
        memcpy(sets + c->n_sets, extra, nextra * sizeof(*sets));
    }
    faults_init(&faults);
    rc = project_load(&w->project, c->config, c->data, sets, c->n_sets + nextra,
                      &faults, e);
    if (rc == 0) {
        rc = catalog_spec(&w->spec, &w->project, &faults, e);
        if (rc < 0) {
            project_release(&w->project);
        }
    }
    if (rc < 0) {
        show_faults(c, &faults);
    }
    faults_release(&faults);
    mem_free(sets);
    return rc;
}

int workspace_load_for(struct workspace *w, struct cli *c, const struct args *a,
                       struct err *e)
{
    const char *broker = args_text(a, "broker", NULL);
    char set[SET_MAX];
    const char *extra = set;

    if (broker != NULL &&
        snprintf(set, sizeof(set), "broker=%s", broker) >= SET_MAX) {
        return err_set(e, ERR_LIMIT, "the url of the broker is too long");
    }
    return workspace_load(w, c, &extra, broker != NULL ? 1 : 0, e);
}

int workspace_broker(struct workspace *w, enum broker_mode mode, struct err *e)
{
    struct broker_conf conf = {.url = w->project.broker,
                               .dir = w->project.data,
                               .mode = mode,
                               .options = w->project.broker_options.items,
                               .noptions = w->project.broker_options.n};
    bool here = broker_is_here(conf.url);

    if (here && mode == BROKER_READ && !fs_exists(w->project.data)) {
        return err_set(
            e, ERR_NOTFOUND,
            "there is no data directory \"%s\" yet; `pinline run` or "
            "`pinline serve` make one",
            w->project.data);
    }
    if (!here && w->only_topics) {
        return broker_open(&w->broker, &conf, e);
    }
    /* ledger and locks of a pipeline stand there, whoever keeps the topics */
    if ((mode == BROKER_WRITE || !here) &&
        fs_make_folders(w->project.data, e) < 0) {
        return -1;
    }
    if (group_settle(&w->project, e) < 0) {
        return -1;
    }
    group_name(&w->project, "objects", w->group_objects);
    group_name(&w->project, "file_stream", w->group_stream);
    return broker_open(&w->broker, &conf, e);
}

int workspace_objects(struct workspace *w, struct pipeline **ret, struct err *e)
{
    struct project *p = &w->project;
    struct pipeline_conf conf = {
        .name = "objects",
        .group = w->group_objects,
        .shared = !broker_is_here(p->broker),
        .data = p->data,
        .broker = w->broker,
        .sink = {.kind = "objects",
                 .flush_records = p->objects_flush_records,
                 .flush_bytes = p->objects_flush_bytes,
                 .flush_us = p->objects_flush_us,
                 .gzip = p->objects_gzip,
                 .array = p->objects_layout == PROJECT_ARRAY}};

    conf.sink.dir = project_objects_dir(p, e);
    if (conf.sink.dir == NULL ||
        catalog_topics(p, w->spec, &p->objects_topics, &conf.topics,
                       &conf.ntopics, e) < 0) {
        return -1;
    }
    conf.sink.objects = project_objects(p, e);
    conf.sink.store = project_store(p, conf.sink.dir, e);
    return conf.sink.objects == NULL || conf.sink.store == NULL
               ? -1
               : pipeline_open(ret, &conf, e);
}

int workspace_stream(struct workspace *w, struct pipeline **ret, struct err *e)
{
    struct project *p = &w->project;
    struct pipeline_conf conf = {
        .name = "file_stream",
        .group = w->group_stream,
        .data = p->data,
        .broker = w->broker,
        .sink = {.kind = "file_stream", .dir = p->file_stream}};

    *ret = NULL;
    if (p->file_stream[0] == '\0') {
        return 0;
    }
    return catalog_topics(p, w->spec, &p->file_stream_topics, &conf.topics,
                          &conf.ntopics, e) < 0
               ? -1
               : pipeline_open(ret, &conf, e);
}

/* One partition, and its end when the wait began. */
struct goal {
    const char *topic;
    int32_t partition;
    int64_t end;
};

static bool one_of(const char *const *patterns, size_t n, const char *topic)
{
    for (size_t i = 0; i < n; i++) {
        if (text_glob(patterns[i], slice_of(topic))) {
            return true;
        }
    }
    return false;
}

static int find_goals(struct workspace *w, const struct broker_topic *topics,
                      size_t n, struct goal **ret, size_t *ret_n, struct err *e)
{
    const char *const *patterns;
    size_t npatterns;
    size_t all = 0;

    if (catalog_topics(&w->project, w->spec, &w->project.objects_topics,
                       &patterns, &npatterns, e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        all += (size_t)topics[i].partitions;
    }
    *ret_n = 0;
    *ret = mem_zero(all + 1, sizeof(**ret));
    if (*ret == NULL) {
        return err_nomem(e, all * sizeof(**ret));
    }
    for (size_t i = 0; i < n; i++) {
        if (!one_of(patterns, npatterns, topics[i].name)) {
            continue;
        }
        for (int32_t p = 0; p < topics[i].partitions; p++) {
            struct goal *g = &(*ret)[(*ret_n)++];
            int64_t begin;

            *g = (struct goal){topics[i].name, p, 0};
            if (broker_offsets(w->broker, g->topic, p, &begin, &g->end, e) <
                0) {
                return -1;
            }
        }
    }
    return 0;
}

/* How many messages below the goals the objects do not hold yet. */
static int not_landed(struct workspace *w, const struct goal *goals, size_t n,
                      int64_t *ret, struct err *e)
{
    *ret = 0;
    for (size_t i = 0; i < n; i++) {
        struct broker_position at = {.offset = 0};
        struct err own;

        if (broker_group_get(w->broker, w->group_objects, goals[i].topic,
                             goals[i].partition, &at, &own) < 0 &&
            own.code != ERR_NOTFOUND) {
            if (e != NULL) {
                *e = own;
            }
            return -1;
        }
        *ret += goals[i].end > at.offset ? goals[i].end - at.offset : 0;
    }
    return 0;
}

static int wait_landed(struct workspace *w, int64_t wait_us, struct err *e)
{
    int64_t until = clock_mono_us() + wait_us;
    struct broker_topic *topics = NULL;
    struct goal *goals = NULL;
    int64_t left = 1;
    size_t ntopics = 0;
    size_t n = 0;
    int rc = broker_topic_list(w->broker, &topics, &ntopics, e);

    if (rc == 0) {
        rc = find_goals(w, topics, ntopics, &goals, &n, e);
    }
    while (rc == 0 && left > 0) {
        rc = not_landed(w, goals, n, &left, e);
        if (rc == 0 && left > 0 && clock_mono_us() > until) {
            rc = err_set(e, ERR_TIMEOUT,
                         "%" PRId64 " messages have not landed as objects in "
                         "time; is `serve` still at work?",
                         left);
        }
        if (rc == 0 && left > 0 && stop_wait(LAND_LOOK_US)) {
            rc = err_set(e, ERR_INTERRUPTED, "interrupted");
        }
    }
    mem_free(goals);
    mem_free(topics);
    return rc;
}

int workspace_land(struct workspace *w, int64_t wait_us, struct err *e)
{
    struct pipeline_counts n;
    struct pipeline *p = NULL;
    struct err own;
    int rc = workspace_objects(w, &p, &own);

    if (rc == 0) {
        bool shared = !broker_is_here(w->project.broker);

        rc = pipeline_once(p, &n, e);
        pipeline_close(p); /* what others had is theirs or ours soon */
        p = NULL;
        rc = rc == 0 && shared ? wait_landed(w, wait_us, e) : rc;
    } else if (own.code == ERR_BUSY) {
        rc = wait_landed(w, wait_us, e);
    } else if (e != NULL) {
        *e = own;
    }
    pipeline_close(p);
    return rc;
}

void workspace_close(struct workspace *w)
{
    broker_close(w->broker);
    spec_free(w->spec);
    project_release(&w->project);
    *w = (struct workspace){0};
}
