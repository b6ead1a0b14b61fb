#include "lake_ask.h"

#include "core/fs.h"
#include "test.h"

const struct col_def lake_defs[LAKE_COLUMNS] = {
    {.name = "ind", .type = COL_INT32, .comment = "row number"},
    {.name = "title", .type = COL_TEXT},
    {.name = "coordinates", .type = COL_DOUBLE_LIST},
    {.name = "timestamp", .type = COL_TIMESTAMP},
};
const struct delta_prop lake_props[1] = {{"pinline.pipeline", "clean"}};
const struct delta_schema lake_schema = {lake_defs, LAKE_COLUMNS, lake_props,
                                         1,         NULL,         0};

const char *lake_folder(const char *name)
{
    static char path[FS_PATH_MAX];
    struct err e = {0};

    CHECK_OK(fs_join(path, test_folder(), name, &e), &e);
    return path;
}

int64_t lake_ask(struct duck *duck, struct delta *t, const char *what)
{
    struct frame f = {0};
    struct err e = {0};
    struct buf b;
    const char *sql = "";
    int64_t v = -1;

    buf_init(&b, 1 << 20);
    CHECK_OK(buf_putf(&b, &e, "SELECT (%s)::BIGINT FROM (", what), &e);
    CHECK_OK(delta_select(t, &b, &e), &e);
    CHECK_OK(buf_putc(&b, ')', &e), &e);
    CHECK_OK(buf_text(&b, &sql, &e), &e);
    CHECK_OK(frame_query(duck, sql, 1 << 20, &f, &e), &e);
    if (f.rows.rows == 1) {
        v = f.rows.cols[0].fixed.i64[0];
        frame_release(&f);
    }
    buf_release(&b);
    return v;
}

int lake_write(struct delta *t, const struct batch *rows,
               struct delta_change *c, struct err *e)
{
    struct delta_adds adds = {0};
    int rc = delta_write(t, c->schema, rows, &adds, e);

    if (rc == 0) {
        c->adds = adds.items;
        c->nadds = adds.n;
        rc = delta_commit(t, c, e);
    }
    delta_adds_release(&adds);
    return rc;
}
