#include <string.h>

#include "core/mem.h"
#include "core/num.h"
#include "source/generator_flaw_int.h"
#include "source/source_ops.h"

struct generator {
    struct gen gen;
    enum gen_table table[SOURCE_TABLES_MAX];
    struct gen_fact fact; /* of row known_n, which three tables ask for */
    int64_t known_n;
    struct gen_row row;
};

static const char *const table_names[GEN_TABLES] = {"pin", "geo", "user"};

static int find_table(const char *name, enum gen_table *ret, struct err *e)
{
    for (int i = 0; i < GEN_TABLES; i++) {
        if (strcmp(name, table_names[i]) == 0) {
            *ret = (enum gen_table)i;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID,
                   "the generator has no table \"%s\"; it has pin, geo, user",
                   name);
}

/* "rows=N,seed=N,bad=SHARE,duplicates=SHARE" behind "generator:". */
static int read_option(struct slice item, struct source_conf *conf,
                       struct err *e)
{
    struct slice value = item;
    struct slice name;
    bool ok = false;

    if (slice_cut(&value, '=', &name)) {
        if (slice_is(name, "rows")) {
            ok = num_i64(value, &conf->rows) && conf->rows > 0;
        } else if (slice_is(name, "seed")) {
            ok = num_u64(value, &conf->seed);
        } else if (slice_is(name, "bad")) {
            ok = num_double(value, &conf->bad);
        } else if (slice_is(name, "duplicates")) {
            ok = num_double(value, &conf->duplicates);
        }
    }
    if (ok) {
        return 0;
    }
    return err_set(e, ERR_INVALID,
                   "cannot use \"%.*s\" behind \"generator:\"; there are "
                   "rows=N, seed=N, bad=SHARE and duplicates=SHARE, parted by "
                   "commas",
                   SLICE_FMT(item));
}

static int open_generator(void **ret, const char *rest,
                          const struct source_conf *conf, struct err *e)
{
    struct source_conf own = *conf;
    struct slice options = slice_of(rest);
    struct generator *s;

    while (options.len > 0) {
        struct slice item;

        (void)slice_cut(&options, ',', &item);
        if (read_option(item, &own, e) != 0) {
            return -1;
        }
    }
    s = mem_zero(1, sizeof(*s));
    if (s == NULL) {
        return err_nomem(e, sizeof(*s));
    }
    s->known_n = -1;
    for (size_t i = 0; i < conf->ntables; i++) {
        if (find_table(conf->tables[i], &s->table[i], e) != 0) {
            mem_free(s);
            return -1;
        }
    }
    if (generator_init(&s->gen, &own, e) != 0) {
        mem_free(s);
        return -1;
    }
    *ret = s;
    return 0;
}

static int count_rows(void *handle, size_t table, int64_t *ret, struct err *e)
{
    struct generator *s = handle;

    (void)table;
    (void)e;
    *ret = s->gen.rows;
    return 0;
}

static int put_row(void *handle, size_t table, int64_t n, struct buf *b,
                   bool *ret_json, struct err *e)
{
    struct generator *s = handle;
    const struct gen_flaw *flaw;
    size_t before = b->len;

    if (n >= s->gen.rows) {
        return err_set(e, ERR_NOTFOUND, "the generator has no row %lld",
                       (long long)n);
    }
    n = generator_original(&s->gen, n);
    if (n != s->known_n) {
        generator_facts(&s->gen, n, &s->fact);
        s->known_n = n;
    }
    generator_spell(&s->gen, &s->fact, s->table[table], &s->row);
    flaw = generator_flaw(&s->gen, s->table[table], n);
    if (flaw == NULL) {
        *ret_json = true;
        return generator_compose(&s->row, b, e);
    }
    if (generator_flawed(flaw, &s->fact, &s->row, b, e) != 0) {
        b->len = before;
        return -1;
    }
    *ret_json = flaw->json != 0;
    return 0;
}

const struct source_ops source_generator = {
    .name = "generator",
    .scheme = "generator:",
    .help = "generator:[rows=N,seed=N,bad=SHARE,duplicates=SHARE]",
    .open = open_generator,
    .close = mem_free,
    .rows = count_rows,
    .row = put_row,
};
