/*
 * conf.h - settings from a table: file, environment, flags, and their help.
 *
 * A table row names a setting ("server.listen"), its type, where it goes in
 * the caller's struct, its default and its range.  Filling goes default, then
 * file, then environment (PINLINE_SERVER_LISTEN), then key=value flags; every
 * fault is collected.  Texts live in the caller's arena.
 */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include "core/arena.h"
#include "core/fault.h"
#include "core/yaml.h"

enum conf_type {
    CONF_TEXT,     /* const char *, "" when nothing is set */
    CONF_INT,      /* int64_t */
    CONF_DOUBLE,   /* double */
    CONF_BOOL,     /* bool */
    CONF_BYTES,    /* int64_t: 64kB, 256MB, 1GiB */
    CONF_DURATION, /* int64_t, microseconds: 500ms, 10s, 1h */
    CONF_CHOICE,   /* int: the index among choices */
    CONF_LIST,     /* struct conf_list: a YAML list, or a,b,c */
    CONF_NODE,     /* const struct yaml_node *: anything; file only */
};

struct conf_list {
    const char *const *items;
    size_t n;
};

struct conf_field {
    const char *name; /* dotted path */
    enum conf_type type;
    size_t offset;    /* in the caller's struct */
    const char *def;  /* as a user would write it; NULL: zero, empty */
    int64_t min, max; /* of INT, BYTES, DURATION; both 0: 0..INT64_MAX */
    const char *const *choices; /* of CHOICE; ended by NULL */
    const char *help;           /* a sentence or two */
};

struct conf_table {
    const struct conf_field *fields; /* sorted by name */
    size_t n;
};

struct conf {
    const struct conf_table *table;
    void *object; /* the caller's struct */
    struct arena *arena;
    struct faults *faults;
};

/* All defaults; a fault when one of the table's own is wrong. */
void conf_defaults(const struct conf *c);
/* From a mapping (NULL: an empty file); unknown keys are faults. */
void conf_from_yaml(const struct conf *c, const struct yaml_node *n);
/* From PINLINE_<NAME>, dots and dashes as _; env as environ. */
void conf_from_env(const struct conf *c, char *const *env);
/* From "key=value"; `where` names the flag in faults ("--set"). */
void conf_set(const struct conf *c, const char *where, struct slice pair);

/* The table as YAML with comments, every line commented out but defaults
 * shown (`init`), and as a Markdown table (docs/reference). */
int conf_print_yaml(const struct conf_table *t, struct buf *b,
                    struct err *e) MUST_USE;
int conf_print_markdown(const struct conf_table *t, struct buf *b,
                        struct err *e) MUST_USE;

#endif
