/* What was installed inside of a container since it was made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum package_origin { PACKAGE_OF_PIP, PACKAGE_OF_SYSTEM };

/* The package whose installation adds @path: ".../site-packages/NAME-VERSION.dist-info" is pip's
 * "NAME==VERSION", "/var/lib/dpkg/info/NAME.list" the system's "NAME". False for other paths. */
bool package_of_path(const char *path, enum package_origin *ret_origin, char *dst, size_t size);
