#include "flow/recognise.h"

#include <string.h>

#include "flow/catalog.h"

static void add_key(struct recognise *r, const char *key)
{
    for (size_t i = 0; i < r->guess.nkeys; i++) {
        if (strcmp(r->keys[i], key) == 0) {
            return;
        }
    }
    if (r->guess.nkeys < DECODE_KEYS_MAX) {
        r->keys[r->guess.nkeys++] = key;
    }
}

void recognise_init(struct recognise *r, const struct spec *s,
                    const char *const *names, size_t n)
{
    assert(n <= SOURCE_TABLES_MAX);
    *r = (struct recognise){
        .guess = {.tables = r->tables, .ntables = n, .keys = r->keys}};
    for (size_t i = 0; i < n; i++) {
        r->tables[i] = (struct guess_table){.name = names[i]};
        for (size_t t = 0; t < s->ntables; t++) {
            const struct spec_table *table = &s->tables[t];

            if (strcmp(table->name, names[i]) != 0) {
                continue;
            }
            r->tables[i].columns = table->fields;
            r->tables[i].ncolumns = table->nfields;
            for (size_t k = 0; k < table->nkeys; k++) {
                add_key(r, table->keys[k]);
            }
        }
    }
}

int recognise_open(struct source **ret, struct source_conf *conf,
                   const struct project *p, struct err *e)
{
    struct recognise known;
    struct spec *spec = NULL;
    int rc;

    if (strncmp(conf->url, "generator:", strlen("generator:")) == 0) {
        return source_open(ret, conf, e);
    }
    if (catalog_spec(&spec, p, NULL, e) < 0) {
        return -1;
    }
    recognise_init(&known, spec, conf->tables, conf->ntables);
    conf->guess = &known.guess;
    rc = source_open(ret, conf, e);
    conf->guess = NULL;
    spec_free(spec);
    return rc;
}
