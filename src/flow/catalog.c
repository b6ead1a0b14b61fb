#include "flow/catalog.h"

#include <string.h>

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

const struct spec_table *
catalog_topic_table(struct project *p, const struct spec *s, const char *topic)
{
    for (size_t i = 0; i < s->ntables; i++) {
        const char *name = project_topic(p, s->tables[i].name, NULL);

        if (name != NULL && strcmp(name, topic) == 0) {
            return &s->tables[i];
        }
    }
    return spec_topic_table(s, slice_of(topic));
}

const char *catalog_table_dir(struct project *p, const char *table,
                              struct err *e)
{
    return arena_printf(&p->arena, e, "%s/lake/clean/%s", p->data, table);
}
