/*
 * pyjson.h - where and how Python's json module says a text is no JSON.
 *
 * FastAPI clients see its words and its position (in characters) in the 422
 * document, so they are found again here.
 */
#ifndef API_PYJSON_H
#define API_PYJSON_H

#include "core/slice.h"

/* False when Python would read s (valid UTF-8); else the position of the
 * fault and a static text. */
bool pyjson_fault(struct slice s, int64_t *ret_pos, const char **ret_words);

#endif
