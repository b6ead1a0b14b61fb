#include "net/xml.h"

#include "test.h"

static struct err e;

/* "+a+b=text-b-a" of a document, or "! reason". */
static void reads(const char *text, const char *want)
{
    struct buf scratch;
    struct buf got;
    struct xml_event v;
    struct xml x;
    int rc;

    buf_init(&scratch, 4096);
    buf_init(&got, 4096);
    xml_init(&x, slice_of(text), &scratch);
    while ((rc = xml_next(&x, &v, &e)) == 1) {
        if (v.kind == XML_TEXT) {
            CHECK_OK(buf_putf(&got, NULL, "=%.*s", SLICE_FMT(v.text)), &e);
        } else {
            CHECK_OK(buf_putf(&got, NULL, "%c%.*s",
                              v.kind == XML_OPEN ? '+' : '-',
                              SLICE_FMT(v.name)),
                     &e);
        }
    }
    if (rc < 0) {
        buf_clear(&got);
        CHECK_OK(buf_putf(&got, NULL, "! %s", e.msg), &e);
    }
    test_check_text(__FILE__, __LINE__, buf_slice(&got), want);
    buf_release(&got);
    buf_release(&scratch);
}

static void elements_and_text_are_told(void)
{
    reads("<?xml version=\"1.0\"?><a><b>x</b><c/></a>", "+a+b=x-b+c-c-a");
    reads("\xef\xbb\xbf<a xmlns='u>v'> <s3:k at=\"/>\">1</s3:k>\n</a>",
          "+a= +k=1-k=\n-a");
    reads("<a>&lt;&#34;&amp;&#x1F60D;\xc3\xa4</a>",
          "+a=<\"&\xf0\x9f\x98\x8d\xc3\xa4-a");
    reads("<a><!-- <b> --><![CDATA[<&amp;]]></a>", "+a=<&amp;-a");
    reads("<a ></a >", "+a-a");
}

static void what_is_not_well_formed_is_refused(void)
{
    reads("", "! the XML has an early end at byte 0");
    reads("<a>", "! the XML has an early end at byte 3");
    reads("<a></b>", "! the XML has an end tag that does not fit at byte 6");
    reads("<a/><b/>", "! the XML has a second outermost element at byte 6");
    reads("<a>&nbsp;</a>", "! the XML has an unknown entity at byte 3");
    reads("<a>&#xd800;</a>", "! the XML has an unknown entity at byte 3");
    reads("<!DOCTYPE a><a/>", "! the XML has a document type at byte 0");
    reads("<a b='c></a>", "! the XML has a tag without an end at byte 2");
    reads("<a><!-- </a>", "! the XML has an open end at byte 3");
    reads("<a><b><c><d><e><f><g><h><i><j><k><l><m><n><o><p><q>",
          "! the XML is nested over 16 deep");
}

static void it_knows_where_it_is(void)
{
    struct buf scratch;
    struct xml_event v;
    struct xml x;
    size_t keys = 0;

    buf_init(&scratch, 4096);
    xml_init(&x, SLICE("<l><c><k>1</k></c><k>2</k><c><k>3</k></c></l>"),
             &scratch);
    while (xml_next(&x, &v, &e) == 1) {
        keys += v.kind == XML_TEXT && xml_is_at(&x, "l/c/k");
        CHECK(xml_is_at(&x, "l/c/k") == xml_is_at(&x, "*/c/k"));
        CHECK(!xml_is_at(&x, "l/c/k/x"));
    }
    CHECK_INT(keys, 2);
    buf_release(&scratch);
}

int main(void)
{
    static const struct test tests[] = {
        {"elements and text are told", elements_and_text_are_told},
        {"what is not well formed is refused",
         what_is_not_well_formed_is_refused},
        {"it knows where it is", it_knows_where_it_is},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
