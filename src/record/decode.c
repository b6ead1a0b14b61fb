#include "record/decode.h"

static const char *const how_words[] = {
#define XX(name, word) word,
    DECODE_HOW_MAP(XX)
#undef XX
};

static const char *const reject_words[] = {
#define XX(name, words) words,
    DECODE_REJECT_MAP(XX)
#undef XX
};

const char *decode_how_word(enum decode_how how)
{
    assert((size_t)how < ARRAY_LEN(how_words));
    return how_words[how];
}

const char *decode_reject_word(enum decode_reject r)
{
    assert((size_t)r < ARRAY_LEN(reject_words));
    return reject_words[r];
}
