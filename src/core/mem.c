#include "core/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum {
    GIVE_BACK_BYTES = 1 << 20
};

static atomic_uint fail_countdown; /* 0: off */

static bool told_to_fail(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) == 0) {
        return false;
    }
    return atomic_fetch_sub(&fail_countdown, 1) == 1;
}

void *mem_resize(void *p, size_t count, size_t size)
{
    assert(count > 0 && size > 0); /* realloc(p, 0) means different things */
    if (count > SIZE_MAX / size || told_to_fail()) {
        return NULL;
    }
    return realloc(p, count * size);
}

void *mem_zero(size_t count, size_t size)
{
    assert(count > 0 && size > 0);
    return told_to_fail() ? NULL : calloc(count, size);
}

char *mem_text(const char *s, size_t n)
{
    char *p = mem_resize(NULL, n + 1, 1);

    if (p != NULL) {
        if (n > 0) {
            memcpy(p, s, n);
        }
        p[n] = '\0';
    }
    return p;
}

void mem_free(void *p)
{
    free(p);
}

void mem_give_back(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, GIVE_BACK_BYTES);
}

void mem_fail_after(unsigned n)
{
    atomic_store(&fail_countdown, n);
}
