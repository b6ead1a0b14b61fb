#include "core/yaml.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "core/fs.h"

enum {
    ARENA_MAX = 256 << 20
};

/* A node with an anchor, while its document is read. */
struct anchor {
    const char *name;
    struct yaml_node *node;
    bool open; /* its end was not seen: an alias in it would be a loop */
    struct anchor *next;
};

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool have_event;
    struct yaml_doc *doc;
    const char *file;
    struct anchor *anchors;
    size_t nodes;
    struct err *e;
};

static int fail_at(struct reader *r, const yaml_mark_t *at, const char *text)
{
    return err_set(r->e, ERR_MALFORMED, "%s:%zu:%zu: %s", r->file, at->line + 1,
                   at->column + 1, text);
}

static int next_event(struct reader *r)
{
    if (r->have_event) {
        yaml_event_delete(&r->event);
        r->have_event = false;
    }
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        const char *problem = r->parser.problem;

        if (r->parser.error == YAML_MEMORY_ERROR) {
            return err_set(r->e, ERR_NOMEM, "out of memory for YAML");
        }
        return fail_at(r, &r->parser.problem_mark,
                       problem ? problem : "cannot be read as YAML");
    }
    r->have_event = true;
    return 0;
}

static struct yaml_node *new_node(struct reader *r, enum yaml_kind kind)
{
    const yaml_mark_t *at = &r->event.start_mark;
    struct yaml_node *n;

    if (++r->nodes > YAML_NODES_MAX) {
        (void)err_set(r->e, ERR_LIMIT, "%s:%zu: over %d nodes", r->file,
                      at->line + 1, YAML_NODES_MAX);
        return NULL;
    }
    n = arena_alloc(&r->doc->arena, sizeof(*n), r->e);
    if (n != NULL) {
        *n = (struct yaml_node){.kind = kind,
                                .line = (int)at->line + 1,
                                .column = (int)at->column + 1,
                                .file = r->file};
    }
    return n;
}

static int add_anchor(struct reader *r, const yaml_char_t *name,
                      struct yaml_node *n)
{
    struct anchor *a;
    struct slice copy;

    if (name == NULL) {
        return 0;
    }
    a = arena_alloc(&r->doc->arena, sizeof(*a), r->e);
    if (a == NULL || arena_copy(&r->doc->arena, slice_of((const char *)name),
                                &copy, r->e) < 0) {
        return -1;
    }
    *a = (struct anchor){copy.ptr, n, n->kind != YAML_SCALAR, r->anchors};
    r->anchors = a;
    return 0;
}

/* Count what an alias stands for as if it were written out. */
static int count_copy(struct reader *r, const struct yaml_node *n, int depth)
{
    for (const struct yaml_node *c = n->first; c != NULL; c = c->next) {
        if (++r->nodes > YAML_NODES_MAX || depth >= YAML_DEPTH_MAX) {
            return err_set(r->e, ERR_LIMIT,
                           "%s:%zu: an alias makes it too large", r->file,
                           r->event.start_mark.line + 1);
        }
        if (count_copy(r, c, depth + 1) < 0) {
            return -1;
        }
    }
    return 0;
}

/* The children are shared: a tree is not changed once it is read. */
static int copy_alias(struct reader *r, int depth, struct yaml_node **ret)
{
    const char *name = (const char *)r->event.data.alias.anchor;
    struct anchor *a = r->anchors;
    struct yaml_node *n;

    while (a != NULL && strcmp(a->name, name) != 0) {
        a = a->next;
    }
    if (a == NULL || a->open) {
        return fail_at(r, &r->event.start_mark,
                       a ? "an alias inside of what it stands for"
                         : "an alias of no anchor");
    }
    n = new_node(r, a->node->kind);
    if (n == NULL || count_copy(r, a->node, depth + 1) < 0) {
        return -1;
    }
    n->plain = a->node->plain;
    n->text = a->node->text;
    n->first = a->node->first;
    n->count = a->node->count;
    *ret = n;
    return 0;
}

static int read_node(struct reader *r, int depth, struct yaml_node **ret);

static int read_key(struct reader *r, const struct yaml_node *map,
                    struct slice *ret)
{
    if (r->event.type != YAML_SCALAR_EVENT) {
        return fail_at(r, &r->event.start_mark,
                       "a key must be a plain or quoted text");
    }
    if (arena_copy(&r->doc->arena,
                   (struct slice){(const char *)r->event.data.scalar.value,
                                  r->event.data.scalar.length},
                   ret, r->e) < 0) {
        return -1;
    }
    for (const struct yaml_node *c = map->first; c != NULL; c = c->next) {
        if (slice_eq(c->key, *ret)) {
            return err_set(
                r->e, ERR_MALFORMED,
                "%s:%zu:%zu: key \"%.*s\" was given before, in line %d",
                r->file, r->event.start_mark.line + 1,
                r->event.start_mark.column + 1, SLICE_FMT(*ret), c->key_line);
        }
    }
    return 0;
}

static int read_children(struct reader *r, int depth, struct yaml_node *n)
{
    struct yaml_node **end = &n->first;
    yaml_event_type_t last = n->kind == YAML_MAPPING ? YAML_MAPPING_END_EVENT
                                                     : YAML_SEQUENCE_END_EVENT;

    for (;;) {
        struct slice key = {NULL, 0};
        struct yaml_node *child;
        int line;
        int column;

        if (next_event(r) < 0) {
            return -1;
        }
        if (r->event.type == last) {
            return 0;
        }
        line = (int)r->event.start_mark.line + 1;
        column = (int)r->event.start_mark.column + 1;
        if (n->kind == YAML_MAPPING &&
            (read_key(r, n, &key) < 0 || next_event(r) < 0)) {
            return -1;
        }
        if (read_node(r, depth + 1, &child) < 0) {
            return -1;
        }
        child->key = key;
        child->key_line = line;
        child->key_column = column;
        *end = child;
        end = &child->next;
        n->count++;
    }
}

