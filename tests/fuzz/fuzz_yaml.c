/* A document that parses is a tree that keeps its promises: counts, kinds,
 * limits, positions inside the text; one that does not has a message. */
#include <string.h>

#include "core/yaml.h"
#include "fuzz.h"

static void check_node(const struct yaml_node *n, int depth, int lines,
                       size_t *total)
{
    size_t children = 0;

    require(depth <= YAML_DEPTH_MAX + 1);
    require(++*total <= YAML_NODES_MAX);
    require(n->line >= 1 && n->line <= lines);
    if (n->kind == YAML_SCALAR) {
        require(n->first == NULL && n->text.ptr[n->text.len] == '\0');
    }
    for (const struct yaml_node *c = n->first; c != NULL; c = c->next) {
        if (n->kind == YAML_MAPPING) {
            require(c->key.ptr[c->key.len] == '\0');
            if (strlen(c->key.ptr) == c->key.len) {
                require(yaml_get(n, c->key.ptr) == c);
            }
        }
        check_node(c, depth + 1, lines, total);
        children++;
    }
    require(children == n->count);
}

/* As libyaml counts: CR, LF, CRLF, NEL, LS and PS each end a line. */
static int count_lines(const uint8_t *data, size_t size)
{
    int lines = 2;

    for (size_t i = 0; i < size; i++) {
        lines += data[i] == '\n' || data[i] == '\r' || data[i] >= 0x80;
    }
    return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct yaml_doc d = {0};
    struct err e = {0};
    size_t total = 0;

    if (yaml_parse(&d, "fuzz.yaml", text, &e) < 0) {
        require(e.msg[0] != '\0');
        return 0;
    }
    if (d.root != NULL) {
        check_node(d.root, 1, count_lines(data, size), &total);
    }
    yaml_release(&d);
    return 0;
}
