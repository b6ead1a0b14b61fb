#include "flow/catalog.h"

#include <string.h>

#include "broker/broker.h"
#include "core/embed.h"
#include "core/fs.h"
#include "core/mem.h"

extern const struct embed_file flow_pipelines[];

enum {
    SPEC_BYTES_MAX = 4 << 20
};

int catalog_spec_text(const struct project *p, struct buf *b, struct err *e)
{
    struct slice bytes;

    if (p->spec[0] != '\0') {
        return fs_read(p->spec, b, e);
    }
    if (!embed_find(flow_pipelines, "pinterest.yaml", &bytes)) {
        return err_set(e, ERR_CORRUPT, "the program lacks its cleaning spec");
    }
    return buf_append(b, bytes, e);
}

int catalog_spec(struct spec **ret, const struct project *p,
                 struct faults *faults, struct err *e)
{
    struct spec_texts set = {0};
    struct slice *items = NULL;
    struct faults own;
    struct buf text;
    int rc = -1;

    faults_init(&own);
    buf_init(&text, SPEC_BYTES_MAX);
    if (p->spec_options.n > 0) {
        items = mem_zero(p->spec_options.n, sizeof(*items));
        if (items == NULL) {
            err_nomem(e, p->spec_options.n * sizeof(*items));
            goto out;
        }
    }
    for (size_t i = 0; i < p->spec_options.n; i++) {
        items[i] = slice_of(p->spec_options.items[i]);
    }
    set.at = items;
    set.n = p->spec_options.n;
    if (catalog_spec_text(p, &text, e) < 0) {
        goto out;
    }
    rc = spec_load(ret, buf_slice(&text),
                   p->spec[0] ? p->spec : "pinterest.yaml", &set,
                   faults != NULL ? faults : &own, e);
out:
    faults_release(&own);
    mem_free(items);
    buf_release(&text);
    return rc;
}

/* project_topic() without its memory: streams ask this all day. */
static bool is_topic_of(const struct project *p, const char *table,
                        const char *topic)
{
    size_t n = strlen(p->prefix);
    struct slice name;

    if (project_item(&p->topics, table, &name)) {
        return slice_is(name, topic);
    }
    if (n == 0) {
        return strcmp(table, topic) == 0;
    }
    return strncmp(topic, p->prefix, n) == 0 && topic[n] == '.' &&
           strcmp(topic + n + 1, table) == 0;
}

const struct spec_table *catalog_topic_table(const struct project *p,
                                             const struct spec *s,
                                             const char *topic)
{
    for (size_t i = 0; i < s->ntables; i++) {
        if (is_topic_of(p, s->tables[i].name, topic)) {
            return &s->tables[i];
        }
    }
    /* "x.pin" of a cluster may be somebody else's */
    return broker_is_here(p->broker) ? spec_topic_table(s, slice_of(topic))
                                     : NULL;
}

int catalog_topics(struct project *p, const struct spec *s,
                   const struct conf_list *asked, const char *const **ret,
                   size_t *n, struct err *e)
{
    static const char *const all[] = {"*"};
    const char **names;

    *ret = asked->items;
    *n = asked->n;
    if (*n > 0) {
        return 0;
    }
    if (broker_is_here(p->broker)) {
        *ret = all;
        *n = ARRAY_LEN(all);
        return 0;
    }
    names = arena_alloc(&p->arena, (s->ntables + 1) * sizeof(*names), e);
    for (size_t i = 0; names != NULL && i < s->ntables; i++) {
        names[i] = project_topic(p, s->tables[i].name, e);
        if (names[i] == NULL) {
            return -1;
        }
    }
    *ret = names;
    *n = s->ntables;
    return names == NULL ? -1 : 0;
}

const char *catalog_tables_dir(struct project *p, struct err *e)
{
    return p->tables_dir[0] != '\0' ? p->tables_dir
                                    : project_path(p, "lake/clean", e);
}

const char *catalog_table_dir(struct project *p, const char *table,
                              struct err *e)
{
    const char *dir = catalog_tables_dir(p, e);

    return dir == NULL ? NULL : arena_printf(&p->arena, e, "%s/%s", dir, table);
}
