/* Headers and times as clients send them: what a media type says does not
 * depend on case, who speaks is known only by a whole token, only this
 * machine's names are loopback, and a time that is read is read again from its
 * plain spelling. */
#include <string.h>

#include "api/auth.h"
#include "api/media.h"
#include "api/timestamp.h"
#include "core/clock.h"
#include "fuzz.h"

enum {
    BYTES_MAX = 4096
};

static struct slice upper(struct slice s, char *to)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        to[i] = (char)(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    }
    return (struct slice){to, s.len};
}

static void check_media(struct slice s)
{
    enum media_format one = MEDIA_NO_FORMAT;
    enum media_format two = MEDIA_NO_FORMAT;
    char text[BYTES_MAX];
    struct slice loud = upper(s, text);

    require(media_kafka(s, &one) == media_kafka(loud, &two) && one == two);
    require(media_is_json(s) == media_is_json(loud));
    require(media_accepts(s) == media_accepts(loud));
}

static void check_token(struct slice s)
{
    struct auth a = {.n = 1, .tokens = {{.name = "one"}}};
    struct slice name = {0};

    digest_sha256(SLICE("a-token-of-one"), a.tokens[0].digest);
    require(auth_check(&a, SLICE("Bearer a-token-of-one"), &name));
    if (auth_check(&a, s, &name)) {
        require(slice_is(name, "one") &&
                slice_ends(slice_trim(s), SLICE("a-token-of-one")));
    }
}

static void check_host(struct slice s)
{
    static const char *const ours[] = {"127.", "localhost", "LOCALHOST",
                                       "[::1]", "::1"};
    char text[BYTES_MAX];
    struct slice loud = upper(s, text);
    bool named = false;

    for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
        named = named || slice_starts(loud, slice_of(ours[i]));
    }
    require(named || !auth_host_is_loopback(s));
}

static void check_time(struct slice s)
{
    char text[CLOCK_TEXT_MAX];
    int64_t us = -7;
    int64_t again = -7;
    struct clock_civil c;

    if (!timestamp_parse(s, &us)) {
        return;
    }
    clock_to_civil(us, &c);
    if (c.year >= 1 && c.year <= 9999) {
        struct slice iso = {text, clock_iso(us, text)};

        require(timestamp_parse(iso, &again) && again == us);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice s = {(const char *)data, size};

    if (size == 0 || size > BYTES_MAX) {
        return 0;
    }
    check_media(s);
    check_token(s);
    check_host(s);
    check_time(s);
    return 0;
}
