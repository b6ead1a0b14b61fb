/*
 * yaml.h - a YAML document as a tree that knows its lines.
 *
 * The tree lives in the document's arena and is good until yaml_release().
 * Refused: more than one document, a key given twice, keys that are not
 * scalars, tags, nesting over YAML_DEPTH_MAX, trees over YAML_NODES_MAX
 * (aliases count as what they stand for, so they cannot blow up).
 */
#ifndef CORE_YAML_H
#define CORE_YAML_H

#include "core/arena.h"
#include "core/fault.h"

enum {
    YAML_DEPTH_MAX = 64,
    YAML_NODES_MAX = 200000,
    YAML_BYTES_MAX = 4 << 20
};

enum yaml_kind {
    YAML_SCALAR,
    YAML_SEQUENCE,
    YAML_MAPPING,
};

struct yaml_node {
    enum yaml_kind kind;
    bool plain;       /* a scalar without quotes or block style */
    int line, column; /* from 1 */
    const char *file; /* as given to yaml_parse() */
    struct slice key; /* when a mapping's value; NUL-terminated */
    int key_line, key_column;
    struct slice text;       /* a scalar's; NUL-terminated */
    struct yaml_node *first; /* of a sequence or mapping, in order */
    struct yaml_node *next;
    size_t count; /* children */
};

struct yaml_doc {
    struct arena arena;
    struct yaml_node *root; /* NULL for an empty document */
};

/* Parse text; `file` is copied and only named.  ERR_MALFORMED names file,
 * line and column; ERR_LIMIT. */
int yaml_parse(struct yaml_doc *d, const char *file, struct slice text,
               struct err *e) MUST_USE;
int yaml_parse_file(struct yaml_doc *d, const char *path,
                    struct err *e) MUST_USE;
void yaml_release(struct yaml_doc *d);

/* The value under key, or NULL; also NULL when n is NULL or no mapping. */
const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);
/* A plain scalar that YAML reads as null: empty, ~, null. */
bool yaml_is_null(const struct yaml_node *n);
/* "a mapping", "a list", "a text". */
const char *yaml_kind_text(enum yaml_kind kind);

/* Where a node, or a mapping value's key, stands. */
struct fault_place yaml_place(const struct yaml_node *n);
struct fault_place yaml_key_place(const struct yaml_node *n);
/* Take a fault at a node, or at a mapping value's key. */
void yaml_fault(struct faults *f, const struct yaml_node *n, const char *fmt,
                ...) PRINTF_LIKE(3, 4);
void yaml_fault_key(struct faults *f, const struct yaml_node *n,
                    const char *fmt, ...) PRINTF_LIKE(3, 4);
/* False, with a fault, when n is not of that kind; `what` names it. */
bool yaml_expect(const struct yaml_node *n, enum yaml_kind kind,
                 const char *what, struct faults *f);
/* A fault for each key of mapping n that is not among the words. */
void yaml_known_keys(const struct yaml_node *n, const char *const *words,
                     size_t count, struct faults *f);
/* Scalars; false, with a fault, when n is not one.  NULL n: false, none. */
bool yaml_text(const struct yaml_node *n, const char *what, struct faults *f,
               const char **ret);
bool yaml_int(const struct yaml_node *n, const char *what, int64_t min,
              int64_t max, struct faults *f, int64_t *ret);
bool yaml_double(const struct yaml_node *n, const char *what, struct faults *f,
                 double *ret);
bool yaml_bool(const struct yaml_node *n, const char *what, struct faults *f,
               bool *ret);
/* The index of the scalar among the words. */
bool yaml_choice(const struct yaml_node *n, const char *what,
                 const char *const *words, size_t count, struct faults *f,
                 size_t *ret);

#endif
