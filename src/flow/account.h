/*
 * account.h - the sum that must close, topic by topic.
 *
 * received = stored (messages), and for what the batch has taken
 * stored + expanded = cleaned + rejected + duplicate (records).  Everything
 * is read from the broker, the ledger and the tables; nothing is remembered
 * from the run that made it.
 */
#ifndef FLOW_ACCOUNT_H
#define FLOW_ACCOUNT_H

#include "flow/batch.h"

struct account {
    char topic[TOPIC_NAME_MAX + 1];
    const char *table; /* NULL: a topic that feeds no table */
    int64_t received;  /* as given by the caller; -1: not known */
    int64_t stored;
    int64_t pending; /* stored, not taken by the batch yet */
    int64_t expanded, cleaned, rejected, duplicate;
    int64_t lost; /* taken by retention before the batch saw them */
    bool closes;
};

/* Accounts of every topic, by name; *ret is the caller's (mem_free). */
int account_all(struct project *p, const struct spec *spec, struct broker *b,
                struct account **ret, size_t *n, struct err *e) MUST_USE;
/* Set what was received and judge again. */
void account_received(struct account *a, int64_t received);
/* One sentence on the first that does not close (ERR_DATA), else 0. */
int account_check(const struct account *a, size_t n, struct err *e) MUST_USE;

#endif
