#include "flow/into_postgres.h"

#include <string.h>

/* The text behind "TABLE=" in a list of settings; false: not there. */
static bool find(const struct conf_list *list, const char *table,
                 struct slice *ret)
{
    for (size_t i = 0; i < list->n; i++) {
        struct slice rest = slice_of(list->items[i]);
        struct slice head;

        if (slice_cut(&rest, '=', &head) && slice_is(head, table)) {
            *ret = rest;
            return true;
        }
    }
    return false;
}

/* "ind+unique_id" -> names. */
static int split_key(struct project *p, struct slice text,
                     struct sink_conf *ret, struct err *e)
{
    size_t n = 1;
    const char **names;

    for (size_t i = 0; i < text.len; i++) {
        n += text.ptr[i] == '+';
    }
    names = arena_alloc(&p->arena, n * sizeof(*names), e);
    if (names == NULL) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct slice one;
        struct slice copy;

        (void)slice_cut(&text, '+', &one);
        if (arena_copy(&p->arena, one, &copy, e) < 0) {
            return -1;
        }
        names[i] = copy.ptr;
    }
    ret->key = names;
    ret->nkey = n;
    return 0;
}

int into_postgres(struct project *p, const char *table, struct sink_conf *ret,
                  struct err *e)
{
    struct slice text;

    ret->url = p->postgres_url;
    ret->conflict = (enum sink_conflict)p->postgres_conflict;
    if (find(&p->postgres_tables, table, &text)) {
        ret->into = text.ptr; /* the tail of an item is NUL-terminated */
    } else {
        ret->into = arena_printf(&p->arena, e, "clean_%s", table);
        if (ret->into == NULL) {
            return -1;
        }
    }
    return find(&p->postgres_key, table, &text) ? split_key(p, text, ret, e)
                                                : 0;
}
