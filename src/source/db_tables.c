/* db_tables.c - which tables of a database are meant, and their keys. */
#include <string.h>

#include "core/embed.h"
#include "core/mem.h"
#include "core/num.h"
#include "source/db_int.h"

extern const struct embed_file source_sql[];

enum {
    SAME_NAME = 1 << 20, /* worth more than any number of columns */
    NAME_USUAL = 1 << 12,
    NAME_BEGINS = 1 << 10,
};

static const char *const keys[] = {"index", "ind", "idx"};

/* What the seeds' databases call them. */
static const char *const usual[] = {"pinterest_data", "geolocation_data",
                                    "user_data"};

static bool is_usual(struct slice name)
{
    for (size_t i = 0; i < ARRAY_LEN(usual); i++) {
        if (slice_is(name, usual[i])) {
            return true;
        }
    }
    return false;
}

/* A table that was seen in the catalogue, weighed for each of ours. */
struct seen {
    char name[DB_NAME_MAX];
    char key[DB_NAME_MAX];
    size_t key_rank; /* lower is better; ARRAY_LEN(keys): none */
    int64_t indexed;
    int64_t score[SOURCE_TABLES_MAX];
};

struct look {
    const struct source_conf *conf;
    const char *query; /* of the url */
    struct slice key;  /* ?key=; empty: the usual ones */
    struct seen now;   /* whose columns are coming */
    struct seen best[SOURCE_TABLES_MAX];
    bool tie[SOURCE_TABLES_MAX];
};

static bool copy_name(char to[DB_NAME_MAX], struct slice name)
{
    if (name.len == 0 || name.len >= DB_NAME_MAX ||
        memchr(name.ptr, '\0', name.len) != NULL) {
        return false;
    }
    memcpy(to, name.ptr, name.len);
    to[name.len] = '\0';
    return true;
}

/* Where our table i stands when `now` is compared with the best so far. */
static void weigh(struct look *l, size_t i)
{
    struct slice name = slice_of(l->now.name);
    const char *ours = l->conf->tables[i];
    int64_t score = l->now.score[i];
    struct slice given;

    if (login_param(l->query, ours, &given)) {
        score = slice_eq(given, name) ? SAME_NAME : 0;
    } else if (slice_is(name, ours)) {
        score = SAME_NAME;
    } else if (score > 0 && slice_starts(name, slice_of(ours))) {
        score += NAME_BEGINS + (is_usual(name) ? NAME_USUAL : 0);
    }
    if (score == 0 || score < l->best[i].score[0]) {
        return;
    }
    l->tie[i] = score == l->best[i].score[0];
    l->best[i] = l->now;
    l->best[i].score[0] = score;
}

static void end_table(struct look *l)
{
    for (size_t i = 0; i < l->conf->ntables && l->now.name[0] != '\0'; i++) {
        weigh(l, i);
    }
}

static size_t rank_of(const struct look *l, struct slice column)
{
    size_t i = 0;

    if (l->key.len > 0) {
        return slice_eq(column, l->key) ? 0 : ARRAY_LEN(keys);
    }
    while (i < ARRAY_LEN(keys) && !slice_is(column, keys[i])) {
        i++;
    }
    return i;
}

/* One column of the catalogue: table, column, whole number?, index. */
static int see(void *arg, const struct slice *values, size_t n, struct err *e)
{
    struct look *l = arg;
    size_t rank;

    (void)e;
    if (n != 4) {
        return err_set(e, ERR_INVALID, "the catalogue has %zu columns", n);
    }
    if (!slice_is(values[0], l->now.name)) {
        end_table(l);
        l->now = (struct seen){.key_rank = ARRAY_LEN(keys)};
        if (!copy_name(l->now.name, values[0])) {
            return 0;
        }
    }
    rank = rank_of(l, values[1]);
    if (rank < l->now.key_rank &&
        (slice_is(values[2], "t") || slice_is(values[2], "1")) &&
        copy_name(l->now.key, values[1])) {
        l->now.key_rank = rank;
        (void)num_i64(values[3], &l->now.indexed);
    }
    for (size_t i = 0; i < l->conf->ntables && l->conf->guess != NULL; i++) {
        const struct guess_table *g = &l->conf->guess->tables[i];

        for (size_t k = 0; k < g->ncolumns; k++) {
            l->now.score[i] += slice_is(values[1], g->columns[k]) ? 1 : 0;
        }
    }
    return 0;
}

