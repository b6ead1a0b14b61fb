#include "core/dynlib.h"

#include <dlfcn.h>
#include <string.h>

int dynlib_load(struct dynlib *lib, const char *const *files,
                const struct dynlib_symbol *symbols, size_t n, void *api,
                const char *hint, struct err *e)
{
    void *handle = NULL;

    /* they leave handlers for the end of threads and of the program behind */
    for (size_t i = 0; handle == NULL && files[i] != NULL; i++) {
        handle = dlopen(files[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    }
    if (handle == NULL) {
        return err_set(e, ERR_UNAVAILABLE, "could not load %s: %s; %s",
                       files[0], dlerror(), hint);
    }
    for (size_t i = 0; i < n; i++) {
        void *symbol = dlsym(handle, symbols[i].name);

        if (symbol == NULL) {
            (void)dlclose(handle);
            return err_set(e, ERR_UNAVAILABLE,
                           "%s has no function \"%s\": it is too old; %s",
                           files[0], symbols[i].name, hint);
        }
        /* object pointers and function pointers have one size in POSIX */
        memcpy((char *)api + symbols[i].at, &symbol, sizeof(symbol));
    }
    lib->handle = handle;
    return 0;
}

void dynlib_close(struct dynlib *lib)
{
    if (lib->handle != NULL) {
        (void)dlclose(lib->handle);
        lib->handle = NULL;
    }
}
