#include "core/conf.h"

#include <inttypes.h>
#include <string.h>

#include "core/text.h"

enum {
    WIDTH = 78
};

static const char *const type_words[] = {
    [CONF_TEXT] = "text",     [CONF_INT] = "number",
    [CONF_DOUBLE] = "number", [CONF_BOOL] = "true or false",
    [CONF_BYTES] = "size",    [CONF_DURATION] = "duration",
    [CONF_CHOICE] = "one of", [CONF_LIST] = "list",
    [CONF_NODE] = "mapping",
};

static int print_choices(const struct conf_field *f, const char *lead,
                         struct buf *b, struct err *e)
{
    if (f->type != CONF_CHOICE) {
        return 0;
    }
    if (buf_puts(b, lead, e) < 0) {
        return -1;
    }
    for (size_t i = 0; f->choices[i] != NULL; i++) {
        if (buf_putf(b, e, "%s%s", i > 0 ? " | " : "", f->choices[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

/* Open the groups of `name` that `before` has not opened; the key itself is
 * what comes behind the last dot. */
static int open_groups(struct buf *b, const char *before, const char *name,
                       size_t *ret_key, struct err *e)
{
    size_t at = 0;
    int depth = 0;

    for (const char *dot = strchr(name, '.'); dot != NULL;
         dot = strchr(name + at, '.')) {
        size_t end = (size_t)(dot - name) + 1;

        if (strncmp(before, name, end) != 0 &&
            buf_putf(b, e, "#%*s%.*s:\n", depth * 2, "", (int)(end - 1 - at),
                     name + at) < 0) {
            return -1;
        }
        at = end;
        depth++;
    }
    *ret_key = at;
    return 0;
}

static int print_field(const struct conf_field *f, const char *before,
                       struct buf *b, struct err *e)
{
    size_t key = 0;
    int depth = 0;

    if (buf_putc(b, '\n', e) < 0 || text_wrap(b, "# ", f->help, WIDTH, e) < 0) {
        return -1;
    }
    if (f->type == CONF_CHOICE && (print_choices(f, "# One of: ", b, e) < 0 ||
                                   buf_putc(b, '\n', e) < 0)) {
        return -1;
    }
    if (open_groups(b, before, f->name, &key, e) < 0) {
        return -1;
    }
    for (const char *p = f->name; *p != '\0'; p++) {
        depth += *p == '.';
    }
    return buf_putf(b, e, "#%*s%s: %s\n", depth * 2, "", f->name + key,
                    f->def != NULL ? f->def : "");
}

int conf_print_yaml(const struct conf_table *t, struct buf *b, struct err *e)
{
    const char *before = "";

    for (size_t i = 0; i < t->n; i++) {
        if (print_field(&t->fields[i], before, b, e) < 0) {
            return -1;
        }
        before = t->fields[i].name;
    }
    return 0;
}

static int print_cell(struct buf *b, const char *text, struct err *e)
{
    for (; *text != '\0'; text++) {
        if ((*text == '|' && buf_putc(b, '\\', e) < 0) ||
            buf_putc(b, *text, e) < 0) {
            return -1;
        }
    }
    return 0;
}

static int print_row(const struct conf_field *f, struct buf *b, struct err *e)
{
    if (buf_putf(b, e, "| `%s` | %s", f->name, type_words[f->type]) < 0) {
        return -1;
    }
    if (f->type == CONF_CHOICE) {
        for (size_t i = 0; f->choices[i] != NULL; i++) {
            if (buf_putf(b, e, "%s `%s`", i > 0 ? "," : "", f->choices[i]) <
                0) {
                return -1;
            }
        }
    }
    if (f->type == CONF_INT && (f->min != 0 || f->max != 0) &&
        buf_putf(b, e, " %" PRId64 " to %" PRId64, f->min, f->max) < 0) {
        return -1;
    }
    if (f->def != NULL && f->def[0] != '\0') {
        if (buf_putf(b, e, " | `%s` | ", f->def) < 0) {
            return -1;
        }
    } else if (buf_puts(b, " | | ", e) < 0) {
        return -1;
    }
    return print_cell(b, f->help, e) < 0 ? -1 : buf_puts(b, " |\n", e);
}

int conf_print_markdown(const struct conf_table *t, struct buf *b,
                        struct err *e)
{
    if (buf_puts(b,
                 "| setting | type | default | meaning |\n"
                 "|---|---|---|---|\n",
                 e) < 0) {
        return -1;
    }
    for (size_t i = 0; i < t->n; i++) {
        if (print_row(&t->fields[i], b, e) < 0) {
            return -1;
        }
    }
    return 0;
}
