#include "sched/graph.h"

#include <string.h>

#include "test.h"

static const char *const own[] = {"load", "clean_pin", "clean_geo", "query"};

static int parse(struct graph *g, struct arena *a, const char *const *lines,
                 size_t n, struct err *e)
{
    return graph_parse(g, lines, n, own, ARRAY_LEN(own), a, e);
}

static void tasks_come_behind_what_they_wait_for(void)
{
    static const char *const lines[] = {
        "query < clean_pin clean_geo",
        "clean_pin < load",
        "load",
        "clean_geo < load",
        "tell < query = echo done = yes",
    };
    enum sched_state states[SCHED_TASKS_MAX] = {SCHED_QUEUED};
    struct graph g;
    struct arena a;
    struct err e;

    arena_init(&a, 1 << 20);
    CHECK_OK(parse(&g, &a, lines, ARRAY_LEN(lines), &e), &e);
    CHECK_INT(g.n, 5);
    for (size_t i = 0; i < g.n; i++) {
        CHECK(g.tasks[i].upstream >> i == 0);
        states[i] = SCHED_QUEUED;
    }
    CHECK_TEXT(slice_of(g.tasks[0].name), "load");
    CHECK_TEXT(slice_of(g.tasks[4].name), "tell");
    CHECK_TEXT(slice_of(g.tasks[4].command), "echo done = yes");
    CHECK(graph_look(&g, 0, states) == GRAPH_READY);
    CHECK(graph_look(&g, 1, states) == GRAPH_WAIT);
    states[0] = SCHED_SUCCESS;
    CHECK(graph_look(&g, 1, states) == GRAPH_READY);
    states[1] = SCHED_FAILED;
    CHECK(graph_look(&g, 3, states) == GRAPH_FAILED);
    states[1] = SCHED_SKIPPED;
    CHECK(graph_look(&g, 3, states) == GRAPH_SKIP);
    arena_release(&a);
}

static void what_is_wrong_is_named(void)
{
    static const struct {
        const char *lines[3];
        const char *word;
    } cases[] = {
        {{"load", "clean_pin < lode", "query"}, "\"lode\", which is no task"},
        {{"load < query", "query < load", "clean_pin"}, "circle"},
        {{"load < load", "query", "clean_pin"}, "circle"},
        {{"load", "load", "query"}, "twice"},
        {{"load", "clean_pan", "query"}, "the nearest is clean_pin"},
        {{"load", "bad name = true", "query"}, "letters, digits"},
    };
    struct arena a;

    arena_init(&a, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct graph g;
        struct err e;

        CHECK(parse(&g, &a, cases[i].lines, 3, &e) < 0);
        CHECK(e.code == ERR_INVALID);
        if (strstr(e.msg, cases[i].word) == NULL) {
            test_fail(__FILE__, __LINE__, "case %zu: %s", i, e.msg);
        }
    }
    arena_release(&a);
}

static const struct test tests[] = {
    {"tasks come behind what they wait for",
     tasks_come_behind_what_they_wait_for},
    {"what is wrong is named", what_is_wrong_is_named},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
