#include <inttypes.h>
#include <string.h>

#include "cli/cmd_int.h"
#include "cli/table.h"
#include "core/arena.h"
#include "core/mem.h"
#include "core/secret.h"
#include "flow/emulator.h"
#include "flow/project.h"
#include "flow/recognise.h"

extern const struct cmd cmd_emulate;

enum {
    SETS_MAX = 64,
    SHOW_MAX = 64 << 20
};

static const char *const orders[] = {"random", "sequential", "cpython", NULL};
static const char *const contracts[] = {
    "gateway", "kafka-v2", "kafka-v3", "kinesis", "pin", "send_data", NULL};

static const struct opt opts[] = {
    {.name = "batch",
     .kind = OPT_INT,
     .arg = "N",
     .min = 1,
     .max = EMULATOR_PER_REQUEST_MAX,
     .help = "Records of a table in one request, 1 by default as users post"},
    {.name = "ca-file",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Trust these certificates instead of the system's"},
    {.name = "connections",
     .kind = OPT_INT,
     .arg = "N",
     .min = 1,
     .max = 1024,
     .help = "Requests at once: 64 with --pace max, else one a table, which "
             "keeps the order of each topic"},
    {.name = "contract",
     .kind = OPT_CHOICE,
     .arg = "NAME",
     .choices = contracts,
     .help = "How records are put into requests, kafka-v2 by default"},
    {.name = "dry-run", .kind = OPT_FLAG, .help = "Post nothing"},
    {.name = "format",
     .kind = OPT_CHOICE,
     .arg = "FORMAT",
     .choices = table_formats,
     .help = "How the counts are printed: table, json or csv"},
    {.name = "loop",
     .kind = OPT_FLAG,
     .help = "Post until stopped (Ctrl-C), however many rows there are"},
    {.name = "order",
     .kind = OPT_CHOICE,
     .arg = "ORDER",
     .choices = orders,
     .help = "Which rows: random (the default), sequential, or cpython: the "
             "very rows that random.seed(N) and randint(0, 11000) draw"},
    {.name = "pace",
     .kind = OPT_TEXT,
     .arg = "PACE",
     .help = "max (the default), N/s rows a second, or A-Bs: whole seconds "
             "between rows, B not included, as randrange(A, B)"},
    {.name = "prefix",
     .kind = OPT_TEXT,
     .arg = "ID",
     .help = "Post to ID.pin, ID.geo, ID.user"},
    {.name = "rows",
     .kind = OPT_INT,
     .arg = "N",
     .help = "Rows to draw, each posted once to every table, 500 by default; "
             "0: all rows once, in order"},
    {.name = "seed",
     .kind = OPT_INT,
     .arg = "N",
     .help = "Seed of the draw and of the generator, 100 by default"},
    {.name = "show", .kind = OPT_FLAG, .help = "Print one row of each table"},
    {.name = "source",
     .kind = OPT_TEXT,
     .arg = "URL",
     .help = "Where rows come from: generator: (the default), sqlite://FILE, "
             "postgres://USER@HOST/DATABASE, mysql://USER@HOST/DATABASE, "
             "db_creds.yaml, a file or a folder"},
    {.name = "stream-names",
     .kind = OPT_TEXT,
     .arg = "TEMPLATE",
     .help =
         "Streams of gateway and kinesis, streaming-{id}-{table} by default"},
    {.name = "tables",
     .kind = OPT_TEXT,
     .arg = "NAME,...",
     .help = "Only these tables; pin,geo,user by default"},
    {.name = "timeout",
     .kind = OPT_DURATION,
     .arg = "TIME",
     .help = "Longest wait for one answer, 30s by default"},
    {.name = "to",
     .kind = OPT_TEXT,
     .arg = "URL",
     .help = "The server, http://127.0.0.1:8082 by default"},
    {.name = "token-file",
     .kind = OPT_TEXT,
     .arg = "FILE",
     .help = "Send the bearer token that this file holds"},
    {.name = "topics",
     .kind = OPT_TEXT,
     .arg = "TABLE=NAME,...",
     .help = "Names of single topics or streams"},
};

/* What a run needs, and owns. */
struct job {
    struct project project;
    struct arena arena;
    struct emulator_table tables[SOURCE_TABLES_MAX];
    const char *names[SOURCE_TABLES_MAX];
    struct emulator_conf conf;
    struct buf token;
};

static int load(struct job *j, struct cli *c, const struct args *a,
                struct err *e)
{
    static const char *const keys[] = {"prefix", "rows", "seed", "source",
                                       "topics"};
    const char *sets[SETS_MAX];
    struct faults faults;
    size_t n = 0;
    int rc;

    if (c->n_sets + ARRAY_LEN(keys) > SETS_MAX) {
        return err_set(e, ERR_INVALID, "too many --set options");
    }
    for (size_t i = 0; i < c->n_sets; i++) {
        sets[n++] = c->sets[i];
    }
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (args_has(a, keys[i])) {
            sets[n] = arena_printf(&j->arena, e, "%s=%s", keys[i],
                                   args_text(a, keys[i], ""));
            if (sets[n++] == NULL) {
                return -1;
            }
        }
    }
    faults_init(&faults);
    rc = project_load(&j->project, c->config, c->data, sets, n, &faults, e);
    faults_release(&faults);
    return rc;
}

