#include "api/media.h"

#include "test.h"

static void formats_are_read(void)
{
    static const struct {
        const char *text;
        int format; /* -1: none */
    } cases[] = {
        {"application/vnd.kafka.json.v2+json", MEDIA_JSON_VALUES},
        {"application/vnd.kafka.binary.v2+json", MEDIA_BINARY},
        {"application/vnd.kafka.avro.v2+json", MEDIA_AVRO},
        {"application/vnd.kafka.jsonschema.v2+json", MEDIA_JSONSCHEMA},
        {"application/vnd.kafka.protobuf.v2+json", MEDIA_PROTOBUF},
        {"application/vnd.kafka.v2+json", MEDIA_NO_FORMAT},
        {" APPLICATION/vnd.kafka.json.V2+json ; charset=utf-8",
         MEDIA_JSON_VALUES},
        {"application/vnd.kafka.json.v1+json", -1},
        {"application/vnd.kafka.json.v2", -1},
        {"application/json", -1},
        {"", -1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum media_format f = MEDIA_NO_FORMAT;
        bool got = media_kafka(slice_of(cases[i].text), &f);

        CHECK(got == (cases[i].format >= 0));
        CHECK(!got || (int)f == cases[i].format);
    }
}

static void json_types(void)
{
    CHECK(media_is_json(SLICE("application/json")));
    CHECK(media_is_json(SLICE("Application/JSON;charset=UTF-8")));
    CHECK(media_is_json(SLICE("application/geo+json")));
    CHECK(!media_is_json(SLICE("application/+json")));
    CHECK(!media_is_json(SLICE("text/json")));
    CHECK(!media_is_json(SLICE("application/jsonp")));
    CHECK(!media_is_json(SLICE("")));
}

static void accept_is_a_list_with_weights(void)
{
    CHECK(media_accepts(SLICE("")));
    CHECK(media_accepts(SLICE("*/*")));
    CHECK(media_accepts(SLICE("application/*")));
    CHECK(media_accepts(SLICE("application/json")));
    CHECK(media_accepts(SLICE("application/vnd.kafka.v2+json")));
    CHECK(media_accepts(SLICE("application/vnd.kafka.json.v2+json")));
    CHECK(media_accepts(SLICE("text/html, application/xml;q=0.9, */*;q=0.8")));
    CHECK(!media_accepts(SLICE("text/html")));
    CHECK(!media_accepts(SLICE("text/*, application/xml")));
    CHECK(!media_accepts(SLICE("application/json;q=0")));
    CHECK(!media_accepts(SLICE("application/json; Q=0.000")));
    CHECK(media_accepts(SLICE("application/json;q=0, */*;q=0.1")));
}

int main(void)
{
    static const struct test tests[] = {
        {"formats are read", formats_are_read},
        {"JSON types", json_types},
        {"Accept is a list with weights", accept_is_a_list_with_weights},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
