/*
 * What ds01d may do as root: a short list of capabilities, each with its reason, and no more. It is
 * given up at start, before the first byte from outside is read, and can't come back.
 */
#pragma once

/* Gives up everything that is not in the list. What is in it, but was not there to begin with, is
 * logged: somebody has made the service's list too short. 0 or -errno. */
int privileges_reduce(void);
