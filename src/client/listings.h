/* Lists that more than one command shows. */
#pragma once

#include "client/listing.h"

extern const struct listing gpus_listing;  /* GET /v1/gpus */
extern const struct listing queue_listing; /* GET /v1/queue */
