/*
 * stop.h - the one flag that SIGINT and SIGTERM raise.
 *
 * stop_install() is called once by main's thread; loops ask stop_asked() and
 * waits use stop_wait().  A second signal ends the process at once.  SIGPIPE is
 * ignored from stop_install() on: a reader that went away is a failed write.
 */
#ifndef CORE_STOP_H
#define CORE_STOP_H

#include "core/base.h"

void stop_install(void);
bool stop_asked(void);
int stop_signal(void); /* SIGINT, SIGTERM, or 0 */
void stop_ask(void);   /* as if a signal had come */
/* Sleep until asked to stop (true) or until us have passed (false). */
bool stop_wait(int64_t us);

#endif
