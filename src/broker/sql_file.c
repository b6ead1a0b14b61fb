#include "broker/sql_file.h"

#include "core/embed.h"

extern const struct embed_file broker_files[];

int sql_file_find(const char *file, const char *name, struct buf *b,
                  const char **ret, struct err *e)
{
    struct slice mark = SLICE("-- name: ");
    struct slice rest = SLICE("");
    struct slice line;
    bool ours = false;

    buf_clear(b);
    if (!embed_find(broker_files, file, &rest)) {
        return err_set(e, ERR_INVALID, "the program lacks \"%s\"", file);
    }
    while (rest.len > 0) {
        (void)slice_cut(&rest, '\n', &line);
        if (slice_starts(line, mark)) {
            ours = slice_is(slice_from(line, mark.len), name);
        } else if (ours &&
                   (buf_append(b, line, e) < 0 || buf_putc(b, '\n', e) < 0)) {
            return -1;
        }
    }
    if (b->len == 0) {
        return err_set(e, ERR_INVALID, "\"%s\" has no \"%s\"", file, name);
    }
    return buf_text(b, ret, e);
}
