#include "api/media.h"

#include "core/num.h"
#include "core/text.h"

/* The type without its parameters. */
static struct slice bare(struct slice s, struct slice *ret_params)
{
    struct slice head;

    (void)slice_cut(&s, ';', &head);
    if (ret_params != NULL) {
        *ret_params = s;
    }
    return slice_trim(head);
}

static bool is(struct slice s, const char *text)
{
    return text_ascii_ieq(s, slice_of(text));
}

bool media_kafka(struct slice content_type, enum media_format *ret)
{
    static const char *const types[] = {
        [MEDIA_BINARY] = "application/vnd.kafka.binary.v2+json",
        [MEDIA_JSON_VALUES] = "application/vnd.kafka.json.v2+json",
        [MEDIA_AVRO] = "application/vnd.kafka.avro.v2+json",
        [MEDIA_JSONSCHEMA] = "application/vnd.kafka.jsonschema.v2+json",
        [MEDIA_PROTOBUF] = "application/vnd.kafka.protobuf.v2+json",
        [MEDIA_NO_FORMAT] = MEDIA_KAFKA,
    };
    struct slice s = bare(content_type, NULL);

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        if (is(s, types[i])) {
            *ret = (enum media_format)i;
            return true;
        }
    }
    return false;
}

bool media_is_json(struct slice content_type)
{
    struct slice s = bare(content_type, NULL);
    struct slice prefix = SLICE("application/");
    struct slice suffix = SLICE("+json");

    return is(s, MEDIA_JSON) ||
           (s.len > prefix.len + suffix.len &&
            text_ascii_ieq((struct slice){s.ptr, prefix.len}, prefix) &&
            text_ascii_ieq(slice_from(s, s.len - suffix.len), suffix));
}

/* A range with q=0 is refused by the client. */
static bool refused(struct slice params)
{
    struct slice one;
    bool more = true;
    double q = 1;

    while (more) {
        more = slice_cut(&params, ';', &one);
        one = slice_trim(one);
        if (one.len > 2 && (one.ptr[0] == 'q' || one.ptr[0] == 'Q') &&
            one.ptr[1] == '=') {
            (void)num_double(slice_from(one, 2), &q);
        }
    }
    return q <= 0;
}

bool media_accepts(struct slice accept)
{
    bool more = true;
    bool any = false;

    while (more) {
        struct slice range;
        struct slice params;
        enum media_format f;

        more = slice_cut(&accept, ',', &range);
        range = bare(range, &params);
        if (range.len == 0) {
            continue;
        }
        any = true;
        if ((is(range, "*/*") || is(range, "application/*") ||
             is(range, MEDIA_JSON) || media_kafka(range, &f)) &&
            !refused(params)) {
            return true;
        }
    }
    return !any;
}