/* The template with {id} and {table} filled in. */
static const char *stream_name(struct job *j, const char *template,
                               const char *table, struct err *e)
{
    struct slice rest = slice_of(template);
    struct buf b;
    struct slice copy = {NULL, 0};
    int rc = 0;

    buf_init(&b, 1000);
    while (rc == 0 && rest.len > 0) {
        if (slice_starts(rest, SLICE("{id}"))) {
            rc = buf_puts(&b, j->project.prefix, e);
            rest = slice_from(rest, 4);
        } else if (slice_starts(rest, SLICE("{table}"))) {
            rc = buf_puts(&b, table, e);
            rest = slice_from(rest, 7);
        } else {
            rc = buf_putc(&b, rest.ptr[0], e);
            rest = slice_from(rest, 1);
        }
    }
    if (rc == 0) {
        rc = arena_copy(&j->arena, buf_slice(&b), &copy, e);
    }
    buf_release(&b);
    return rc == 0 ? copy.ptr : NULL;
}

static bool topic_is_named(const struct job *j, const char *table)
{
    for (size_t i = 0; i < j->project.topics.n; i++) {
        struct slice rest = slice_of(j->project.topics.items[i]);
        struct slice head;

        if (slice_cut(&rest, '=', &head) && slice_is(head, table)) {
            return true;
        }
    }
    return false;
}

static int add_table(struct job *j, const struct args *a, struct slice name,
                     bool skip, struct err *e)
{
    const char *template = args_text(a, "stream-names", NULL);
    size_t n = j->conf.ntables;
    struct slice copy;
    const char *topic;

    if (name.len == 0 || n == SOURCE_TABLES_MAX) {
        return err_set(e, ERR_INVALID,
                       "--tables takes 1 to %d names, parted by commas",
                       SOURCE_TABLES_MAX);
    }
    if (arena_copy(&j->arena, name, &copy, e) != 0) {
        return -1;
    }
    if (template == NULL && (strcmp(j->conf.contract, "gateway") == 0 ||
                             strcmp(j->conf.contract, "kinesis") == 0)) {
        template = j->project.prefix[0] != '\0' ? "streaming-{id}-{table}"
                                                : "streaming-{table}";
    }
    topic = template == NULL || topic_is_named(j, copy.ptr)
                ? project_topic(&j->project, copy.ptr, e)
                : stream_name(j, template, copy.ptr, e);
    if (topic == NULL) {
        return -1;
    }
    j->names[n] = copy.ptr;
    j->tables[n] = (struct emulator_table){copy.ptr, topic, skip};
    j->conf.ntables++;
    return 0;
}

static bool is_listed(const char *list, const char *word)
{
    struct slice rest = slice_of(list);
    struct slice item;

    while (rest.len > 0) {
        (void)slice_cut(&rest, ',', &item);
        if (slice_is(item, word)) {
            return true;
        }
    }
    return false;
}

/*
 * The tables of the list.  Where it names some of pin, geo and user the
 * source is told of all three: it knows files by what the tables are.
 */
static int add_tables(struct job *j, const struct args *a, const char *list,
                      struct err *e)
{
    static const char *const usual[] = {"pin", "geo", "user"};
    struct slice rest;
    struct slice item;
    bool known = true;

