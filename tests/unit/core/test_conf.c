#include "core/conf.h"

#include "core/mem.h"
#include "test.h"

struct settings {
    const char *name;
    int64_t rows;
    int64_t size;
    int64_t wait_us;
    double share;
    bool on;
    int colour;
    struct conf_list hosts;
    const struct yaml_node *free;
};

enum {
    RED,
    GREEN,
};

static const char *const colours[] = {"red", "green", NULL};

#define AT(member) offsetof(struct settings, member)
static const struct conf_field fields[] = {
    {"free", CONF_NODE, AT(free), NULL, 0, 0, NULL, "Anything."},
    {"name", CONF_TEXT, AT(name), "pin", 0, 0, NULL, "A name."},
    {"server.colour", CONF_CHOICE, AT(colour), "green", 0, 0, colours,
     "Which colour."},
    {"server.hosts", CONF_LIST, AT(hosts), NULL, 0, 0, NULL, "Where."},
    {"server.rows", CONF_INT, AT(rows), "500", 1, 1000, NULL, "How many."},
    {"share", CONF_DOUBLE, AT(share), "0.5", 0, 0, NULL, "Which part."},
    {"size", CONF_BYTES, AT(size), "1MB", 0, 0, NULL, "How large."},
    {"turned-on", CONF_BOOL, AT(on), NULL, 0, 0, NULL, "Whether | or not."},
    {"wait", CONF_DURATION, AT(wait_us), "2s", 0, 0, NULL, "How long."},
};
#undef AT
static const struct conf_table table = {fields, ARRAY_LEN(fields)};

struct fixture {
    struct settings s;
    struct arena arena;
    struct faults faults;
    struct yaml_doc doc;
    struct conf c;
};

static void begin(struct fixture *f, const char *yaml)
{
    struct err e;

    *f = (struct fixture){0};
    arena_init(&f->arena, 1 << 20);
    faults_init(&f->faults);
    f->c = (struct conf){&table, &f->s, &f->arena, &f->faults};
    conf_defaults(&f->c);
    CHECK_OK(yaml_parse(&f->doc, "c.yaml", slice_of(yaml), &e), &e);
    conf_from_yaml(&f->c, f->doc.root);
}

static void end(struct fixture *f, const char *faults)
{
    struct buf b;
    struct err e;

    buf_init(&b, 10000);
    CHECK_OK(faults_print(&f->faults, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), faults);
    buf_release(&b);
    yaml_release(&f->doc);
    faults_release(&f->faults);
    arena_release(&f->arena);
}

static void defaults_file_environment_and_flags_follow(void)
{
    char one[] = "PINLINE_SERVER_ROWS=8";
    char two[] = "PINLINE_TURNED_ON=yes";
    char *env[] = {one, two, NULL};
    struct fixture f;

    begin(&f,
          "server:\n  rows: 7\n  hosts: [a, b]\nsize: 4KiB\nfree: {x: 1}\n");
    CHECK_TEXT(slice_of(f.s.name), "pin");
    CHECK_INT(f.s.colour, GREEN);
    CHECK_INT(f.s.rows, 7);
    CHECK_INT(f.s.size, 4096);
    CHECK_INT(f.s.wait_us, 2000000);
    CHECK_INT(f.s.hosts.n, 2);
    CHECK_TEXT(slice_of(f.s.hosts.items[1]), "b");
    CHECK_TEXT(yaml_get(f.s.free, "x")->text, "1");
    conf_from_env(&f.c, env);
    CHECK_INT(f.s.rows, 8);
    CHECK(f.s.on);
    conf_set(&f.c, "--set", SLICE("server.rows=9"));
    conf_set(&f.c, "--set", SLICE("server.hosts=x, y,z"));
    conf_set(&f.c, "--set", SLICE("server.colour=red"));
    conf_set(&f.c, "--set", SLICE("share=0.25"));
    CHECK_INT(f.s.rows, 9);
    CHECK_INT(f.s.hosts.n, 3);
    CHECK_TEXT(slice_of(f.s.hosts.items[1]), "y");
    CHECK_INT(f.s.colour, RED);
    CHECK(f.s.share > 0.24 && f.s.share < 0.26);
    end(&f, "");
}

static void every_fault_is_reported_at_once(void)
{
    char bad[] = "PINLINE_WAIT=soon";
    char *env[] = {bad, NULL};
    struct fixture f;

    begin(&f, "nam: x\n"
              "server:\n"
              "  rows: 1001\n"
              "  colour: grene\n"
              "  port: 80\n"
              "size: big\n"
              "turned-on: perhaps\n"
              "wait: [1]\n");
    conf_from_env(&f.c, env);
    conf_set(&f.c, "--set", SLICE("server.row=9"));
    conf_set(&f.c, "--set", SLICE("rows"));
    conf_set(&f.c, "--set", SLICE("free=1"));
    end(&f, "c.yaml:1:1: setting \"nam\" is not known; did you mean \"name\"?\n"
            "c.yaml:3:9: server.rows must be from 1 to 1000, not \"1001\"\n"
            "c.yaml:4:11: server.colour \"grene\" is not known; did you mean "
            "\"green\"?\n"
            "c.yaml:5:3: setting \"server.port\" is not known; did you mean "
            "\"server.hosts\"?\n"
            "c.yaml:6:7: size must be a size such as 64kB, 256MB, 1GiB, not "
            "\"big\"\n"
            "c.yaml:7:12: turned-on must be true or false, not \"perhaps\"\n"
            "c.yaml:8:7: wait must be a single value, not a list\n"
            "PINLINE_WAIT: wait must be a duration such as 500ms, 10s, 1h, not "
            "\"soon\"\n"
            "--set: setting \"server.row\" is not known; did you mean "
            "\"server.rows\"?\n"
            "--set: \"rows\" is not key=value\n"
            "--set: free can only be set in the configuration file\n");
}

static void the_table_prints_itself(void)
{
    struct yaml_doc d;
    struct buf b;
    struct err e;

    buf_init(&b, 10000);
    CHECK_OK(conf_print_yaml(&table, &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "\n# Anything.\n#free: \n"
                              "\n# A name.\n#name: pin\n"
                              "\n# Which colour.\n# One of: red | green\n"
                              "#server:\n#  colour: green\n"
                              "\n# Where.\n#  hosts: \n"
                              "\n# How many.\n#  rows: 500\n"
                              "\n# Which part.\n#share: 0.5\n"
                              "\n# How large.\n#size: 1MB\n"
                              "\n# Whether | or not.\n#turned-on: \n"
                              "\n# How long.\n#wait: 2s\n");
    CHECK_OK(yaml_parse(&d, "f", buf_slice(&b), &e), &e);
    yaml_release(&d);
    buf_clear(&b);
    CHECK_OK(conf_print_markdown(&table, &b, &e), &e);
    CHECK(strstr(b.ptr, "| `server.rows` | number 1 to 1000 | `500` | How "
                        "many. |\n") != NULL);
    CHECK(strstr(b.ptr, "Whether \\| or not.") != NULL);
    buf_release(&b);
}

static const struct test tests[] = {
    {"defaults, file, environment and flags follow",
     defaults_file_environment_and_flags_follow},
    {"every fault is reported at once", every_fault_is_reported_at_once},
    {"the table prints itself", the_table_prints_itself},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
