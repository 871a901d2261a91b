/* An image as the API describes it. */
#pragma once

#include "client/listing.h"

#include <stddef.h>

struct image {
        char reference[512]; /* "ds01-1001/thesis:latest" */
        char repository[512], tag[136], id[80];
        char project[128]; /* "" for a base */
        char created_at[40];
        char containers[1024]; /* names of the caller's, joined by ", " */
        int64_t size_bytes;
        bool mine;
};

extern const struct row_kind image_rows; /* of struct image */

/* The project that people mean by "thesis", "ds01-1001/thesis" or "ds01-1001/thesis:latest", when
 * that is an image of the caller's. False for another person's, or another tag. */
bool image_project(const char *typed, char *dst, size_t size);
