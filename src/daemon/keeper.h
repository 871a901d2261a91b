/*
 * The keeper: the thread that keeps the ledger true. It reads the engine at start, follows its
 * events, compares everything once a minute and after every reconnect, and takes the CPU samples.
 * It also ends what must not be: a container started behind our back on a device that another one
 * has.
 */
#pragma once

#include "daemon/daemon.h"

/* Runs until daemon.stopping. */
void keeper_run(struct daemon *d);

/* gpu_monitor's callback: takes the new inventory into the ledger. @ctx is the struct daemon. */
void keeper_inventory_changed(void *ctx);
