#include "core/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/mem.h"
#include "core/text.h"

enum {
    FAULT_TEXT_MAX = 480,
    WORDS_LISTED = 12 /* a longer list helps nobody */
};

void faults_init(struct faults *f)
{
    *f = (struct faults){0};
}

void faults_release(struct faults *f)
{
    for (size_t i = 0; i < f->kept; i++) {
        mem_free(f->list[i].file);
        mem_free(f->list[i].text);
    }
    mem_free(f->list);
    *f = (struct faults){0};
}

static void add(struct faults *f, struct fault_place where, const char *text)
{
    struct fault x = {.line = where.line, .column = where.column};
    struct fault *list;

    f->count++;
    if (f->kept >= FAULTS_MAX) {
        return;
    }
    list = mem_resize(f->list, f->kept + 1, sizeof(*list));
    if (list == NULL) {
        return;
    }
    f->list = list;
    x.text = mem_text(text, strlen(text));
    x.file = where.file ? mem_text(where.file, strlen(where.file)) : NULL;
    if (x.text == NULL || (where.file != NULL && x.file == NULL)) {
        mem_free(x.text);
        mem_free(x.file);
        return;
    }
    f->list[f->kept++] = x;
}

void faults_add(struct faults *f, struct fault_place where, const char *fmt,
                ...)
{
    char text[FAULT_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    add(f, where, text);
}

void faults_unknown(struct faults *f, struct fault_place where,
                    const char *kind, struct slice word,
                    const char *const *words, size_t n)
{
    char text[FAULT_TEXT_MAX];
    const char *near = text_nearest(word, words, n);
    int len;

    len = snprintf(text, sizeof(text), "%s \"%.*s\" is not known", kind,
                   SLICE_FMT(word));
    if (near != NULL) {
        (void)snprintf(text + len, sizeof(text) - (size_t)len,
                       "; did you mean \"%s\"?", near);
    } else if (n > 0 && n <= WORDS_LISTED) {
        for (size_t i = 0; i < n && (size_t)len < sizeof(text); i++) {
            len += snprintf(text + len, sizeof(text) - (size_t)len, "%s%s",
                            i == 0 ? "; known are " : ", ", words[i]);
        }
    }
    add(f, where, text);
}

static int print_one(const struct fault *x, struct buf *b, struct err *e)
{
    if (x->file != NULL) {
        if (buf_putf(b, e, "%s:", x->file) < 0) {
            return -1;
        }
        if (x->line > 0 && buf_putf(b, e, "%d:%d:", x->line, x->column) < 0) {
            return -1;
        }
        if (buf_putc(b, ' ', e) < 0) {
            return -1;
        }
    }
    return buf_puts(b, x->text, e);
}

int faults_print(const struct faults *f, struct buf *b, struct err *e)
{
    for (size_t i = 0; i < f->kept; i++) {
        if (print_one(&f->list[i], b, e) < 0 || buf_putc(b, '\n', e) < 0) {
            return -1;
        }
    }
    if (f->count > f->kept) {
        return buf_putf(b, e, "and %zu more\n", f->count - f->kept);
    }
    return 0;
}

int faults_err(const struct faults *f, struct err *e)
{
    const struct fault *x;
    char where[FAULT_TEXT_MAX];
    char more[40] = "";

    if (f->count == 0) {
        return 0;
    }
    if (f->kept == 0) {
        return err_set(e, ERR_INVALID, "%zu faults", f->count);
    }
    x = &f->list[0];
    if (x->file == NULL) {
        where[0] = '\0';
    } else if (x->line == 0) {
        (void)snprintf(where, sizeof(where), "%s: ", x->file);
    } else {
        (void)snprintf(where, sizeof(where), "%s:%d:%d: ", x->file, x->line,
                       x->column);
    }
    if (f->count > 1) {
        (void)snprintf(more, sizeof(more), " (and %zu more)", f->count - 1);
    }
    return err_set(e, ERR_INVALID, "%s%s%s", where, x->text, more);
}
