/*
 * Slices of systemd, for engines with the systemd cgroup driver. They are made by D-Bus
 * (StartTransientUnit, SetUnitProperties) and never by unit files: those would need a
 * daemon-reload, which takes GPUs from running containers (the device rules are written anew).
 * libsystemd is loaded at the first use, so only where the engine says that systemd is at work.
 */
#pragma once

#include "base/err.h"
#include "core/limits.h"

/* Makes the slice ("ds01-u1001.slice"), or brings its limits up to date. 0, or -errno with @err. */
int slice_prepare(const char *name, const struct limits *limits, struct err *err);

/* Lets the unit of a container ("docker-ID.scope") read and write the device node @device, until it
 * ends: what systemd knows of, a daemon-reload doesn't take away. 0, or -errno with @err. */
int slice_allow_device(const char *unit, const char *device, struct err *err);
