#include "json/json_write.h"
