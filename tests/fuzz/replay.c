/*
 * replay.c - main() for a fuzz target in ordinary builds: runs every file of
 * a corpus folder, then a fixed number of mutations of each, always the same.
 *
 * A finding aborts; the name of the input and the mutation's number stand on
 * the last line before, so `replay_X FOLDER` in a debugger shows it again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/buf.h"
#include "core/fs.h"
#include "core/mem.h"
#include "fuzz.h"

enum {
    INPUT_MAX = 1 << 20,
    MUTATIONS = 200,
    SMALL = 1 << 14
};

struct xorshift {
    uint64_t state;
};

static uint64_t draw(struct xorshift *x, uint64_t below)
{
    x->state ^= x->state << 13;
    x->state ^= x->state >> 7;
    x->state ^= x->state << 17;
    return x->state % below;
}

/* Change some bytes, cut, or repeat a part; returns the new size. */
static size_t mutate(uint8_t *d, size_t size, struct xorshift *x)
{
    static const char odd[] = "\"\\{}[],:0-9.eE\n\r\t %'#&=+/\x7f";

    for (uint64_t n = 1 + draw(x, 4); n > 0 && size > 0; n--) {
        size_t at = (size_t)draw(x, size);
        size_t len = (size_t)draw(x, size - at) + 1;

        switch (draw(x, 5)) {
        case 0:
            d[at] = (uint8_t)draw(x, 256);
            break;
        case 1:
            d[at] = (uint8_t)odd[draw(x, sizeof(odd))];
            break;
        case 2:
            d[at] ^= (uint8_t)(1U << draw(x, 8));
            break;
        case 3:
            memmove(d + at, d + at + len, size - at - len);
            size -= len;
            break;
        default:
            memmove(d + draw(x, size - len + 1), d + at, len);
            break;
        }
    }
    return size;
}

/* The target sees memory of exactly the input's size: ASan guards its end. */
static void run_input(const uint8_t *data, size_t size)
{
    uint8_t *exact = mem_zero(size ? size : 1, 1);

    if (exact == NULL) {
        abort();
    }
    memcpy(exact, data, size);
    (void)LLVMFuzzerTestOneInput(exact, size);
    mem_free(exact);
}

static void run_mutations(const char *name, const uint8_t *data, size_t size)
{
    static uint8_t work[SMALL];
    struct xorshift x = {0x9e3779b97f4a7c15U + size};

    for (int i = 0; i < MUTATIONS; i++) {
        size_t n = size < sizeof(work) ? size : sizeof(work);

        memcpy(work, data, n);
        n = mutate(work, n, &x);
        if (i % 50 == 0) {
            printf("# %s, mutations from %d on\n", name, i);
            (void)fflush(stdout);
        }
        run_input(work, n);
    }
}

static int run_file(const char *folder, const char *name)
{
    char path[FS_PATH_MAX];
    struct buf b;
    struct err e;
    int rc = -1;

    buf_init(&b, INPUT_MAX);
    if (fs_join(path, folder, name, &e) == 0 && fs_read(path, &b, &e) == 0) {
        run_input((const uint8_t *)b.ptr, b.len);
        run_mutations(name, (const uint8_t *)b.ptr, b.len);
        printf("ok %s\n", name);
        rc = 0;
    } else {
        printf("not ok %s: %s\n", name, e.msg);
    }
    buf_release(&b);
    return rc;
}

int main(int argc, char **argv)
{
    static const uint8_t empty[1];
    struct fs_names files = {0};
    struct err e;
    int failed = 0;

    run_input(empty, 0);
    printf("ok the empty input\n");
    if (argc > 1 && fs_is_folder(argv[1]) &&
        fs_names(argv[1], &files, &e) < 0) {
        printf("not ok %s\n", e.msg);
        failed++;
    }
    for (size_t i = 0; i < files.n; i++) {
        failed += run_file(argv[1], files.names[i]) < 0;
    }
    printf("%zu passed, %d failed\n", files.n + 1 - (size_t)failed, failed);
    fs_names_release(&files);
    return failed ? 1 : 0;
}
