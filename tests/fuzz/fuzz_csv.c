/* Fields that were read, printed and read again are the same. */
#include "fuzz.h"
#include "record/csv.h"

enum {
    OUT_MAX = 1 << 24
};

static void check_record(struct slice record)
{
    static struct csv_field first[CSV_FIELDS_MAX];
    static struct csv_field again[CSV_FIELDS_MAX];
    struct buf scratch[2];
    struct buf line;
    struct err e;
    size_t n = 0;
    size_t m = 0;

    buf_init(&scratch[0], OUT_MAX);
    buf_init(&scratch[1], OUT_MAX);
    buf_init(&line, OUT_MAX);
    if (csv_fields(record, &scratch[0], first, CSV_FIELDS_MAX, &n, &e) == 0) {
        size_t len = 0;
        size_t all = 0;

        for (size_t i = 0; i < n; i++) {
            require(i == 0 || buf_putc(&line, ',', &e) == 0);
            require(csv_print_text(&line, first[i].text, &e) == 0);
        }
        require(csv_record(buf_slice(&line), true, &len, &all));
        require(len == line.len && all == line.len);
        require(csv_fields(buf_slice(&line), &scratch[1], again, CSV_FIELDS_MAX,
                           &m, &e) == 0);
        require(n == m);
        for (size_t i = 0; i < n; i++) {
            require(slice_eq(first[i].text, again[i].text));
        }
    }
    buf_release(&scratch[0]);
    buf_release(&scratch[1]);
    buf_release(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    size_t len = 0;
    size_t all = 0;

    while (csv_record(rest, true, &len, &all) && all > 0) {
        require(len <= all && all <= rest.len);
        check_record((struct slice){rest.ptr, len});
        rest = slice_from(rest, all);
    }
    return 0;
}
