/* The ways in which records were found wrapped in published files, each with
 * what must come out of it. */
#include <stdlib.h>

#include "core/fs.h"
#include "record/decode.h"
#include "record/split.h"
#include "test.h"

#define BIT(how) (1u << DECODE_##how)

struct variant {
    const char *path; /* below data/ */
    int messages;
    int records;
    int rejects;
    enum decode_reject reject;
    unsigned how;
};

#define SINK_OBJECT(n)                                                         \
    {"variants/14_s3_sink_object_reconstructed/12aa97d84d77.pin+0+" n ".json", \
     1,                                                                        \
     1,                                                                        \
     0,                                                                        \
     DECODE_REJECT_NONE,                                                       \
     BIT(PLAIN)}

static const struct variant variants[] = {
    {"variants/01_kafka_rest_v2_consumer/pin_consumer.json", 1, 41, 0,
     DECODE_REJECT_NONE, BIT(ARRAY) | BIT(WRAPPER)},
    {"variants/01_kafka_rest_v2_consumer/geo_consumer.json", 1, 72, 0,
     DECODE_REJECT_NONE, BIT(ARRAY) | BIT(WRAPPER)},
    {"variants/01_kafka_rest_v2_consumer/user_consumer.json", 1, 82, 0,
     DECODE_REJECT_NONE, BIT(ARRAY) | BIT(WRAPPER)},
    {"variants/03_concatenated_json_no_newline/pinterest_data_first20.json", 20,
     20, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
    {"variants/04_json_string_of_python_repr/"
     "0c171f8a-9a88-45f7-9725-04f5228318bb.json",
     1, 1, 0, DECODE_REJECT_NONE, BIT(PYTHON)},
    {"variants/04_json_string_of_python_repr/"
     "3ee42c1a-2793-4794-8bbd-787df91e5597.json",
     1, 1, 0, DECODE_REJECT_NONE, BIT(PYTHON)},
    {"variants/04_json_string_of_python_repr/"
     "double_encoded_concatenated_first4.json",
     4, 4, 0, DECODE_REJECT_NONE, BIT(JSON_TEXT) | BIT(PYTHON)},
    {"variants/04_json_string_of_python_repr/edcliffe_message_13b0aacf.json", 1,
     1, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
    {"variants/04_json_string_of_python_repr/edcliffe_message_5473a15a.json", 1,
     0, 1, DECODE_REJECT_NOT_JSON, 0},
    {"variants/04_json_string_of_python_repr/edcliffe_message_9effbb2a.json", 1,
     1, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
    {"variants/06_s3_double_encoded_rest_payload/lines.json", 12, 12, 0,
     DECODE_REJECT_NONE, BIT(JSON_TEXT) | BIT(WRAPPER)},
    {"variants/12_malformed_records/hand_made_test_posts__swhh.jsonl", 1, 1, 0,
     DECODE_REJECT_NONE, BIT(PLAIN)},
    {"variants/12_malformed_records/hand_made_test_posts__verbonbon.jsonl", 1,
     1, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
    {"variants/12_malformed_records/rows_seen_by_spark.jsonl", 60, 0, 60,
     DECODE_REJECT_NO_KEY, BIT(WRAPPER)},
    SINK_OBJECT("0000001521"),
    SINK_OBJECT("0000002863"),
    SINK_OBJECT("0000003239"),
    SINK_OBJECT("0000005730"),
    SINK_OBJECT("0000006509"),
    SINK_OBJECT("0000006660"),
    SINK_OBJECT("0000007528"),
    SINK_OBJECT("0000009426"),
    SINK_OBJECT("0000010052"),
    {"pin_edge_cases.jsonl", 70, 70, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
    {"pin.jsonl", 2126, 2126, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
    {"geo.jsonl", 11154, 11154, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
    {"user.jsonl", 11154, 11154, 0, DECODE_REJECT_NONE, BIT(PLAIN)},
};

static bool shared_file(const char *below, char path[FS_PATH_MAX])
{
    const char *shared = getenv("PINLINE_SHARED");
    char dir[FS_PATH_MAX];
    struct err e;

    CHECK_OK(fs_join(dir, shared ? shared : "../shared", "data", &e), &e);
    CHECK_OK(fs_join(path, dir, below, &e), &e);
    return fs_exists(path);
}

static void run_variant(const struct variant *v, const char *path)
{
    static const char *const keys[] = {"index", "ind", "idx"};
    struct decoder *d = NULL;
    struct split *s = NULL;
    struct split_message m;
    struct decode_result r;
    struct variant got = {.reject = DECODE_REJECT_NONE};
    struct err e;
    int rc;

    CHECK_OK(decoder_new(&d, keys, ARRAY_LEN(keys), &e), &e);
    CHECK_OK(split_open(&s, path, &(struct split_conf){.chunk = 1000}, &e), &e);
    while ((rc = split_next(s, &m, &e)) == 1) {
        got.messages++;
        CHECK(m.json);
        CHECK_OK(decoder_decode(d, m.bytes, true, &r, &e), &e);
        got.how |= r.how;
        for (size_t i = 0; i < r.n; i++) {
            if (r.records[i].object != NULL) {
                got.records++;
            } else {
                got.rejects++;
                CHECK_INT(r.records[i].reject, v->reject);
            }
        }
    }
    CHECK_INT(rc, 0);
    CHECK_INT(got.messages, v->messages);
    CHECK_INT(got.records, v->records);
    CHECK_INT(got.rejects, v->rejects);
    CHECK_INT(got.how, v->how);
    decoder_free(d);
    split_free(s);
}

static void every_published_file_is_read(void)
{
    char path[FS_PATH_MAX];
    size_t seen = 0;

    for (size_t i = 0; i < ARRAY_LEN(variants); i++) {
        if (!shared_file(variants[i].path, path)) {
            printf("# skipped: no file \"%s\"\n", path);
            continue;
        }
        run_variant(&variants[i], path);
        seen++;
    }
    CHECK(seen == 0 || seen == ARRAY_LEN(variants));
}

static void a_pair_of_escaped_surrogates_is_one_character(void)
{
    static const char *const keys[] = {"index"};
    struct decoder *d = NULL;
    struct split *s = NULL;
    struct split_message m;
    struct decode_result r;
    struct slice title;
    char path[FS_PATH_MAX];
    struct err e;

    if (!shared_file(variants[6].path, path)) {
        printf("# skipped: no file \"%s\"\n", path);
        return;
    }
    CHECK_OK(decoder_new(&d, keys, ARRAY_LEN(keys), &e), &e);
    CHECK_OK(split_open(&s, path, &(struct split_conf){0}, &e), &e);
    CHECK_INT(split_next(s, &m, &e), 1);
    CHECK_INT(split_next(s, &m, &e), 1);
    CHECK_OK(decoder_decode(d, m.bytes, true, &r, &e), &e);
    CHECK(json_get_text(r.records[0].object, "title", &title));
    CHECK_TEXT(title, "Luxury cars in Monaco\xf0\x9f\x98\x8d");
    decoder_free(d);
    split_free(s);
}

static const struct test tests[] = {
    {"every published file is read", every_published_file_is_read},
    {"a pair of escaped surrogates is one character",
     a_pair_of_escaped_surrogates_is_one_character},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