static int read_scalar(struct reader *r, struct yaml_node **ret)
{
    struct yaml_node *n = new_node(r, YAML_SCALAR);

    if (n == NULL ||
        arena_copy(&r->doc->arena,
                   (struct slice){(const char *)r->event.data.scalar.value,
                                  r->event.data.scalar.length},
                   &n->text, r->e) < 0) {
        return -1;
    }
    n->plain = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    *ret = n;
    return add_anchor(r, r->event.data.scalar.anchor, n);
}

static int read_nest(struct reader *r, int depth, enum yaml_kind kind,
                     const yaml_char_t *anchor, struct yaml_node **ret)
{
    struct anchor *mine;
    struct yaml_node *n;

    if (depth >= YAML_DEPTH_MAX) {
        return err_set(r->e, ERR_LIMIT, "%s:%zu: nested over %d deep", r->file,
                       r->event.start_mark.line + 1, YAML_DEPTH_MAX);
    }
    n = new_node(r, kind);
    if (n == NULL || add_anchor(r, anchor, n) < 0) {
        return -1;
    }
    mine = anchor != NULL ? r->anchors : NULL;
    if (read_children(r, depth, n) < 0) {
        return -1;
    }
    if (mine != NULL) {
        mine->open = false;
    }
    *ret = n;
    return 0;
}

/* The node that the current event begins. */
static int read_node(struct reader *r, int depth, struct yaml_node **ret)
{
    const yaml_event_t *v = &r->event;
    const yaml_char_t *tag = NULL;

    if (v->type == YAML_ALIAS_EVENT) {
        return copy_alias(r, depth, ret);
    }
    if (v->type == YAML_SCALAR_EVENT) {
        tag = v->data.scalar.tag;
    } else if (v->type == YAML_MAPPING_START_EVENT) {
        tag = v->data.mapping_start.tag;
    } else if (v->type == YAML_SEQUENCE_START_EVENT) {
        tag = v->data.sequence_start.tag;
    }
    if (tag != NULL) {
        return fail_at(r, &v->start_mark, "tags (!) are not used here");
    }
    if (v->type == YAML_SCALAR_EVENT) {
        return read_scalar(r, ret);
    }
    if (v->type == YAML_MAPPING_START_EVENT) {
        return read_nest(r, depth, YAML_MAPPING, v->data.mapping_start.anchor,
                         ret);
    }
    if (v->type == YAML_SEQUENCE_START_EVENT) {
        return read_nest(r, depth, YAML_SEQUENCE, v->data.sequence_start.anchor,
                         ret);
    }
    return fail_at(r, &v->start_mark, "a value is missing");
}

static int next_events(struct reader *r, int n)
{
    for (int i = 0; i < n; i++) {
        if (next_event(r) < 0) {
            return -1;
        }
    }
    return 0;
}

static int read_document(struct reader *r, struct yaml_node **ret)
{
    *ret = NULL;
    if (next_events(r, 2) < 0) { /* the stream's start, a document's */
        return -1;
    }
    if (r->event.type == YAML_STREAM_END_EVENT) {
        return 0;
    }
    if (next_event(r) < 0 || read_node(r, 0, ret) < 0 ||
        next_events(r, 2) < 0) { /* the document's end, the stream's */
        return -1;
    }
    if (r->event.type != YAML_STREAM_END_EVENT) {
        return fail_at(r, &r->event.start_mark, "a second document");
    }
    return 0;
}

int yaml_parse(struct yaml_doc *d, const char *file, struct slice text,
               struct err *e)
{
    struct reader r = {.doc = d, .e = e};
    struct slice name;
    int rc = -1;

    arena_init(&d->arena, ARENA_MAX);
    d->root = NULL;
    if (text.len > YAML_BYTES_MAX) {
        return err_set(e, ERR_LIMIT, "%s: over %d bytes", file, YAML_BYTES_MAX);
    }
    if (!yaml_parser_initialize(&r.parser)) {
        return err_set(e, ERR_NOMEM, "out of memory for YAML");
    }
    if (arena_copy(&d->arena, slice_of(file), &name, e) < 0) {
        goto out;
    }
    r.file = name.ptr;
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &r.parser, (const unsigned char *)(text.len > 0 ? text.ptr : ""),
        text.len);
    rc = read_document(&r, &d->root);
out:
    if (r.have_event) {
        yaml_event_delete(&r.event);
    }
    yaml_parser_delete(&r.parser);
    if (rc < 0) {
        yaml_release(d);
    }
    return rc;
}

int yaml_parse_file(struct yaml_doc *d, const char *path, struct err *e)
{
    struct buf b;
    int rc = -1;

    *d = (struct yaml_doc){0};
    buf_init(&b, YAML_BYTES_MAX);
    if (fs_read(path, &b, e) == 0) {
        rc = yaml_parse(d, path, buf_slice(&b), e);
    }
    buf_release(&b);
    return rc;
}

void yaml_release(struct yaml_doc *d)
{
    arena_release(&d->arena);
    d->root = NULL;
}
