#include "core/embed.h"

#include <string.h>

bool embed_find(const struct embed_file *table, const char *name,
                struct slice *ret)
{
    for (; table->name != NULL; table++) {
        if (strcmp(table->name, name) == 0) {
            *ret = (struct slice){(const char *)table->bytes, table->len};
            return true;
        }
    }
    return false;
}
