/*
 * pyliteral.h - what Python's repr() printed, as JSON.
 *
 * Some producers post str(row) instead of json.dumps(row).  Understood are
 * dicts with text keys, lists, tuples, texts (prefixes r and u, triple quotes,
 * adjacent texts, every escape but \N{...}), None, True, False, decimal
 * integers and floats.  \ud83d\ude0d side by side mean one character.  All
 * else is refused and never guessed at: nan, inf, bytes, sets, other keys,
 * names, calls, hexadecimal numbers, a surrogate alone, comments.
 */
#ifndef RECORD_PYLITERAL_H
#define RECORD_PYLITERAL_H

#include "core/buf.h"

enum {
    PYLITERAL_DEPTH_MAX = 200 /* as Python's own parser */
};

/*
 * Append the JSON text of the literal in s, which is UTF-8 and a dict, a list
 * or a tuple.  ERR_MALFORMED with the byte and the reason; ERR_LIMIT when it
 * nests too deep or b is full.  On failure b is as before.
 */
int pyliteral_to_json(struct buf *b, struct slice s, struct err *e) MUST_USE;

#endif
