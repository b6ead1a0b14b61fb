#include "sched/graph.h"

#include <string.h>

#include "core/text.h"

enum {
    NAME_MAX_BYTES = 64
};

struct draft {
    struct graph_task tasks[SCHED_TASKS_MAX];
    struct slice upstream[SCHED_TASKS_MAX]; /* words, as written */
};

static bool name_ok(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
              (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-')) {
            return false;
        }
    }
    return s.len > 0 && s.len <= NAME_MAX_BYTES;
}

static int find(const struct draft *d, size_t n, struct slice name)
{
    for (size_t i = 0; i < n; i++) {
        if (slice_is(name, d->tasks[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_own(const char *const *own, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(own[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static int keep(struct arena *a, struct slice s, const char **ret,
                struct err *e)
{
    struct slice copy;

    if (arena_copy(a, s, &copy, e) < 0) {
        return -1;
    }
    *ret = copy.ptr;
    return 0;
}

/* "NAME < UP UP = COMMAND" */
static int read_line(struct draft *d, size_t at, const char *line,
                     struct arena *a, struct err *e)
{
    struct graph_task *t = &d->tasks[at];
    struct slice command = slice_of(line);
    struct slice rest;
    struct slice name;
    bool has_command = slice_cut(&command, '=', &rest);

    (void)slice_cut(&rest, '<', &name);
    name = slice_trim(name);
    d->upstream[at] = slice_trim(rest);
    *t = (struct graph_task){0};
    if (!name_ok(name)) {
        return err_set(e, ERR_INVALID,
                       "task \"%s\": its name must be 1 to %d letters, digits "
                       "and _ . -",
                       line, NAME_MAX_BYTES);
    }
    if (find(d, at, name) >= 0) {
        return err_set(e, ERR_INVALID, "task \"%.*s\" is there twice",
                       SLICE_FMT(name));
    }
    if (has_command && keep(a, slice_trim(command), &t->command, e) < 0) {
        return -1;
    }
    return keep(a, name, &t->name, e);
}

static int link_upstream(struct draft *d, size_t n, size_t at, struct err *e)
{
    struct slice rest = d->upstream[at];
    struct slice word;

    while (rest.len > 0) {
        int i;

        (void)slice_cut(&rest, ' ', &word);
        word = slice_trim(word);
        rest = slice_trim(rest);
        i = find(d, n, word);
        if (i < 0) {
            return err_set(e, ERR_INVALID,
                           "task \"%s\" waits for \"%.*s\", which is no task",
                           d->tasks[at].name, SLICE_FMT(word));
        }
        d->tasks[at].upstream |= (uint64_t)1 << i;
    }
    return 0;
}

/* A set of tasks by their numbers in `place`. */
static uint64_t moved(uint64_t tasks, const size_t place[SCHED_TASKS_MAX])
{
    uint64_t ret = 0;

    for (size_t k = 0; k < SCHED_TASKS_MAX; k++) {
        if (tasks >> k & 1) {
            ret |= (uint64_t)1 << place[k];
        }
    }
    return ret;
}

/* Copy the tasks so that each comes behind all it waits for. */
static int sort(struct graph *g, const struct draft *d, size_t n, struct err *e)
{
    uint64_t done = 0;
    size_t place[SCHED_TASKS_MAX] = {0};

    g->n = 0;
    while (g->n < n) {
        size_t before = g->n;

        for (size_t i = 0; i < n; i++) {
            const struct graph_task *t = &d->tasks[i];

            if (done >> i & 1 || (t->upstream & ~done) != 0) {
                continue;
            }
            place[i] = g->n++;
            g->tasks[place[i]] = (struct graph_task){t->name, t->command,
                                                     moved(t->upstream, place)};
            done |= (uint64_t)1 << i;
        }
        if (g->n == before) {
            size_t i = 0;

            while (done >> i & 1) {
                i++;
            }
            return err_set(e, ERR_INVALID,
                           "task \"%s\" waits for itself in a circle",
                           d->tasks[i].name);
        }
    }
    return 0;
}

int graph_parse(struct graph *g, const char *const *lines, size_t n,
                const char *const *own, size_t nown, struct arena *a,
                struct err *e)
{
    struct draft d;

    if (n == 0 || n > SCHED_TASKS_MAX) {
        return err_set(e, ERR_INVALID, "a schedule has 1 to %d tasks, not %zu",
                       SCHED_TASKS_MAX, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (read_line(&d, i, lines[i], a, e) < 0) {
            return -1;
        }
        if (d.tasks[i].command == NULL && !is_own(own, nown, d.tasks[i].name)) {
            const char *near =
                text_nearest(slice_of(d.tasks[i].name), own, nown);

            return err_set(e, ERR_INVALID,
                           "task \"%s\" is none of the project's (%s%s) and "
                           "has no \"= COMMAND\"",
                           d.tasks[i].name, near ? "the nearest is " : "load, ",
                           near ? near : "clean_TABLE, query, batch");
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (link_upstream(&d, n, i, e) < 0) {
            return -1;
        }
    }
    g->regular = n;
    return sort(g, &d, n, e);
}

int graph_find(const struct graph *g, const char *name)
{
    for (size_t i = 0; i < g->n; i++) {
        if (strcmp(g->tasks[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int graph_add_single(struct graph *g, const char *const *own, size_t nown,
                     struct err *e)
{
    for (size_t i = 0; i < nown; i++) {
        if (graph_find(g, own[i]) >= 0) {
            continue;
        }
        if (g->n == SCHED_TASKS_MAX) {
            return err_set(e, ERR_INVALID, "a schedule has at most %d tasks",
                           SCHED_TASKS_MAX);
        }
        g->tasks[g->n++] = (struct graph_task){own[i], NULL, 0};
    }
    return 0;
}

enum graph_verdict graph_look(const struct graph *g, size_t task,
                              const enum sched_state *states)
{
    enum graph_verdict verdict = GRAPH_READY;

    for (size_t i = 0; i < task; i++) {
        if (!(g->tasks[task].upstream >> i & 1) || states[i] == SCHED_SUCCESS) {
            continue;
        }
        if (states[i] == SCHED_FAILED || states[i] == SCHED_UPSTREAM_FAILED ||
            states[i] == SCHED_CANCELED) {
            return GRAPH_FAILED;
        }
        if (states[i] == SCHED_SKIPPED) {
            verdict = GRAPH_SKIP;
        } else if (verdict == GRAPH_READY) {
            verdict = GRAPH_WAIT;
        }
    }
    return verdict;
}
