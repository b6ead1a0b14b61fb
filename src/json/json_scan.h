/*
 * json_scan.h - where a JSON text or container ends, in bytes that come in
 * pieces.
 *
 * The scanner follows the grammar (what may stand behind what, brackets that
 * match, no raw control in a text), so that a value that was cut short is
 * noticed at the next one; escapes, numbers, words and UTF-8 are left to
 * json_parse().
 */
#ifndef JSON_JSON_SCAN_H
#define JSON_JSON_SCAN_H

#include "json/json.h"

enum json_scan_state {
    JSON_SCAN_VALUE,        /* wants a value */
    JSON_SCAN_VALUE_OR_END, /* the same or ']' */
    JSON_SCAN_KEY,          /* wants a name */
    JSON_SCAN_KEY_OR_END,   /* the same or '}' */
    JSON_SCAN_COLON,
    JSON_SCAN_BEHIND, /* wants ',' or what closes */
    JSON_SCAN_WORD,   /* in a number, true, false or null */
    JSON_SCAN_TEXT,   /* in a text */
    JSON_SCAN_ESCAPE, /* behind its backslash */
    JSON_SCAN_DONE,
    JSON_SCAN_BAD,
};

struct json_scan {
    enum json_scan_state state;
    bool name;    /* the text at hand is a name */
    size_t depth; /* open brackets */
    size_t at;    /* bytes looked at; when DONE: the value's length */
    uint64_t objects[JSON_DEPTH_MAX / 64]; /* which of them are { */
};

/* For a value whose first byte is {, [ or ". */
void json_scan_init(struct json_scan *s);
/* Look on: bytes holds all from the value's first byte on.  DONE, BAD (not a
 * value, or nests too deep), or any other state: more bytes are wanted. */
enum json_scan_state json_scan_step(struct json_scan *s, struct slice bytes);

#endif
