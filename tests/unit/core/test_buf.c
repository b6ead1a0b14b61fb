#include "core/buf.h"

#include "test.h"

static void buf_keeps_its_ceiling(void)
{
    struct buf b;
    struct err e;

    buf_init(&b, 100);
    for (int i = 0; i < 10; i++) {
        CHECK_OK(buf_append(&b, SLICE("0123456789"), &e), &e);
    }
    CHECK(buf_append(&b, SLICE("x"), &e) == -1);
    CHECK(e.code == ERR_LIMIT);
    CHECK(!err_retriable(e.code));
    CHECK_INT(b.len, 100);
    buf_release(&b);
}

static void slice_cut_walks_fields(void)
{
    struct slice s = SLICE("a,,b");
    struct slice f;

    CHECK(slice_cut(&s, ',', &f) && slice_eq(f, SLICE("a")));
    CHECK(slice_cut(&s, ',', &f) && slice_eq(f, SLICE("")));
    CHECK(!slice_cut(&s, ',', &f) && slice_eq(f, SLICE("b")));
    CHECK_INT(s.len, 0);
}

static const struct test tests[] = {
    {"buf keeps its ceiling", buf_keeps_its_ceiling},
    {"slice_cut walks fields", slice_cut_walks_fields},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