/* Whether the best table for i is a better one for another of ours: they are
 * all joined by a column of one name, which alone makes none fit. */
static bool is_taken(const struct look *l, size_t i)
{
    const struct seen *best = &l->best[i];

    for (size_t k = 0; k < l->conf->ntables; k++) {
        if (k != i && strcmp(l->best[k].name, best->name) == 0 &&
            l->best[k].score[0] > best->score[0]) {
            return true;
        }
    }
    return false;
}

static int choose(struct db_source *s, const struct look *l, size_t i,
                  struct err *e)
{
    struct db_table *t = &s->tables[i];
    const struct seen *best = &l->best[i];
    const char *ours = l->conf->tables[i];
    char who[LOGIN_URL_MAX];
    struct slice given;

    login_say(&s->login, who);
    if (best->score[0] == 0 && login_param(l->query, ours, &given)) {
        return err_set(e, ERR_NOTFOUND,
                       "database \"%s\" has no table \"%.*s\" that user "
                       "\"%s\" can see; name another, or have it granted",
                       who, SLICE_FMT(given), s->login.user);
    }
    if (best->score[0] == 0 || l->tie[i] || is_taken(l, i)) {
        return err_set(e, ERR_NOTFOUND,
                       "cannot tell which table of database \"%s\" holds the "
                       "rows of \"%s\"; name it in the url: ?%s=NAME, or make "
                       "tables by `pinline generate --to URL`",
                       who, ours, ours);
    }
    memcpy(t->name, best->name, sizeof(t->name));
    memcpy(t->key, best->key, sizeof(t->key));
    t->indexed = (int)best->indexed;
    return 0;
}

int db_source_find(struct db_source *s, const struct source_conf *conf,
                   struct err *e)
{
    struct look *l = mem_zero(1, sizeof(*l));
    struct slice sql = SLICE("");
    int rc;

    if (l == NULL) {
        return err_nomem(e, sizeof(*l));
    }
    l->conf = conf;
    l->query = s->login.query;
    (void)login_param(l->query, "key", &l->key);
    (void)embed_find(source_sql, s->dialect->catalogue, &sql);
    rc = s->dialect->ask(s->db, sql.ptr, see, l, e);
    end_table(l);
    for (size_t i = 0; i < conf->ntables && rc == 0; i++) {
        rc = choose(s, l, i, e);
    }
    mem_free(l);
    return rc;
}

static int put_name(const struct db_source *s, const char *name, struct buf *b,
                    struct err *e)
{
    char quote = s->dialect->quote;

    if (buf_putc(b, quote, e) < 0) {
        return -1;
    }
    for (; *name != '\0'; name++) {
        if ((*name == quote && buf_putc(b, quote, e) < 0) ||
            buf_putc(b, *name, e) < 0) {
            return -1;
        }
    }
    return buf_putc(b, quote, e);
}

int db_source_sql(const struct db_source *s, const struct db_table *t,
                  const char *file, char **ret, struct err *e)
{
    struct slice rest = SLICE("");
    struct slice part;
    struct buf b;
    bool more = embed_find(source_sql, file, &rest);
    bool name = false;
    int rc = 0;

    buf_init(&b, DB_SQL_MAX);
    for (; more && rc == 0; name = !name) {
        more = slice_cut(&rest, '@', &part);
        rc = !name
                 ? buf_append(&b, part, e)
                 : put_name(s, slice_is(part, "key") ? t->key : t->name, &b, e);
    }
    if (rc == 0) {
        const char *text;

        rc = buf_text(&b, &text, e);
        if (rc == 0 && (*ret = mem_text(text, b.len)) == NULL) {
            rc = err_nomem(e, b.len);
        }
    }
    buf_release(&b);
    return rc;
}
