/* An answer of a workspace, manifest and rows in one document: rows that are
 * taken have as many texts as there are columns, each with a name. */
#include "engine/databricks_rows.h"
#include "fuzz.h"

enum {
    ROWS_BYTES = 1 << 20
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct databricks_rows *r = NULL;
    struct json_doc doc;
    struct err e = {0};

    if (json_parse(&doc, text, JSON_NUMBERS, NULL, NULL) != 0) {
        return 0;
    }
    if (databricks_rows_new(&r, json_get(doc.root, "manifest"), ROWS_BYTES,
                            &e) == 0) {
        for (int chunk = 0; chunk < 2; chunk++) {
            e.msg[0] = '\0';
            require(databricks_rows_add(r, json_get(doc.root, "result"), &e) ==
                        0 ||
                    e.msg[0] != '\0');
        }
    } else {
        require(r == NULL && e.msg[0] != '\0');
    }
    databricks_rows_free(r);
    json_release(&doc);
    return 0;
}
