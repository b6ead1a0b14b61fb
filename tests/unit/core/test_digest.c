#include "core/digest.h"

#include "test.h"

static void known_digests_are_right(void)
{
    uint8_t d[DIGEST_SHA256];
    char hex[2 * DIGEST_SHA256 + 1];

    digest_sha256(SLICE("abc"), d);
    digest_hex(d, DIGEST_SHA256, hex);
    CHECK_TEXT(
        slice_of(hex),
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_md5(SLICE(""), d);
    digest_hex(d, DIGEST_MD5, hex);
    CHECK_TEXT(slice_of(hex), "d41d8cd98f00b204e9800998ecf8427e");
    digest_hmac_sha256(SLICE("Jefe"), SLICE("what do ya want for nothing?"), d);
    digest_hex(d, DIGEST_SHA256, hex);
    CHECK_TEXT(
        slice_of(hex),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

static void crc32c_is_castagnoli_and_continues(void)
{
    struct slice s = SLICE("123456789 and some more bytes than eight");

    CHECK_INT(digest_crc32c(0, SLICE("123456789")), 0xe3069283);
    CHECK_INT(digest_crc32c_plain(0, SLICE("123456789")), 0xe3069283);
    for (size_t n = 0; n <= s.len; n++) {
        uint32_t head = digest_crc32c(0, (struct slice){s.ptr, n});

        CHECK_INT(digest_crc32c(head, slice_from(s, n)),
                  digest_crc32c_plain(0, s));
    }
}

static void base64_of_every_length_comes_back(void)
{
    char bytes[300];
    struct buf text;
    struct buf back;
    struct err e;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (char)(i * 89 + 7);
    }
    buf_init(&text, 1000);
    buf_init(&back, 1000);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        struct slice s = {bytes, n};

        buf_clear(&text);
        buf_clear(&back);
        CHECK_OK(digest_base64(s, &text, &e), &e);
        CHECK_INT(text.len, (n + 2) / 3 * 4);
        CHECK_OK(digest_unbase64(buf_slice(&text), &back, &e), &e);
        CHECK(slice_eq(buf_slice(&back), s));
    }
    buf_release(&text);
    buf_release(&back);
}

static void base64_refuses_what_is_none(void)
{
    static const char *const bad[] = {
        "A", "AAA", "AA=A", "====", "A===", "AA==AAAA", "AA\nAAA==", "-_-_"};
    struct buf b;
    struct err e;

    buf_init(&b, 100);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK(digest_unbase64(slice_of(bad[i]), &b, &e) == -1);
        CHECK(e.code == ERR_MALFORMED);
        CHECK_INT(b.len, 0);
    }
    CHECK_OK(digest_unbase64(SLICE("aGk="), &b, &e), &e);
    CHECK_TEXT(buf_slice(&b), "hi");
    buf_release(&b);
}

static const struct test tests[] = {
    {"known digests are right", known_digests_are_right},
    {"crc32c is Castagnoli and continues", crc32c_is_castagnoli_and_continues},
    {"base64 of every length comes back", base64_of_every_length_comes_back},
    {"base64 refuses what is none", base64_refuses_what_is_none},
};

int main(void)
{
    return test_main(tests, ARRAY_LEN(tests));
}
