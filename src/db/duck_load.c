#include "db/duck_int.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/fs.h"

enum {
    PARENTS_MAX = 6 /* folders above the program that are looked into */
};

static void *load(const char *path)
{
    /* DuckDB has 24,000 functions of its own to bind: only those called are */
    return dlopen(path, RTLD_LAZY | RTLD_LOCAL);
}

static void *load_below(const char *dir)
{
    static const char *const places[] = {
        ".cache/deps/lib/libduckdb.so",
        "lib/libduckdb.so",
        "lib/pinline/libduckdb.so",
    };
    void *library = NULL;

    for (size_t i = 0; library == NULL && i < ARRAY_LEN(places); i++) {
        char path[FS_PATH_MAX];

        if (fs_join(path, dir, places[i], NULL) == 0 && fs_exists(path)) {
            library = load(path);
        }
    }
    return library;
}

/* Look below the program's folder and its parents. */
static void *load_near(void)
{
    char dir[FS_PATH_MAX];
    void *library = NULL;
    ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

    if (n <= 0) {
        return NULL;
    }
    dir[n] = '\0';
    for (int up = 0; library == NULL && up < PARENTS_MAX; up++) {
        char *slash = strrchr(dir, '/');

        if (slash == NULL) {
            return NULL;
        }
        *slash = '\0';
        library = load_below(dir[0] != '\0' ? dir : "/");
    }
    return library;
}

static int find_all(struct duck_api *api, void *library, struct err *e)
{
    static const struct {
        const char *name;
        size_t at;
    } names[] = {
#define XX(name) {"duckdb_" #name, offsetof(struct duck_api, name)},
        DUCK_API_MAP(XX)
#undef XX
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        void *symbol = dlsym(library, names[i].name);

        if (symbol == NULL) {
            return err_set(e, ERR_UNAVAILABLE,
                           "libduckdb.so has no function \"%s\"; version 1.5 "
                           "is needed",
                           names[i].name);
        }
        /* object pointers and function pointers have one size in POSIX */
        memcpy((char *)api + names[i].at, &symbol, sizeof(symbol));
    }
    return 0;
}

int duck_load(struct duck_api *api, void **ret, struct err *e)
{
    const char *named = getenv("PINLINE_DUCKDB");
    void *library = NULL;

    if (named != NULL && named[0] != '\0') {
        library = load(named);
    } else {
        library = load_near();
        if (library == NULL) {
            library = load(PINLINE_DUCKDB_DEFAULT); /* where it was fetched */
        }
        if (library == NULL) {
            library = load("libduckdb.so");
        }
    }
    if (library == NULL) {
        return err_set(e, ERR_UNAVAILABLE,
                       "could not load libduckdb.so: %s; run tools/get-deps "
                       "or name the file in PINLINE_DUCKDB",
                       dlerror());
    }
    if (find_all(api, library, e) < 0) {
        return -1;
    }
    if (dlopen("libduckdb.so", RTLD_NOW | RTLD_NOLOAD) != library) {
        return err_set(e, ERR_UNAVAILABLE,
                       "the DuckDB library does not call itself "
                       "libduckdb.so, or two are loaded");
    }
    *ret = library;
    return 0;
}

void duck_symbol(const char *name, void *ret, size_t size)
{
    void *library = dlopen("libduckdb.so", RTLD_NOW | RTLD_NOLOAD);
    void *symbol = library != NULL ? dlsym(library, name) : NULL;

    assert(symbol != NULL && size == sizeof(symbol));
    memcpy(ret, &symbol, size);
    (void)dlclose(library);
}
