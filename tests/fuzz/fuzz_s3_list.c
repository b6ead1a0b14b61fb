/* A page of a bucket's list: objects come in the order of their keys, under
 * the prefix that was asked for, none looks like a folder, and what is read
 * twice reads the same. */
#include <string.h>

#include "fuzz.h"
#include "store/s3_int.h"

struct seen {
    char last[STORE_KEY_MAX + 1];
    int64_t n, bytes;
};

static bool see(void *arg, const struct store_object *o)
{
    struct seen *s = arg;
    size_t n = strlen(o->key);

    require(n > 0 && n <= STORE_KEY_MAX && o->key[n - 1] != '/');
    require(strncmp(o->key, "a", 1) == 0 && strcmp(o->key, s->last) > 0);
    memcpy(s->last, o->key, n + 1);
    s->n++;
    s->bytes = (int64_t)((uint64_t)s->bytes * 31 + (uint64_t)o->bytes);
    return true;
}

static int read_once(struct slice body, struct seen *seen, bool *more)
{
    struct s3 s = {.prefix = "tables/", .host = "s3.example"};
    struct store_lister l = {.prefix = "a", .fn = see, .arg = seen};
    struct err e;
    int rc;

    memset(seen, 0, sizeof(*seen));
    *more = false;
    buf_init(&s.scratch, 1 << 20);
    rc = s3_list_page(&s, &l, body, more, &e);
    buf_release(&s.scratch);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct seen one;
    static struct seen two;
    struct slice body = {(const char *)data, size};
    bool more;
    bool again;
    int rc = read_once(body, &one, &more);

    require(read_once(body, &two, &again) == rc && more == again);
    require(one.n == two.n && one.bytes == two.bytes &&
            strcmp(one.last, two.last) == 0);
    return 0;
}
