/*
 * notify.h - telling the service manager how this process is (sd_notify).
 */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

#include "core/base.h"

/* Send "READY=1", "STOPPING=1", "STATUS=..." to $NOTIFY_SOCKET; false when
 * nobody asked for it or it could not be sent, which is no fault. */
bool notify_manager(const char *state);

#endif
