/* An answer's file that is taken makes SQL for every choice of every of its
 * parameters, and the SQL holds no condition any more. */
#include <stdlib.h>
#include <string.h>

#include "core/mem.h"
#include "flow/analysis_int.h"
#include "fuzz.h"

static void expand(const struct analysis *a, const struct analysis_choice *c,
                   size_t n)
{
    struct buf b;
    struct err e;

    buf_init(&b, 1 << 24);
    /* a condition may name what is no parameter; that is an error */
    if (analysis_sql(a, c, n, &b, &e) < 0 && e.code != ERR_MALFORMED &&
        e.code != ERR_LIMIT) {
        abort();
    }
    buf_release(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice bytes = {(const char *)data, size};
    struct analyses *all = mem_zero(1, sizeof(*all));
    struct err e;

    if (all == NULL) {
        return 0;
    }
    arena_init(&all->arena, 1 << 24);
    if (analysis_parse(all, "x/01-fuzz.sql", bytes, &e) == 0) {
        const struct analysis *a = analyses_at(all, 0);

        expand(a, NULL, 0);
        for (size_t i = 0; i < a->nparams; i++) {
            for (size_t k = 0; k < a->params[i].n; k++) {
                const struct analysis_choice c = {a->params[i].name,
                                                  a->params[i].choices[k]};

                expand(a, &c, 1);
            }
        }
    }
    if (analysis_parse_views(all, "x/views.sql", bytes, &e) < 0 &&
        e.code != ERR_MALFORMED && e.code != ERR_LIMIT) {
        abort();
    }
    analyses_free(all);
    return 0;
}
