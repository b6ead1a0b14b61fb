#include "cli/workspace.h"

#include <string.h>

#include "core/fs.h"
#include "core/mem.h"
#include "flow/catalog.h"

enum {
    FAULTS_BYTES = 1 << 20
};

static const char *const all_topics[] = {"*"};

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

int workspace_broker(struct workspace *w, enum broker_mode mode, struct err *e)
{
    struct broker_conf conf = {
        .url = w->project.broker, .dir = w->project.data, .mode = mode};

    if (mode == BROKER_READ && !fs_exists(w->project.data)) {
        return err_set(
            e, ERR_NOTFOUND,
            "there is no data directory \"%s\" yet; `pinline run` or "
            "`pinline serve` make one",
            w->project.data);
    }
    if (mode == BROKER_WRITE && fs_make_folders(w->project.data, e) < 0) {
        return -1;
    }
    return broker_open(&w->broker, &conf, e);
}

int workspace_objects(struct workspace *w, struct pipeline **ret, struct err *e)
{
    struct project *p = &w->project;
    struct pipeline_conf conf = {
        .name = "objects",
        .data = p->data,
        .broker = w->broker,
        .topics = all_topics,
        .ntopics = ARRAY_LEN(all_topics),
        .sink = {.kind = "objects",
                 .topics_dir = p->objects_topics_dir,
                 .flush_records = p->objects_flush_records,
                 .flush_bytes = p->objects_flush_bytes,
                 .flush_us = p->objects_flush_us,
                 .gzip = p->objects_gzip,
                 .array = p->objects_layout == PROJECT_ARRAY}};

    conf.sink.dir = project_objects_dir(p, e);
    return conf.sink.dir == NULL ? -1 : pipeline_open(ret, &conf, e);
}

int workspace_stream(struct workspace *w, struct pipeline **ret, struct err *e)
{
    struct project *p = &w->project;
    struct pipeline_conf conf = {
        .name = "file_stream",
        .data = p->data,
        .broker = w->broker,
        .topics = p->file_stream_topics.items,
        .ntopics = p->file_stream_topics.n,
        .sink = {.kind = "file_stream", .dir = p->file_stream}};

    *ret = NULL;
    return p->file_stream[0] == '\0' ? 0 : pipeline_open(ret, &conf, e);
}

void workspace_close(struct workspace *w)
{
    broker_close(w->broker);
    spec_free(w->spec);
    project_release(&w->project);
    *w = (struct workspace){0};
}
