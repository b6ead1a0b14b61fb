/* Settings from any file and flag stay inside their ranges; what is printed
 * as a fault has words; a value that was taken is read back the same. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/conf.h"
#include "fuzz.h"

struct settings {
    const char *name;
    int64_t rows;
    int64_t wait_us;
    bool on;
    int colour;
    struct conf_list hosts;
};

static const char *const colours[] = {"red", "green", NULL};

#define AT(member) offsetof(struct settings, member)
static const struct conf_field fields[] = {
    {"colour", CONF_CHOICE, AT(colour), "red", 0, 0, colours, "Which."},
    {"hosts", CONF_LIST, AT(hosts), NULL, 0, 0, NULL, "Where."},
    {"name", CONF_TEXT, AT(name), "pin", 0, 0, NULL, "A name."},
    {"on", CONF_BOOL, AT(on), NULL, 0, 0, NULL, "Whether."},
    {"server.rows", CONF_INT, AT(rows), "5", 1, 10, NULL, "How many."},
    {"server.wait", CONF_DURATION, AT(wait_us), "1s", 0, 0, NULL, "How long."},
};
#undef AT
static const struct conf_table table = {fields, ARRAY_LEN(fields)};

static void check_values(const struct settings *s)
{
    require(s->rows >= 1 && s->rows <= 10);
    require(s->wait_us >= 0);
    require(s->colour == 0 || s->colour == 1);
    require(s->name != NULL);
    for (size_t i = 0; i < s->hosts.n; i++) {
        require(s->hosts.items[i] != NULL);
    }
}

static void check_again(const struct conf *c)
{
    struct settings *s = c->object;
    size_t faults = c->faults->count;
    int64_t rows = s->rows;
    char pair[64];

    (void)snprintf(pair, sizeof(pair), "server.rows=%" PRId64, rows);
    s->rows = 0;
    conf_set(c, "--set", slice_of(pair));
    require(c->faults->count == faults && s->rows == rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct settings s = {0};
    struct arena arena;
    struct faults faults;
    struct conf c = {&table, &s, &arena, &faults};
    struct yaml_doc d = {0};
    struct err e = {0};
    struct buf b;

    arena_init(&arena, 16 << 20);
    faults_init(&faults);
    buf_init(&b, 1 << 20);
    conf_defaults(&c);
    require(faults.count == 0);
    conf_set(&c, "--set", text);
    if (yaml_parse(&d, "fuzz.yaml", text, &e) == 0) {
        conf_from_yaml(&c, d.root);
    }
    check_values(&s);
    check_again(&c);
    require(faults_print(&faults, &b, &e) == 0);
    require((faults.count > 0) == (b.len > 0));
    require((faults.count > 0) == (faults_err(&faults, &e) < 0));
    yaml_release(&d);
    buf_release(&b);
    faults_release(&faults);
    arena_release(&arena);
    return 0;
}
