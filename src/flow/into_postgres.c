#include "flow/into_postgres.h"

int into_postgres(struct project *p, const char *table, struct sink_conf *ret,
                  struct err *e)
{
    struct slice text;

    ret->url = p->postgres_url;
    ret->conflict = (enum sink_conflict)p->postgres_conflict;
    if (project_item(&p->postgres_tables, table, &text)) {
        ret->into = text.ptr;
    } else {
        ret->into = arena_printf(&p->arena, e, "clean_%s", table);
        if (ret->into == NULL) {
            return -1;
        }
    }
    return project_columns(p, &p->postgres_key, table, &ret->key, &ret->nkey,
                           e);
}
