/*
 * message.h - what a topic holds at an offset; a borrowed view.
 */
#ifndef RECORD_MESSAGE_H
#define RECORD_MESSAGE_H

#include "core/slice.h"

struct message {
    int64_t offset;
    int64_t time_us; /* when it was stored, or what the producer said */
    struct slice key;
    struct slice value;
    struct slice headers; /* (name length u32le, name, value length u32le or
                             0xFFFFFFFF for null, value)*; empty: none */
    bool has_key;
    bool has_value; /* false: a tombstone */
};

#endif