    for (rest = slice_of(list != NULL ? list : ""); rest.len > 0;) {
        (void)slice_cut(&rest, ',', &item);
        known = known && (slice_is(item, usual[0]) ||
                          slice_is(item, usual[1]) || slice_is(item, usual[2]));
    }
    for (size_t i = 0; known && i < ARRAY_LEN(usual); i++) {
        if (add_table(j, a, slice_of(usual[i]),
                      list != NULL && !is_listed(list, usual[i]), e) != 0) {
            return -1;
        }
    }
    for (rest = slice_of(known ? "" : list); rest.len > 0;) {
        (void)slice_cut(&rest, ',', &item);
        if (add_table(j, a, item, false, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int read_token(struct job *j, const char *file, struct err *e)
{
    struct slice token;

    if (file == NULL) {
        return 0;
    }
    if (secret_read(file, &j->token, e) != 0) {
        return -1;
    }
    token = slice_trim(buf_slice(&j->token));
    if (token.len == 0) {
        return err_set(e, ERR_INVALID, "token file \"%s\" is empty", file);
    }
    if (secret_register(token, e) != 0) {
        return -1;
    }
    if (token.ptr != j->token.ptr) {
        memmove(j->token.ptr, token.ptr, token.len);
    }
    j->token.len = token.len;
    return buf_text(&j->token, &j->conf.token, e);
}

static int set_up(struct job *j, struct cli *c, const struct args *a,
                  struct err *e)
{
    struct source_conf source = {.tables = j->names};

    if (load(j, c, a, e) != 0) {
        return -1;
    }
    j->conf = (struct emulator_conf){
        .tables = j->tables,
        .to = args_text(a, "to", "http://127.0.0.1:8082"),
        .contract = args_text(a, "contract", "kafka-v2"),
        .rows = j->project.rows,
        .loop = args_has(a, "loop"),
        .order = (enum emulator_order)args_int(a, "order", EMULATOR_RANDOM),
        .seed = (uint64_t)j->project.seed,
        .pace = args_text(a, "pace", "max"),
        .per_request = (size_t)args_int(a, "batch", 1),
        .in_flight = (size_t)args_int(a, "connections", 0),
        .timeout_us = args_int(a, "timeout", 0),
        .ca_file = args_text(a, "ca-file", NULL),
    };
    if (add_tables(j, a, args_text(a, "tables", NULL), e) != 0) {
        return -1;
    }
    source.url = j->project.source;
    source.seed = (uint64_t)j->project.seed;
    source.datetimes = (enum source_datetimes)j->project.source_datetimes;
    source.ntables = j->conf.ntables;
    if (read_token(j, args_text(a, "token-file", NULL), e) != 0) {
        return -1;
    }
    return recognise_open(&j->conf.source, &source, &j->project, e);
}

static int show(struct cli *c, const struct job *j, struct err *e)
{
    struct buf b;
    int rc;

    buf_init(&b, SHOW_MAX);
    rc = emulator_show(&j->conf, &b, e);
    if (rc == 0) {
        (void)fwrite(b.ptr, 1, b.len, c->out);
    }
    buf_release(&b);
    return rc;
}

static int put_counts(struct table *t, const struct job *j,
                      const struct emulator_counts *n, struct err *e)
{
    for (size_t i = 0; i < n->ntables; i++) {
        const struct emulator_table_counts *x = &n->table[i];

        if (j->tables[i].skip) {
            continue;
        }
        if (table_put(t, slice_of(j->tables[i].topic), e) != 0 ||
            table_put_int(t, x->posted, e) != 0 ||
            table_put_int(t, x->refused, e) != 0 ||
            table_put_int(t, x->uncertain, e) != 0 ||
            table_put_int(t, x->unsent, e) != 0 ||
            table_put_int(t, x->binary, e) != 0 ||
            table_put_int(t, x->bytes, e) != 0) {
            return -1;
        }
    }
    return 0;
}

static int print_counts(struct cli *c, const struct args *a,
                        const struct job *j, const struct emulator_counts *n,
                        struct err *e)
{
    static const char *const names[] = {
        "topic", "posted", "refused", "uncertain", "unsent", "binary", "bytes"};
    struct table t;

    table_init(&t, names, ARRAY_LEN(names));
    return table_show(&t, c, a, put_counts(&t, j, n, e), e);
}

/* What there is to say besides the counts, and how it ended. */
static int conclude(struct cli *c, const struct job *j,
                    const struct emulator_counts *n, struct err *e)
{
    int64_t posted = 0;
    int64_t refused = 0;
    int64_t uncertain = 0;

    for (size_t i = 0; i < n->ntables; i++) {
        posted += n->table[i].posted;
        refused += n->table[i].refused;
        uncertain += n->table[i].uncertain;
    }
    if (!c->quiet) {
        (void)fprintf(c->err,
                      "emulate   %" PRId64 " records of %" PRId64
                      " rows to %s, %" PRId64 " requests, %" PRId64
                      " retries, %.1f s, %.0f a second\n",
                      posted, n->drawn, j->conf.to, n->requests, n->retries,
                      (double)n->elapsed_us / 1e6,
                      (double)posted * 1e6 / (double)(n->elapsed_us + 1));
    }
    if (uncertain > 0) {
        (void)fprintf(c->err,
                      "uncertain %" PRId64
                      " records may be stored twice or not at all: their "
                      "answers were lost, and the server knows no "
                      "Idempotency-Key\n",
                      uncertain);
    }
    if (refused > 0) {
        (void)err_set(e, n->stopped ? ERR_INTERRUPTED : ERR_DATA,
                      "the server refused %" PRId64
                      " records; the first with %s",
                      refused, n->refusal);
    }
    if (!n->stopped) {
        return refused > 0 ? -1 : 0;
    }
    return refused > 0
               ? err_wrap(e, "stopped after %" PRId64 " records", posted)
               : err_set(e, ERR_INTERRUPTED,
                         "stopped after %" PRId64 " records", posted);
}

static int post(struct cli *c, const struct args *a, struct job *j,
                struct err *e)
{
    struct emulator_counts counts;
    struct progress progress;
    struct err local = {.code = ERR_NONE};
    int64_t rows = j->conf.loop ? 0 : j->conf.rows;
    int rc;

    progress_begin(&progress, "post", "records",
                   rows * (int64_t)j->conf.ntables);
    j->conf.progress = &progress;
    rc = emulator_run(&j->conf, &counts, &local);
    progress_end(&progress);
    if (counts.requests > 0 && print_counts(c, a, j, &counts, e) != 0) {
        return -1;
    }
    if (rc == 0 || counts.requests > 0) {
        int end = conclude(c, j, &counts, e);

        if (rc == 0) {
            return end;
        }
    }
    *e = local;
    return -1;
}

static int run(struct cli *c, const struct args *a, struct err *e)
{
    struct job *j = mem_zero(1, sizeof(*j));
    int rc = -1;

    if (j == NULL) {
        return err_nomem(e, sizeof(*j));
    }
    arena_init(&j->arena, 1 << 20);
    buf_init(&j->token, SECRET_FILE_MAX);
    if (set_up(j, c, a, e) == 0) {
        rc = args_has(a, "show") ? show(c, j, e) : 0;
        if (rc == 0 && !args_has(a, "dry-run")) {
            rc = post(c, a, j, e);
        }
    }
    source_close(j->conf.source);
    if (j->token.len > 0) {
        secret_wipe(j->token.ptr, j->token.len);
    }
    buf_release(&j->token);
    project_release(&j->project);
    arena_release(&j->arena);
    mem_free(j);
    return rc;
}

const struct cmd cmd_emulate = {
    .name = "emulate",
    .summary = "Post rows over HTTP as users do",
    .opts = {opts, ARRAY_LEN(opts)},
    .about =
        "Draws a row number, takes that row from every table, and posts the "
        "records over HTTP on kept connections, one record a request unless "
        "--batch says otherwise.\n\n"
        "Connection errors, time-outs, 429 and 5xx are tried again with "
        "growing pauses, for up to a minute a post. Every post carries an "
        "Idempotency-Key, so that pinline stores nothing twice. Other servers "
        "may store a record twice when its answer was lost; such records are "
        "counted as uncertain.\n\n"
        "A row that is not JSON is posted in the binary format where the "
        "contract has one. Ctrl-C stops cleanly and prints the counts.",
    .examples =
        "pinline emulate --prefix 262542bdae36\n"
        "  500 random rows to the topics 262542bdae36.pin, .geo, .user\n"
        "pinline emulate --order cpython --pace 0-2s\n"
        "  The rows and pauses of the script that seeds with 100\n"
        "pinline emulate --rows 1000000 --batch 500\n"
        "  A bulk load\n"
        "pinline emulate --show --dry-run\n"
        "  One row of each table, nothing posted\n",
    .run = run,
};
