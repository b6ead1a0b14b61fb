/* A spec that is accepted has a key, columns and a hash, gives the same hash
 * again, and prints as SQL; one that is not has at least one fault. */
#include <string.h>

#include "clean/clean.h"
#include "clean/sql.h"
#include "fuzz.h"

static void check_table(const struct spec *s, const struct spec_table *t)
{
    static const char text[] = "{\"a\":1,\"b\":\"x,y\",\"index\":\"5\"}";
    struct message m = {.value = slice_of(text), .has_value = true};
    struct clean_conf conf = {.table = t};
    struct clean_out out;
    struct clean *c = NULL;
    struct buf b;
    struct err e;

    require(t->nkeys > 0 && t->ndefs > 0 && strlen(t->hash) == 64);
    buf_init(&b, 16 << 20);
    if (sql_script(s, t, SQL_DUCKDB, &b, &e) != 0) {
        require(e.code == ERR_UNAVAILABLE || e.code == ERR_LIMIT);
    }
    buf_clear(&b);
    if (sql_query(t, SQL_SPARK, &b, &e) != 0) {
        require(e.code == ERR_UNAVAILABLE || e.code == ERR_LIMIT);
    }
    buf_release(&b);
    require(clean_out_init(&out, t, &e) == 0);
    if (clean_new(&c, &conf, &e) == 0) {
        if (clean_messages(c, &m, 1, &out, &e) != 0) {
            require(e.code == ERR_DATA);
        }
        require(out.rows.rows + out.nrejects <= 1);
    }
    clean_free(c);
    clean_out_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct spec *s = NULL, *again = NULL;
    struct faults f;
    struct err e;

    faults_init(&f);
    if (spec_load(&s, text, "fuzz.yaml", NULL, &f, &e) != 0) {
        require(f.count > 0 || e.code == ERR_NOMEM);
        faults_release(&f);
        return 0;
    }
    require(f.count == 0 && s->ntables > 0);
    require(spec_load(&again, text, "fuzz.yaml", NULL, &f, &e) == 0);
    require(strcmp(s->hash, again->hash) == 0);
    for (size_t i = 0; i < s->ntables; i++) {
        check_table(s, &s->tables[i]);
    }
    spec_free(again);
    spec_free(s);
    faults_release(&f);
    return 0;
}
