/* The tasks of a run: of lines that are taken each task waits only for tasks
 * before it, is found by its name, and something can always begin. */
#include <string.h>

#include "fuzz.h"
#include "sched/graph.h"

enum {
    LINES_MAX = SCHED_TASKS_MAX + 1,
    BYTES_MAX = 4096
};

static void check_graph(const struct graph *g)
{
    require(g->n > 0 && g->n <= SCHED_TASKS_MAX && g->regular <= g->n);
    for (size_t i = 0; i < g->n; i++) {
        const struct graph_task *t = &g->tasks[i];
        size_t len = strlen(t->name);

        require(len >= 1 && len <= 64);
        require(t->upstream >> i == 0);
        require(graph_find(g, t->name) == (int)i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const own[] = {"load", "clean_pin"};
    const char *lines[LINES_MAX];
    char text[BYTES_MAX + 1];
    static struct graph g;
    struct arena a;
    struct err e = {0};
    size_t n = 0;
    char *at = text;

    if (size > BYTES_MAX) {
        return 0;
    }
    if (size > 0) {
        memcpy(text, data, size);
    }
    text[size] = '\0';
    while (n < LINES_MAX && at != NULL) {
        char *end = strchr(at, '\n');

        lines[n++] = at;
        if (end != NULL) {
            *end++ = '\0';
        }
        at = end;
    }
    arena_init(&a, 1 << 20);
    if (graph_parse(&g, lines, n, own, ARRAY_LEN(own), &a, &e) == 0) {
        check_graph(&g);
        if (graph_add_single(&g, own, ARRAY_LEN(own), &e) == 0) {
            check_graph(&g);
            require(graph_find(&g, own[0]) >= 0 && graph_find(&g, own[1]) >= 0);
        }
    } else {
        require(e.msg[0] != '\0');
    }
    arena_release(&a);
    return 0;
}
