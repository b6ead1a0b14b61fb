#include "json/json_scan.h"

void json_scan_init(struct json_scan *s)
{
    *s = (struct json_scan){.state = JSON_SCAN_VALUE};
}

static bool in_object(const struct json_scan *s)
{
    size_t i = s->depth - 1;

    return (s->objects[i / 64] >> (i % 64) & 1) != 0;
}

static void after_value(struct json_scan *s)
{
    s->state = s->depth == 0 ? JSON_SCAN_DONE : JSON_SCAN_BEHIND;
}

static void open_bracket(struct json_scan *s, bool object)
{
    uint64_t bit = (uint64_t)1 << (s->depth % 64);
    uint64_t *word = &s->objects[s->depth / 64];

    if (s->depth == JSON_DEPTH_MAX) {
        s->state = JSON_SCAN_BAD;
        return;
    }
    *word = object ? *word | bit : *word & ~bit;
    s->depth++;
    s->state = object ? JSON_SCAN_KEY_OR_END : JSON_SCAN_VALUE_OR_END;
}

static void close_bracket(struct json_scan *s, bool object)
{
    if (s->depth == 0 || in_object(s) != object) {
        s->state = JSON_SCAN_BAD;
        return;
    }
    s->depth--;
    after_value(s);
}

static bool in_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || c == '-' || c == '+' || c == '.';
}

/* A byte where a value may begin. */
static void begin(struct json_scan *s, char c)
{
    if (c == '"') {
        s->state = JSON_SCAN_TEXT;
        s->name = false;
    } else if (c == '{' || c == '[') {
        open_bracket(s, c == '{');
    } else if (c == ']' && s->state == JSON_SCAN_VALUE_OR_END) {
        close_bracket(s, false);
    } else {
        s->state = in_word(c) && s->depth > 0 ? JSON_SCAN_WORD : JSON_SCAN_BAD;
    }
}

/* A byte outside texts and words, no blank. */
static void structure(struct json_scan *s, char c)
{
    switch (s->state) {
    case JSON_SCAN_VALUE:
    case JSON_SCAN_VALUE_OR_END:
        begin(s, c);
        break;
    case JSON_SCAN_KEY:
    case JSON_SCAN_KEY_OR_END:
        if (c == '"') {
            s->state = JSON_SCAN_TEXT;
            s->name = true;
        } else if (c == '}' && s->state == JSON_SCAN_KEY_OR_END) {
            close_bracket(s, true);
        } else {
            s->state = JSON_SCAN_BAD;
        }
        break;
    case JSON_SCAN_COLON:
        s->state = c == ':' ? JSON_SCAN_VALUE : JSON_SCAN_BAD;
        break;
    case JSON_SCAN_BEHIND:
        if (c == ',') {
            s->state = in_object(s) ? JSON_SCAN_KEY : JSON_SCAN_VALUE;
        } else if (c == '}' || c == ']') {
            close_bracket(s, c == '}');
        } else {
            s->state = JSON_SCAN_BAD;
        }
        break;
    case JSON_SCAN_WORD:
    case JSON_SCAN_TEXT:
    case JSON_SCAN_ESCAPE:
    case JSON_SCAN_DONE:
    case JSON_SCAN_BAD:
        break;
    }
}

/* A byte of a text that is not plain. */
static void text_byte(struct json_scan *s, char c)
{
    if (c == '\\') {
        s->state = JSON_SCAN_ESCAPE;
    } else if (c != '"') {
        s->state = JSON_SCAN_BAD;
    } else if (s->name) {
        s->state = JSON_SCAN_COLON;
    } else {
        after_value(s);
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

enum json_scan_state json_scan_step(struct json_scan *s, struct slice bytes)
{
    const char *end = bytes.ptr + bytes.len;
    const char *at = bytes.ptr + s->at;

    while (at < end && s->state < JSON_SCAN_DONE) {
        if (s->state == JSON_SCAN_TEXT) {
            at = json_plain_end(at, end);
            if (at < end) {
                text_byte(s, *at++);
            }
        } else if (s->state == JSON_SCAN_ESCAPE) {
            s->state =
                (unsigned char)*at++ < 0x20 ? JSON_SCAN_BAD : JSON_SCAN_TEXT;
        } else if (s->state == JSON_SCAN_WORD && in_word(*at)) {
            at++;
        } else if (s->state == JSON_SCAN_WORD) {
            s->state = JSON_SCAN_BEHIND;
        } else {
            if (!is_blank(*at)) {
                structure(s, *at);
            }
            at++;
        }
    }
    s->at = (size_t)(at - bytes.ptr);
    return s->state;
}
