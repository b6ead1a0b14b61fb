/*
 * stream_keeper.c - compaction beside a stream.
 *
 * A thread of its own with a handle of its own: commits of the stream go on,
 * and of two commits at once one is made again (lake/delta.h).
 */
#include "core/clock.h"
#include "core/stop.h"
#include "flow/catalog.h"
#include "flow/stream_int.h"
#include "flow/tidy.h"

enum {
    PATHS_MAX = 1 << 20,
    STEP_US = 20000,
};

static bool ended(const struct stream *s)
{
    return stop_asked() || atomic_load(&s->halt) || atomic_load(&s->done);
}

static void keep_all(struct stream *s)
{
    const struct stream_conf *c = s->conf;
    struct tidy_conf conf = {.compact = true,
                             .least = (size_t)c->project->stream_compact_files,
                             .threads = 1};
    struct project p = *c->project;

    arena_init(&p.arena, PATHS_MAX);
    for (size_t i = 0; i < c->spec->ntables && !ended(s); i++) {
        const char *name = c->spec->tables[i].name;
        struct tidy_result done;
        struct err e;
        const char *dir = catalog_table_dir(&p, name, &e);

        conf.store = dir != NULL ? project_store(&p, dir, &e) : NULL;
        /* another writer was faster, or the store is away: next time */
        if (conf.store != NULL && tidy_table(dir, &conf, &done, &e) < 0 &&
            e.code != ERR_NOTFOUND && e.code != ERR_CONFLICT &&
            c->failed != NULL) {
            c->failed(c->arg, name, &e);
        }
    }
    arena_release(&p.arena);
}

void stream_keep(void *arg)
{
    struct stream *s = arg;
    int64_t every = s->conf->project->stream_compact_us;
    int64_t next = clock_mono_us() + every;

    while (!ended(s)) {
        clock_sleep_us(STEP_US);
        if (clock_mono_us() >= next) {
            keep_all(s);
            next = clock_mono_us() + every;
        }
    }
}
