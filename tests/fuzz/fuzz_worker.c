/* A request for SQL as a worker reads it: its texts lie in the buffer, each
 * with its NUL. */
#include <string.h>

#include "flow/worker.h"
#include "fuzz.h"

static bool inside(const struct buf *b, const char *text)
{
    return text >= b->ptr && text < b->ptr + b->len &&
           memchr(text, '\0', b->len - (size_t)(text - b->ptr)) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice request = {(const char *)data, size};
    struct worker_request r = {0};
    struct buf text;
    struct err e = {0};

    buf_init(&text, WORKER_REQUEST_MAX);
    if (worker_parse(request, &r, &text, &e) == 0) {
        require(inside(&text, r.tables) && inside(&text, r.format));
        require(inside(&text, r.sql.ptr) && r.sql.ptr[r.sql.len] == '\0');
        require(strlen(r.sql.ptr) == r.sql.len);
    } else {
        require(e.msg[0] != '\0');
    }
    buf_release(&text);
    return 0;
}
