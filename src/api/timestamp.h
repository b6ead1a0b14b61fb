/*
 * timestamp.h - times as the Kafka REST contracts write them.
 */
#ifndef API_TIMESTAMP_H
#define API_TIMESTAMP_H

#include "core/slice.h"

/* "2026-11-21T10:00:00Z", with a fraction, with +01:00 in the place of Z, or
 * without a zone (UTC); or a number: seconds, milliseconds from 1e11 on. */
bool timestamp_parse(struct slice s, int64_t *ret_us);

#endif
