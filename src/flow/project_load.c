/* project_load.c - a project from its file, the environment and flags. */
#include <string.h>

#include "core/fs.h"
#include "flow/project.h"

extern char **environ;

enum {
    PROJECT_BYTES_MAX = 16 << 20
};

static int read_file(struct project *p, const struct conf *c, const char *file,
                     struct err *e)
{
    if (file == NULL && fs_exists("pinline.yaml")) {
        file = "pinline.yaml";
    }
    if (file == NULL) {
        return 0;
    }
    if (yaml_parse_file(&p->doc, file, e) < 0) {
        /* whatever is wrong with it, it is the configuration (exit code 2) */
        if (e != NULL && (e->code == ERR_MALFORMED || e->code == ERR_NOTFOUND ||
                          e->code == ERR_LIMIT)) {
            e->code = ERR_INVALID;
        }
        return -1;
    }
    p->file = file;
    conf_from_yaml(c, p->doc.root);
    return 0;
}

static bool is_setting(struct slice key)
{
    const struct conf_table *t = project_settings();

    for (size_t i = 0; i < t->n; i++) {
        if (slice_is(key, t->fields[i].name)) {
            return true;
        }
    }
    return false;
}

/* "key=value" is a setting, or "table.option=value" an option of the spec. */
static int apply_sets(struct project *p, const struct conf *c,
                      const char *const *sets, size_t nsets, struct err *e)
{
    const char **options = arena_alloc(
        &p->arena, (p->spec_options.n + nsets + 1) * sizeof(*options), e);
    size_t n = 0;

    if (options == NULL) {
        return -1;
    }
    for (; n < p->spec_options.n; n++) {
        options[n] = p->spec_options.items[n];
    }
    for (size_t i = 0; i < nsets; i++) {
        struct slice rest = slice_of(sets[i]);
        struct slice key;

        (void)slice_cut(&rest, '=', &key);
        if (!is_setting(key) && memchr(key.ptr, '.', key.len) != NULL) {
            options[n++] = sets[i];
        } else {
            conf_set(c, "--set", slice_of(sets[i]));
        }
    }
    p->spec_options = (struct conf_list){options, n};
    return 0;
}

int project_load(struct project *p, const char *file, const char *data,
                 const char *const *sets, size_t nsets, struct faults *faults,
                 struct err *e)
{
    struct conf c = {project_settings(), p, &p->arena, faults};

    *p = (struct project){0};
    arena_init(&p->arena, PROJECT_BYTES_MAX);
    conf_defaults(&c);
    if (read_file(p, &c, file, e) < 0) {
        goto fail;
    }
    conf_from_env(&c, environ);
    if (apply_sets(p, &c, sets, nsets, e) < 0) {
        goto fail;
    }
    if (data != NULL) {
        p->data = data;
    }
    if (faults_err(faults, e) < 0) {
        goto fail;
    }
    return 0;

fail:
    project_release(p);
    return -1;
}

void project_release(struct project *p)
{
    yaml_release(&p->doc);
    arena_release(&p->arena);
}

bool project_item(const struct conf_list *list, const char *table,
                  struct slice *ret)
{
    for (size_t i = 0; i < list->n; i++) {
        struct slice rest = slice_of(list->items[i]);
        struct slice head;

        if (slice_cut(&rest, '=', &head) && slice_is(head, table)) {
            *ret = rest; /* the tail of an item is NUL-terminated */
            return true;
        }
    }
    return false;
}

int project_columns(struct project *p, const struct conf_list *list,
                    const char *table, const char *const **ret, size_t *ret_n,
                    struct err *e)
{
    struct slice text;
    const char **names;
    size_t n = 1;

    *ret = NULL;
    *ret_n = 0;
    if (!project_item(list, table, &text)) {
        return 0;
    }
    for (size_t i = 0; i < text.len; i++) {
        n += text.ptr[i] == '+';
    }
    names = arena_alloc(&p->arena, n * sizeof(*names), e);
    if (names == NULL) {
        return -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct slice one;
        struct slice copy;

        (void)slice_cut(&text, '+', &one);
        if (arena_copy(&p->arena, one, &copy, e) < 0) {
            return -1;
        }
        names[i] = copy.ptr;
    }
    *ret = names;
    *ret_n = n;
    return 0;
}

const char *project_topic(struct project *p, const char *table, struct err *e)
{
    struct slice name;

    if (project_item(&p->topics, table, &name)) {
        return name.ptr;
    }
    if (p->prefix[0] == '\0') {
        return table;
    }
    return arena_printf(&p->arena, e, "%s.%s", p->prefix, table);
}

const char *project_path(struct project *p, const char *name, struct err *e)
{
    return arena_printf(&p->arena, e, "%s/%s", p->data, name);
}

const char *project_objects_dir(struct project *p, struct err *e)
{
    return p->objects_dir[0] != '\0' ? p->objects_dir
                                     : project_path(p, "lake", e);
}
