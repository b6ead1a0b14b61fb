#include "api/pyjson.h"

#include "test.h"

/* Positions and words as Python 3.11 prints them. */
static void table_of_faults(void)
{
    static const struct {
        const char *text;
        int at; /* -1: Python reads it */
        const char *words;
    } cases[] = {
        {"{}", -1, NULL},
        {" [1, -2.5e+3, \"\\u00e9\", null, NaN, -Infinity] ", -1, NULL},
        {"{\"a\":{\"b\":[[],{}]},\"c\":true}", -1, NULL},
        {"", 0, "Expecting value"},
        {"   ", 3, "Expecting value"},
        {"{", 1, "Expecting property name enclosed in double quotes"},
        {"{\"a\"", 4, "Expecting ':' delimiter"},
        {"{\"a\":", 5, "Expecting value"},
        {"{\"a\":1", 6, "Expecting ',' delimiter"},
        {"{\"a\":1,", 7, "Expecting property name enclosed in double quotes"},
        {"{\"a\":1,}", 7, "Expecting property name enclosed in double quotes"},
        {"{a:1}", 1, "Expecting property name enclosed in double quotes"},
        {"{'a':1}", 1, "Expecting property name enclosed in double quotes"},
        {"[1,]", 3, "Expecting value"},
        {"[1 2]", 3, "Expecting ',' delimiter"},
        {"[", 1, "Expecting value"},
        {"[1", 2, "Expecting ',' delimiter"},
        {"1 2", 2, "Extra data"},
        {"01", 1, "Extra data"},
        {"1.", 1, "Extra data"},
        {"-", 0, "Expecting value"},
        {"tru", 0, "Expecting value"},
        {"\"abc", 0, "Unterminated string starting at"},
        {"[\"abc", 1, "Unterminated string starting at"},
        {"\"a\\", 0, "Unterminated string starting at"},
        {"\"a\\x\"", 2, "Invalid \\escape"},
        {"\"a\\u12\"", 3, "Invalid \\uXXXX escape"},
        {"\"a\nb\"", 2, "Invalid control character at"},
        {"\"\xc3\xa9\xc3\xa9\" x", 5, "Extra data"},
        {"]", 0, "Expecting value"},
        {"{\"a\":1]", 6, "Expecting ',' delimiter"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *words = "";
        int64_t at = -1;
        bool got = pyjson_fault(slice_of(cases[i].text), &at, &words);

        if (got != (cases[i].at >= 0) || (got && at != cases[i].at)) {
            test_fail(__FILE__, __LINE__, "%s: at %d, want %d", cases[i].text,
                      (int)at, cases[i].at);
        }
        if (got && cases[i].words != NULL) {
            CHECK_TEXT(slice_of(words), cases[i].words);
        }
    }
}

static void deep_nesting_ends(void)
{
    static char text[100000];
    const char *words;
    int64_t at;

    memset(text, '[', sizeof(text));
    CHECK(pyjson_fault((struct slice){text, sizeof(text)}, &at, &words));
}

int main(void)
{
    static const struct test tests[] = {
        {"faults are where Python finds them", table_of_faults},
        {"deep nesting ends", deep_nesting_ends},
    };

    return test_main(tests, ARRAY_LEN(tests));
}
