#include "core/yaml.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/num.h"

const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
    if (n == NULL || n->kind != YAML_MAPPING) {
        return NULL;
    }
    for (const struct yaml_node *c = n->first; c != NULL; c = c->next) {
        if (slice_is(c->key, key)) {
            return c;
        }
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *n)
{
    return n->kind == YAML_SCALAR && n->plain &&
           (n->text.len == 0 || slice_is(n->text, "~") ||
            slice_is(n->text, "null"));
}

const char *yaml_kind_text(enum yaml_kind kind)
{
    switch (kind) {
    case YAML_MAPPING:
        return "a mapping";
    case YAML_SEQUENCE:
        return "a list";
    case YAML_SCALAR:
    default:
        return "a single value";
    }
}

struct fault_place yaml_place(const struct yaml_node *n)
{
    return (struct fault_place){n->file, n->line, n->column};
}

struct fault_place yaml_key_place(const struct yaml_node *n)
{
    return (struct fault_place){n->file, n->key_line, n->key_column};
}

void yaml_fault(struct faults *f, const struct yaml_node *n, const char *fmt,
                ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    faults_add(f, yaml_place(n), "%s", text);
}

void yaml_fault_key(struct faults *f, const struct yaml_node *n,
                    const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    faults_add(f, yaml_key_place(n), "%s", text);
}

bool yaml_expect(const struct yaml_node *n, enum yaml_kind kind,
                 const char *what, struct faults *f)
{
    if (n->kind == kind) {
        return true;
    }
    yaml_fault(f, n, "%s must be %s, not %s", what, yaml_kind_text(kind),
               yaml_kind_text(n->kind));
    return false;
}

void yaml_known_keys(const struct yaml_node *n, const char *const *words,
                     size_t count, struct faults *f)
{
    if (n == NULL || n->kind != YAML_MAPPING) {
        return;
    }
    for (const struct yaml_node *c = n->first; c != NULL; c = c->next) {
        size_t i = 0;

        while (i < count && !slice_is(c->key, words[i])) {
            i++;
        }
        if (i == count) {
            faults_unknown(f, yaml_key_place(c), "key", c->key, words, count);
        }
    }
}

bool yaml_text(const struct yaml_node *n, const char *what, struct faults *f,
               const char **ret)
{
    if (n == NULL || !yaml_expect(n, YAML_SCALAR, what, f)) {
        return false;
    }
    if (memchr(n->text.ptr, '\0', n->text.len) != NULL) {
        yaml_fault(f, n, "%s holds a NUL character", what);
        return false;
    }
    *ret = n->text.ptr;
    return true;
}

bool yaml_int(const struct yaml_node *n, const char *what, int64_t min,
              int64_t max, struct faults *f, int64_t *ret)
{
    int64_t v;

    if (n == NULL || !yaml_expect(n, YAML_SCALAR, what, f)) {
        return false;
    }
    if (!num_i64(n->text, &v)) {
        yaml_fault(f, n, "%s must be a whole number, not \"%.*s\"", what,
                   SLICE_FMT(n->text));
        return false;
    }
    if (v < min || v > max) {
        yaml_fault(f, n,
                   "%s must be from %" PRId64 " to %" PRId64 ", not %" PRId64,
                   what, min, max, v);
        return false;
    }
    *ret = v;
    return true;
}

bool yaml_double(const struct yaml_node *n, const char *what, struct faults *f,
                 double *ret)
{
    if (n == NULL || !yaml_expect(n, YAML_SCALAR, what, f)) {
        return false;
    }
    if (!num_double(n->text, ret)) {
        yaml_fault(f, n, "%s must be a number, not \"%.*s\"", what,
                   SLICE_FMT(n->text));
        return false;
    }
    return true;
}

bool yaml_bool(const struct yaml_node *n, const char *what, struct faults *f,
               bool *ret)
{
    if (n == NULL || !yaml_expect(n, YAML_SCALAR, what, f)) {
        return false;
    }
    if (!num_bool(n->text, ret)) {
        yaml_fault(f, n, "%s must be true or false, not \"%.*s\"", what,
                   SLICE_FMT(n->text));
        return false;
    }
    return true;
}

bool yaml_choice(const struct yaml_node *n, const char *what,
                 const char *const *words, size_t count, struct faults *f,
                 size_t *ret)
{
    if (n == NULL || !yaml_expect(n, YAML_SCALAR, what, f)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (slice_is(n->text, words[i])) {
            *ret = i;
            return true;
        }
    }
    faults_unknown(f, yaml_place(n), what, n->text, words, count);
    return false;
}
