/*
 * graph.h - the tasks of a run and what waits for what.
 *
 * Written as one line a task: "NAME", "NAME < UPSTREAM UPSTREAM", and behind
 * "=" a shell command where it is not one of the project's own tasks:
 *
 *     load
 *     clean_pin < load
 *     export < clean_pin = ./export.sh
 */
#ifndef SCHED_GRAPH_H
#define SCHED_GRAPH_H

#include "core/arena.h"
#include "sched/journal.h"

struct graph_task {
    const char *name;    /* [A-Za-z0-9_.-], 1..64 bytes */
    const char *command; /* NULL: the project's own task of this name */
    uint64_t upstream;   /* bit i: waits for task i, which is before it */
};

struct graph {
    struct graph_task tasks[SCHED_TASKS_MAX]; /* upstream before downstream */
    size_t n;
    size_t regular; /* the first of them make up a run; the others are run only
                       when somebody asks for one */
};

/* Texts are kept in the arena.  own: names that need no command.  ERR_INVALID
 * names the line: an unknown or repeated name, a circle, too many. */
int graph_parse(struct graph *g, const char *const *lines, size_t n,
                const char *const *own, size_t nown, struct arena *a,
                struct err *e) MUST_USE;

/* Tasks of `own` that are not in the graph, to be asked for one by one. */
int graph_add_single(struct graph *g, const char *const *own, size_t nown,
                     struct err *e) MUST_USE;
/* The task of a name; -1 when there is none. */
int graph_find(const struct graph *g, const char *name);

enum graph_verdict {
    GRAPH_WAIT,   /* something upstream is under way */
    GRAPH_READY,  /* all upstream succeeded */
    GRAPH_FAILED, /* something upstream failed: upstream_failed */
    GRAPH_SKIP,   /* something upstream was skipped */
};

/* What is to be done with a queued task; states[i] is task i's. */
enum graph_verdict graph_look(const struct graph *g, size_t task,
                              const enum sched_state *states);

#endif
