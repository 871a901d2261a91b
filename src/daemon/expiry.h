/*
 * The thread that keeps the rules of time (core/expiry.h): looks at every running container that
 * has devices, warns its person, and stops it when its time is over. It never removes anything.
 */
#pragma once

#include "daemon/daemon.h"

/* Runs until daemon.stopping. */
void expiry_run(struct daemon *d);
