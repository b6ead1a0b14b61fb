#include "core/log.h"
#include "core/log_int.h"

#include <fcntl.h>
#include <unistd.h>

#include "core/fs.h"
#include "core/secret.h"
#include "test.h"

enum {
    NOON_US = 43200000
};

#define FIELDS                                                        \
    {LOG_MSG("topic created"),      LOG_STR("topic", "my pin\n\x01"), \
     LOG_STR("id", "262542bdae36"), LOG_INT("n", -3),                 \
     LOG_US("took", 1500000),       LOG_TEXT("broken", SLICE("\xff\xc3"))}

static void printed(enum log_format format, const char *want)
{
    const struct log_field fields[] = FIELDS;
    struct log_line line = {LOG_WARN, format, (int64_t)NOON_US * 1000, fields,
                            ARRAY_LEN(fields)};
    struct buf b;
    struct err e;

    buf_init(&b, 1000);
    CHECK_OK(log_print(&b, &line, &e), &e);
    CHECK_TEXT(buf_slice(&b), want);
    buf_release(&b);
}
#undef FIELDS

static void text_and_json_say_the_same(void)
{
    printed(LOG_AS_TEXT,
            "1970-01-01T12:00:00.000Z warning topic created topic=\"my "
            "pin\\n\\u0001\" id=262542bdae36 n=-3 took=1.500000 "
            "broken=\"\\u00ff\\u00c3\"\n");
    printed(LOG_AS_JSON,
            "{\"time\":\"1970-01-01T12:00:00.000Z\",\"level\":\"warning\","
            "\"message\":\"topic created\",\"topic\":\"my pin\\n\\u0001\","
            "\"id\":\"262542bdae36\",\"n\":-3,\"took\":1.500000,"
            "\"broken\":\"\\u00ff\\u00c3\"}\n");
}

static void what_is_logged(char *path, struct buf *b)
{
    struct err e;
    int fd;

    CHECK_OK(fs_join(path, test_folder(), "log", &e), &e);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0);
    (void)log_setup(LOG_WARN, LOG_AS_TEXT, fd);
    LOG(LOG_INFO, LOG_MSG("nobody wants to know"));
    LOG(LOG_ERROR, LOG_MSG("could not connect"),
        LOG_STR("url", "postgres://me:tops3cret@host/tops3cret"));
    (void)log_setup(LOG_INFO, LOG_AS_TEXT, 2);
    (void)close(fd);
    CHECK_OK(fs_read(path, b, &e), &e);
}

static void secrets_are_never_logged(void)
{
    char path[FS_PATH_MAX];
    struct buf b;
    struct err e;

    buf_init(&b, 10000);
    CHECK_OK(secret_register(SLICE("tops3cret"), &e), &e);
    CHECK_OK(secret_register(SLICE("tops3cret"), &e), &e);
    CHECK_OK(secret_register(SLICE("me"), &e), &e); /* too short to hide */
    what_is_logged(path, &b);
    CHECK(slice_ends(buf_slice(&b), SLICE(" error   could not connect "
                                          "url=postgres://me:***@host/***\n")));
    CHECK(memchr(b.ptr, '\n', b.len) == b.ptr + b.len - 1);
    buf_release(&b);
}

static void journal_entries_are_lines_or_counted(void)
{
    char plain[] = "MESSAGE=a=b";
    char lines[] = "WHY=x\ny";
    char none[] = "nothing";
    const struct iovec entries[] = {{plain, 11}, {lines, 7}};
    const struct iovec bad = {none, 7};
    struct buf b;
    struct err e;

    buf_init(&b, 1000);
    CHECK_OK(log_journal_pack(&b, entries, 2, &e), &e);
    CHECK(slice_eq(buf_slice(&b), SLICE("MESSAGE=a=b\n"
                                        "WHY\n\3\0\0\0\0\0\0\0x\ny\n")));
    CHECK_INT(log_journal_pack(&b, &bad, 1, &e), -1);
    CHECK_INT(e.code, ERR_INVALID);
    buf_release(&b);
}

static const struct test tests[] = {
    {"a journal entry is a line, or counted where it has lines",
     journal_entries_are_lines_or_counted},
    {"text and JSON say the same", text_and_json_say_the_same},
    {"secrets are never logged", secrets_are_never_logged},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
